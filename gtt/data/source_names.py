"""Kinds of source names: a file (by its ending), an upload (by its prefix), else a data set."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

FILE_SUFFIXES = (".txt", ".md", ".csv", ".tsv", ".json", ".jsonl", ".parquet")

UPLOAD = "upload:"  # before the id of a text that was uploaded to the page
UPLOAD_NAME = re.compile(r"upload:[A-Za-z0-9_-]{8,64}")

_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*(:[^:/\\]*){0,3}")


@dataclass(frozen=True)
class HubName:
    """`owner/name[:config][:split][:column]`; what is left empty is guessed."""

    dataset: str
    config: str | None = None
    split: str | None = None
    column: str | None = None


def names_a_file(name: str) -> bool:
    """Whether a source is a file and nothing else, wherever it lies: by its ending."""
    return local_path(name).suffix.lower() in FILE_SUFFIXES


def hub_name(name: str) -> HubName | None:
    """A source that can be a data set of the Hub; whatever is no file and written like one."""
    if not _HUB_NAME.fullmatch(name):
        return None
    parts = [part.strip() or None for part in name.split(":")]
    parts += [None] * (4 - len(parts))
    return HubName(parts[0] or "", parts[1], parts[2], parts[3])


def way_with(suffix: str) -> str:
    """What to do with a file whose ending is not known."""
    if suffix.lower() == ".tab":
        return "rename it to .tsv if there are tabs between its cells."
    return "rename it to .txt if it is plain text."


def local_path(text: str) -> Path:
    """The path that a text names, with `~` for a home where there is such a person."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path(text)


def is_there(path: Path) -> bool:
    """Whether there is such a file or folder; False for names that no file can have."""
    try:
        return path.exists()
    except (OSError, ValueError):  # too long for a path, or with a zero byte
        return False
