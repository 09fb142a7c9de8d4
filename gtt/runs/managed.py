"""One run under a manager: its folder, its view, its worker, and what the server notes about it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter

from gtt.config import RunConfig
from gtt.errors import BadInput, UnusableRun
from gtt.runs.folder import RunFolder
from gtt.runs.processes import Worker
from gtt.runs.view import RunReader, RunView
from gtt.training.checkpoints import write_text
from gtt.training.events import Reason

log = logging.getLogger(__name__)

NOTE = "manager.json"

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
]
ACTIVE: tuple[State, ...] = ("queued", "preparing", "running", "stopping")


@dataclass(frozen=True)
class Waiting:
    """What a run waits for: its first start, or a resume with changed settings."""

    since: float
    resume: bool = False
    changes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Note:
    """What the server keeps beside `run.json`, which says what the run is.

    `ended_seq` is the journal's last record when the worker was last started: an end before it is
    that of an earlier part. `slot` is where it was started, which tells the GPU.
    """

    name: str
    waiting: Waiting | None = None
    deleted_at: float | None = None
    ended_seq: int = 0
    started_at: float | None = None
    slot: int | None = None


_NOTE = TypeAdapter(Note)


class ManagedRun:
    """A run and what is going on with it. The manager's lock guards every change."""

    def __init__(self, path: Path, about: dict[str, Any], note: Note) -> None:
        self.path = path
        self.id = path.name
        self.folder = RunFolder(path)
        self.reader = RunReader(path)
        self._begun_with = RunConfig.parse(about["config"])
        self._told: dict[str, Any] | None = None  # settings as the journal has them
        self._config = self._begun_with
        self._asked: tuple[Mapping[str, Any], int] = ({}, 0)  # changes, and resumes before them
        self.owner: str | None = about.get("owner")
        self.created = str(about.get("created", ""))
        mark = about.get("mark")
        self.mark: Mapping[str, Any] = mark if isinstance(mark, Mapping) else {}
        self.note = note
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
        """The run in a folder; raises `UnusableRun`."""
        folder = RunFolder(path)
        about, config = folder.about(), folder.config()
        if not isinstance(about.get("owner"), (str, type(None))):
            raise UnusableRun(f"{path}/run.json names no owner.")
        run = cls(path, about, _read_note(path, config.name))
        run.worker = Worker.find(path)
        return run

    @property
    def name(self) -> str:
        return self.note.name

    @property
    def config(self) -> RunConfig:
        """The settings of the run: those it was begun with, and what resuming it changed."""
        view, waiting = self.view(), self.note.waiting
        told = view.config
        if told is not self._told:
            self._told = told
            try:
                self._config = self._begun_with if told is None else RunConfig.parse(told)
            except (BadInput, ValueError):  # written by another version
                self._config = self._begun_with
        if waiting is not None:
            self.expect(waiting.changes)
        changes, resumes = self._asked
        # Until the journal tells of the resumed part, it is what was asked for.
        return (
            self._config.updated(changes) if changes and view.resumes == resumes else self._config
        )

    def expect(self, changes: Mapping[str, Any]) -> None:
        """Notes which settings the run will have once it goes on."""
        self._asked = (changes, self.view().resumes)

    def write_note(self, **changes: Any) -> None:
        """Changes the note, on disk first."""
        note = replace(self.note, **changes)
        write_text(self.path / NOTE, json.dumps(asdict(note), ensure_ascii=False) + "\n")
        self.note = note

    def note_anyway(self, **changes: Any) -> None:
        """Changes the note, also where the disk refuses: until the server ends, it then holds."""
        try:
            self.write_note(**changes)
        except OSError as error:
            log.warning("the note of %s is not on disk: %s", self.id, error)
            self.note = replace(self.note, **changes)

    def is_alive(self) -> bool:
        """Whether a process trains this run now."""
        return self.worker is not None and self.worker.is_alive()

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
        if view.ended is not None and view.seq > self.note.ended_seq:
            return view.ended.reason
        if not alive and not self.at_work:
            return "interrupted"
        if self.stop_asked_at is not None:
            return "stopping"
        return "running" if view.phase == "training" else "preparing"

    def is_resumable(self, state: State) -> bool:
        """Whether a run in this state can go on, from its last checkpoint or from its start."""
        return state not in ACTIVE and state != "completed"

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
        return _NOTE.validate_json((path / NOTE).read_bytes(), strict=True)
    except (OSError, ValueError):
        return Note(name=name)


def new_note(name: str, since: float) -> Note:
    """The note of a run that waits for its first start."""
    return Note(name=name, waiting=Waiting(since))
