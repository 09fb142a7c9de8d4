"""What a long preparation tells whoever waits for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """How far one stage is: `done` of `total` (None where no one knows) in `unit`."""

    stage: str
    done: int
    total: int | None
    unit: str


Report = Callable[[Progress], None]


def ignore(progress: Progress) -> None:
    """The report of whoever does not want one."""
