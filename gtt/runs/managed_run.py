"""A run under a manager: its folder, its view, its worker, and the server's note about it."""

from __future__ import annotations

import errno
import json
import logging
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter

from gtt.atomic_files import write_text
from gtt.config import RunConfig
from gtt.errors import BadInput, UnusableRun
from gtt.plain_files import read_plain, require_plain
from gtt.runs.folder import RunFolder
from gtt.runs.naming import base_name, name_for, parameters_of, recounted, text_name
from gtt.runs.processes import Worker
from gtt.runs.records import can_be_told
from gtt.runs.run_reader import RunReader, RunView
from gtt.training.events import Reason

log = logging.getLogger(__name__)

NOTE = "manager.json"
NOTE_BLOCK = 1024  # bytes, of which a note takes whole ones

State = Literal[
    "queued",
    "preparing",
    "running",
    "stopping",
    "completed",
    "stopped",
    "out_of_time",
    "diverged",
    "failed",
    "interrupted",
    "damaged",
]
ACTIVE: tuple[State, ...] = ("queued", "preparing", "running", "stopping")


@dataclass(frozen=True)
class Waiting:
    """What a run waits for: its first start, or a resume with changed settings."""

    since: float
    resume: bool = False
    changes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Parent:
    """The run that another was restarted from."""

    id: str
    name: str


@dataclass(frozen=True)
class Note:
    """What the server keeps beside `run.json`, which says what the run is.

    `waiting` may stay on disk for a run that was started since, at `started_at`: see `recover`.
    `ended_seq` is the journal's last record when the worker was last started: an end before it is
    that of an earlier part. `slot` is where it was started, which tells the GPU. `owner` stands
    here too, so that a run whose `run.json` is damaged is still somebody's. `text` is what a person
    calls the text, which for an upload `run.json` does not know. `parent` is the run that it was
    restarted from, with the name that one had then. `vocab_size` is what was expected of its text
    when it was named.
    """

    name: str
    waiting: Waiting | None = None
    deleted_at: float | None = None
    ended_seq: int = 0
    started_at: float | None = None
    slot: int | None = None
    owner: str | None = None
    text: str | None = None
    parent: Parent | None = None
    vocab_size: int | None = None


_NOTE = TypeAdapter(Note)


class ManagedRun:
    """A run and what is going on with it. The manager's lock guards every change."""

    def __init__(
        self, path: Path, about: dict[str, Any], note: Note, damage: str | None = None
    ) -> None:
        """`damage` says why `about` is not what `run.json` tells."""
        self.path = path
        self.id = path.name
        self.folder = RunFolder(path)
        self.reader = RunReader(path)
        self._begun_with = RunConfig.recorded(about["config"])
        self._recorded: dict[str, Any] | None = None  # settings as the journal has them
        self._config = self._begun_with
        # Changes, and the number of resumes before them.
        self._expected_changes: tuple[Mapping[str, Any], int] = ({}, 0)
        self.owner: str | None = about.get("owner")
        self.created = str(about.get("created", ""))
        self.mark = _mark_of(about)
        self.note = replace(note, owner=self.owner)
        self.about_damage = damage
        self.worker: Worker | None = None
        self.stop_asked_at: float | None = None
        # Set by the manager from the start until it has seen the end: a worker that died without
        # a word gets its end in the journal a moment later.
        self.at_work = False
        # What a worker of an earlier server was started for, if it may not have got the order.
        self.handed: Waiting | None = None
        # An end that the disk would not take: told once it does.
        self.untold: tuple[Reason, str] | None = None
        # Set by the manager: the place in the queue and the seconds until its turn.
        self.place: Callable[[], tuple[int, float] | None] = lambda: None

    @classmethod
    def open(cls, path: Path) -> ManagedRun:
        """The run in a folder, as far as it can be read; raises `UnusableRun` where there is none.

        Where `run.json` is damaged, the note tells whose it is and the journal how it was set.
        """
        folder = RunFolder(path)
        try:
            about, config = folder.about(), folder.config()
            if not isinstance(about.get("owner"), (str, type(None))):
                raise UnusableRun(f"{path}/run.json names no owner.")
            run = cls(path, about, _read_note(path, name_for(config)))
        except UnusableRun as error:
            if not is_damaged_run(path):
                raise
            log.warning("a damaged run: %s", error.message)
            note = replace(_read_note(path, "damaged run"), waiting=None)
            about = {"config": {}, "owner": note.owner, "created": _made_at(path)}
            run = cls(path, about, note, "its run.json cannot be read")
        run.worker = Worker.find(path)
        return run

    @property
    def name(self) -> str:
        """What it is called; a name that nobody chose tells the size that was counted."""
        return self.name_with(self.view().vocab_size)

    def name_with(self, vocab_size: int | None) -> str:
        """Its name once its vocabulary is known to be that."""
        note = self.note
        return recounted(note.name, self._begun_with, self.text, note.vocab_size, vocab_size)

    @property
    def is_named_by_settings(self) -> bool:
        """Whether its name was made from its settings."""
        note = self.note
        made = name_for(self._begun_with, self.text, note.vocab_size)
        return made in (note.name, base_name(note.name))

    @property
    def parameters(self) -> int:
        """How many it has; nearly, until its text has been read for the first time."""
        view = self.view()
        vocab_size = view.vocab_size or self.note.vocab_size
        return view.parameters or parameters_of(self.config, vocab_size)

    @property
    def damage(self) -> str | None:
        """What of the run cannot be read, None where it is whole."""
        damages = [
            damage for damage in (self.about_damage, self.view().damage) if damage is not None
        ]
        return " and ".join(damages) or None

    @property
    def text(self) -> str:
        """What a person calls the text."""
        return self.note.text or text_name(self._begun_with.data.source)

    @property
    def config(self) -> RunConfig:
        """The settings of the run: those it was begun with, and what resuming it changed."""
        view, waiting = self.view(), self.note.waiting
        recorded = view.config
        if recorded is not self._recorded:
            self._recorded = recorded
            try:
                self._config = (
                    self._begun_with if recorded is None else RunConfig.recorded(recorded)
                )
            except (BadInput, ValueError):  # written by another version
                self._config = self._begun_with
        if waiting is not None:
            self.expect(waiting.changes)
        changes, resumes = self._expected_changes
        # Until the journal tells of the resumed part, it is what was asked for.
        if changes and view.resumes == resumes:
            with suppress(BadInput, ValueError, TypeError):  # a damaged note
                return self._config.updated(changes)
        return self._config

    def expect(self, changes: Mapping[str, Any]) -> None:
        """Notes which settings the run will have once it goes on."""
        self._expected_changes = (changes, self.view().resumes)

    def write_note(self, **changes: Any) -> None:
        """Changes the note, on disk first."""
        note = replace(self.note, **changes)
        write_text(self.path / NOTE, _as_text(note))
        self.note = note

    def note_anyway(self, **changes: Any) -> None:
        """Changes the note, also where the disk is full.

        It is written over the old one then, which has room to spare; where that fails too, the
        change holds until the server ends.
        """
        try:
            self.write_note(**changes)
            return
        except OSError as error:
            log.warning("the disk refuses the note of %s: %s", self.id, error)
        self.note = replace(self.note, **changes)
        with suppress(OSError):
            _write_over(self.path / NOTE, _as_text(self.note))

    def waits_no_more(self) -> None:
        """Its worker has the order; the note on disk says so with its next change."""
        self.note = replace(self.note, waiting=None)

    def is_alive(self) -> bool:
        """Whether a process trains this run now."""
        return self.worker is not None and self.worker.is_alive()

    def is_elsewhere(self) -> bool:
        """Whether its process only follows a training on another machine."""
        return self.worker is not None and self.worker.elsewhere

    def journal_size(self) -> int:
        """Bytes in the journal: the cheapest way to see that something is new."""
        try:
            return self.folder.journal.stat().st_size
        except OSError:
            return 0

    def view(self) -> RunView:
        """What the journal says up to now."""
        return self.reader.view()

    def state(self, view: RunView | None = None) -> State:
        """Where the run stands, from its note, its worker and its journal."""
        if self.note.waiting is not None:
            return "queued"
        # The worker is asked first: what it wrote before it died is then in the view.
        alive = self.is_alive()
        view = view if view is not None and alive else self.view()
        if not alive and not self.at_work and (self.about_damage or view.damage):
            return "damaged"
        if view.ended is not None and view.seq > self.note.ended_seq:
            return view.ended.reason
        if not alive and not self.at_work:
            return "interrupted"
        if self.stop_asked_at is not None:
            return "stopping"
        return "running" if view.phase == "training" else "preparing"

    def is_resumable(self, state: State) -> bool:
        """Whether a run in this state can go on, from its last checkpoint or from its start."""
        return state not in ACTIVE and state not in ("completed", "damaged")

    def bury(self) -> Path:
        """Renames the folder, so that no half of it is ever found; returns what is to be deleted.

        Raises OSError.
        """
        grave = self.path.with_name(f".deleted-{self.id}")
        self.path.rename(grave)
        return grave


def _read_note(path: Path, name: str) -> Note:
    """The note of a run; a fresh one where there is none, as for a run of the terminal."""
    try:
        text = read_plain(path / NOTE)
        if can_be_told(json.loads(text)):
            return _NOTE.validate_json(text, strict=True)
    except (OSError, ValueError, RecursionError):
        pass
    return Note(name=name)


def _as_text(note: Note) -> str:
    """A note with blanks behind it, so that a later one has the same length."""
    text = json.dumps(asdict(note), ensure_ascii=False)
    spare = -(len(text.encode()) + NOTE_BLOCK // 4) % NOTE_BLOCK + NOTE_BLOCK // 4 - 1
    return text + " " * spare + "\n"


def _write_over(path: Path, text: str) -> None:
    """Puts another text into the bytes that a file has already; raises OSError where it is longer.

    A full disk has no room for a file beside it, and the bytes of this one are ours.
    """
    data = text.encode()
    require_plain(path)
    with path.open("r+b", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        if len(data) > size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        file.seek(0)
        file.write(data + b" " * (size - len(data)))
        os.fsync(file.fileno())


def new_note(
    name: str,
    since: float,
    owner: str | None = None,
    text: str | None = None,
    parent: Parent | None = None,
    vocab_size: int | None = None,
) -> Note:
    """The note of a run that waits for its first start."""
    waiting = Waiting(since)
    return Note(name, waiting, owner=owner, text=text, parent=parent, vocab_size=vocab_size)


def is_damaged_run(path: Path) -> bool:
    """Whether a folder without a readable `run.json` is a run all the same."""
    return any((path / name).exists() for name in ("run.json", "journal.jsonl", "checkpoints"))


def _made_at(path: Path) -> str:
    """When a folder was last changed, in the form in which `run.json` has times."""
    changed = datetime.fromtimestamp(path.stat().st_mtime, timezone.utc)
    return changed.isoformat(timespec="seconds")


def _mark_of(about: Mapping[str, Any]) -> Mapping[str, Any]:
    """By what the request is known that made a run; nothing where it is damaged."""
    mark = about.get("mark")
    kinds: dict[str, Any] = {"key": str, "request": str, "time": (int, float)}
    is_whole = isinstance(mark, Mapping) and all(
        isinstance(mark.get(name), kind) for name, kind in kinds.items()
    )
    return mark if is_whole and isinstance(mark, Mapping) else {}
