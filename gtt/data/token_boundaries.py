"""Places where a long text can be cut without a change of its tokens.

The pre-tokenizers of byte-level BPE (GPT-2's and its successors') never let a token run from a
visible character into the space after it. A cut there changes nothing: both sides tokenise as they
would have together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

LONGEST = 1 << 16  # characters without a space, after which a cut is made anyway
WORD = 128  # characters of a word from which merges are learned
END_OF_TEXT = "<|endoftext|>"  # between documents, in texts made for GPT-2

_ENDLESS = re.compile(rf"\S{{{2 * WORD},}}")


def safe_cut(text: str, at_most: int) -> int:
    """The last place up to `at_most` where `text` may be cut: before a space after something else.

    0 where there is none.
    """
    place = text.rfind(" ", 1, at_most + 1)
    while place > 0 and text[place - 1].isspace():
        place = text.rfind(" ", 1, place)
    return max(place, 0)


def cut(text: str, size: int) -> Iterator[str]:
    """`text` in pieces of about `size` characters, cut safely.

    A stretch of more than 65,536 characters without a place to cut is cut after a line break, or
    anywhere if need be; its tokens there may differ from those of the uncut text, and decode to the
    same text.
    """
    start = 0
    while len(text) - start > size:
        window = text[start : start + LONGEST]
        place = safe_cut(window, size) or _first_safe_cut(window, size)
        if not place:
            if len(text) - start <= LONGEST:
                break
            place = window.rfind("\n") + 1 or window.rfind(END_OF_TEXT, 1) or len(window)
            place = len(window) if place < 0 else place
        yield window[:place]
        start += place
    if start < len(text):
        yield text[start:]


def _first_safe_cut(text: str, start: int) -> int:
    place = text.find(" ", max(start, 1))
    while place > 0 and text[place - 1].isspace():
        place = text.find(" ", place + 1)
    return max(place, 0)


def in_chunks(texts: Iterable[str], size: int = 1 << 20) -> Iterator[str]:
    """The same text in chunks of about `size` characters (> 65,536), cut safely."""
    waiting = ""
    for text in texts:
        waiting += text
        while len(waiting) > 2 * size:
            place = safe_cut(waiting, size) or waiting.rfind("\n", 0, size) + 1 or size
            mark = waiting.rfind(END_OF_TEXT, 0, place + len(END_OF_TEXT) - 1)
            if mark > 0 and mark + len(END_OF_TEXT) > place:  # not through a mark
                place = mark
            yield waiting[:place]
            waiting = waiting[place:]
    if waiting:
        yield waiting


def to_learn_from(text: str, size: int) -> Iterator[str]:
    """`text` in pieces for learning merges, with no word longer than 128 characters.

    The cost of a merge grows with the length of the words that have its pair: where nothing
    separates words (DNA, Thai) that is the whole text each time. With words of at most 128
    characters it is about linear, and one pair in 128 is not counted. Marks between documents are
    left out: each is a token of its own, which takes part in no merge.
    """
    for piece in (piece for part in text.split(END_OF_TEXT) for piece in cut(part, size)):
        place = 0
        for stretch in _ENDLESS.finditer(piece):
            if stretch.start() > place:
                yield piece[place : stretch.start()]
            for start in range(stretch.start(), stretch.end(), WORD):
                yield piece[start : min(start + WORD, stretch.end())]
            place = stretch.end()
        if place < len(piece):
            yield piece[place:]
