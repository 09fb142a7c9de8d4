"""Progress reports of a long preparation."""

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
    """A report that does nothing."""


def is_merging() -> bool:
    """Whether a thread of the `tokenizers` library is still merging byte pairs.

    Nothing stops it, and Python would wait for it before it ends.
    """
    return any(thread.name == MERGING for thread in threading.enumerate())
