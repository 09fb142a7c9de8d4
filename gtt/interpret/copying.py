"""Is it copying? What of a text stands word for word in the text the model was trained on.

A word is what stands between white space. Two figures, as in McCoy et al. 2023 (How Much Do
Language Models Copy From Their Training Data?): the longest runs of words that training text has as
well, and the share of n-grams that it does not have. Copying as such means little where the
language itself repeats: the same share, measured on validation text that no model wrote, is the one
to compare with.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

GRAM = 8  # words whose novelty is counted
SHORTEST = 5  # words of a run that is shown
AROUND = 8  # words shown before and after a run where it stands in the training text
CHUNK = 1 << 18  # words of training text looked at in one go

_WORD = re.compile(r"\S+")
_BASE = np.uint64(0x9E3779B97F4A7C15)  # odd, so that no power of it is 0 modulo 2^64

Numbers = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Run:
    """Words in a row that the training text has as well.

    `start` and `end` are characters of the text that was asked about; `before`, `same` and `after`
    are the training text around one of the places where the run stands.
    """

    start: int
    end: int
    words: int
    before: str
    same: str
    after: str


@dataclass(frozen=True)
class Copies:
    """What a text shares with training text.

    `runs` are the maximal ones, the longest first. `novel` is the share of the text's n-grams that
    the training text does not have, `novel_in_validation` that of validation text; None where a
    text is shorter than one n-gram. `words` is the length of the text, `training_words` how much
    was looked through.
    """

    runs: tuple[Run, ...]
    words: int
    novel: float | None
    novel_in_validation: float | None
    training_words: int


def find_copies(
    text: str, training: Iterable[str], validation: str, *, chunk: int = CHUNK
) -> Generator[int, None, Copies]:
    """Looks for a text in the pieces of a training text, which may break off within a word.

    Yields how many words of it were looked through; what it returns is exact but for n-grams whose
    64-bit hashes collide. Memory grows with `chunk` and the two texts, not with the training text.
    """
    places = [match.span() for match in _WORD.finditer(text)]
    words = [text[start:end] for start, end in places]
    other_words = validation.split()
    numbers = _numbers(words + other_words)
    asked = _as_numbers(words, numbers)
    seeds = _grams(asked, SHORTEST)
    by_seed: dict[int, list[int]] = {}
    for place, seed in enumerate(seeds.tolist()):
        by_seed.setdefault(seed, []).append(place)
    grams = _grams(asked, GRAM), _grams(_as_numbers(other_words, numbers), GRAM)
    missing = set(np.concatenate(grams).tolist())
    longest: dict[int, tuple[int, list[str], int]] = {}  # by place: length, words around, offset
    read = 0
    for tail, fresh in _in_chunks(training, chunk, overlap=len(words) + GRAM):
        held = tail + fresh
        known = _as_numbers(held, numbers)
        missing -= set(np.intersect1d(_grams(known, GRAM), _as_array(missing)).tolist())
        for place, length, found in _runs(_grams(known, SHORTEST), by_seed):
            if length > longest.get(place, (0, [], 0))[0]:
                first = max(0, found - AROUND)
                around = held[first : found + length + AROUND]
                longest[place] = length, around, found - first
        read += len(fresh)
        yield read
    return Copies(
        runs=tuple(_maximal(longest, places)),
        words=len(words),
        novel=_share(grams[0], missing),
        novel_in_validation=_share(grams[1], missing),
        training_words=read,
    )


def _numbers(words: list[str]) -> dict[str, int]:
    """A random 64-bit number for each distinct word; 0 stands for all others."""
    distinct = list(dict.fromkeys(words))
    random = np.random.default_rng(0)
    return dict(zip(distinct, random.integers(1, 2**63, len(distinct), dtype=np.uint64).tolist()))


def _as_numbers(words: list[str], numbers: dict[str, int]) -> Numbers:
    return np.array([numbers.get(word, 0) for word in words], dtype=np.uint64)


def _as_array(numbers: set[int]) -> Numbers:
    return np.fromiter(numbers, np.uint64, len(numbers))


def _grams(numbers: Numbers, n: int) -> Numbers:
    """A hash (N - n + 1,) of each n numbers in a row: a polynomial modulo 2^64 (Karp and Rabin)."""
    count = max(0, len(numbers) - n + 1)
    hashes = np.zeros(count, np.uint64)
    for place in range(n):
        hashes = hashes * _BASE + numbers[place : place + count]
    return hashes


def _in_chunks(
    pieces: Iterable[str], size: int, overlap: int
) -> Iterator[tuple[list[str], list[str]]]:
    """The words of a text in pieces, `size` at a time, each with the last words before them."""
    tail: list[str] = []
    words: list[str] = []
    unfinished = ""
    for piece in pieces:
        given = unfinished + piece
        end = _start_of_last_word(given)
        unfinished = given[end:]
        words += given[:end].split()
        while len(words) >= size:
            yield tail, words[:size]
            tail, words = (tail + words[:size])[-overlap:], words[size:]
    words += unfinished.split()
    if words:
        yield tail, words


def _start_of_last_word(text: str) -> int:
    """Where the word begins that may go on in the next piece; the end after white space."""
    place = len(text)
    while place and not text[place - 1].isspace():
        place -= 1
    return place


def _runs(seeds: Numbers, by_seed: dict[int, list[int]]) -> Iterator[tuple[int, int, int]]:
    """Runs as (place in the text, words, place in the training words), from hashes of seeds.

    Seeds that follow each other in both texts are one run: they lie on one diagonal.
    """
    if not by_seed or not len(seeds):
        return
    hits = np.flatnonzero(np.isin(seeds, np.fromiter(by_seed, np.uint64, len(by_seed))))
    asked: list[int] = []
    found: list[int] = []
    for hit, seed in zip(hits.tolist(), seeds[hits].tolist()):
        asked += by_seed[seed]
        found += [hit] * len(by_seed[seed])
    if not asked:
        return
    pairs = np.array([asked, found])  # (2, pairs)
    pairs = pairs[:, np.lexsort((pairs[0], pairs[1] - pairs[0]))]
    diagonals = pairs[1] - pairs[0]
    breaks = (np.diff(diagonals) != 0) | (np.diff(pairs[0]) != 1)
    firsts = np.flatnonzero(np.concatenate([[True], breaks]))
    lasts = np.concatenate([firsts[1:], [pairs.shape[1]]]) - 1
    lengths = pairs[0, lasts] - pairs[0, firsts] + SHORTEST
    yield from zip(pairs[0, firsts].tolist(), lengths.tolist(), pairs[1, firsts].tolist())


def _maximal(
    longest: dict[int, tuple[int, list[str], int]], places: list[tuple[int, int]]
) -> Iterator[Run]:
    """The runs that lie in no other, the longest first."""
    reach = -1
    runs = []
    for place in sorted(longest):
        length, around, offset = longest[place]
        if place + length <= reach:
            continue
        reach = place + length
        runs.append(
            Run(
                start=places[place][0],
                end=places[place + length - 1][1],
                words=length,
                before=" ".join(around[:offset]),
                same=" ".join(around[offset : offset + length]),
                after=" ".join(around[offset + length :]),
            )
        )
    yield from sorted(runs, key=lambda run: (-run.words, run.start))


def _share(grams: Numbers, missing: set[int]) -> float | None:
    if not len(grams):
        return None
    return sum(gram in missing for gram in grams.tolist()) / len(grams)
