"""The settings of a text without what is private: paths, and ids of uploads."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PureWindowsPath
from typing import Literal

from gtt.config import DataConfig
from gtt.data.sources import (
    SOURCES,
    UPLOAD,
    Source,
    hub_name,
    is_there,
    local_path,
    names_a_file,
)

_MODEL_OF_THE_HUB = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")


@dataclass(frozen=True)
class PublicSource:
    """A source as anybody may see it.

    `setting` replaces the value of the setting; `title` is for people, `dataset` the name of a data
    set on the Hub.
    """

    kind: Literal["built-in", "upload", "file", "hub"]
    setting: str
    title: str
    built_in: Source | None = None
    dataset: str | None = None


def public_source(setting: str, uploaded: str = "an uploaded text") -> PublicSource:
    """The source of a setting, read as `resolve_source` reads it; the text need not exist.

    `uploaded` is the title of an upload.
    """
    name = setting.strip()
    built_in = SOURCES.get(name.lower())
    if built_in is not None:
        return PublicSource("built-in", built_in.name, built_in.title, built_in=built_in)
    if name.startswith(UPLOAD):
        return PublicSource("upload", "text.txt", uploaded)
    hub = None if names_a_file(name) else hub_name(name)
    if hub is not None:
        return PublicSource("hub", name, hub.dataset, dataset=hub.dataset)
    last = _last_part(name) or "a text"
    return PublicSource("file", last, last)


def public_tokenizer(setting: str) -> str:
    """A pretrained tokenizer: its name on the Hub, or the last part of a path."""
    if _MODEL_OF_THE_HUB.fullmatch(setting) and not is_there(local_path(setting)):
        return setting
    return _last_part(setting) or "tokenizer"


def without_paths(data: DataConfig) -> DataConfig:
    """The settings of a text with the public forms of its source and its pretrained tokenizer."""
    return data.model_copy(
        update={
            "source": public_source(data.source).setting,
            "pretrained_tokenizer": public_tokenizer(data.pretrained_tokenizer),
        }
    )


def _last_part(path: str) -> str:
    return PureWindowsPath(path).name  # after either slash
