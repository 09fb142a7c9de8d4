"""What a long preparation tells whoever waits for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

MERGING = "merging byte pairs"  # a stage, and the name of the thread that does it


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


def is_merging() -> bool:
    """Whether byte pairs are still merged, maybe for somebody who has left.

    Nothing stops the library there, and Python would wait for it before it ends.
    """
    return any(thread.name == MERGING for thread in threading.enumerate())
