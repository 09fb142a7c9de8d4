"""The copy check finds what was planted, and misses nothing that brute force finds."""

from __future__ import annotations

import random
import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gtt.interpret.copying import GRAM, SHORTEST, Copies, find_copies

FEW_WORDS = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=60)


def looked(text: str, training: list[str], validation: str = "", chunk: int = 1 << 18) -> Copies:
    looking = find_copies(text, training, validation, chunk=chunk)
    while True:
        try:
            next(looking)
        except StopIteration as end:
            copies: Copies = end.value
            return copies


def brute_runs(asked: list[str], training: list[str]) -> set[tuple[int, int]]:
    """First word and length of every run that no other run contains."""
    found = set()
    for place in range(len(asked)):
        longest = 0
        for other in range(len(training)):
            length = 0
            while (
                place + length < len(asked)
                and other + length < len(training)
                and asked[place + length] == training[other + length]
            ):
                length += 1
            longest = max(longest, length)
        if longest >= SHORTEST:
            found.add((place, longest))
    return {
        (place, length)
        for place, length in found
        if not any(
            (a, n) != (place, length) and a <= place and place + length <= a + n for a, n in found
        )
    }


def grams(words: list[str]) -> list[tuple[str, ...]]:
    return [tuple(words[i : i + GRAM]) for i in range(len(words) - GRAM + 1)]


@settings(deadline=None)  # a busy machine is no fault
@given(FEW_WORDS, FEW_WORDS, FEW_WORDS, st.integers(1, 40), st.integers(1, 50))
def test_nothing_is_missed(
    asked: list[str], training: list[str], validation: list[str], piece: int, chunk: int
) -> None:
    whole = " ".join(training)
    pieces = [whole[i : i + piece] for i in range(0, len(whole), piece)]
    text = " ".join(asked)
    copies = looked(text, pieces, " ".join(validation), chunk)
    runs = {(text[: run.start].count(" "), run.words) for run in copies.runs}
    assert runs == brute_runs(asked, training)
    for run in copies.runs:
        assert run.same == text[run.start : run.end]
        there = " ".join(part for part in (run.before, run.same, run.after) if part)
        assert f" {there} " in f" {whole} "
    known = set(grams(training))
    for share, words in ((copies.novel, asked), (copies.novel_in_validation, validation)):
        mine = grams(words)
        expected = None if not mine else sum(one not in known for one in mine) / len(mine)
        assert share == expected
    assert copies.training_words == len(training)


def test_a_planted_passage_is_found_with_its_surroundings() -> None:
    training = " ".join(f"word{n}" for n in range(5000))
    planted = " ".join(f"word{n}" for n in range(1200, 1212))
    text = f"Something new, then {planted} and on."
    (run,) = looked(text, [training]).runs
    assert text[run.start : run.end] == planted == run.same
    assert run.words == 12
    assert run.before.endswith("word1199")
    assert run.after.startswith("word1212")


@pytest.mark.parametrize("chunk", [7, 50, 10_000])
def test_a_run_over_the_edge_of_a_chunk_stays_whole(chunk: int) -> None:
    words = [f"w{n}" for n in range(300)]
    (run,) = looked(" ".join(words[90:130]), [" ".join(words)], chunk=chunk).runs
    assert run.words == 40


def test_white_space_does_not_matter_and_case_does() -> None:
    training = "the king rode out\n\nto the green meadow at dawn"
    assert looked("king  rode out to\tthe green", [training]).runs[0].words == 6
    assert looked("King Rode Out To The Green", [training]).runs == ()


def test_a_text_of_the_training_part_has_no_novel_gram() -> None:
    words = [f"w{n % 91}" for n in range(400)]
    text = " ".join(words)
    copies = looked(text, [text], " ".join(reversed(words)))
    assert copies.novel == 0
    assert copies.novel_in_validation == 1
    assert [run.words for run in copies.runs] == [400]


@pytest.mark.parametrize("text", ["", " \n ", "too short"])
def test_a_text_of_few_words_has_no_share(text: str) -> None:
    copies = looked(text, ["some training text"])
    assert copies.novel is None
    assert copies.runs == ()


def test_the_longest_run_stands_first() -> None:
    training = " ".join(f"w{n}" for n in range(100))
    text = f"{training[:60]} gap {training[100:250]} gap {training[:40]}"
    lengths = [run.words for run in looked(text, [training]).runs]
    assert lengths and all(a >= b for a, b in pairwise(lengths))


def test_what_repeats_itself_without_end_costs_no_more_than_other_text() -> None:
    """Ten thousand times ten thousand places fit; none of these pairs is ever listed."""
    tracemalloc.start()
    (run,) = looked("a " * 10_000, ["a " * 30_000], chunk=1 << 15).runs
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert run.words == 10_000
    assert peak < 60e6


CHINESE = "".join(
    random.Random(3).choices("春夏秋冬山水風雲日月星天地人和平安樂書畫琴棋詩酒花鳥，。", k=9000)
)
THAI = "".join(random.Random(4).choices([chr(point) for point in range(0xE01, 0xE2E)], k=9000))
DNA = "".join(random.Random(5).choices("ACGT", k=9000))


@pytest.mark.parametrize("training", [CHINESE, THAI, DNA], ids=["Chinese", "Thai", "DNA"])
@pytest.mark.parametrize("piece", [100, 9000])
def test_characters_are_counted_where_words_are_not_separated(training: str, piece: int) -> None:
    recited = training[4000:4060]
    text = training[7:9] + recited + training[1:3]
    pieces = [training[i : i + piece] for i in range(0, len(training), piece)]
    found = looked(text, pieces, training[:500][::-1], chunk=512)
    assert found.unit == "characters"
    longest = found.runs[0]
    assert longest.words >= 60 and recited in longest.same
    assert text[longest.start : longest.end] == longest.same
    assert longest.before + longest.same + longest.after in training
    assert found.novel is not None and found.novel_in_validation is not None
    assert found.novel < 0.2 < 0.9 < found.novel_in_validation
    assert found.training_words == len(training)

    new = looked(text[::-1], pieces, training[:500][::-1], chunk=512)
    assert (new.runs, new.novel) == ((), 1)


@pytest.mark.parametrize(
    ("first", "last"),
    [("\u0f40", "\u0f6c"), ("\u1000", "\u1020"), ("\u1780", "\u17a2"), ("\ua984", "\ua9b2")]
    + [("\u1980", "\u19ab"), ("\ua000", "\ua0ff"), ("\uff71", "\uff9d"), ("a", "z")],
    ids=["Tibetan", "Burmese", "Khmer", "Javanese", "Tai Lue", "Yi", "narrow kana", "code words"],
)
def test_blanks_between_phrases_separate_no_words(first: str, last: str) -> None:
    """Sixty letters of a phrase after another are three of them, and no five in a row."""
    random_ = random.Random(6)
    letters = [chr(point) for point in range(ord(first), ord(last) + 1)]
    phrases = ["".join(random_.choices(letters, k=random_.randint(17, 23))) for _ in range(300)]
    training = " ".join(phrases)
    recited = training[3000:3060]
    found = looked(f"{letters[0]}{recited}{letters[1]}", [training])
    assert found.unit == "characters"
    assert found.runs and found.runs[0].words >= len(recited.replace(" ", ""))


def test_fewer_letters_take_more_of_them_in_a_row() -> None:
    lengths = [looked("x", [text]).shortest for text in (THAI, CHINESE, DNA)]
    assert lengths == sorted(lengths) and lengths[0] < 10 < lengths[2]
    latin = looked("x", ["some words of a text " * 40])
    assert (latin.unit, latin.shortest, latin.gram) == ("words", SHORTEST, GRAM)


def test_characters_are_counted_where_the_text_asked_about_does_not_separate_them() -> None:
    training = "an introduction in English words " * 2500 + CHINESE
    found = looked(CHINESE[4000:4060], [training])
    assert (found.unit, found.runs[0].words) == ("characters", 60)
