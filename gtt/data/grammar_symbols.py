"""What a grammar is made of: plain text, choices by name, and mentions of a cast member."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import log
from typing import Optional


@dataclass(frozen=True, eq=False)
class Mention:
    """A form of one role: the text of every record, and for a text the records that have it."""

    role: int
    texts: tuple[str, ...]
    records: dict[str, int] = field(default_factory=dict)  # text -> bit mask of records
    lengths: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for index, text in enumerate(self.texts):
            self.records[text] = self.records.get(text, 0) | 1 << index
        object.__setattr__(self, "lengths", tuple(sorted({len(text) for text in self.texts})))


@dataclass(eq=False)
class Rule:
    """A named choice. `words` is set when all alternatives are plain and distinct strings."""

    name: str
    alternatives: list[tuple[Symbol, ...]] = field(default_factory=list)
    probabilities: list[float] = field(default_factory=list)
    logs: list[float] = field(default_factory=list)
    cumulative: list[float] = field(default_factory=list)
    words: dict[str, float] | None = None
    lengths: tuple[int, ...] = ()
    starts: dict[str, list[int]] = field(default_factory=dict)  # first character -> alternatives

    @property
    def entropy(self) -> float:
        """Nats of the draw itself."""
        return -sum(p * log(p) for p in self.probabilities)


Symbol = str | Mention | Rule
Stack = Optional[tuple[Symbol, "Stack"]]  # noqa: UP045 - a name in quotes takes no bar


def stacked(symbols: Sequence[Symbol], rest: Stack = None) -> Stack:
    """A sequence as a stack, its first symbol on top of `rest`."""
    for symbol in reversed(symbols):
        rest = (symbol, rest)
    return rest
