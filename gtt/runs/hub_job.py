"""A run that trains on a machine of the Hub: where, at what price, and how it is found again.

job/state.json in the run's folder. What happens there comes into the journal like that of any other
run, by a process of this computer that follows the job and counts as the run's worker.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter

from gtt.atomic_files import write_text
from gtt.plain_files import read_plain_text
from gtt.runs.records import can_be_told

FORMAT = 1
QUEUEING = 24 * 3600.0  # seconds that a job may wait for its machine
MOST = 1e9  # of any price or time that a whole file has
UNASKED = (
    "The process that was to ask the Hub for a machine ended before it had: nothing was begun "
    "there and nothing is charged. Start it again."
)
Stage = Literal["submitting", "scheduling", "running", "fetching", "lost", "over"]


@dataclass(frozen=True)
class JobState:
    """One job. Prices in dollars, times in seconds since 1970.

    `at_most` is what the person has agreed to pay. `lost` is a job that nobody follows any more and
    that may go on, or whose outcome is still there; `over` is one that costs nothing further, or
    was never begun. `mark` is what the Hub knows the job by; it is on record before the job is
    asked for, at `asked`, so that one whose answer never came is found again. `revision` is the
    commit of the repository that it was sent with. `field` is what of the request the Hub refused,
    if it did.
    """

    flavor: str
    title: str
    dollars_per_hour: float
    minutes: float
    at_most: float
    repo: str | None = None
    stage: Stage = "submitting"
    id: str | None = None
    account: str | None = None
    url: str | None = None
    message: str | None = None
    started: float | None = None
    seconds: float = 0.0
    updated: float = 0.0
    mark: str | None = None
    field: str | None = None
    asked: float | None = None
    revision: str | None = None

    @property
    def is_unsettled(self) -> bool:
        """Whether a machine may be at work and cost something."""
        return self.stage != "over" and (self.id is not None or self.mark is not None)

    def dollars(self, now: float | None = None) -> float:
        """What it has cost up to now, never more than its time limit allows."""
        seconds = self.seconds
        if self.started is not None and self.stage in ("running", "lost"):
            seconds = max(seconds, (time.time() if now is None else now) - self.started)
        return self.dollars_per_hour * min(seconds, 60 * self.minutes) / 3600


_STATE = TypeAdapter(JobState)


class JobFolder:
    """What a run folder holds about its job."""

    def __init__(self, run_folder: Path) -> None:
        self.path = run_folder / "job"
        self.log = self.path / "log.txt"
        self.arriving = self.path / "arriving"

    def read(self) -> JobState | None:
        """The job, None where the run never had one or its file is damaged."""
        try:
            values = json.loads(read_plain_text(self.path / "state.json"))
            if values.pop("format") != FORMAT or not can_be_told(values):
                return None
            state = _STATE.validate_json(json.dumps(values), strict=True)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None
        numbers = (state.dollars_per_hour, state.minutes, state.at_most, state.seconds)
        return state if all(0 <= number <= MOST for number in numbers) else None

    def write(self, state: JobState) -> None:
        """Replaces the state; raises OSError."""
        self.path.mkdir(exist_ok=True)
        values = {"format": FORMAT, **asdict(state)}
        write_text(self.path / "state.json", json.dumps(values, ensure_ascii=False) + "\n")


def may_cost(run_folder: Path, now: float) -> bool:
    """Whether the run's job may still be at work: it was not seen to end, and had the time."""
    state = JobFolder(run_folder).read()
    if state is None or not state.is_unsettled:
        return False
    return now - state.updated < 60 * state.minutes + QUEUEING


def is_unsettled(run_folder: Path) -> bool:
    """Whether the run's job may still be at work on the Hub."""
    state = JobFolder(run_folder).read()
    return state is not None and state.is_unsettled
