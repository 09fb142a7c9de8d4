"""Texts that visitors bring: capped while they arrive, checked, and kept under names of ours.

`uploads/<id>/text<suffix>` beside `upload.json`. Nothing of the visitor's file name becomes a path
except its suffix, which is one of seven; nothing is unpacked.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
import secrets
import shutil
import threading
import time
from collections.abc import AsyncIterable, Callable, Iterable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from gtt.api.api_errors import (
    NotFound,
    QuotaExceeded,
    TooLarge,
    TooMuchOnDesk,
    Unavailable,
    plain_text,
)
from gtt.api.upload_checks import ContentCheck, display_name, suffix_of
from gtt.data.sources import FILE_SUFFIXES
from gtt.plain_files import read_plain
from gtt.runs.limits import FREE_DISK, MEGABYTE, Limits

MOST_UPLOADS = 100  # per desk, where desks have a quota
LEFT_OVER_AFTER = 3600.0  # seconds without a write

_ID = re.compile(r"[0-9a-f]{32}")
_MEASURE_EVERY = MEGABYTE  # bytes that arrive between two looks at the quotas


@dataclass(frozen=True)
class Upload:
    """One text. `name` is for showing only; `created` is in seconds since 1970."""

    id: str
    name: str
    bytes: int
    suffix: str
    created: float


class Uploads:
    """The uploads of one desk.

    `desk_bytes` measures what the quota of the desk counts; `check_server` raises where the server
    has no room for so many bytes more, and `wrote` is told of every byte that comes or goes. The
    `lock` of the desk is held from the last look at its limits to the text that it takes.
    """

    def __init__(
        self,
        desk_folder: Path,
        limits: Limits,
        *,
        desk_bytes: Callable[[], int] | None = None,
        check_server: Callable[[int], None] | None = None,
        wrote: Callable[[int], None] = lambda bytes: None,
        clock: Callable[[], float] = time.time,
        prepare: Callable[[], object] | None = None,
        lock: AbstractContextManager[Any] | None = None,
    ) -> None:
        self.folder = desk_folder / "uploads"
        self.limits = limits
        self.clock = clock
        self._desk_bytes = desk_bytes or self._own_bytes
        self.check_server = check_server or self._check_disk
        self.wrote = wrote
        self._prepare = prepare
        self.lock = lock or threading.RLock()

    def save(self, name: str, chunks: Iterable[bytes]) -> Upload:
        """Keeps a text that arrives in pieces; whatever fails leaves nothing behind.

        Raises `UnusableData` for what is no text or table of a known kind, `TooLarge`,
        `TooMuchOnDesk`, `QuotaExceeded` for too many, `Unavailable` where the disk is full.
        """
        with self.begin(name) as incoming:
            for chunk in chunks:
                incoming.write(chunk)
            return incoming.finish()

    async def save_async(self, name: str, chunks: AsyncIterable[bytes]) -> Upload:
        """As `save`, for pieces that are awaited; the disk is used outside the event loop."""
        incoming = await asyncio.to_thread(self.begin, name)
        with incoming:
            async for chunk in chunks:
                await asyncio.to_thread(incoming.write, chunk)
            return await asyncio.to_thread(incoming.finish)

    def begin(self, name: str) -> Incoming:
        """Opens a place for a text; close it by leaving its `with` block. Raises as `save`."""
        suffix = suffix_of(name)
        self.sweep()
        self.check_place()
        try:
            if self._prepare is not None:
                self._prepare()
            return Incoming(self, display_name(name, suffix), suffix)
        except OSError as error:
            raise disk_refuses(error) from None

    def list(self) -> list[Upload]:
        """The texts on the desk, the newest first."""
        uploads = []
        for upload_id in self._ids():
            with suppress(NotFound):
                uploads.append(self.get(upload_id))
        return sorted(uploads, key=lambda upload: (-upload.created, upload.id))

    def get(self, upload_id: str) -> Upload:
        """One text; raises `NotFound` for an id that is not on this desk."""
        path = self.path(upload_id)
        try:
            size, created = path.stat().st_size, path.stat().st_mtime
        except OSError:
            raise _no_upload() from None
        name = f"text{path.suffix}"
        try:
            about = json.loads(read_plain(path.parent / "upload.json"))
            when = float(about["created"])
            created = when if math.isfinite(when) else created
            name = display_name(plain_text(about["name"]), path.suffix)
        except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
            pass  # damaged: the text itself is what counts
        return Upload(path.parent.name, name, size, path.suffix, created)

    def path(self, upload_id: str) -> Path:
        """Where a text lies; raises `NotFound`."""
        is_id = isinstance(upload_id, str) and _ID.fullmatch(upload_id) is not None
        if not is_id or upload_id not in self._ids():
            raise _no_upload()
        for suffix in FILE_SUFFIXES:
            path = self.folder / upload_id / f"text{suffix}"
            if path.is_file():
                return path
        raise _no_upload()

    def delete(self, upload_id: str) -> None:
        """Deletes a text; raises `NotFound`."""
        path = self.path(upload_id)
        place, size = path.parent, path.stat().st_size
        doomed = place.with_name(f".partial-{secrets.token_hex(16)}")
        try:
            place.rename(doomed)
        except FileNotFoundError:
            raise _no_upload() from None
        shutil.rmtree(doomed, ignore_errors=True)
        self.wrote(-size)

    def sweep(self) -> None:
        """Removes what an upload left that was cut off long ago."""
        for path in self.folder.glob(".partial-*"):
            with suppress(OSError):
                newest = max(part.stat().st_mtime for part in (path, *path.iterdir()))
                if newest < self.clock() - LEFT_OVER_AFTER:
                    shutil.rmtree(path, ignore_errors=True)

    def check_place(self) -> None:
        """Raises where the desk has as many texts as it may."""
        if self.limits.workspace_bytes is not None and len(self._ids()) >= MOST_UPLOADS:
            raise QuotaExceeded(
                f"There are {MOST_UPLOADS} texts on this desk, which is the limit: delete one "
                "first.",
                field="file",
            )

    def check_room(self, more: int) -> None:
        """Raises unless `more` bytes may be added to what is on the disk now."""
        quota = self.limits.workspace_bytes
        if quota is not None and self._desk_bytes() + more > quota:
            raise TooMuchOnDesk(
                f"This would be more than the {quota / MEGABYTE:g} MB that a desk may hold: delete "
                "a text or a run first.",
                field="file",
            )
        self.check_server(more)

    def _check_disk(self, more: int) -> None:
        check_disk(self.folder, self.limits.disk_bytes, self._own_bytes(), more)

    def _ids(self) -> set[str]:
        if not self.folder.is_dir():
            return set()
        return {path.name for path in self.folder.iterdir() if _ID.fullmatch(path.name)}

    def _own_bytes(self) -> int:
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())


class Incoming:
    """A text on its way in. Write, then finish; leaving the block before discards it."""

    def __init__(self, uploads: Uploads, name: str, suffix: str) -> None:
        self._uploads = uploads
        self._name, self._suffix = name, suffix
        self._id = secrets.token_hex(16)
        self._place = uploads.folder / f".partial-{self._id}"
        self._place.mkdir(parents=True)
        self._file = (self._place / f"text{suffix}").open("xb", buffering=0)
        self._check = ContentCheck(suffix)
        self._bytes = 0
        self._is_kept = False
        self._unmeasured = _MEASURE_EVERY  # so that the first piece is measured

    def write(self, chunk: bytes) -> None:
        """Takes the next piece; raises before anything beyond a limit is written."""
        most = self._uploads.limits.upload_bytes
        if self._bytes + len(chunk) > most:
            raise TooLarge(
                f"A text may have {most / MEGABYTE:g} MB here: upload a part of it.", field="file"
            )
        self._check.feed(chunk)
        self._unmeasured += len(chunk)
        if self._unmeasured >= _MEASURE_EVERY:
            self._uploads.check_room(len(chunk))
            self._unmeasured = 0
        try:
            written = 0
            while written < len(chunk):
                written += self._file.write(chunk[written:])
        except OSError as error:
            raise disk_refuses(error) from None
        self._bytes += len(chunk)
        self._uploads.wrote(len(chunk))

    def finish(self) -> Upload:
        """Checks the whole and puts it in its place."""
        self._file.close()
        self._check.finish(
            self._place / f"text{self._suffix}", most=20 * self._uploads.limits.upload_bytes
        )
        created = self._uploads.clock()
        about = json.dumps({"name": self._name, "created": created})
        try:
            (self._place / "upload.json").write_text(about, encoding="utf-8")
            with self._uploads.lock:
                self._uploads.check_place()
                self._uploads.check_room(0)
                self._place.rename(self._uploads.folder / self._id)
        except OSError as error:
            raise disk_refuses(error) from None
        self._is_kept = True
        return Upload(self._id, self._name, self._bytes, self._suffix, created)

    def __enter__(self) -> Incoming:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()
        if not self._is_kept:
            shutil.rmtree(self._place, ignore_errors=True)
            self._uploads.wrote(-self._bytes)


def check_disk(
    folder: Path, most: int | None, stored: int, more: int, *, promised: int = 0
) -> None:
    """Raises unless `more` bytes may be added below a folder, to `kept` of `most` and to its disk.

    `promised` are bytes that others will write. `TooMuchOnDesk` where there never could be room,
    `Unavailable` where it is full now.
    """
    place = next(path for path in (folder, *folder.parents) if path.exists())
    disk = shutil.disk_usage(place)
    if more > min(disk.total, most or disk.total):
        raise TooMuchOnDesk(
            f"This would take {more / 1e9:,.0f} GB, which is more than the disk of this server "
            "has in all: take a smaller model or text.",
            field="file",
        )
    more += promised
    if disk.free - more < FREE_DISK or (most is not None and stored + more > most):
        raise Unavailable(
            "The disk of this server is full: delete runs or texts, or try again later.",
            retry_after=600,
        )


def disk_refuses(error: OSError) -> Unavailable:
    """An error of the disk as an answer."""
    return Unavailable(
        f"The server cannot write to its disk now ({error.strerror}): try again in a minute.",
        retry_after=60,
    )


def _no_upload() -> NotFound:
    return NotFound(
        "There is no such text on this desk: list the uploads to see which there are.",
        field="upload",
    )
