"""One line of a journal: whether it can be told on, and what of it has the kind that it must have.

A disk, an editor or another program may have damaged a journal. Whatever stands in a line, reading
it harms nobody: a line that no answer could carry counts as damaged and is passed over, and a field
of another kind than its event has counts as left out.
"""

from __future__ import annotations

import json
import math
import types
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from gtt.training.events import EVENTS

Record = dict[str, Any]

DEEPEST = 16  # levels of a value; a configuration has three
LARGEST = 2**63  # of whole numbers: what every reader of JSON takes


def read_record(line: bytes) -> Record | None:
    """The record of a line, None where the line is damaged."""
    try:
        record: Any = json.loads(line)
    except (ValueError, RecursionError):
        return None
    is_record = isinstance(record, dict) and type(record.get("seq")) is int and record["seq"] > 0
    return record if is_record and can_be_told(record) else None


def can_be_told(value: Any, levels: int = DEEPEST) -> bool:
    """Whether any reader of JSON takes a plain value: flat, finite, and whole characters only."""
    if isinstance(value, str):
        return value.isascii() or _is_text(value)
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, int):
        return -LARGEST < value < LARGEST
    if isinstance(value, dict):
        return levels > 0 and all(
            can_be_told(key) and can_be_told(part, levels - 1) for key, part in value.items()
        )
    if isinstance(value, list):
        return levels > 0 and all(can_be_told(part, levels - 1) for part in value)
    return value is None


def sound(record: Record) -> Record:
    """The record without the fields whose values are of another kind than its event has.

    The same record where there are none; of a type that is not known here, nothing is left out.
    """
    type_ = record.get("type")
    is_name = isinstance(type_, str) and type_.isidentifier()
    fields = _fields(str(type_)) if is_name else {"type": None}
    wrong = [
        name for name, kind in fields.items() if name in record and not _is(record[name], kind)
    ]
    return {name: record[name] for name in record if name not in wrong} if wrong else record


@cache
def _fields(type_: str) -> Mapping[str, Any]:
    event = EVENTS.get(type_)
    return {"time": float, **(get_type_hints(event) if event is not None else {})}


def _is(value: Any, kind: Any) -> bool:
    """Whether a value of JSON is of a kind; a number that was not finite stands there as null."""
    origin, parts = get_origin(kind), get_args(kind)
    if kind is Any or kind is None:
        return kind is Any
    if kind is float:
        return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if origin is Literal:
        return isinstance(value, str)  # a newer version may have more words
    if origin in (Union, types.UnionType):
        return any(_is(value, part) for part in parts)
    if origin is dict:
        return isinstance(value, dict) and all(_is(part, parts[1]) for part in value.values())
    if origin is tuple:
        return isinstance(value, list) and all(_is(part, parts[0]) for part in value)
    return isinstance(value, kind)


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return True
