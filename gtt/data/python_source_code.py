"""The standard library of the running Python as a text: megabytes of code on every machine."""

from __future__ import annotations

import hashlib
import os
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from gtt.data.streams import TextStream
from gtt.errors import UnusableData

_LEFT_OUT = frozenset(
    # Tests; what is not part of the library; tables and texts that are written by a program.
    ("test", "tests", "idle_test", "site-packages", "dist-packages", "__pycache__")
    + ("ensurepip", "encodings", "pydoc_data", "lib2to3")
)


def python_identity() -> dict[str, str]:
    """What tells one standard library from another."""
    return {"python": sys.version, "implementation": sys.implementation.name}


def read_python(folder: Path | None = None) -> TextStream:
    """Each source file one document, in an order that a hash of its path shuffles.

    The shuffle makes the validation part a fair sample of the modules instead of those from `w` to
    `z`. Files outside ASCII (a few dozen) are left out, since each brings characters of its own.
    """
    root = Path(sysconfig.get_path("stdlib")) if folder is None else folder
    files = list(_source_files(root))
    files.sort(key=lambda path: hashlib.sha256(path.relative_to(root).as_posix().encode()).digest())
    if not files:
        raise UnusableData(
            "This Python has no source files of its standard library on disk: choose another "
            "source.",
            field="data.source",
        )
    stream = TextStream(iter(()), "\n\n", sum(path.stat().st_size for path in files))
    stream.pieces = _documents(files, stream.notes)
    return stream


def _source_files(root: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in _LEFT_OUT]
        for name in names:
            if name.endswith(".py") and not name.startswith(("test_", "_sysconfigdata")):
                yield Path(folder, name)


def _documents(files: list[Path], notes: list[str]) -> Iterator[str]:
    skipped = 0
    for path in files:
        try:
            text = path.read_bytes().decode("ascii")
        except (OSError, UnicodeDecodeError):
            skipped += 1
            continue
        if text.strip():
            yield text.rstrip("\r\n") + "\n"
    if skipped:
        files_were = (
            "file with characters outside ASCII was"
            if skipped == 1
            else ("files with characters outside ASCII were")
        )
        notes.append(f"{skipped} {files_were} left out.")
