"""The state of a push, a small file in the run's folder, which the page reads when it is opened.

push/state.json   the last push: where to, how far, how it ended; never a token
push/parts.json   what of large files has arrived, so that the same push again goes on from there
push/files/       the files as they go out, links to those of the checkpoint; gone at the end
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import psutil
from pydantic import TypeAdapter

from gtt.atomic_files import write_text
from gtt.plain_files import read_plain_text
from gtt.runs.records import can_be_told

FORMAT = 2
UNTOLD = ""  # a commit of a push from before commits were remembered, in format 1
MOST = 2**60  # of a size in bytes or a time that can be told
Stage = Literal["preparing", "sending", "publishing", "done", "failed", "broken", "cancelled"]
AT_WORK: tuple[Stage, ...] = ("preparing", "sending", "publishing")
# What is pushed: the model with its card, or the pocket model as a Space that is one page.
PushForm = Literal["transformers", "pocket"]
PERHAPS = (
    "The push broke off while it was being published, so it may be on the Hub already. Push again: "
    "it looks there first."
)


@dataclass(frozen=True)
class PushState:
    """One push, as far as it has come.

    `stage`: after `failed` something has to change (name, token), after `broken` the same call
    goes on, `cancelled` was a person's wish. `sent` and `kept` are bytes sent by this push and by
    earlier ones. `heads` maps the `key` of a repository to the commit that a push of this run made
    there or began from: while it is the newest, another push may follow. `marks` are those of
    commits whose answer was lost. `is_empty`: the repository exists with nothing in it;
    `may_stand`: it was asked for, and no answer came.
    """

    repo: str
    private: bool
    form: PushForm = "transformers"
    stage: Stage = "preparing"
    step: int | None = None
    sent: int = 0
    kept: int = 0
    total: int | None = None
    started: float = 0.0
    updated: float = 0.0
    seconds_left: float | None = None
    url: str | None = None
    message: str | None = None
    is_empty: bool = False
    may_stand: bool = False
    heads: dict[str, str] = field(default_factory=dict)
    marks: dict[str, tuple[str, ...]] = field(default_factory=dict)
    pid: int | None = None
    born: float | None = None

    @property
    def is_at_work(self) -> bool:
        return self.stage in AT_WORK

    @property
    def place(self) -> str:
        """Where it goes, below the Hub's address."""
        return f"spaces/{self.repo}" if self.form == "pocket" else self.repo

    @property
    def key(self) -> str:
        """The same for every spelling that the Hub takes for one name."""
        return self.place.lower()

    def with_process(self, pid: int) -> PushState:
        """The same, done by that process."""
        try:
            return replace(self, pid=pid, born=psutil.Process(pid).create_time())
        except psutil.Error:
            return replace(self, pid=pid, born=0.0)

    def as_it_is(self) -> PushState:
        """The state, where the process that wrote it has died: `broken`."""
        if not self.is_at_work or self._is_alive():
            return self
        if self.stage == "publishing":
            return replace(self, stage="broken", message=PERHAPS, seconds_left=None)
        message = (
            "The push was cut off before it was done, and nothing was published. Push again: it "
            "goes on where it was."
        )
        return replace(self, stage="broken", message=message, seconds_left=None).telling_of_empty()

    def telling_of_empty(self) -> PushState:
        """With a sentence more where a repository without anything stays, or may, on the Hub."""
        if not (self.is_empty or self.may_stand) or not self.message:
            return self
        more = (
            f"{self.repo} stands on the Hub, still empty."
            if self.is_empty
            else f"An empty {self.repo} may stand on the Hub."
        )
        return self if more in self.message else replace(self, message=f"{self.message} {more}")

    def _is_alive(self) -> bool:
        if self.pid is None or self.born is None:
            return False
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.born) < 1
            return same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False


def as_cancelled(state: PushState) -> PushState:
    """The state of a push that somebody wanted no more."""
    message = (
        "The push was cancelled, and nothing was published. Push again and it goes on: what has "
        "arrived is not sent again."
    )
    return replace(state, stage="cancelled", message=message, seconds_left=None).telling_of_empty()


_STATE = TypeAdapter(PushState)


class PushFolder:
    """What a run folder holds about its pushes."""

    def __init__(self, run_folder: Path) -> None:
        self.path = run_folder / "push"
        self.files = self.path / "files"
        self.lock = self.path / "lock"

    def read(self) -> PushState | None:
        """The last push as it is now, None where there was none or its file is damaged."""
        try:
            values = json.loads(read_plain_text(self.path / "state.json"))
            kind = values.pop("format")
            if kind == 1:
                values["heads"] = {str(place).lower(): UNTOLD for place in values.pop("repos")}
            elif kind != FORMAT:
                return None
            if not can_be_told(values):
                return None
            state = _STATE.validate_json(json.dumps(values), strict=True)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None
        numbers = (
            state.sent,
            state.kept,
            state.total,
            state.step,
            state.started,
            state.updated,
            state.seconds_left,
        )
        is_sound = all(number is None or 0 <= number <= MOST for number in numbers)
        is_sound = is_sound and (state.pid is None or 0 < state.pid < 2**31)
        return state.as_it_is() if is_sound else None

    def write(self, state: PushState) -> None:
        """Replaces the state; raises OSError."""
        self.path.mkdir(exist_ok=True)
        values = {"format": FORMAT, **asdict(state)}
        write_text(self.path / "state.json", json.dumps(values, ensure_ascii=False) + "\n")

    def parts(self) -> dict[str, Any]:
        """What of large files has arrived, by the SHA-256 of the file."""
        try:
            values = json.loads(read_plain_text(self.path / "parts.json"))
            return values if isinstance(values, dict) else {}
        except (OSError, ValueError, RecursionError):
            return {}

    def keep_parts(self, parts: dict[str, Any]) -> None:
        """Replaces that; for the owner of the folder alone, since it holds signed addresses."""
        write_text(self.path / "parts.json", json.dumps(parts), private=True)

    def forget_parts(self) -> None:
        """Once everything has arrived."""
        with suppress(OSError):
            (self.path / "parts.json").unlink()


Report = Callable[[int], None]  # bytes that have arrived since the last call
