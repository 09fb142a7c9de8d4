"""ZIP files that are written while they are sent, of files that may be deleted meanwhile."""

from __future__ import annotations

import os
import time
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from gtt.plain_files import open_plain

CHUNK = 2**18  # bytes
PLAIN_ZIP = 2**31 - 2**20  # bytes of one file, above which ZIP needs its 64-bit form
TEXT = (".json", ".jsonl", ".txt", ".md", ".csv", ".svg", ".yaml", ".py")


@dataclass(frozen=True)
class Entry:
    """One file of an archive. `chunks` is read when its turn comes.

    `size` in bytes, as far as it is known before; `changed` in seconds since 1970.
    """

    name: str
    chunks: Iterable[bytes]
    size: int = 0
    changed: float | None = None


class _Pipe:
    """A file without seeking: the bytes written wait until they are read."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        return None

    def take(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


def streamed(entries: Iterable[Entry]) -> Iterator[bytes]:
    """The archive, piece by piece. Texts are packed; weights, which hardly shrink, are stored."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w") as archive:  # type: ignore[call-overload]
        for entry in entries:
            when = time.localtime(time.time() if entry.changed is None else entry.changed)
            about = zipfile.ZipInfo(entry.name, max(when[:6], (1980, 1, 1, 0, 0, 0)))
            about.external_attr = 0o644 << 16
            packs = entry.name.endswith(TEXT)
            about.compress_type = zipfile.ZIP_DEFLATED if packs else zipfile.ZIP_STORED
            with archive.open(about, "w", force_zip64=entry.size > PLAIN_ZIP) as file:
                for chunk in entry.chunks:
                    file.write(chunk)
                    if data := pipe.take():
                        yield data
    yield pipe.take()


def zipped(folder: Path, name: str) -> Iterator[bytes]:
    """The files of a folder under `name`, as they are when the first piece is asked for."""
    with ExitStack() as stack:
        yield from streamed(opened(folder, name, stack))


def opened(folder: Path, name: str, stack: ExitStack) -> list[Entry]:
    """The files of a folder under `name`, held open by `stack`: what is deleted can still be read.

    Raises `FileNotFoundError` where one goes while they are opened.
    """
    entries = []
    for path in sorted(folder.iterdir()):
        if not path.is_file() or path.name.startswith("."):
            continue
        file = stack.enter_context(open_plain(path))
        about = os.fstat(file.fileno())
        entries.append(
            Entry(f"{name}/{path.name}", pieces(file, about.st_size), about.st_size, about.st_mtime)
        )
    return entries


def pieces(file: BinaryIO, end: int) -> Iterator[bytes]:
    """The first `end` bytes of an open file, bit by bit; fewer where it has become shorter."""
    while end > 0 and (data := file.read(min(CHUNK, end))):
        end -= len(data)
        yield data
