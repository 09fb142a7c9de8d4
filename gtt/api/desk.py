"""One desk: a draft configuration, a current run, uploads, and which requests were answered."""

from __future__ import annotations

import hashlib
import json
import math
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from gtt.api.api_errors import Conflict, Unavailable
from gtt.api.uploads import Uploads
from gtt.atomic_files import write_bytes
from gtt.config import RunConfig
from gtt.errors import BadInput, InvalidSetting
from gtt.plain_files import read_plain
from gtt.runs.limits import Limits

FORMAT = 1  # of desk.json
SEEN_EVERY = 60.0  # seconds between two notes that the desk is in use
REMEMBERED_FOR = 24 * 3600.0  # seconds
MOST_REMEMBERED = 200


class Room(Protocol):
    """What a desk needs from the place it stands in."""

    folder: Path
    limits: Limits
    clock: Callable[[], float]
    first_draft: RunConfig

    def make_folder(self, owner: str, address: str) -> Path: ...
    def usage_of(self, owner: str) -> int: ...
    def reserved_bytes(self, owner: str | None, /) -> int: ...
    def check_room(self, more: int) -> None: ...
    def check_space(self, more: int) -> None: ...
    def note_written(self, bytes: int) -> None: ...


@dataclass(frozen=True)
class _Answered:
    """A request that came with an idempotency key, and the run it made."""

    request: str  # sha256
    run_id: str
    time: float


@dataclass(frozen=True)
class _State:
    draft: RunConfig
    current_run: str | None = None
    answered: Mapping[str, _Answered] = field(default_factory=dict)


class Desk:
    """Thread-safe. `key` is set only where the desk was just made for a visitor without one.

    `address` is where its visitor was last, and `last_asked` when, in seconds since 1970.

    Hold `lock` over a check and the action that depends on it; it may be taken again inside.
    """

    def __init__(self, room: Room, owner: str) -> None:
        self.owner = owner
        self.key: str | None = None
        self.address = ""
        self.folder = room.folder / owner
        self.lock = threading.RLock()
        self.last_seen = seen_at(self.folder, unknown=-math.inf)
        self.last_asked = -math.inf
        self._room = room
        self._state: _State | None = None

    def __repr__(self) -> str:
        return f"Desk({self.owner!r})"

    @property
    def draft(self) -> RunConfig:
        """The configuration that the visitor is working on."""
        return self._load().draft

    def save_draft(self, draft: RunConfig) -> None:
        """Keeps another draft; raises `Unavailable` where the disk refuses."""
        with self.lock:
            self._save(replace(self._load(), draft=draft))

    @property
    def current_run(self) -> str | None:
        """The id of the run that the visitor looks at."""
        return self._load().current_run

    def save_current_run(self, run_id: str | None) -> None:
        """Keeps which run is looked at; raises `Unavailable` where the disk refuses."""
        with self.lock:
            self._save(replace(self._load(), current_run=run_id))

    def remember(self, key: str, request: Any, run_id: str) -> None:
        """Notes that the request with this idempotency key made a run.

        `request` is what was asked, as plain values. Kept for a day, the last 200 of them. Raises
        `BadInput` for an unusable key.
        """
        with self.lock:
            name, state, now = _named(key), self._load(), self._room.clock()
            requests = {
                other: answered
                for other, answered in state.answered.items()
                if other != name and 0 <= now - answered.time < REMEMBERED_FOR
            }
            requests[name] = _Answered(_hash_of(request), run_id, now)
            while len(requests) > MOST_REMEMBERED:
                del requests[min(requests, key=lambda other: requests[other].time)]
            self._save(replace(state, answered=requests))

    def free_key(self, key: str) -> None:
        """Frees an idempotency key whose request came to nothing, to be sent again."""
        with self.lock:
            state = self._load()
            requests = {name: run for name, run in state.answered.items() if name != _named(key)}
            self._save(replace(state, answered=requests))

    def mark(self, key: str, request: Any) -> dict[str, Any]:
        """The mark of a request, kept by its run, so that the same request makes no second run.

        A server that dies between the run and `remember` finds it there. Raises `BadInput`.
        """
        return {"key": _named(key), "request": _hash_of(request), "time": self._room.clock()}

    def recall(
        self, key: str, request: Any, marks: Mapping[str, Mapping[str, Any]] | None = None
    ) -> str | None:
        """The run that this very request made before; None where the key is new.

        `marks` are those that the desk's runs keep, by run. Raises `Conflict` where the key came
        with another request, `BadInput` for an unusable key.
        """
        name = _named(key)
        answered = self._load().answered.get(name) or _marked(name, marks or {})
        if answered is None or not 0 <= self._room.clock() - answered.time < REMEMBERED_FOR:
            return None
        if answered.request != _hash_of(request):
            raise Conflict(
                "This idempotency key was used for another request: send a new key with it.",
                field="idempotency_key",
            )
        return answered.run_id

    @property
    def uploads(self) -> Uploads:
        """The texts on the desk."""
        return Uploads(
            self.folder,
            self._room.limits,
            desk_bytes=self._promised_bytes,
            check_server=self._room.check_room,
            wrote=self._room.note_written,
            clock=self._room.clock,
            prepare=self.open_folder,
            lock=self.lock,
        )

    def usage_bytes(self) -> int:
        """What the desk keeps on the disk, its runs included."""
        return self._room.usage_of(self.owner)

    def _promised_bytes(self) -> int:
        """The same, and what its runs at work may still write."""
        return self.usage_bytes() + self._room.reserved_bytes(self.owner)

    def open_folder(self) -> Path:
        """The folder of the desk, made for the first thing that is written into it."""
        try:
            path = self._room.make_folder(self.owner, self.address)
            (path / "seen").touch()
            self._note(self._room.clock())
        except OSError as error:
            raise _refused(error) from None
        return path

    def write_file(self, name: str, data: bytes) -> None:
        """Writes a small file into the desk's folder; raises `Unavailable`."""
        self._room.check_space(len(data))
        path = self.open_folder() / name
        try:
            before = path.stat().st_size if path.exists() else 0
            write_bytes(path, data, alone=False)
        except OSError as error:
            raise _refused(error) from None
        self._room.note_written(len(data) - before)

    def touch(self) -> None:
        """Notes that the desk is in use; on the disk at most once a minute, if it is there."""
        now = self.last_asked = self._room.clock()
        if abs(now - self.last_seen) >= SEEN_EVERY:
            try:
                self._note(now)
            except OSError:  # not on the disk yet, or a disk that refuses: no reason to fail
                self.last_seen = now

    def forget(self) -> None:
        """Starts anew in memory, once the folder is gone."""
        self._state = None
        self.last_seen = -math.inf

    def _note(self, now: float) -> None:
        os.utime(self.folder / "seen", (now, now))
        self.last_seen = now

    def _load(self) -> _State:
        state = self._state
        if state is None:
            with self.lock:
                state = self._state or _read(self.folder / "desk.json", self._room.first_draft)
                self._state = state
        return state

    def _save(self, state: _State) -> None:
        if state == _State(self._room.first_draft) and not self.folder.is_dir():
            self._state = state  # as every desk is before it holds anything
            return
        values = {
            "format": FORMAT,
            "draft": state.draft.model_dump(mode="json"),
            "current_run": state.current_run,
            "answered": {key: vars(answered) for key, answered in state.answered.items()},
        }
        self.write_file("desk.json", json.dumps(values, indent=1, ensure_ascii=False).encode())
        self._state = state


def seen_at(folder: Path, unknown: float = math.inf) -> float:
    """When a desk was last in use, in seconds since 1970; `unknown` where it has no folder."""
    for path in (folder / "seen", folder):
        try:
            return path.stat().st_mtime
        except OSError:
            continue
    return unknown


def _read(path: Path, first_draft: RunConfig) -> _State:
    """What `desk.json` says; what is damaged in it counts as not written."""
    try:
        values = json.loads(read_plain(path))
    except (OSError, ValueError, RecursionError):
        return _State(first_draft)
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        return _State(first_draft)
    try:
        draft = RunConfig.recorded(values["draft"])
    except (InvalidSetting, KeyError, TypeError, ValueError, RecursionError):
        draft = first_draft
    run = values.get("current_run")
    answered = {}
    entries = values.get("answered")
    for key, entry in entries.items() if isinstance(entries, dict) else ():
        try:
            answered[key] = _Answered(
                str(entry["request"]), str(entry["run_id"]), float(entry["time"])
            )
        except (KeyError, TypeError, ValueError, OverflowError):
            continue
    return _State(draft, run if isinstance(run, str) else None, answered)


def _refused(error: OSError) -> Unavailable:
    return Unavailable(
        f"The server cannot write to its disk now ({error.strerror}): try again in a minute.",
        retry_after=60,
    )


def _marked(name: str, marks: Mapping[str, Mapping[str, Any]]) -> _Answered | None:
    """What the mark of a run says of a key, where one has it."""
    for run_id, mark in marks.items():
        if mark.get("key") == name:
            return _Answered(str(mark["request"]), run_id, float(mark["time"]))
    return None


def _named(key: str) -> str:
    """Under what an idempotency key is kept; raises `BadInput`."""
    if not isinstance(key, str) or not 1 <= len(key) <= 200 or not (key + "x").isprintable():
        raise BadInput(
            "An idempotency key must be 1 to 200 printable characters: a UUID is a good one.",
            field="idempotency_key",
        )
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def _hash_of(request: Any) -> str:
    text = json.dumps(request, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
