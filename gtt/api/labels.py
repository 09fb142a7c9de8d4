"""Sentences of the program in the words of the screen: a setting is called as its control is."""

from __future__ import annotations

import re
from typing import Any

from gtt.config import describe_settings

LABELS = {one.key: one.label for one in describe_settings()}
_SHORT = {one.name: one.label for one in describe_settings() if "_" in one.name}
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
    called = _DOTTED.sub(lambda found: _called(found, LABELS.get(found[1])), sentence)
    return _BARE.sub(lambda found: _called(found, _SHORT[found[1]]), called)


def _called(found: re.Match[str], label: str | None) -> str:
    if label is None:
        return found[0]
    # Amid a sentence a label of several words would run into it.
    return label if found.start() == 0 else f"“{label}”"


def answer_on_screen(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer of an endpoint with its sentences in the words of the screen."""
    said = dict(answer)
    for name in _TOLD:
        if isinstance(said.get(name), str):
            said[name] = on_screen(said[name])
    for name in _LISTED:
        if isinstance(said.get(name), list):
            said[name] = [on_screen(one) if isinstance(one, str) else one for one in said[name]]
    if isinstance(said.get("changed"), list):  # dotted names of settings
        said["changed"] = [LABELS.get(str(one), str(one)) for one in said["changed"]]
    for name in _INSIDE:
        if isinstance(said.get(name), dict):
            said[name] = answer_on_screen(said[name])
    for name in _SEVERAL:
        if isinstance(said.get(name), list):
            said[name] = [
                answer_on_screen(one) if isinstance(one, dict) else one for one in said[name]
            ]
    return said
