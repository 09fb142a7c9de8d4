"""Texts that lie below the fields of a row: messages of a chat, a text in parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

USUAL = ("text", "content", "story", "document", "article", "body", "sentence", "review", "code")
_BELOW = (*USUAL, "value", "message", "parts")  # what a message calls its text
_SPEAKERS = {"role", "from", "from_id", "sender", "speaker", "author", "user", "username", "name"}
_CHATS = {"messages", "conversation", "conversations", "dialog", "dialogue", "turns", "chat"}
_DEEPEST = 8  # levels
_LOOKED_AT = 100  # items of a list in which fields are looked for


def text_in(value: Any, levels: int = _DEEPEST) -> str | None:
    """The text in a value; None where there is none, or where several fields could be it.

    In an object it is the field with a usual name. Messages of a chat go on separate lines; the
    parts of one text (strings among objects, or objects with a `type`) are joined without a break.
    """
    if isinstance(value, str):
        return value
    if not levels or not value:
        return None
    if isinstance(value, list):
        texts = [text for item in value if (text := text_in(item, levels - 1))]
        return ("" if _are_parts(value) else "\n").join(texts) if texts else None
    if isinstance(value, Mapping):
        for field in _BELOW:
            if text := text_in(value.get(field), levels - 1):
                return text
        if all(field is None or isinstance(field, Mapping) for field in value.values()):
            return text_in([field for field in value.values() if field], levels - 1)
    return None


def field_in(value: Any, levels: int = _DEEPEST) -> str | None:
    """The name of the innermost field whose text `text_in` returns, for a note."""
    if isinstance(value, list):
        inside = (field_in(item, levels - 1) for item in value[:100] if levels)
        return next((field for field in inside if field), None)
    if not isinstance(value, Mapping) or not levels:
        return None
    for field in _BELOW:
        if text_in(value.get(field), levels - 1):
            return field_in(value[field], levels - 1) or field
    return field_in([field for field in value.values() if field][:100], levels - 1)


def value_at(row: Mapping[str, Any], name: str) -> tuple[bool, Any]:
    """Whether a row has a column, and its value; `a.b` is the field `b` of the object `a`.

    Where `a` is a list of objects the value is the list of what they have as `b`.
    """
    if name in row:
        return True, row[name]
    return _at(row, name.split("."))


def _at(value: Any, parts: list[str]) -> tuple[bool, Any]:
    if not parts:
        return True, value
    if isinstance(value, list):
        outcomes = [_at(item, parts) for item in value]
        return any(is_present for is_present, _ in outcomes), [
            field for is_present, field in outcomes if is_present
        ]
    if not isinstance(value, Mapping) or parts[0] not in value:
        return False, None
    return _at(value[parts[0]], parts[1:])


def texts_below(value: Any, levels: int = _DEEPEST) -> Iterator[tuple[str, int]]:
    """The dotted path of every text in a value, as `value_at` takes it, with its characters."""
    if isinstance(value, str):
        yield "", len(value)
    elif isinstance(value, list) and levels:
        for item in value[:_LOOKED_AT]:
            yield from texts_below(item, levels - 1)
    elif isinstance(value, Mapping) and levels:
        for name, item in value.items():
            for path, size in texts_below(item, levels - 1):
                yield f"{name}.{path}" if path else str(name), size


def is_chat(values: Any, name: str = "") -> bool:
    """Whether these are the messages of one chat: objects of which most say who wrote their text.

    The `name` of the list or of a field tells them from articles, which have authors, too.
    """
    if not isinstance(values, list) or not values:
        return False
    speaker_keys = _SPEAKERS if name.lower() in _CHATS else {"role"}
    objects = [message for message in values[:_LOOKED_AT] if isinstance(message, Mapping)]
    with_speaker = sum(
        bool(speaker_keys & set(message)) and bool(text_in(message)) for message in objects
    )
    return with_speaker * 2 > len(values[:_LOOKED_AT])


def _are_parts(values: list[Any]) -> bool:
    objects = [value for value in values if isinstance(value, Mapping)]
    if not objects or any(_SPEAKERS & set(part) for part in objects):
        return False
    return len(objects) < len(values) or all("type" in part and "text" in part for part in objects)
