"""The one column of a table that is read as text."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

from gtt.errors import UnusableData

if TYPE_CHECKING:
    import pyarrow as pa

_USUAL = ("text", "content", "story", "document", "article", "body", "sentence", "review", "code")


def read_column(
    tables: Iterator[pa.Table], wanted: str | None, where: str, notes: list[str]
) -> Iterator[str]:
    """The rows of the wanted column, or of a guessed one (which goes into `notes`).

    Rows without a value are left out. Raises `UnusableData` where there is no such column, no
    column with text, or no row.
    """
    first = next(tables, None)
    if first is None or first.num_columns == 0:
        raise UnusableData(
            f"{where} has no rows: there is nothing to train on.", field="data.source"
        )
    name = _choose(first, wanted, where, notes)
    for table in chain([first], tables):
        if name not in table.column_names:
            continue
        for row in table[name].to_pylist():
            if row is not None:
                yield row if isinstance(row, str) else str(row)


def _choose(table: pa.Table, wanted: str | None, where: str, notes: list[str]) -> str:
    names = [str(name) for name in table.column_names]
    textual = [name for name in names if _is_text(table.schema.field(name).type)]
    if wanted is not None:
        if wanted not in names:
            near = difflib.get_close_matches(wanted, names, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"it has {_listed(names)}."
            raise UnusableData(f"{where} has no column {wanted!r}: {hint}", field="data.column")
        if wanted not in textual:
            raise UnusableData(
                f"Column {wanted!r} of {where} holds {table.schema.field(wanted).type}, not text: "
                + (f"choose {_listed(textual)}." if textual else "no other column holds text."),
                field="data.column",
            )
        return wanted
    if not textual:
        kinds = [f"{name} ({table.schema.field(name).type})" for name in names[:10]]
        raise UnusableData(
            f"{where} has no column with text, only {', '.join(kinds)}: give a file in which one "
            "column holds the text.",
            field="data.source",
        )
    usual = [name for name in _USUAL for column in textual if column.lower() == name]
    if usual:
        name = next(column for column in textual if column.lower() == usual[0])
    else:
        name = max(textual, key=lambda column: _characters(table[column]))
    notes.append(
        f"Column {name!r} was read"
        + (f", chosen from {_listed(names)}." if len(names) > 1 else ", the only one.")
    )
    return name


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _characters(column: Any) -> int:
    return sum(len(value) for value in column.to_pylist() if value)


def _listed(names: list[str], most: int = 12) -> str:
    return ", ".join(names[:most]) + (" ..." if len(names) > most else "")
