"""Text streamed from a source: one document after another, never all of them at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class TextStream:
    """Pieces of text from one source.

    With a `separator` each piece is one document, and the separator goes between documents (it is
    empty where documents bring their own). With None the pieces are stretches of one text.
    `notes` says what was chosen or left out on the way; it is complete once the pieces are read.
    `total_bytes` is the expected size, if known. `endless` streams are generated for as long as
    someone reads; `cut_short` is set by a reader that stopped at its limit, `unread` by a source
    that was only looked at and has more.
    """

    pieces: Iterator[str]
    separator: str | None
    total_bytes: int | None = None
    notes: list[str] = field(default_factory=list)
    endless: bool = False
    cut_short: bool = False
    unread: bool = False
