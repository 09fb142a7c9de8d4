"""Which part of one object holds the rows: a list in it, or a map whose values are the rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gtt.data.columns import FAR_MORE, as_text, listed, shown
from gtt.data.csv_dialect import HEADINGS
from gtt.data.nested_texts import USUAL, text_in, texts_below
from gtt.errors import UnusableData

_LEVELS = 4  # of objects in which rows are looked for
_DEEPEST = 8  # levels of which the text is counted
_FEW = 10  # names; fewer may be those of fields, even where all hold text

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Part:
    """Rows within an object: the dotted path to them, and how many values beside them are none."""

    path: str
    rows: list[Row]
    left_out: int = 0


def parts_of(value: Row, path: str = "", levels: int = _LEVELS) -> Iterator[Part]:
    """Every list of rows in an object, and every map of rows."""
    if levels == 0:
        return
    entries = _entries(value)
    if entries:
        given = sum(one is not None for one in value.values())
        rows = [one if isinstance(one, Mapping) else {"text": one} for one in entries]
        yield Part(path, rows, given - len(entries))
    for key, one in value.items():
        below = f"{path}.{key}" if path else str(key)
        if isinstance(one, Mapping):
            yield from parts_of(one, below, levels - 1)
        elif isinstance(one, list):
            inside = [row for row in one if isinstance(row, (Mapping, str, list))]
            if inside:
                yield Part(below, [row_of(row) for row in inside])


def row_of(value: Row | str | list[Any]) -> Row:
    """An object, a text or cells as a row; objects in a list are the parts of one text."""
    if isinstance(value, Mapping):
        return value
    if isinstance(value, str) or any(isinstance(one, Mapping) for one in value):
        return {"text": value}
    return {f"column {number + 1}": one for number, one in enumerate(value)}


def is_entry(value: Any) -> bool:
    """Whether a value may be one of the texts of a map: a text, an object, or a list of texts."""
    if isinstance(value, list):
        return bool(value) and all(isinstance(one, str) for one in value)
    return isinstance(value, (str, Mapping))


def _entries(value: Row) -> list[Any]:
    """The values that are rows, where the keys are names of rows and not those of fields."""
    values = [one for one in value.values() if one is not None]
    entries = [one for one in values if is_entry(one)]
    others = len(values) - len(entries)
    if len(entries) < 2 or others > max(1, len(values) // 10):
        return []
    kinds = {
        list if isinstance(one, list) else str if isinstance(one, str) else dict for one in entries
    }
    if not others and kinds == {dict}:
        return entries
    if (others or kinds != {str}) and len(entries) <= (2 if len(kinds) == 1 else _FEW):
        return []
    names = HEADINGS if others or len(kinds) > 1 else set(USUAL)
    fields = [key for key in value if str(key).lower() in names]
    if len(fields) * 10 > len(value):
        return []
    usual = sum(_characters(value[key]) for key in fields if str(key).lower() in USUAL)
    if usual and usual * (1 + FAR_MORE) >= _characters(entries):
        return []
    return (
        []
        if _are_columns([one for one in entries if isinstance(one, list)], len(value))
        else (entries)
    )


def _are_columns(lists: list[list[Any]], names: int) -> bool:
    """Whether lists are the columns or the splits of a table: few of them, and long ones."""
    lengths = [len(one) for one in lists]
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
    is_usual = any(str(key).lower() in USUAL and as_text(one) for key, one in whole.items())
    return is_usual or most_text([whole]) * 2 > _characters(whole)


def refused_beside(whole: Row, part: Part, name: str) -> UnusableData:
    """Says where the text lies, and how to name it."""
    top = part.path.partition(".")[0]
    sizes = {str(key): _characters(one) for key, one in whole.items() if key != top}
    names = sorted((key for key in sizes if sizes[key]), key=lambda key: -sizes[key])
    paths = texts_below({key: one for key, one in whole.items() if key != top})
    longest = max(paths, key=lambda found: found[1], default=("", 0))[0]
    return UnusableData(
        f"Most text of {name} lies beside {shown(part.path)}, in {listed(names)}: name what is to "
        f"be read in data.column, as {shown(longest)}, or {shown(part.path)} if that is meant. To "
        'read all of it, make it a list of texts: ["...", "..."].',
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
    """Of all texts in a value."""
    if isinstance(value, str):
        return len(value)
    if not levels:
        return 0
    if isinstance(value, Mapping):
        return sum(_characters(one, levels - 1) for one in value.values())
    return sum(_characters(one, levels - 1) for one in value) if isinstance(value, list) else 0
