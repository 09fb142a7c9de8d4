"""Desks: what belongs to one visitor, reached with a key that nobody can guess.

A desk's folder is `workspaces/<owner>/`, where the owner is a hash of the key; the key itself is
written nowhere. A key that was never used to write anything leaves no trace.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import shutil
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from weakref import WeakValueDictionary

from gtt.api.api_errors import Unavailable
from gtt.api.desk import Desk, seen_at
from gtt.api.uploads import check_disk
from gtt.config import RunConfig
from gtt.errors import BadInput
from gtt.recipes import load_recipe
from gtt.runs.home import folder_bytes
from gtt.runs.limits import Limits
from gtt.teaching.progress import PROGRESS

SHARED_OWNER = "local"  # of the one desk for everybody
MOST_DESKS = 20_000  # folders
MOST_IN_MEMORY = 200
UNUSED_IN_MEMORY = 60.0  # seconds
DRAFT_HOURS = 24.0  # that an unused desk is kept which holds nothing but a draft
HOME_MEASURED_EVERY = 60.0  # seconds

_KEY = re.compile(r"[A-Za-z0-9_-]{20,100}")
_OWNER = re.compile(r"[0-9a-f]{32}")


def new_key() -> str:
    """A key for a new desk, 256 bits of chance."""
    return secrets.token_urlsafe(32)


def owner_of(key: str) -> str:
    """The name under which the desk of a key is stored; it does not give the key away."""
    return hashlib.sha256(key.encode()).hexdigest()[:32]


class Workspaces:
    """All desks below one folder, `$GTT_HOME/workspaces`. Thread-safe; one server per folder.

    `clock` gives seconds since 1970. `runs_bytes` says what the runs of an owner take on the disk,
    `reserved_bytes` what those at work may still write, of an owner or of all, and `measure` what
    the disk limit of the server counts, the folder's parent unless it is given. `admit` raises
    where too many desks come from an address.
    """

    def __init__(
        self,
        folder: Path,
        limits: Limits,
        clock: Callable[[], float] = time.time,
        *,
        runs_bytes: Callable[[str], int] | None = None,
        reserved_bytes: Callable[[str | None], int] = lambda owner: 0,
        measure: Callable[[], int] | None = None,
        admit: Callable[[str], None] = lambda address: None,
        first_draft: RunConfig | None = None,
        most_in_memory: int = MOST_IN_MEMORY,
    ) -> None:
        self.folder = folder
        self.limits = limits
        self.clock = clock
        self.runs_bytes = runs_bytes
        self.reserved_bytes = reserved_bytes
        self.measure = measure or (lambda: folder_bytes(folder.parent))
        self.admit = admit
        self.first_draft = first_draft or load_recipe("quickstart").config
        self.most_in_memory = most_in_memory
        # A desk in use stays in `_alive` when `_recent` forgets it: one desk, one lock.
        self._alive: WeakValueDictionary[str, Desk] = WeakValueDictionary()
        self._recent: OrderedDict[str, Desk] = OrderedDict()
        self._lock = threading.Lock()
        self._made = len(self._owners())
        self._written = 0  # bytes since the start, as far as they are told
        self._measured: tuple[float, int] | None = None  # when, and the bytes less those written
        self._measuring = threading.Lock()

    def desk(self, key: str | None, address: str = "") -> Desk:
        """The desk of a key; without one a new desk, whose `key` is to be told to the visitor.

        Nothing is written; the first thing that will be counts on the visitor's `address`. Where
        one desk serves everybody the key does not matter. Raises `BadInput` for a key that
        `new_key` cannot have made.
        """
        if self.limits.shared_desk:
            return self._visit(SHARED_OWNER, None, address)
        if key is None:
            made = new_key()
            return self._visit(owner_of(made), made, address)
        if not isinstance(key, str) or not _KEY.fullmatch(key):
            raise BadInput(
                "The workspace key must be 20 to 100 letters, digits, - or _: leave it out to get "
                "a new one.",
                field="workspace",
            )
        return self._visit(owner_of(key), None, address)

    def count(self) -> int:
        """Desks that have a folder."""
        return self._made

    def idle(self, now: float) -> list[str]:
        """Owners whose desk nobody used for `workspace_ttl_hours`; the shared desk never is."""
        hours = self.limits.workspace_ttl_hours
        if hours is None:
            return []
        drafts = min(hours, DRAFT_HOURS)
        return [
            owner
            for owner in self._owners()
            if self._last_seen(owner) < now - 3600 * (hours if self._holds(owner) else drafts)
        ]

    def _holds(self, owner: str) -> bool:
        """Whether a desk has texts, lessons or runs on it: told without a look into its files."""
        if any((self.folder / owner / name).exists() for name in ("uploads", PROGRESS)):
            return True
        return self.runs_bytes is None or self.runs_bytes(owner) > 0

    def delete(self, owner: str, idle_at: float | None = None) -> bool:
        """Deletes a desk with its uploads; returns whether there was one.

        With `idle_at`, only if it still is idle at that time: its visitor may be back. Its runs
        are not touched, they are deleted by whoever holds them.
        """
        if owner not in self._owners():
            return False
        desk = self._open(owner)
        with desk.lock:
            if idle_at is not None and owner not in self.idle(idle_at):
                return False
            # Renamed first, so that a half-deleted desk is never opened.
            doomed = self.folder / f".deleted-{secrets.token_hex(8)}"
            try:
                desk.folder.rename(doomed)
            except FileNotFoundError:
                return False
            desk.forget()
        with self._lock:
            self._made -= 1
            self._recent.pop(owner, None)
        shutil.rmtree(doomed, ignore_errors=True)
        return True

    def sweep_leftovers(self) -> None:
        """Removes what a deletion that was cut short left; for the start of the server."""
        for path in self.folder.glob(".deleted-*"):
            shutil.rmtree(path, ignore_errors=True)

    def home_bytes(self) -> int:
        """What the whole of `$GTT_HOME` takes.

        It is measured at most once a minute; what is written meanwhile is added.
        """
        with self._measuring:
            now, measured = self.clock(), self._measured
            if measured is None or not 0 <= now - measured[0] < HOME_MEASURED_EVERY:
                before = self._written  # what is written meanwhile may count twice, never not
                measured = self._measured = (now, self.measure() - before)
            return max(0, measured[1] + self._written)

    def note_written(self, bytes: int) -> None:
        """Counts what was just written, or deleted with a minus, until the next measurement."""
        with self._lock:
            self._written += bytes

    def check_room(self, more: int) -> None:
        """Raises unless the server has room for `more` bytes beside all that it has promised."""
        promised = self.reserved_bytes(None)
        stored, most = self.home_bytes(), self.limits.disk_bytes
        check_disk(self.folder, most, stored, more, promised=promised)

    def usage_of(self, owner: str) -> int:
        """What an owner keeps on the disk: desk, uploads and runs, in bytes."""
        runs = self.runs_bytes(owner) if self.runs_bytes else 0
        return folder_bytes(self.folder / owner) + runs

    def check_space(self, more: int) -> None:
        """Raises unless `more` bytes are free on the server's disk, whatever was promised."""
        check_disk(self.folder, self.limits.disk_bytes, self.home_bytes(), more)

    def make_folder(self, owner: str, address: str) -> Path:
        """The folder of a desk, made where it is not there.

        Raises `Unavailable` where there are too many, `RateLimited` from one address.
        """
        path = self.folder / owner
        if path.is_dir():
            return path
        self.admit(address)
        with self._lock:
            if path.is_dir():
                return path
            if self._made >= MOST_DESKS:
                raise Unavailable(
                    "This server has no room for another desk: try again later, or run GTT on "
                    "your own machine.",
                    retry_after=3600,
                )
            path.mkdir(parents=True, exist_ok=True)
            self._made += 1
        return path

    def forget_unused(self, seconds: float = UNUSED_IN_MEMORY) -> None:
        """Leaves on the disk alone what nobody asked for lately."""
        now = self.clock()
        with self._lock:
            for owner, desk in list(self._recent.items()):
                if now - desk.last_asked >= seconds:
                    del self._recent[owner]

    def _visit(self, owner: str, key: str | None, address: str) -> Desk:
        desk = self._open(owner)
        desk.key, desk.address = key, address
        desk.touch()
        return desk

    def _open(self, owner: str) -> Desk:
        with self._lock:
            desk = self._alive.get(owner)
            if desk is None:
                desk = self._alive[owner] = Desk(self, owner)
            self._recent[owner] = desk
            self._recent.move_to_end(owner)
            while len(self._recent) > self.most_in_memory:
                self._recent.popitem(last=False)
        return desk

    def _owners(self) -> list[str]:
        """The owners that have a folder, in the order of their names."""
        if not self.folder.is_dir():
            return []
        names = (path.name for path in self.folder.iterdir())
        return sorted(name for name in names if _OWNER.fullmatch(name))

    def _last_seen(self, owner: str) -> float:
        with self._lock:
            desk = self._alive.get(owner)
        return desk.last_seen if desk else seen_at(self.folder / owner)
