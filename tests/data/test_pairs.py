"""Byte pairs of a text without separators: about linear, and nobody waits to interrupt them."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

import pytest

from gtt.data import merges
from gtt.data.merges import learn_merges
from gtt.data.progress import Progress
from gtt.data.token_boundaries import WORD, to_learn_from
from gtt.data.tokenizer_training import train_bpe_tokenizer


def dna(count: int) -> str:
    return "".join(random.Random(7).choices("ACGT", k=count))


def test_endless_stretches_are_taught_in_short_words() -> None:
    text = f"Some words first, {dna(3000)} and some after. {'x' * (2 * WORD - 1)}"
    taught = list(to_learn_from(text, 8192))
    assert "".join(taught) == text
    assert max(map(len, taught)) < 2 * WORD + len(" and some after. ")
    assert list(to_learn_from("No stretch here is endless. " * 900, 8192))[1:]


def test_merges_cost_about_their_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the items that are moved: a merge in a word moves what follows it there."""
    moved = 0

    def counted(word: list[int], pair: tuple[int, int], id: int) -> list[tuple[merges.Pair, int]]:
        nonlocal moved
        before = len(word)
        changes = merge_in(word, pair, id)
        moved += before * (1 + before - len(word))
        return changes

    merge_in = merges._merge_in
    monkeypatch.setattr(merges, "_merge_in", counted)
    work = []
    for count in (10_000, 40_000):
        moved = 0
        assert len(learn_merges(dna(count), 300).merges) == 44
        work.append(moved)
    assert work[1] < 5 * work[0]


def test_the_library_learns_as_fast_without_spaces_as_with_them() -> None:
    """Words of the length in which a text without spaces is taught, in the same run."""
    text = dna(400_000)
    words = " ".join(text[start : start + WORD] for start in range(0, len(text), WORD))
    seconds = []
    for one in (words, text):
        began = time.process_time()
        train_bpe_tokenizer([one], 320)
        seconds.append(time.process_time() - began)
    assert seconds[1] < 4 * seconds[0]


def test_the_library_and_the_steps_learn_the_same_merges() -> None:
    text = dna(20_000)
    tokenizer, table = train_bpe_tokenizer([text], 300), learn_merges(text, 300)
    learned = [table.tokens[merge.first] + table.tokens[merge.second] for merge in table.merges]
    assert [(first + second).encode() for first, second in tokenizer.merges] == learned
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_who_waits_hears_of_it_and_may_leave() -> None:
    """What the report raises, as a stop does, ends the waiting at once."""
    heard: list[Progress] = []

    def stop(progress: Progress) -> None:
        heard.append(progress)
        raise KeyboardInterrupt

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        train_bpe_tokenizer([dna(1_000_000)], 512, stop)
    assert time.monotonic() - began < 2
    assert heard[0].stage == "merging byte pairs"


def test_what_fails_while_the_text_is_read_is_raised() -> None:
    def broken() -> Iterator[str]:
        yield "some text"
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        train_bpe_tokenizer(broken(), 300)
