"""Finds the passages of a text that stand word for word in the training text.

A word is what stands between white space; where a text hardly separates its words (Chinese, Thai,
DNA) the characters are counted instead, and the answer says so. Two figures, as in McCoy et al.
2023 (How Much Do Language Models Copy From Their Training Data?): the longest runs of words that
training text has as well, and the share of n-grams that it does not have. Copying as such means
little where the language itself repeats: the same share, measured on validation text that no model
wrote, is the one to compare with.
"""

from __future__ import annotations

import math
import re
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Literal

import numpy as np
import numpy.typing as npt

from gtt.interpret.suffix_automaton import SuffixAutomaton

GRAM = 8  # words whose novelty is counted
SHORTEST = 5  # words of a run that is shown
AROUND = 8  # words shown before and after a run where it stands in the training text
CHUNK = 1 << 18  # words of training text looked at in one go

CHANCE = 48  # bits that as many characters as are shown carry at least, to rule out chance

_WORD = re.compile(r"\S+")
_CHARACTER = re.compile(r"\S")
_LOOKED_AT = 1 << 16  # characters of training text by which the unit is chosen
_LONG_WORD = 16  # characters, on average; what is written in longer ones separates no words
# Thai, Lao, Tibetan, Myanmar, Khmer, Tai Le, Tai Lue and Tai Tham, Balinese, kana and bopomofo, the
# signs of Chinese, Yi, Javanese, more of Myanmar, Tai Viet, narrow kana.
_UNSEPARATED = re.compile(
    "[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u1950-\u19ff\u1a20-\u1aaf\u1b00-\u1b7f"
    "\u3040-\u312f\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua980-\ua9ff\uaa60-\uaadf"
    "\uf900-\ufaff\uff66-\uff9d\U00020000-\U0003ffff]"
)
_BASE = np.uint64(0x9E3779B97F4A7C15)  # odd, so that no power of it is 0 modulo 2^64

Numbers = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Unit:
    """Words or characters as the unit: a run has at least `shortest` of them, an n-gram `gram`."""

    name: Literal["words", "characters"]
    pattern: re.Pattern[str]
    between: str
    shortest: int
    gram: int
    around: int

    def of(self, text: str) -> list[str]:
        """The units of a text."""
        return self.pattern.findall(text)


WORDS = Unit("words", _WORD, " ", SHORTEST, GRAM, AROUND)


def unit_of(training: str) -> Unit:
    """Words, or characters where a text does not separate its words.

    The fewer different characters there are, the more of them in a row are needed to say something:
    ten of thirty, twenty-four of the four letters of DNA.
    """
    signs = _CHARACTER.findall(training)
    words = len(_WORD.findall(training))
    unseparated = len(_UNSEPARATED.findall(training))
    if not signs or (len(signs) <= _LONG_WORD * words and unseparated * 3 < len(signs)):
        return WORDS
    bits = math.log2(max(2, len(set(signs))))
    shortest = min(32, max(6, math.ceil(CHANCE / bits)))
    gram = math.ceil(shortest * GRAM / SHORTEST)
    return Unit("characters", _CHARACTER, "", shortest, gram, 2 * shortest)


@dataclass(frozen=True)
class Run:
    """Words in a row that the training text has as well.

    `words` are characters where these are counted. `start` and `end` are characters of the text
    that was asked about; `before`, `same` and `after` are the training text around one of the
    places where the run stands.
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
    was looked through, in `unit`; runs have `shortest` of them at least, n-grams `gram`.
    """

    runs: tuple[Run, ...]
    words: int
    novel: float | None
    novel_in_validation: float | None
    training_words: int
    unit: Literal["words", "characters"]
    shortest: int
    gram: int


def find_copies(
    text: str, training: Iterable[str], validation: str, *, chunk: int = CHUNK
) -> Generator[int, None, Copies]:
    """Looks for a text in the pieces of a training text, which may break off within a word.

    Yields how many words of it were looked through; what it returns is exact but for n-grams whose
    64-bit hashes collide. Memory grows with `chunk` and the two texts, not with the training text,
    and time with the sum of all three, however often any of them repeats itself.
    """
    pieces = iter(training)
    beginning = next(pieces, "")
    unit = unit_of(beginning[:_LOOKED_AT])
    if unit is WORDS:  # the text may be of another language than the beginning
        unit = unit_of(text)
    places = [match.span() for match in unit.pattern.finditer(text)]
    words = [text[start:end] for start, end in places]
    other_words = unit.of(validation)
    numbers = _numbers(words + other_words)
    numbered = _as_numbers(words, numbers)
    seeds = np.unique(_grams(numbered, unit.shortest))
    reader = SuffixAutomaton(numbered.tolist(), unit.shortest)
    grams = _grams(numbered, unit.gram), _grams(_as_numbers(other_words, numbers), unit.gram)
    missing = set(np.concatenate(grams).tolist())
    read = 0
    for window in _windows(chain([beginning], pieces), chunk, unit):
        window_numbers = _as_numbers(window.words, numbers)
        missing -= set(
            np.intersect1d(_grams(window_numbers, unit.gram), _as_array(missing)).tolist()
        )
        _read_window(reader, window, window_numbers, seeds, unit)
        read += window.last - window.first
        yield read
    runs = [
        Run(
            start=places[match.start][0],
            end=places[match.start + match.length - 1][1],
            words=match.length,
            before=unit.between.join(match.before),
            same=unit.between.join(words[match.start : match.start + match.length]),
            after=unit.between.join(match.after),
        )
        for match in reader.maximal(words, unit.around)
    ]
    return Copies(
        runs=tuple(sorted(runs, key=lambda run: (-run.words, run.start))),
        words=len(words),
        novel=_share(grams[0], missing),
        novel_in_validation=_share(grams[1], missing),
        training_words=read,
        unit=unit.name,
        shortest=unit.shortest,
        gram=unit.gram,
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


def _windows(pieces: Iterable[str], size: int, unit: Unit) -> Iterator[_Window]:
    """The words of a text in pieces, about `size` at a time, with some more on both sides."""
    around = unit.around
    words: list[str] = []  # up to `around` that were read, then those that come
    first = 0
    unfinished = ""
    for piece in pieces:
        text = unfinished + piece
        end = len(text) if unit is not WORDS else _start_of_last_word(text)
        unfinished = text[end:]
        words += unit.of(text[:end])
        while len(words) >= first + size + around:
            last = first + size
            yield _Window(words[: last + around], first, last)
            words = words[max(0, last - around) :]
            first = min(around, last)
    words += unit.of(unfinished)
    if len(words) > first:
        yield _Window(words, first, len(words))


def _start_of_last_word(text: str) -> int:
    """Where the word begins that may go on in the next piece; the end after white space."""
    place = len(text)
    while place and not text[place - 1].isspace():
        place -= 1
    return place


def _read_window(
    reader: SuffixAutomaton, window: _Window, numbers: Numbers, seeds: Numbers, unit: Unit
) -> None:
    """Lets the reader read the window, but for words that lie in no run of the shortest length."""
    hits = np.isin(_grams(numbers, unit.shortest), seeds)
    in_run = np.zeros(len(numbers), bool)
    for place in range(unit.shortest):
        in_run[place : place + len(hits)] |= hits
    at = window.first - 1
    for place in (window.first + np.flatnonzero(in_run[window.first : window.last])).tolist():
        if place != at + 1:
            reader.forget()
        at = place
        if reader.read(int(numbers[place])):
            start = place - reader.length + 1
            reader.note(
                window.words[max(0, start - unit.around) : max(0, start)],
                window.words[place + 1 : place + 1 + unit.around],
            )
    if at != window.last - 1:
        reader.forget()


def _share(grams: Numbers, missing: set[int]) -> float | None:
    if not len(grams):
        return None
    return sum(gram in missing for gram in grams.tolist()) / len(grams)
