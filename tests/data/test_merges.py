"""Byte-pair encoding step by step against the `tokenizers` library."""

from __future__ import annotations

import inspect
import json.decoder
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from random import Random

import pytest

from gtt.data.merges import (
    Merge,
    MergeTable,
    apply_merges,
    learn_merges,
    show_bytes,
    split_bytes,
)
from gtt.data.tales import write_tales
from gtt.data.tasks import TASKS
from gtt.data.tokenizer_json import BYTE_OF
from gtt.data.tokenizer_training import train_bpe_tokenizer

TEXTS = {
    "tales": "".join(write_tales(60_000, seed=1)),
    "code": inspect.getsource(json.decoder),
    "sums": "".join(line for line, _ in zip(TASKS["addition"].write(3), range(2000))),
    "runs of one letter": "aaaa aaaaa aaaaaaa baaab aab " * 50,
    "other scripts": "你好世界，世界你好！ नमस्ते Übergrößenträger naïve 🙂🙂👍 \r\n\t  \n\n" * 40,
}


def symbols_of(table: MergeTable, merge: Merge) -> tuple[str, str]:
    """A merge in the byte alphabet, as the library writes it."""
    symbol = {byte: symbol for symbol, byte in BYTE_OF.items()}
    first, second = (table.tokens[id] for id in (merge.first, merge.second))
    return "".join(map(symbol.__getitem__, first)), "".join(map(symbol.__getitem__, second))


def replayed(sentence: str, merges: Sequence[Merge]) -> list[int]:
    """The tokens of a sentence after all steps; each step must join what it says it does."""
    tokens = [id for word in split_bytes(sentence) for id in word]
    for step in apply_merges(sentence, merges):
        assert step.places
        assert merges[step.number - 1] == step.merge
        for place in step.places:
            assert tokens[place : place + 2] == [step.merge.first, step.merge.second]
            tokens[place : place + 2] = [step.merge.id]
    return tokens


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("vocab_size", [256, 300, 512, 4096])
def test_the_merges_are_those_of_the_library(name: str, vocab_size: int) -> None:
    table = learn_merges(TEXTS[name], vocab_size)
    tokenizer = train_bpe_tokenizer([TEXTS[name]], vocab_size)
    assert [symbols_of(table, merge) for merge in table.merges] == tokenizer.merges
    assert len(table.tokens) == tokenizer.vocab_size
    assert bool(table.merges) == (vocab_size > 256)


@pytest.mark.parametrize("name", TEXTS)
def test_the_steps_lead_to_the_tokens_of_the_library(name: str) -> None:
    text = TEXTS[name]
    table, tokenizer = learn_merges(text, 600), train_bpe_tokenizer([text], 600)
    for sentence in (text[1000:1400], "An unseen sentence, naïve 🙂\n", " ", "x"):
        assert replayed(sentence, table.merges) == tokenizer.encode(sentence)
    for known in (0, 1, 10, 40):  # and so after any number of merges
        fewer = train_bpe_tokenizer([text], 256 + known)
        merges = learn_merges(text, 256 + known).merges
        assert replayed(text[:300], merges) == fewer.encode(text[:300])


def test_equal_counts_are_decided_as_the_library_does() -> None:
    for seed in range(60):
        random = Random(seed)
        words = [
            "".join(random.choice("ab") for _ in range(random.randint(2, 14))) for _ in range(30)
        ]
        text = " ".join(words)
        table, tokenizer = learn_merges(text, 400), train_bpe_tokenizer([text], 400)
        merges = [symbols_of(table, merge) for merge in table.merges]
        assert merges == tokenizer.merges, text
        assert replayed(text, table.merges) == tokenizer.encode(text), text


def test_the_count_is_how_often_the_pair_stood_in_the_text() -> None:
    text = TEXTS["tales"]
    table = learn_merges(text, 280)
    words = split_bytes(text)
    for merge in table.merges:  # by counting anew before each merge
        pairs = Counter(pair for word in words for pair in pairwise(word))
        assert merge.count == pairs[merge.first, merge.second] == max(pairs.values())
        for word in words:
            place = 0
            while place < len(word) - 1:
                if (word[place], word[place + 1]) == (merge.first, merge.second):
                    word[place : place + 2] = [merge.id]
                place += 1


def test_a_text_without_a_pair_that_occurs_twice_teaches_nothing() -> None:
    assert learn_merges("", 512).merges == []
    assert learn_merges("abcdefg", 512).merges == []
    assert list(apply_merges("anything", [])) == []


def test_bytes_of_an_unfinished_character_are_shown_as_numbers() -> None:
    assert show_bytes(b" wise") == (" wise", True)
    assert show_bytes("é".encode()) == ("é", True)
    assert show_bytes(b" \xe2\x82") == (r" \xe2\x82", False)
