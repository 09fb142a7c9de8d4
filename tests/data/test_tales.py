"""Tales: exact numbers against samples, and a judge that can be wrong in no direction."""

from __future__ import annotations

import re
from math import inf, sqrt
from random import Random
from statistics import mean, stdev

import pytest

from gtt.data import tales
from gtt.data.tales_lexicon import CAST
from gtt.data.tales_plots import SENTENCES

STREAM = list(tales.write_tales(250_000, seed=11))
TEXT = "".join(STREAM)
SMALL = STREAM[:300]
NAMES = {str(record["name"]): record for record in CAST["hero"]}


def test_the_seed_decides_the_text() -> None:
    first = "".join(tales.write_tales(5000, seed=4))
    assert first == "".join(tales.write_tales(5000, seed=4))
    assert first != "".join(tales.write_tales(5000, seed=5))
    assert TEXT.startswith("".join(tales.write_tales(5000, seed=11)))


def test_the_length_asked_for_is_reached_with_whole_tales() -> None:
    assert len(TEXT) >= 250_000 > len(TEXT) - len(STREAM[-1])
    assert all(tale.endswith((".\n\n", '."\n\n')) for tale in STREAM)
    assert list(tales.write_tales(0, seed=1)) == []


def test_no_two_alternatives_begin_one_another() -> None:
    assert tales.grammar().overlaps() == []


def test_every_tale_has_one_derivation_with_the_probability_of_its_draws() -> None:
    random = Random(8)
    for _ in range(1000):
        sample = tales.grammar().sample(random)
        assert list(tales.grammar().derivations(sample.text)) == pytest.approx(
            [sample.log_probability]
        )


def test_the_entropy_is_the_mean_surprise_of_samples() -> None:
    random = Random(21)
    surprises = [-tales.grammar().sample(random).log_probability for _ in range(5000)]
    error = stdev(surprises) / sqrt(len(surprises))
    assert abs(mean(surprises) - tales.grammar().entropy()) < 4 * error
    assert error < 0.01 * tales.grammar().entropy()  # or the line above says little


def test_the_expected_length_is_that_of_samples() -> None:
    lengths = [len(tale) for tale in STREAM]
    exact = tales.grammar().expected_length() + len(tales.SEPARATOR)
    assert abs(mean(lengths) - exact) < 4 * stdev(lengths) / sqrt(len(lengths))


def test_the_floor_leaves_room_above_and_below() -> None:
    """A floor near zero could not be approached to within 12 %; a uniform text would be noise."""
    assert 0.3 < tales.entropy_rate() < 0.8
    assert tales.grammar().cast_entropy() < 0.1 * tales.grammar().entropy()


def test_log_probability_takes_a_tale_with_or_without_its_separator() -> None:
    tale = STREAM[0]
    assert -inf < tales.log_probability(tale) == tales.log_probability(tale.rstrip("\n"))


def test_the_language_is_as_large_and_its_alphabet_as_small_as_promised() -> None:
    assert tales.production_count() >= 400
    assert len(set(TEXT)) <= 60
    assert set(TEXT) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ .,!?\"'\n")


def test_tales_have_four_to_eight_sentences_as_the_judge_cuts_them() -> None:
    counts = {tales.judge(tale).sentences for tale in STREAM}
    assert counts == {4, 5, 6, 7, 8}


def test_every_sentence_template_is_cut_as_one_sentence() -> None:
    grammar = tales.grammar()
    sentences = [s for tale in STREAM for s in tales.split_sentences(tale.rstrip("\n"))]
    assert all(tales.is_sentence(sentence) for sentence in sentences[:2000])
    assert max(map(len, sentences)) <= tales.longest_sentence()
    templates = [rule for rule in SENTENCES if any(grammar.derives(s, rule) for s in sentences)]
    assert templates == list(SENTENCES)


def test_names_and_pronouns_stay_the_same_through_a_tale() -> None:
    for tale in SMALL:
        names = set(re.findall(r"[A-Z][a-z]+", tale)) & set(NAMES)
        assert len(names) == 1, tale
        record = NAMES[names.pop()]
        others = {"she", "her"} if record["he"] == "he" else {"he", "his", "him"}
        assert not others & set(re.findall(r"[a-z]+", tale.lower())), tale


def test_real_text_is_wholly_valid() -> None:
    judgement = tales.judge("".join(SMALL))
    assert judgement.tales == judgement.valid_tales == len(SMALL)
    assert judgement.sentence_share == judgement.tale_share == 1.0
    assert judgement.first_invalid is None


def test_noise_scores_nothing() -> None:
    random = Random(1)
    alphabet = sorted(set(TEXT))
    for length in (1, 10, 1000, 20_000):
        judgement = tales.judge("".join(random.choice(alphabet) for _ in range(length)))
        assert judgement.sentence_share == judgement.tale_share == 0.0
    assert judgement.sentences > 0 and judgement.first_invalid is not None


def test_shuffled_words_score_nothing() -> None:
    words = TEXT[:60_000].split()
    Random(1).shuffle(words)
    judgement = tales.judge(" ".join(words))
    assert judgement.sentences > 100 and judgement.sentence_share < 0.02


@pytest.mark.parametrize(
    "text", ["", " ", "\n", "\n\n", "\n\n\n\n", '"', ".", "\ud800é\0 世界. Ж", "?!" * 9]
)
def test_odd_text_is_judged_without_a_valid_sentence(text: str) -> None:
    judgement = tales.judge(text)
    assert judgement.valid_sentences == judgement.valid_tales == 0
    assert judgement.sentence_share == judgement.tale_share == 0.0


def test_one_wrong_word_spoils_its_sentence_and_its_tale_only() -> None:
    text = "".join(SMALL[:3])
    sentences = tales.split_sentences(SMALL[1].rstrip("\n"))
    broken = re.sub(r"\b[a-z]{4,}\b", "wibble", sentences[2], count=1)
    judgement = tales.judge(text.replace(sentences[2], broken))
    assert judgement.sentences - judgement.valid_sentences == 1
    assert judgement.tales - judgement.valid_tales == 1
    assert judgement.first_invalid == broken


def test_a_wrong_name_spoils_the_tale_but_not_the_sentence() -> None:
    for tale in SMALL:
        sentences = tales.split_sentences(tale.rstrip("\n"))
        name = next(name for name in NAMES if name in tale)
        other = next(n for n in NAMES if n != name and NAMES[n]["he"] == NAMES[name]["he"])
        if name not in sentences[-1]:
            continue
        sentences[-1] = sentences[-1].replace(name, other)
        judgement = tales.judge(" ".join(sentences) + "\n\n")
        assert judgement.sentence_share == 1.0 and judgement.tale_share == 0.0


def test_fragments_at_both_ends_are_not_counted() -> None:
    tale = next(t for t in SMALL if tales.split_sentences(t)[0].startswith("Once"))
    whole = tales.judge(tale)
    cut = tales.judge(tale[5:-8])
    assert cut.sentences == cut.valid_sentences == whole.sentences - 2
    assert cut.tales == 0 and cut.first_invalid is None


def test_a_text_without_full_stops_is_not_free_of_mistakes() -> None:
    assert tales.judge("and so on " * 100).sentences == 1
    assert tales.judge("And so on " * 100).sentences == 1


def test_quoted_questions_end_with_their_speaker() -> None:
    text = (
        'So he said it. "Do you see it?" asked Mira. "Yes," barked the fox. He said, "Try it." So'
    )
    assert tales.split_sentences(text) == [
        "So he said it.",
        '"Do you see it?" asked Mira.',
        '"Yes," barked the fox.',
        'He said, "Try it."',
        "So",
    ]
