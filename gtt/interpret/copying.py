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

from gtt.interpret.matching import SuffixAutomaton

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
    64-bit hashes collide. Memory grows with `chunk` and the two texts, not with the training text,
    and time with the sum of all three, however often any of them repeats itself.
    """
    places = [match.span() for match in _WORD.finditer(text)]
    words = [text[start:end] for start, end in places]
    other_words = validation.split()
    numbers = _numbers(words + other_words)
    asked = _as_numbers(words, numbers)
    seeds = np.unique(_grams(asked, SHORTEST))
    reader = SuffixAutomaton(asked.tolist(), SHORTEST)
    grams = _grams(asked, GRAM), _grams(_as_numbers(other_words, numbers), GRAM)
    missing = set(np.concatenate(grams).tolist())
    read = 0
    for window in _windows(training, chunk):
        known = _as_numbers(window.words, numbers)
        missing -= set(np.intersect1d(_grams(known, GRAM), _as_array(missing)).tolist())
        _read_window(reader, window, known, seeds)
        read += window.last - window.first
        yield read
    runs = [
        Run(
            start=places[match.start][0],
            end=places[match.start + match.length - 1][1],
            words=match.length,
            before=" ".join(match.before),
            same=" ".join(words[match.start : match.start + match.length]),
            after=" ".join(match.after),
        )
        for match in reader.maximal(words, AROUND)
    ]
    return Copies(
        runs=tuple(sorted(runs, key=lambda run: (-run.words, run.start))),
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


@dataclass(frozen=True)
class _Window:
    """Words `first` to `last` of a stretch of the training text, with some before and after."""

    words: list[str]
    first: int
    last: int


def _windows(pieces: Iterable[str], size: int) -> Iterator[_Window]:
    """The words of a text in pieces, about `size` at a time, with `AROUND` more on both sides."""
    words: list[str] = []  # up to AROUND that were read, then those that come
    first = 0
    unfinished = ""
    for piece in pieces:
        given = unfinished + piece
        end = _start_of_last_word(given)
        unfinished = given[end:]
        words += given[:end].split()
        while len(words) >= first + size + AROUND:
            last = first + size
            yield _Window(words[: last + AROUND], first, last)
            words = words[max(0, last - AROUND) :]
            first = min(AROUND, last)
    words += unfinished.split()
    if len(words) > first:
        yield _Window(words, first, len(words))


def _start_of_last_word(text: str) -> int:
    """Where the word begins that may go on in the next piece; the end after white space."""
    place = len(text)
    while place and not text[place - 1].isspace():
        place -= 1
    return place


def _read_window(reader: SuffixAutomaton, window: _Window, known: Numbers, seeds: Numbers) -> None:
    """Lets the reader read the window, but for words that lie in no run of the shortest length."""
    hits = np.isin(_grams(known, SHORTEST), seeds)
    in_run = np.zeros(len(known), bool)
    for place in range(SHORTEST):
        in_run[place : place + len(hits)] |= hits
    at = window.first - 1
    for place in (window.first + np.flatnonzero(in_run[window.first : window.last])).tolist():
        if place != at + 1:
            reader.forget()
        at = place
        if reader.read(int(known[place])):
            start = place - reader.length + 1
            reader.note(
                window.words[max(0, start - AROUND) : max(0, start)],
                window.words[place + 1 : place + 1 + AROUND],
            )
    if at != window.last - 1:
        reader.forget()


def _share(grams: Numbers, missing: set[int]) -> float | None:
    if not len(grams):
        return None
    return sum(gram in missing for gram in grams.tolist()) / len(grams)
