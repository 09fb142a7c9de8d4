"""The errors a person can cause, each a sentence that says what to do next.

The terminal prints the sentence on one line and exits with code 2, REST answers 4xx with the
field's name, the page shows it beside the control. A traceback is kept for our own bugs.
"""

from __future__ import annotations

from typing import NamedTuple


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
