"""Finds the rows within one object: a list in it, or a map whose values are the rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gtt.data.columns import FAR_MORE, as_text, listed, quoted
from gtt.data.csv_dialect import HEADINGS
from gtt.data.nested_texts import USUAL, text_in, texts_below
from gtt.errors import UnusableData

_LEVELS = 4  # of objects in which rows are looked for
_DEEPEST = 8  # levels of which the text is counted
_FEW = 10  # names; fewer may be those of fields, even where all hold text

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Part:
    """Rows within an object: the dotted path to them, and the number of values that are no rows."""

    path: str
    rows: list[Row]
    left_out: int = 0


def parts_of(value: Row, path: str = "", levels: int = _LEVELS) -> Iterator[Part]:
    """Every list of rows in an object, and every map of rows."""
    if levels == 0:
        return
    entries = _entries(value)
    if entries:
        filled = sum(field is not None for field in value.values())
        rows = [entry if isinstance(entry, Mapping) else {"text": entry} for entry in entries]
        yield Part(path, rows, filled - len(entries))
    for key, field in value.items():
        below = f"{path}.{key}" if path else str(key)
        if isinstance(field, Mapping):
            yield from parts_of(field, below, levels - 1)
        elif isinstance(field, list):
            inside = [row for row in field if isinstance(row, (Mapping, str, list))]
            if inside:
                yield Part(below, [row_of(row) for row in inside])


def row_of(value: Row | str | list[Any]) -> Row:
    """An object, a text or cells as a row; objects in a list are the parts of one text."""
    if isinstance(value, Mapping):
        return value
    if isinstance(value, str) or any(isinstance(part, Mapping) for part in value):
        return {"text": value}
    return {f"column {number + 1}": cell for number, cell in enumerate(value)}


def is_entry(value: Any) -> bool:
    """Whether a value may be one of the texts of a map: a text, an object, or a list of texts."""
    if isinstance(value, list):
        return bool(value) and all(isinstance(item, str) for item in value)
    return isinstance(value, (str, Mapping))


def _entries(value: Row) -> list[Any]:
    """The values that are rows, where the keys are names of rows and not those of fields."""
    values = [field for field in value.values() if field is not None]
    entries = [field for field in values if is_entry(field)]
    other_fields = len(values) - len(entries)
    if len(entries) < 2 or other_fields > max(1, len(values) // 10):
        return []
    kinds = {
        list if isinstance(entry, list) else str if isinstance(entry, str) else dict
        for entry in entries
    }
    if not other_fields and kinds == {dict}:
        return entries
    if (other_fields or kinds != {str}) and len(entries) <= (2 if len(kinds) == 1 else _FEW):
        return []
    names = HEADINGS if other_fields or len(kinds) > 1 else set(USUAL)
    fields = [key for key in value if str(key).lower() in names]
    if len(fields) * 10 > len(value):
        return []
    usual = sum(_characters(value[key]) for key in fields if str(key).lower() in USUAL)
    if usual and usual * (1 + FAR_MORE) >= _characters(entries):
        return []
    return (
        []
        if _are_columns([entry for entry in entries if isinstance(entry, list)], len(value))
        else (entries)
    )


def _are_columns(lists: list[list[Any]], names: int) -> bool:
    """Whether lists are the columns or the splits of a table: few of them, and long ones."""
    lengths = [len(column) for column in lists]
    alike = len(lengths) > 1 and len(set(lengths)) == 1 and lengths[0] > 1
    return sum(lengths) > names * len(lengths) or (alike and names <= _FEW)


def most_text(rows: list[Row]) -> int:
    """Characters of the column with the most text."""
    sizes: dict[str, int] = {}
    for row in rows:
        for name, value in row.items():
            if not isinstance(value, (int, float)) and (text := as_text(value)):
                sizes[name] = sizes.get(name, 0) + len(text)
    return max(sizes.values(), default=0)


def lies_beside(whole: Row, part: Part) -> bool:
    """Whether nearly all text of an object lies beside the rows found in it."""
    return _characters(whole) - _characters(part.rows) > FAR_MORE * most_text(part.rows)


def has_one_text(whole: Row) -> bool:
    """Whether an object is one row with a text, whatever lists there are in it."""
    is_usual = any(str(key).lower() in USUAL and as_text(field) for key, field in whole.items())
    return is_usual or most_text([whole]) * 2 > _characters(whole)


def refused_beside(whole: Row, part: Part, name: str) -> UnusableData:
    """The error for a text that lies beside the rows, with the column that holds it."""
    top = part.path.partition(".")[0]
    sizes = {str(key): _characters(field) for key, field in whole.items() if key != top}
    names = sorted((key for key in sizes if sizes[key]), key=lambda key: -sizes[key])
    paths = texts_below({key: field for key, field in whole.items() if key != top})
    longest = max(paths, key=lambda path_and_size: path_and_size[1], default=("", 0))[0]
    return UnusableData(
        f"Most text of {name} lies beside {quoted(part.path)}, in {listed(names)}: name what is to "
        f"be read in data.column, as {quoted(longest)}, or {quoted(part.path)} if that is meant. "
        'To read all of it, make it a list of texts: ["...", "..."].',
        field="data.column",
    )


def have_own_names(rows: list[Row]) -> bool:
    """Whether each row has one field with a name of its own, as `{"book 1": "..."}` on a line."""
    own = [row for row in rows if len(row) == 1 and is_own(row)]
    names = {next(iter(row)) for row in own}
    return len(own) > 2 and len(own) * 10 >= 9 * len(rows) and len(names) * 10 >= 9 * len(own)


def is_own(row: Row) -> bool:
    """Whether the only field of a row holds a row."""
    value = next(iter(row.values()), None)
    return len(row) == 1 and is_entry(value) and bool(text_in(value) or isinstance(value, Mapping))


def _characters(value: Any, levels: int = _DEEPEST) -> int:
    """The number of characters of all texts in a value."""
    if isinstance(value, str):
        return len(value)
    if not levels:
        return 0
    if isinstance(value, Mapping):
        return sum(_characters(field, levels - 1) for field in value.values())
    return sum(_characters(item, levels - 1) for item in value) if isinstance(value, list) else 0
