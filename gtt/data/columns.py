"""The one column of a table that is read as text, whatever the other columns hold."""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, Protocol

from gtt.data.nested_texts import USUAL, field_in, text_in, texts_below
from gtt.errors import UnusableData

SAMPLE = 1 << 16  # characters of the first rows, by which the column is chosen

FAR_MORE = 4  # times the text of the column that would be read
_SHOWN = 60  # characters of a name in a message
_COMPARED = 1000  # names among which the nearest is looked for


class Table(Protocol):
    """A table that is read once, from its first row to its last.

    `sample` are the values in the first rows by column; an empty one says that there is no row.
    `kinds` are those of the columns in words; `"text"` and `"texts below"` can be read. `values`
    gives each row's value of one column, and leaves out rows that have none. `wanted_column` is the
    one that was asked for, as the rows call it. `rows` are those of the sample, one only where the
    file is a single object.
    """

    notes: list[str]

    @property
    def wanted_column(self) -> str | None: ...

    @property
    def part(self) -> str | None: ...

    @property
    def rows(self) -> int: ...

    @property
    def sample(self) -> Mapping[str, list[Any]]: ...

    @property
    def kinds(self) -> Mapping[str, str]: ...

    def values(self, name: str) -> Iterator[Any]: ...


def read_column(table: Table, where: str) -> Iterator[str]:
    """The rows of the wanted column, or of a guessed one (which goes into the notes).

    Rows without a value are left out. Raises `UnusableData` where there is no such column, no
    column with text, or no row.
    """
    if not table.sample:
        raise UnusableData(
            f"{where} has no rows: there is nothing to train on.", field="data.source"
        )
    name = _choose(table, where)
    below = 0
    for value in table.values(name):
        text = as_text(value)
        if text is not None:
            yield text
        elif value:
            below += 1
    if below:
        rows = "row was" if below == 1 else "rows were"
        table.notes.append(f"{below:,} {rows} left out: {quoted(name)} holds no text there.")


def as_text(value: Any) -> str | None:
    """A value as text; None where it has none."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return None  # where they are UTF-8, they are a text by now
    if isinstance(value, (list, Mapping)):
        return text_in(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None  # how pandas writes that there is nothing
    return json.dumps(value) if isinstance(value, bool) else str(value)


def kinds_of(sample: Mapping[str, list[Any]]) -> dict[str, str]:
    """What each column holds, by its first values."""
    return {name: _kind(values) for name, values in sample.items()}


def _kind(values: list[Any]) -> str:
    filled = [value for value in values if value not in (None, "")]
    if not filled:
        return "nothing"
    if any(isinstance(value, str) for value in filled):
        return "text"
    if any(text_in(value) for value in filled if isinstance(value, (list, Mapping))):
        return "texts below"
    lists = [value for value in filled if isinstance(value, list)]
    if objects := _objects(filled):
        return f"{'lists of ' if lists else ''}fields ({listed(objects[0])})"
    return "lists" if lists else "numbers"


def _objects(values: Iterable[Any]) -> list[Mapping[str, Any]]:
    """The objects among values and within lists of them."""
    flat = chain.from_iterable(item if isinstance(item, list) else [item] for item in values)
    return [value for value in flat if isinstance(value, Mapping)]


def _choose(table: Table, where: str) -> str:
    names, wanted_column = list(table.kinds), table.wanted_column
    readable = [name for name in names if table.kinds[name] in ("text", "texts below")]
    if wanted_column is not None:
        if wanted_column not in names:
            similar = difflib.get_close_matches(wanted_column, names[:_COMPARED], n=1, cutoff=0.5)
            hint = f"did you mean {quoted(similar[0])}?" if similar else f"it has {listed(names)}."
            raise UnusableData(
                f"{where} has no column {quoted(wanted_column)}: {hint}", field="data.column"
            )
        if wanted_column not in readable and table.kinds[wanted_column] != "nothing":
            raise UnusableData(
                f"Column {quoted(wanted_column)} of {where} holds {table.kinds[wanted_column]}, "
                "not text: " + _instead(table, wanted_column, readable),
                field="data.column",
            )
        _say_what_lies_below(table, wanted_column)
        return wanted_column
    if not readable:
        kinds = [f"{_clipped(name)} ({table.kinds[name]})" for name in names[:10]]
        objects = [name for name in names if _path(table, [name])]
        advice = "give a file in which one column holds the text."
        if objects:
            advice = (
                f"name the field that holds the text in data.column, as {_path(table, objects)}."
            )
        raise UnusableData(
            f"{where} has no column with text, only {', '.join(kinds)}: {advice}",
            field="data.column" if objects else "data.source",
        )
    usual = next((some for usual_name in USUAL if (some := _called(usual_name, readable))), [])
    name = max(usual or readable, key=lambda column: _characters(table.sample[column]))
    if not usual or table.rows == 1:
        _require_most_text(table, where, name)
    _require_most_rows(table, where, name, readable, is_usual=bool(usual))
    noun = "Column" if table.part is None else "Field"
    of = "" if table.part is None else f" of {quoted(table.part)}"
    table.notes.append(
        f"{noun} {quoted(name)}{of} was read"
        + (f", chosen from {listed(names)}." if len(names) > 1 else ", the only one.")
    )
    _say_what_lies_below(table, name)
    if not usual:
        _say_what_was_not_read(table)
    return name


def _instead(table: Table, wanted_column: str, readable: list[str]) -> str:
    """What to name where the wanted column is no text."""
    below = _path(table, [wanted_column])
    if below:
        return f"name one of its fields, as {below}."
    return f"choose {listed(readable)}." if readable else "no other column holds text."


def _say_what_lies_below(table: Table, name: str) -> None:
    """Adds a note where the texts were put together from lists or objects of a column."""
    lower = [value for value in table.sample[name] if isinstance(value, (list, Mapping))]
    if not any(text_in(value) for value in lower):
        return
    field = next((field_name for value in lower if (field_name := field_in(value))), None)
    table.notes.append(
        f"{quoted(name)} holds parts, which were put together"
        + (f": field {quoted(field)} was taken of each." if field else ".")
    )


def _require_most_text(table: Table, where: str, name: str) -> None:
    """Raises `UnusableData` where nearly all text lies in objects with several texts each."""
    for other, kind in table.kinds.items():
        path = _path(table, [other]) if "fields (" in kind else ""
        below = sum(size for value in table.sample[other] for _, size in texts_below(value))
        if path and below > FAR_MORE * _characters(table.sample[name]):
            raise UnusableData(
                f"Most text of {where} lies in {quoted(other)}, which has {kind}: name the one to "
                f"read in data.column, as {path}; or name {quoted(name)} if that is meant.",
                field="data.column",
            )


def _require_most_rows(
    table: Table, where: str, name: str, readable: list[str], is_usual: bool
) -> None:
    """Raises `UnusableData` where the texts are many fields of one row, or of a few rows each."""
    values = table.sample[name]
    own = _characters(values)
    sizes = {other: _characters(table.sample[other]) for other in readable if other != name}
    enough = own if table.rows == 1 and not is_usual else FAR_MORE * own
    filled = sum(bool(as_text(value)) for value in values)
    if sum(sizes.values()) <= enough or (table.rows > 1 and filled * (1 + FAR_MORE) >= table.rows):
        return
    larger = sorted(sizes, key=lambda other: -sizes[other])
    raise UnusableData(
        f"Most text of {where} lies in other fields than {quoted(name)}: {listed(larger)}. Name "
        f"the one to read in data.column, as {quoted(larger[0])}, or {quoted(name)} if that is "
        'meant. To read all of it, make it a list of texts: ["...", "..."].',
        field="data.column",
    )


def _called(word: str, names: list[str]) -> list[str]:
    return [name for name in names if name.lower() == word]


def _say_what_was_not_read(table: Table) -> None:
    """Adds a note on columns of objects with several texts, none of which is clearly the text."""
    for name, kind in table.kinds.items():
        path = _path(table, [name]) if "fields (" in kind else ""
        if path:
            table.notes.append(
                f"{quoted(name)} has {kind}, which were not read: to train on one of them, name it "
                f"in data.column, as {path}."
            )
            return


def _path(table: Table, names: list[str]) -> str:
    """How the field with the most text below some columns is named; empty where none has any."""
    sizes: dict[str, int] = {}
    for name in names:
        for value in table.sample[name]:
            if isinstance(value, (list, Mapping)):
                for path, size in texts_below(value):
                    whole = f"{name}.{path}" if path else ""
                    sizes[whole] = sizes.get(whole, 0) + size
    sizes.pop("", None)
    return quoted(max(sizes, key=lambda path: sizes[path])) if sizes else ""


def _characters(values: list[Any]) -> int:
    return sum(len(text) for value in values if (text := as_text(value)))


def own_names(names: Iterable[str]) -> list[str]:
    """Names of columns, none of them twice."""
    own: dict[str, None] = {}
    for number, own_name in enumerate(names):
        name = own_name or f"column {number + 1}"
        copy = 0
        while name in own:
            copy += 1
            name = f"{own_name}.{copy}"
        own[name] = None
    return list(own)


def listed(names: Iterable[str], most: int = 12) -> str:
    """The first names, for a message."""
    texts = [str(name) for name in names]
    return ", ".join(map(_clipped, texts[:most])) + (" ..." if len(texts) > most else "")


def quoted(name: str) -> str:
    """A name in quotation marks, for a message."""
    return repr(_clipped(name))


def _clipped(name: str) -> str:
    """A name on one line, short enough to be shown, and such that UTF-8 can write it."""
    name = " ".join(name[: 10 * _SHOWN].split()) or name[:_SHOWN]
    short = name if len(name) <= _SHOWN else name[: _SHOWN - 3] + "..."
    return short.encode("utf-8", "replace").decode("utf-8")
