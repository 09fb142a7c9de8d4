"""What groups of settings are made of: fields that describe themselves, faults as sentences."""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
)
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticCustomError

from gtt.errors import InvalidSetting, Way


class Slider(NamedTuple):
    """The range a slider offers; hard limits may be wider. `logarithmic` suits rates."""

    low: float
    high: float
    step: float | None = None
    logarithmic: bool = False


# The parts of the page on which settings stand, each on the tab of its group.
Part = Literal[
    "source",
    "reading",
    "shape",
    "switches",
    "common",
    "schedule",
    "tracking",
    "more",
    "prompt",
    "drawing",
]


def setting(
    default: Any,
    *,
    label: str,
    concept: str,
    part: Part | None = None,
    off_page: str | None = None,
    unit: str | None = None,
    slider: Slider | None = None,
    **limits: Any,
) -> Any:
    """A pydantic field that carries everything there is to say about one setting.

    `part` is the part of the page on which it stands, in the order of the declarations; a setting
    that is on none says in `off_page` why not.
    """
    if (part is None) == (off_page is None):
        raise TypeError(f"{label}: say the part of the page, or why it is not on it.")
    return Field(
        default,
        title=label,
        json_schema_extra={
            "concept": concept,
            "part": part,
            "off_page": off_page,
            "unit": unit,
            "slider": slider._asdict() if slider else None,
        },
        **limits,
    )


def _printable(text: str) -> str:
    if re.search(UNPRINTABLE, text):
        raise PydanticCustomError("unprintable", "Input should be text without control characters")
    return text


# Controls, and the marks that turn the direction of the text around them.
UNPRINTABLE = r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]"
LONGEST_NAME = 100  # characters
# The name of something, on one line and as it looks.
Name = Annotated[
    str,
    Field(min_length=1, max_length=LONGEST_NAME),
    AfterValidator(_printable),
    WithJsonSchema(
        {
            "type": "string",
            "minLength": 1,
            "maxLength": LONGEST_NAME,
            "pattern": f"^[^{UNPRINTABLE[1:]}*$",
        }
    ),
]


class Settings(BaseModel):
    """Base of the groups: frozen, unknown keys refused, no NaN and no infinity."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


AnySettings = TypeVar("AnySettings", bound=Settings)


def parse(
    model: type[AnySettings], values: Mapping[str, Any], *, strict: bool = False
) -> AnySettings:
    """Validates plain values into `model`; raises `InvalidSetting` with the first fault.

    `strict` takes values as JSON means them: the text "4" is no number, though 4.0 is an integer.
    """
    try:
        if strict:
            _refuse_broken_text(values, "")
            text = json.dumps(_without_needless_fractions(values))
            return model.model_validate_json(text, strict=True)
        _refuse_switches(model, values)
        return model.model_validate(dict(values))
    except ValidationError as error:
        raise _as_invalid_setting(model, error) from None


def _refuse_broken_text(value: Any, field: str) -> None:
    """Raises `InvalidSetting` for half of a surrogate pair, which no encoding can write."""
    if isinstance(value, str):
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise InvalidSetting(
                f"{field}: the text holds half of a surrogate pair, which is no character: "
                "remove it.",
                field=field,
            )
    elif isinstance(value, Mapping):
        for key, part in value.items():
            _refuse_broken_text(key, field or "key")
            _refuse_broken_text(part, f"{field}.{key}" if field else str(key))
    elif isinstance(value, (list, tuple)):
        for part in value:
            _refuse_broken_text(part, field)


def _refuse_switches(model: type[Settings], values: Mapping[str, Any], group: str = "") -> None:
    """Raises `InvalidSetting` for `true` where a number belongs: pydantic would count it as 1."""
    if not isinstance(values, Mapping):
        return  # refused for its kind
    for name, value in values.items():
        field = model.model_fields.get(name)
        kinds = _kinds(field.annotation) if field is not None else []
        inner = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Settings)]
        if isinstance(value, Mapping) and inner:
            _refuse_switches(inner[0], value, f"{group}{name}.")
        elif isinstance(value, bool) and bool not in kinds and (int in kinds or float in kinds):
            raise InvalidSetting(
                f"{group}{name}: {value} is not allowed, it must be a number.",
                field=f"{group}{name}",
            )


def _without_needless_fractions(value: Any) -> Any:
    """The same plain values with whole floats as integers, which JSON does not tell apart."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, Mapping):
        return {str(key): _without_needless_fractions(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_needless_fractions(part) for part in value]
    return value


def _as_invalid_setting(model: type[Settings], error: ValidationError) -> InvalidSetting:
    """The first fault as one sentence; an unknown key is named before a wrong value."""
    faults = sorted(error.errors(), key=lambda fault: fault["type"] != "extra_forbidden")
    fault = faults[0]
    path = [str(part) for part in fault["loc"]]
    field = ".".join(path)
    if fault["type"] == "extra_forbidden":
        owner = _model_at(model, path[:-1])
        where = f" in {'.'.join(path[:-1])!r}" if path[:-1] else ""
        return InvalidSetting(
            nearest("setting", path[-1], list(owner.model_fields), where), field=field
        )
    about = fault.get("ctx", {})
    if "field" in about:  # settings that do not fit each other, each fine by itself
        ways = tuple(_way_out(model, [*path, name], value) for name, value in about.get("ways", ()))
        field = ".".join([*path, str(about["field"])])
        return InvalidSetting(f"{fault['msg']}.", field=field, ways=ways)
    ways = tuple(_way_out(model, path, value) for value in _values_instead(model, path, fault))
    is_item = fault["loc"] != () and isinstance(fault["loc"][-1], int)
    # What is set is the list as a whole.
    setting = ".".join(path[:-1]) if is_item else field
    return InvalidSetting(f"{field}: {_value_sentence(fault)}", field=setting, ways=ways)


def _way_out(model: type[Settings], path: list[str], value: bool | int | float | str) -> Way:
    """A value for the setting at a path of field names, said with the setting's own label."""
    field = _field_at(model, path)
    label = field.title if field is not None and field.title else path[-1]
    return Way(".".join(path), value, f"{label} {value}")


def _values_instead(
    model: type[Settings], path: list[str], fault: ErrorDetails
) -> list[int | float | str]:
    """What a setting may be instead of a value that it cannot have, the nearest first."""
    field, about, value = _field_at(model, path), fault.get("ctx", {}), fault["input"]
    if field is None:  # an item of a list
        return []
    kind = fault["type"]
    if kind in ("greater_than_equal", "less_than_equal"):
        return [about["ge" if kind == "greater_than_equal" else "le"]]
    if kind in ("greater_than", "less_than"):  # the limit itself is not allowed
        extra = field.json_schema_extra
        slider: Any = extra.get("slider") if isinstance(extra, dict) else None
        return [slider["low" if kind == "greater_than" else "high"]] if slider else []
    if kind in ("int_type", "int_from_float") and isinstance(value, float) and abs(value) < 2**53:
        return [math.floor(value), math.ceil(value)]
    if kind == "literal_error":
        choices = choices_of(field.annotation) or ()
        similar = difflib.get_close_matches(str(value)[:LONGEST_NAME], choices, n=1, cutoff=0.0)
        return [*similar, *(choice for choice in choices if choice not in similar)]
    return []


def _field_at(model: type[Settings], path: list[str]) -> FieldInfo | None:
    """The field that a path of names leads to; None where it leads into a list."""
    for part in path[:-1]:
        field = model.model_fields.get(part)
        kinds = get_args(field.annotation) or (field.annotation,) if field else ()
        inner = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Settings)]
        if not inner:
            return None
        model = inner[0]
    return model.model_fields.get(path[-1]) if path else None


def _value_sentence(fault: ErrorDetails) -> str:
    """What is wrong with one value, with the value shown."""
    value = _in_words(fault["input"])
    message = _PLAINER.get(fault["type"], fault["msg"])
    requirement = message[0].lower() + message[1:]
    for opening in ("input should be ", "value should be "):
        if requirement.startswith(opening):
            return f"{value} is not allowed, it must be {requirement[len(opening) :]}."
    return f"{value} is not allowed ({requirement})."


# Where pydantic speaks of Python's types.
_PLAINER = {
    "tuple_type": 'Input should be a list, such as ["one", "two"]',
    "list_type": 'Input should be a list, such as ["one", "two"]',
    "int_parsing": "Input should be a whole number",
    "int_parsing_size": "Input should be a smaller number",
    "int_type": "Input should be a whole number",
    "int_from_float": "Input should be a whole number",
    "float_parsing": "Input should be a number",
    "float_type": "Input should be a number",
    "bool_parsing": "Input should be true or false",
    "bool_type": "Input should be true or false",
    "string_type": "Input should be a text",
    "model_type": "Input should be a group of settings",
    "model_attributes_type": "Input should be a group of settings",
}


def _in_words(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def nearest(kind: str, name: str, names: list[str], where: str = "") -> str:
    """The sentence for an unknown name: the nearest known one, or all of them."""
    # A long name cannot be a slip of the finger, and comparing it would take its time.
    similar = difflib.get_close_matches(name, names, n=1, cutoff=0.5) if len(name) <= 100 else []
    hint = f"did you mean {similar[0]!r}?" if similar else f"known are {', '.join(names)}."
    return f"There is no {kind} {_in_words(name)}{where}: {hint}"


def _model_at(model: type[Settings], path: list[str]) -> type[Settings]:
    """The group that a path of field names leads to; places in lists are passed over."""
    for part in path:
        if part.isdigit():
            continue
        annotation: Any = model.model_fields[part].annotation
        kinds = [kind for kind in get_args(annotation) if kind is not type(None)]
        annotation = kinds[0] if kinds else annotation
        assert isinstance(annotation, type) and issubclass(annotation, Settings)
        model = annotation
    return model


def read_value(model: type[Settings], name: str, text: str) -> Any:
    """A value typed in a terminal: JSON where it is JSON, else the text itself.

    A setting that takes text gets the text untouched, so that `data.source=1984` is a name, and one
    that takes a word gets that word: `model.position=none` unsets nothing. A list of one needs no
    brackets.
    """
    field = model.model_fields.get(name)
    annotation = None if field is None else field.annotation
    kind = None if field is None else kind_of(annotation)
    if kind == "string":
        return None if text in ("null", "none") and type(None) in get_args(annotation) else text
    if text.strip() in (choices_of(annotation) or ()):
        return text.strip()
    value = _read_plain(text)
    if kind == "list" and not isinstance(value, list):
        return [] if value is None else [text]
    return value


def _read_plain(text: str) -> Any:
    lowered = text.strip().lower()
    if lowered in ("none", "null", ""):
        return None
    try:
        value = json.loads(lowered if lowered in ("true", "false") else text)
    except (ValueError, RecursionError):
        return text
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        return int(value)  # 1e3 steps
    return value


def kind_of(annotation: Any) -> str:
    """What a setting takes: `boolean`, `integer`, `number`, `string`, `choice` or `list`."""
    if choices_of(annotation):
        return "choice"
    if get_origin(annotation) is tuple:
        return "list"
    kind = _kinds(annotation)[0]
    return {bool: "boolean", int: "integer", float: "number", str: "string"}[kind]


def _kinds(annotation: Any) -> list[Any]:
    """The types of a setting, None left out."""
    return [part for part in get_args(annotation) or (annotation,) if part is not type(None)]


def choices_of(annotation: Any) -> tuple[str, ...] | None:
    """The words a setting may be set to, or None where it is not a choice."""
    return get_args(annotation) if get_origin(annotation) is Literal else None
