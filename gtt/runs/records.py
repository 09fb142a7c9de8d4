"""One line of a journal: whether it can be told on, and what of it has the kind that it must have.

A disk, an editor or another program may have damaged a journal. Whatever stands in a line, reading
it harms nobody: a line that no answer could carry counts as damaged and is passed over, and a field
of another kind than its event has counts as left out.
"""

from __future__ import annotations

import json
import math
import types
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from gtt.training.events import EVENTS, MEASURED, median_update

Record = dict[str, Any]

DEEPEST = 16  # levels of a value; a configuration has three
PARTS = 2000  # of a model that one snapshot tells of
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
    checks = _checks(str(type_)) if is_name else {"type": lambda _: False}
    wrong = [name for name, check in checks.items() if name in record and not check(record[name])]
    return {name: record[name] for name in record if name not in wrong} if wrong else record


def number(value: Any) -> Any:
    """A number of a record, or None where there is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value if isinstance(value, int) or math.isfinite(value) else None


def step_in(record: Record) -> int:
    """The step of a sound record, 0 where it tells none."""
    return int(number(record.get("step")) or 0)


def measured_in(record: Record) -> dict[str, float | None]:
    """What a sound record measures, by metric; None where its number was not finite.

    Empty where its event measures nothing. Metrics that it does not have are left out.
    """
    metrics = MEASURED.get(str(record.get("type")))
    if metrics is None:
        return {}
    measured = {name: number(record[name]) for name in metrics if name in record}
    if record["type"] == "Snapshotted" and measured.get("update_to_weight") is None:
        # Older journals have the ratios of the parts alone.
        measured["update_to_weight"] = median_update(statistics_in(record))
    return measured


def statistics_in(record: Record) -> dict[str, dict[str, float]]:
    """The numbers of a snapshot by part and name; whatever else stands there is passed over."""
    statistics = record.get("statistics")
    parts = list(statistics.items())[:PARTS] if isinstance(statistics, Mapping) else []
    numbers = {
        str(part): {str(name): number(value) for name, value in values.items()}
        for part, values in parts
        if isinstance(values, Mapping)
    }
    return {
        part: {name: value for name, value in values.items() if value is not None}
        for part, values in numbers.items()
    }


Check = Callable[[Any], bool]


@cache
def _checks(type_: str) -> Mapping[str, Check]:
    """By field of an event whether a value of JSON is of its kind."""
    event = EVENTS.get(type_)
    kinds = {"time": float, **(get_type_hints(event) if event is not None else {})}
    return {name: _check_of(kind) for name, kind in kinds.items()}


def _check_of(kind: Any) -> Check:
    """Whether a value of JSON is of a kind; a number that was not finite stands there as null."""
    origin, parts = get_origin(kind), get_args(kind)
    if kind is Any:
        return lambda value: True
    if kind in (float, float | None):
        return lambda value: value is None or type(value) in (float, int)
    if kind is int:
        return lambda value: type(value) is int and value >= 0
    if origin is Literal:
        return lambda value: isinstance(value, str)  # a newer version may have more words
    if origin in (Union, types.UnionType):
        checks = [_check_of(part) for part in parts]
        return lambda value: any(check(value) for check in checks)
    if origin is dict:
        check = _check_of(parts[1])
        return lambda value: isinstance(value, dict) and all(map(check, value.values()))
    if origin is tuple:
        check = _check_of(parts[0])
        return lambda value: isinstance(value, list) and all(map(check, value))
    return lambda value: isinstance(value, kind)


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return True
