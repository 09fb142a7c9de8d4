"""Replaces the names of settings in sentences by the labels of their controls."""

from __future__ import annotations

import re
from typing import Any

from gtt.config import describe_settings

LABELS = {setting.key: setting.label for setting in describe_settings()}
_SHORT = {setting.name: setting.label for setting in describe_settings() if "_" in setting.name}
_DOTTED = re.compile(r"(?<![\w.=])(?:config\.)?((?:data|model|training|generation)\.\w+)\b")
_BARE = re.compile(rf"(?<![\w.=\"'`-])({'|'.join(sorted(_SHORT, key=len, reverse=True))})(?![\w=])")
_TOLD = ("message", "basis")  # fields of an answer that hold a sentence
_LISTED = ("notes",)  # that hold several
_INSIDE = ("run", "error")  # parts of an answer in which such fields stand
_SEVERAL = ("runs",)


def on_screen(sentence: str) -> str:
    """The sentence with the labels of settings in place of their names.

    `n_embed` becomes Embedding width; names that are ordinary words, as `seed`, stay as they are.
    """
    called = _DOTTED.sub(lambda match: _label_or_name(match, LABELS.get(match[1])), sentence)
    return _BARE.sub(lambda match: _label_or_name(match, _SHORT[match[1]]), called)


def _label_or_name(match: re.Match[str], label: str | None) -> str:
    if label is None:
        return match[0]
    # Amid a sentence a label of several words would run into it.
    return label if match.start() == 0 else f"“{label}”"


def answer_on_screen(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer of an endpoint with its sentences in the words of the screen."""
    values = dict(answer)
    for name in _TOLD:
        if isinstance(values.get(name), str):
            values[name] = on_screen(values[name])
    for name in _LISTED:
        if isinstance(values.get(name), list):
            values[name] = [
                on_screen(item) if isinstance(item, str) else item for item in values[name]
            ]
    if isinstance(values.get("changed"), list):  # dotted names of settings
        values["changed"] = [LABELS.get(str(key), str(key)) for key in values["changed"]]
    for name in _INSIDE:
        if isinstance(values.get(name), dict):
            values[name] = answer_on_screen(values[name])
    for name in _SEVERAL:
        if isinstance(values.get(name), list):
            values[name] = [
                answer_on_screen(item) if isinstance(item, dict) else item for item in values[name]
            ]
    return values
