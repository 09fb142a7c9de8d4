"""The table of a run: what its records measured, a row each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from gtt.runs.records import Record, measured_in, step_in
from gtt.training.events import METRICS

COLUMNS = ("step", *METRICS)

Row = Mapping[str, float | None]


def measured_points(records: Iterable[Record]) -> Iterator[Row]:
    """Of the sound records that measured something the step and the metrics that they have."""
    for record in records:
        measured = measured_in(record)
        if any(value is not None for value in measured.values()):
            yield {"step": step_in(record), **measured}


def csv_head() -> bytes:
    """The line of the names."""
    return (",".join(COLUMNS) + "\n").encode()


def csv_row(row: Row) -> bytes:
    """One line; what was not measured, or was not finite, is empty."""
    values = ("" if row.get(name) is None else str(row[name]) for name in COLUMNS)
    return (",".join(values) + "\n").encode()
