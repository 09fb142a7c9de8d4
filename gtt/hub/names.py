"""The name of a model on the Hub, `USER/NAME`, as a person types it."""

from __future__ import annotations

import re

from gtt.errors import BadInput

LONGEST = 96  # characters, slash included: a rule of the Hub
_PART = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_EXAMPLE = "for example anna/tales-gpt"


def repo_name(text: str) -> str:
    """The name, checked against the Hub's rules; raises `BadInput` that says what to write."""
    name = text.strip().removeprefix("https://huggingface.co/").strip("/")
    if not name:
        raise BadInput(f"Write where it shall go as USER/NAME, {_EXAMPLE}.", field="repo")
    owner, slash, model = name.partition("/")
    if not slash or "/" in model:
        raise BadInput(
            f"{_quoted(name)} is not of the form USER/NAME: your name on the Hub, a slash and a "
            f"name for the model, {_EXAMPLE}.",
            field="repo",
        )
    for part in (owner, model):
        if not _PART.fullmatch(part):
            raise BadInput(
                f"{_quoted(part)} cannot be part of a name on the Hub: letters of A to Z, digits "
                f"and - _ . inside, no spaces, {_EXAMPLE}.",
                field="repo",
            )
    if "--" in name or ".." in name or name.endswith(".git"):
        raise BadInput(
            f"{_quoted(name)} is no name on the Hub: leave out --, .. and an ending .git.",
            field="repo",
        )
    if len(name) > LONGEST:
        raise BadInput(
            f"A name on the Hub has at most {LONGEST} characters, this one {len(name)}: shorten "
            "it.",
            field="repo",
        )
    return name


def _quoted(name: str) -> str:
    return repr(name) if len(name) <= 60 else repr(name[:57] + "...")
