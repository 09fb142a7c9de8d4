"""Atomic writing: a reader finds either the old file or folder or the new one, complete.

The new one is written beside its place, flushed to the disk, and renamed. A power cut, a full disk
or the end of the process leave the old one as it was.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path, *, alone: bool = True, private: bool = False) -> Iterator[Path]:
    """Gives a path beside `path` to write to; when the `with` block ends it is renamed to `path`.

    `alone`: only one process at a time writes this file, so the remains of a dead one are
    overwritten; otherwise each writer gets a name of its own. `private`: only the owner may read
    the file, from the start. On an error nothing is left behind.
    """
    mark = "" if alone else f".{secrets.token_hex(4)}"
    beside = path.with_name(f".{path.name}{mark}.partial")
    try:
        if private:
            _open_privately(beside)
        yield beside
        flush(beside)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def write_bytes(path: Path, data: bytes, *, alone: bool = True, private: bool = False) -> None:
    """Writes or replaces a file; `alone` and `private` as `replacing` has them."""
    with replacing(path, alone=alone, private=private) as beside:
        beside.write_bytes(data)


def write_text(path: Path, text: str, *, alone: bool = True, private: bool = False) -> None:
    """As `write_bytes`, with a text in UTF-8."""
    write_bytes(path, text.encode("utf-8"), alone=alone, private=private)


def write_folder(place: Path, write: Callable[[Path], None]) -> None:
    """Lets `write` fill a folder beside `place`, then moves it there in one rename."""
    beside = place.with_name(f".{place.name}.partial")
    replaced = place.with_name(f".{place.name}.replaced")
    shutil.rmtree(beside, ignore_errors=True)
    shutil.rmtree(replaced, ignore_errors=True)
    try:
        beside.mkdir(parents=True)
        write(beside)
        for path in beside.iterdir():
            flush(path)
        if place.exists():
            place.rename(replaced)
        beside.rename(place)
        flush(place.parent)
        shutil.rmtree(replaced, ignore_errors=True)
    except BaseException:
        if replaced.exists() and not place.exists():
            replaced.rename(place)
        shutil.rmtree(beside, ignore_errors=True)
        raise


def flush(path: Path) -> None:
    """Has the system write a file or folder to the disk, so that a power cut keeps the order."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _open_privately(path: Path) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        if hasattr(os, "fchmod"):
            os.fchmod(handle, 0o600)  # one that a dead process left has a mode of its own
    finally:
        os.close(handle)
