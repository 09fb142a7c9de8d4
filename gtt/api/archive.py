"""A folder as a ZIP that is made while it is sent."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

CHUNK = 2**18  # bytes


class _Pipe:
    """A file that cannot be sought: what is written waits to be taken."""

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


def zipped(folder: Path, name: str) -> Iterator[bytes]:
    """The files of a folder under `name`, stored as they are: weights hardly compress."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED) as archive:  # type: ignore[call-overload]
        for path in sorted(folder.iterdir()):
            if not path.is_file() or path.name.startswith("."):
                continue
            with archive.open(f"{name}/{path.name}", "w") as entry, path.open("rb") as file:
                while data := file.read(CHUNK):
                    entry.write(data)
                    yield pipe.take()
    yield pipe.take()
