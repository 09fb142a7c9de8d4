"""Byte-pair encoding step by step: the merges learned from a text, and their effect on a sentence.

The merges are those that the `tokenizers` library learns (Sennrich et al. 2016, over the bytes as
in Radford et al. 2019), here with the count that made each of them the next one.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from gtt.data import token_boundaries
from gtt.data.tokenizer_json import BYTE_OF

_PIECE = 8192  # characters that enter the library as one text
_SYMBOLS = sorted(BYTE_OF)  # the first 256 tokens, in the order of their ids
_ID_OF = {symbol: id for id, symbol in enumerate(_SYMBOLS)}

Pair = tuple[int, int]


AT_ONCE = 20  # merges between two pauses


@dataclass(frozen=True)
class Merge:
    """Two neighbouring tokens that become the token `id`.

    `count` is how often they stood side by side in the text when they were chosen.
    """

    first: int
    second: int
    id: int
    count: int


@dataclass
class MergeTable:
    """The merges of a text in the order in which they were learned, and the bytes of each token."""

    merges: list[Merge] = field(default_factory=list)
    tokens: list[bytes] = field(default_factory=lambda: [bytes([BYTE_OF[s]]) for s in _SYMBOLS])


@dataclass(frozen=True)
class Step:
    """One merge at work in a sentence.

    `number` counts the merges learned, from 1; `places` are those of the joined tokens in the
    sentence as it is afterwards.
    """

    number: int
    merge: Merge
    places: tuple[int, ...]


def learn_merges(text: str, vocab_size: int) -> MergeTable:
    """Learns merges until there are `vocab_size` tokens or no pair occurs twice."""
    *_, table = learning_merges(text, vocab_size)
    return table


def learning_merges(text: str, vocab_size: int) -> Iterator[MergeTable]:
    """As `learn_merges`, with a pause every few merges; the last table that comes is whole.

    Each merge costs as many steps as its pair has places: much in a text without spaces, where
    all of it is one word.
    """
    vocab_size -= token_boundaries.END_OF_TEXT in text  # which is a token without merges
    counted = _count_words(text)
    words, counts = [list(word) for word in counted], list(counted.values())
    table = MergeTable()
    ids = {token: id for id, token in enumerate(table.tokens)}
    pair_counts: Counter[Pair] = Counter()
    places: defaultdict[Pair, set[int]] = defaultdict(set)
    for place, word in enumerate(words):
        for pair in pairwise(word):
            pair_counts[pair] += counts[place]
            places[pair].add(place)
    # The most frequent pair first; of equals the one with the smaller ids, as in the library.
    waiting = [(-count, pair) for pair, count in pair_counts.items()]
    heapq.heapify(waiting)
    while waiting and len(table.tokens) < vocab_size:
        count, pair = heapq.heappop(waiting)
        if -count != pair_counts[pair]:  # earlier merges took some of them
            heapq.heappush(waiting, (-pair_counts[pair], pair))
            continue
        if -count < 2:
            break
        token = table.tokens[pair[0]] + table.tokens[pair[1]]
        id = ids.setdefault(token, len(table.tokens))
        if id == len(table.tokens):  # else other merges have made these bytes a token before
            table.tokens.append(token)
        table.merges.append(Merge(*pair, id, -count))
        if len(table.merges) % AT_ONCE == 0:
            yield table
        appeared: set[Pair] = set()
        for place in places.pop(pair):
            for changed, change in _merge_in(words[place], pair, id):
                pair_counts[changed] += change * counts[place]
                if change > 0:
                    places[changed].add(place)
                    appeared.add(changed)
        for changed in appeared:
            if pair_counts[changed] > 0:
                heapq.heappush(waiting, (-pair_counts[changed], changed))
    yield table


def split_bytes(sentence: str) -> list[list[int]]:
    """The sentence before any merge: its words, each as the tokens of its bytes."""
    words = _words(token_boundaries.cut(sentence, _PIECE))
    return [[_ID_OF[symbol] for symbol in word] for word in words]


def apply_merges(sentence: str, merges: Sequence[Merge]) -> Iterator[Step]:
    """The merges that join tokens of a sentence, in the order in which they are applied.

    That is the order of learning, but a merge may create a pair of an earlier one, which is then
    applied next.
    """
    words = split_bytes(sentence)
    rank = {(merge.first, merge.second): number for number, merge in enumerate(merges)}
    none = len(merges)
    while True:
        pairs = (pair for word in words for pair in pairwise(word))
        number = min((rank.get(pair, none) for pair in pairs), default=none)
        if number == none:
            return
        yield _join(words, merges[number], number + 1)


def show_bytes(raw: bytes) -> tuple[str, bool]:
    r"""A token for display, and whether it is whole characters; other bytes read `\xe2\x82`."""
    try:
        return raw.decode("utf-8"), True
    except UnicodeDecodeError:
        return raw.decode("utf-8", errors="backslashreplace"), False


def _words(texts: Iterable[str]) -> Iterator[str]:
    """The words that merges never cross, in the byte alphabet: GPT-2's pattern."""
    from tokenizers import pre_tokenizers

    splitter = pre_tokenizers.ByteLevel(add_prefix_space=False)
    for piece in texts:
        for word, _ in splitter.pre_tokenize_str(piece):
            yield word


def _count_words(text: str) -> dict[tuple[int, ...], int]:
    """The distinct words as token ids, with how often each occurs."""
    return {
        tuple(_ID_OF[symbol] for symbol in word): count
        for word, count in Counter(_words(token_boundaries.to_learn_from(text, _PIECE))).items()
    }


def _merge_in(word: list[int], pair: Pair, id: int) -> list[tuple[Pair, int]]:
    """Joins a pair wherever it stands in a word; the neighbouring pairs that go (-1) and come."""
    changes: list[tuple[Pair, int]] = []
    place = 0
    while place < len(word) - 1:
        if (word[place], word[place + 1]) == pair:
            if place > 0:
                changes += [((word[place - 1], pair[0]), -1), ((word[place - 1], id), 1)]
            word[place : place + 2] = [id]
            if place + 1 < len(word):
                changes += [((pair[1], word[place + 1]), -1), ((id, word[place + 1]), 1)]
        place += 1
    return changes


def _join(words: list[list[int]], merge: Merge, number: int) -> Step:
    """Does a merge to every word of a sentence."""
    places, before = [], 0
    for word in words:
        place = 0
        while place < len(word):
            if word[place : place + 2] == [merge.first, merge.second]:
                word[place : place + 2] = [merge.id]
                places.append(before + place)
            place += 1
        before += len(word)
    return Step(number, merge, tuple(places))
