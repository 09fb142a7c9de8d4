"""The errors a person can cause, each a sentence that says what to do next.

The terminal prints the sentence on one line and exits with code 2, REST answers 4xx with the
field's name, the page shows it beside the control. A traceback is kept for our own bugs.
"""

from __future__ import annotations

import errno
from typing import NamedTuple

# What a system answers when a disk, a quota or the largest size of a file is used up.
FULL_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class GTTError(Exception):
    """Base of every error that GTT raises on purpose."""


class BadInput(GTTError):
    """Something given to GTT cannot be used as it is.

    `message` is one sentence or two that say what is wrong and offer a way out; `field` is the
    dotted name of the setting or argument at fault (`model.n_heads`), where there is one.
    """

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


def unwritable(place: object, error: OSError, instead: str) -> str:
    """That the system does not let `place` be written, why, and the way out.

    `instead` is the way out that always helps; where the disk is full, room does as well. Libraries
    that write less than they were asked to, and say so without a number, met a full disk too.
    """
    if error.errno is not None and error.errno not in FULL_DISK:
        return f"{place} cannot be written ({error.strerror}): {instead}."
    reason = error.strerror or "not all of it had room"
    return f"{place} cannot be written ({reason}): make room, or {instead}."


class Way(NamedTuple):
    """A way out: the dotted name of a setting, a value that it may have, and words for a button."""

    setting: str
    value: bool | int | float | str
    label: str


class InvalidSetting(BadInput):
    """A setting is unknown, of the wrong kind, outside its limits, or does not fit another.

    Each of `ways` by itself makes this fault go away, the nearest first.
    """

    def __init__(
        self, message: str, *, field: str | None = None, ways: tuple[Way, ...] = ()
    ) -> None:
        super().__init__(message, field=field)
        self.ways = ways


class UnusableData(BadInput):
    """A text, file, dataset or tokenizer cannot serve as training data."""


class UnusableRun(BadInput):
    """A run folder or checkpoint is missing, damaged, newer than this version, or in use."""
