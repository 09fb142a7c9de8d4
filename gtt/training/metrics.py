"""What a metric is: a number that a run measures again and again, declared where its event is.

The declaration stands on the field of the event (`gtt.training.events`). Fold, curves, the view of
a run, the answers of the API, the table, the small charts of the page, the trackers and the
terminal read it from there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_type_hints

# How a figure is written: to two decimals, to two digits, in whole numbers, in per cent, in MB.
Form = Literal["decimals", "digits", "whole", "share", "bytes"]


@dataclass(frozen=True)
class Metric:
    """A metric: what it is called, its unit (None where it has none), the concept that explains it.

    `curve` keeps its points over the steps; without one only the newest value is known. `sparse`
    says that an event may come without it, and that the value before it then stays. `small_chart`
    is its place among the small charts of the page, the smallest first, under `caption` or else its
    label. `terminal` is how the terminal says it, as `"loss {:.3f}"`.
    """

    label: str
    concept: str
    unit: str | None = None
    form: Form = "decimals"
    curve: bool = True
    sparse: bool = False
    small_chart: int | None = None
    caption: str | None = None
    terminal: str | None = None
    tracked: bool = True

    def __post_init__(self) -> None:
        if self.sparse and not self.curve:
            raise ValueError(f"{self.label}: the value before is read from the curve")

    def in_terminal(self, value: float | None) -> str | None:
        """The value as the terminal says it, None where nothing is said."""
        if self.terminal is None or (value is None and (self.sparse or not self.curve)):
            return None
        return self.terminal.format(float("nan") if value is None else value)


def metrics_of(event: type[Any]) -> dict[str, Metric]:
    """The metrics that a kind of event declares on its fields, by name, in their order."""
    hints = get_type_hints(event, include_extras=True)
    return {
        name: part
        for name, hint in hints.items()
        for part in getattr(hint, "__metadata__", ())
        if isinstance(part, Metric)
    }
