"""Writing files and folders so that whoever looks finds the old one or the new one, and whole.

What is written stands beside its place until it is on the disk, and takes the place in one rename.
A power cut, a full disk or an end in the middle leaves what was there.
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
    """Inside, the file is written at the path that this gives; after it, that is `path`.

    `alone` says that one process at a time writes this file, so that what a dead one left beside it
    is written over; several at once get names of their own. With `private` it is for its owner
    alone, from the start. On an error nothing is left behind.
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
    aside = place.with_name(f".{place.name}.replaced")
    shutil.rmtree(beside, ignore_errors=True)
    shutil.rmtree(aside, ignore_errors=True)
    try:
        beside.mkdir(parents=True)
        write(beside)
        for path in beside.iterdir():
            flush(path)
        if place.exists():
            place.rename(aside)
        beside.rename(place)
        flush(place.parent)
        shutil.rmtree(aside, ignore_errors=True)
    except BaseException:
        if aside.exists() and not place.exists():
            aside.rename(place)
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
