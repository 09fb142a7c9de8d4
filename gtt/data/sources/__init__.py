"""Where text can come from: the built-in sources, and what a name given by a person means.

A built-in source is a class in a file of this package; what is in the folder is in the registry.
"""

from __future__ import annotations

import difflib
import importlib
import json
import pkgutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gtt.config import DataConfig
from gtt.data.source_names import (
    FILE_SUFFIXES,
    UPLOAD,
    UPLOAD_NAME,
    HubName,
    hub_name,
    is_there,
    local_path,
    names_a_file,
    way_with,
)
from gtt.data.sources.source import Places, Source
from gtt.errors import UnusableData

__all__ = [
    "FILE_SUFFIXES",
    "SOURCES",
    "UPLOAD",
    "HubName",
    "Places",
    "Resolved",
    "Source",
    "describe_sources",
    "find_sources",
    "hub_name",
    "is_there",
    "local_path",
    "names_a_file",
    "resolve_source",
    "way_with",
    "with_absolute_paths",
]


def find_sources() -> dict[str, Source]:
    """Every source of this package by its name, in the order in which they are offered.

    A module may hold several, and classes without a name that several sources share.
    """
    sources: list[Source] = []
    for module in pkgutil.iter_modules(__path__):
        names = vars(importlib.import_module(f"{__name__}.{module.name}"))
        sources += [
            source_class()
            for source_class in names.values()
            if isinstance(source_class, type)
            and issubclass(source_class, Source)
            and source_class.__module__ == names["__name__"]
            and "name" in vars(source_class)
        ]
    sources.sort(key=lambda source: (source.order, source.name))
    by_name = {source.name: source for source in sources}
    assert len(by_name) == len(sources), "two sources have one name"
    return by_name


SOURCES = find_sources()


@dataclass(frozen=True)
class Resolved:
    """What a source setting names: exactly one of `source`, `path` and `hub` is set."""

    kind: Literal["built-in", "file", "hub"]
    name: str
    title: str
    source: Source | None = None
    path: Path | None = None
    hub: HubName | None = None


def describe_sources() -> list[Source]:
    """The built-in sources in the order in which they are offered."""
    return list(SOURCES.values())


def resolve_source(text: str, uploads: Path | None = None) -> Resolved:
    """A built-in name, an upload, an existing file, or a Hub data set, tried in this order.

    With `uploads`, the folder of what a visitor brought, `upload:ID` is looked for in there and no
    other file is opened. Raises `UnusableData` that names the nearest built-in source, or what is
    wrong with the path.
    """
    name = text.strip()
    if name.lower() in SOURCES:
        source = SOURCES[name.lower()]
        return Resolved("built-in", source.name, source.title, source=source)
    if name.startswith(UPLOAD):
        return _resolve_upload(name, uploads)
    path = local_path(name)
    if uploads is None and is_there(path):
        return _resolve_file(name, path)
    if names_a_file(name):
        raise UnusableData(
            f"There is no file {name!r} here: check the path, or upload the file.",
            field="data.source",
        )
    hub = hub_name(name)
    if hub is not None:
        return Resolved("hub", name, hub.dataset, hub=hub)
    similar = difflib.get_close_matches(name.lower()[:100], SOURCES, n=1, cutoff=0.5)
    hint = f"did you mean {similar[0]!r}?" if similar else f"known are {', '.join(SOURCES)};"
    raise UnusableData(
        f"There is no source {_quoted(name)}: {hint} A file is given by its path, a data set of "
        "the Hugging Face Hub as owner/name[:config][:split][:column].",
        field="data.source",
    )


def with_absolute_paths(data: DataConfig) -> DataConfig:
    """The same with whole paths of a file and a tokenizer that are here, as a run keeps them.

    It may be resumed from elsewhere, and only a whole path is sure to be known as one.
    """
    changes = {}
    name = data.source.strip()
    if name.lower() not in SOURCES and names_a_file(name) and is_there(local_path(name)):
        changes["source"] = str(local_path(name).absolute())
    own = local_path(data.pretrained_tokenizer)
    if data.tokenizer == "pretrained" and is_there(own):
        changes["pretrained_tokenizer"] = str(own.absolute())
    return data.model_copy(update=changes)


def _resolve_upload(name: str, uploads: Path | None) -> Resolved:
    """The text that a visitor brought: `uploads/ID/text.*`, with its name in `upload.json`."""
    place = uploads / name[len(UPLOAD) :] if uploads and UPLOAD_NAME.fullmatch(name) else None
    files = [place / f"text{suffix}" for suffix in FILE_SUFFIXES] if place else []
    for path in files:
        if path.is_file():
            assert place is not None
            about = json.loads((place / "upload.json").read_text(encoding="utf-8"))
            return Resolved("file", name, str(about["name"]), path=path)
    raise UnusableData(
        f"There is no upload {_quoted(name)} here: upload the text again.", field="data.source"
    )


def _resolve_file(name: str, path: Path) -> Resolved:
    if path.is_dir():
        raise UnusableData(
            f"{name!r} is a folder: name one file in it ({', '.join(FILE_SUFFIXES)}).",
            field="data.source",
        )
    if path.suffix.lower() not in FILE_SUFFIXES:
        ending = repr(path.suffix) if path.suffix else "no ending"
        raise UnusableData(
            f"{path.name!r} has {ending}, and what can be read is {', '.join(FILE_SUFFIXES)}: "
            + way_with(path.suffix),
            field="data.source",
        )
    return Resolved("file", path.name, path.name, path=path)


def _quoted(name: str) -> str:
    return repr(name) if len(name) <= 60 else repr(name[:57] + "...")
