"""From the setting that names a source to the stream of its text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from gtt.config import DataConfig
from gtt.data import fetch, hub
from gtt.data.sources import HubName, Places, Resolved
from gtt.data.sources.copied import saying_so
from gtt.data.sources.source import OpenedSource
from gtt.data.text_files import TABLE_SUFFIXES, open_file
from gtt.errors import UnusableData

__all__ = ["OpenedSource", "open_source", "read_as"]

ROWS_VERSION = 6  # of how rows of tables are read; what was read otherwise is another text


def open_source(
    resolved: Resolved,
    config: DataConfig,
    downloads: Path,
    sources_folder: Path | None,
    most: int | None = None,
) -> OpenedSource:
    """Opens a source; a local file is read once for its hash, everything else later.

    With `most`, for a preview, no more than so many bytes are read, and there is no hash.
    """
    source = resolved.source
    megabytes = config.max_megabytes or (source.read_at_most if source else None)
    limit = None if megabytes is None else max(1, int(megabytes * 1e6))
    if source is not None:
        return source.open(config, Places(downloads, sources_folder), limit, most)
    if resolved.path is not None:
        return _open_path(resolved.path, config.column, limit, resolved.title, most)
    assert resolved.hub is not None
    return _open_hub(resolved.hub, config.column, limit, sources_folder)


def _open_path(
    path: Path, column: str | None, limit: int | None, name: str, most: int | None = None
) -> OpenedSource:
    suffix = path.suffix.lower()
    identity: dict[str, Any] = {}
    if most is None:
        try:
            sha256 = fetch.hash_file(path)
        except OSError as error:
            raise UnusableData(
                f"{name} cannot be read: {error.strerror or error}.", field="data.source"
            ) from None
        identity = {"sha256": sha256, "suffix": suffix, **read_as(suffix, column)}
    return OpenedSource(identity, limit, lambda _: open_file(path, column, name=name, most=most))


def read_as(suffix: str, column: str | None) -> dict[str, Any]:
    """The parts of a file's identity that are not in its bytes: how it is read."""
    if suffix not in TABLE_SUFFIXES:
        return {"column": None}
    return {"column": column, "rows": ROWS_VERSION}


def _open_hub(
    name: HubName, column: str | None, limit: int | None, folder: Path | None
) -> OpenedSource:
    """A data set of the Hub, or the copy of it in the shared folder."""
    column = name.column or column
    copy = fetch.find_by_name(hub.copies(name), folder)
    if copy is not None:
        opened = _open_path(copy, column, limit, copy.name)
        return replace(opened, read=saying_so(opened.read, copy))
    identity: dict[str, Any] = {"hub": name.dataset, "config": name.config, "split": name.split}
    identity |= {"column": column, "rows": ROWS_VERSION}
    return OpenedSource(identity, limit, lambda _: hub.open_hub(name, column))
