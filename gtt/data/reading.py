"""From the setting that names a source to the stream of its text."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gtt.config import DataConfig
from gtt.data import fetch, hub, library, tasks
from gtt.data.files import TABLE_SUFFIXES, open_file
from gtt.data.progress import Report
from gtt.data.sources import HubName, Resolved
from gtt.data.streams import TextStream
from gtt.errors import UnusableData

LOOKED_THROUGH = 1 << 20  # bytes of a copy
ROWS_VERSION = 6  # of how rows of tables are read; what was read otherwise is another text

_SYNTHETIC = ("tales", *tasks.TASKS)
_DEFAULT_MEGABYTES = {"tinystories": 20.0} | dict.fromkeys(_SYNTHETIC, 1.0)


@dataclass(frozen=True)
class OpenedSource:
    """A source that is ready to be read, and what tells its text from any other.

    `identity` goes into the fingerprint, plain values only. `limit` is in bytes. `entropy_rate`,
    nats per character, is set where it is known.
    """

    identity: dict[str, Any]
    limit: int | None
    read: Callable[[Report], TextStream]
    entropy_rate: Callable[[], float] | None = None


def open_source(
    resolved: Resolved,
    config: DataConfig,
    downloads: Path,
    sources_folder: Path | None,
    most: int | None = None,
) -> OpenedSource:
    """Nothing is read yet but the bytes of a local file, for their hash.

    With `most` it is a look: no more bytes of a file are read, and there is no hash.
    """
    megabytes = config.max_megabytes or _DEFAULT_MEGABYTES.get(resolved.name)
    limit = None if megabytes is None else max(1, int(megabytes * 1e6))
    if resolved.path is not None:
        return _open_path(resolved.path, config.column, limit, resolved.title, most)
    if resolved.hub is not None:
        return _open_hub(resolved.hub, config.column, limit, sources_folder)
    name = resolved.name
    if name == "tales":
        return _open_tales(config.seed, limit)
    if name in tasks.TASKS:
        return _open_task(name, config.seed, limit)
    if name == "python":
        return OpenedSource(library.python_identity(), limit, lambda _: library.read_python())
    if name == "tinyshakespeare":
        remote = fetch.TINY_SHAKESPEARE
        return OpenedSource(
            {"sha256": remote.sha256},
            limit,
            lambda report: open_file(fetch.fetch(remote, downloads, sources_folder, report), None),
        )
    if name == "wikitext-2":
        return _open_copied(name, hub.WIKITEXT, hub.WIKITEXT_COPIES, limit, sources_folder, most)
    return _open_copied(
        name, hub.TINY_STORIES, hub.TINY_STORIES_COPIES, limit, sources_folder, most
    )


def _open_tales(seed: int, limit: int | None) -> OpenedSource:
    def read(_: Report) -> TextStream:
        from gtt.data.tales import write_tales

        return TextStream(write_tales(limit or 1_000_000, seed), "", limit, endless=True)

    def entropy_rate() -> float:
        from gtt.data.tales import entropy_rate

        return entropy_rate()

    from gtt.data import tales

    # The beginning of the text stands for the language: a later version is not mixed up with it.
    beginning = "".join(tales.write_tales(10_000, seed))
    identity = {"tales": hashlib.sha256(beginning.encode("utf-8")).hexdigest(), "seed": seed}
    return OpenedSource(identity, limit, read, entropy_rate)


def _open_task(name: str, seed: int, limit: int | None) -> OpenedSource:
    task = tasks.TASKS[name]
    return OpenedSource(
        {"task": name, "version": tasks.VERSION, "seed": seed},
        limit,
        lambda _: TextStream(task.write(seed), "", limit, endless=True),
        task.entropy_rate,
    )


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
    """What of a file's text its bytes do not decide."""
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
        return replace(opened, read=_saying_so(opened.read, copy))
    identity: dict[str, Any] = {"hub": name.dataset, "config": name.config, "split": name.split}
    identity |= {"column": column, "rows": ROWS_VERSION}
    return OpenedSource(identity, limit, lambda _: hub.open_hub(name, column))


def _saying_so(read: Callable[[Report], TextStream], copy: Path) -> Callable[[Report], TextStream]:
    def read_and_say_so(report: Report) -> TextStream:
        stream = read(report)
        stream.notes.append(f"The text was read from the copy {copy.name!r}.")
        return stream

    return read_and_say_so


def _open_copied(
    name: str,
    remote: HubName,
    copies: tuple[str, ...],
    limit: int | None,
    folder: Path | None,
    most: int | None,
) -> OpenedSource:
    """A Hub data set of which a copy may lie in the shared folder, as text or as a table."""
    copy = fetch.find_by_name(copies, folder)
    if copy is None:
        identity: dict[str, Any] = {"hub": remote.dataset, "name": name}
    else:
        with copy.open("rb") as file:  # a copy of 2 GB is told by its size and its beginning
            beginning = hashlib.sha256(file.read(1 << 20)).hexdigest()
        identity = {"copy": beginning, "bytes": copy.stat().st_size, "name": name}

    def read(report: Report) -> TextStream:
        if copy is None:
            stream = hub.open_hub(remote, None)
        else:
            if copy.suffix.lower() not in TABLE_SUFFIXES:
                refuse_other_text(copy, name)
            stream = _saying_so(lambda _: open_file(copy, None, most=most), copy)(report)
        if name == "wikitext-2":
            lines = stream.pieces if stream.separator is not None else _lines(stream.pieces)
            stream.pieces, stream.separator = hub.articles(lines), ""
        elif stream.separator is None:
            stream.pieces, stream.separator = hub.stories(stream.pieces), "\n\n"
        return stream

    return OpenedSource(identity, limit, read)


def refuse_other_text(copy: Path, name: str) -> None:
    """Raises `UnusableData` unless the beginning of a copy has the marks of that data set.

    The texts are passed on in several forms, so that no hash tells them all.
    """
    with copy.open("rb") as file:
        beginning = file.read(LOOKED_THROUGH).decode("utf-8", "replace")
    mark, words = hub.MARKS[name]
    if not mark.search(beginning):
        raise UnusableData(
            f"{copy} is not {name}, whatever its name says: it has no {words}. Bring the right "
            "file, or train on this one with --data and its path.",
            field="data.source",
        )


def _lines(stretches: Iterator[str]) -> Iterator[str]:
    waiting = ""
    for stretch in stretches:
        *whole, waiting = (waiting + stretch).split("\n")
        yield from (line + "\n" for line in whole)
    if waiting:
        yield waiting
