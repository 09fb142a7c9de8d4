"""Following a job: its journal becomes the run's journal, its outcome the run's checkpoints.

Of the run's journal every record but our own notes on the preparation comes from the job, in its
order and without a gap. So how many there are says which comes next, whoever followed before.
"""

from __future__ import annotations

import dataclasses
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from huggingface_hub import JobInfo

from gtt.errors import BadInput
from gtt.hub.jobs.account import Account
from gtt.hub.jobs.arrivals import Arrivals
from gtt.hub.jobs.far import JOURNAL, PUSHED, UNSENT
from gtt.hub.jobs.hardware import cost_so_far
from gtt.hub.jobs.lines import LogReader
from gtt.hub.jobs.refusals import JobGone, JobRefused, JobUnreachable, TokenSpent, job_refusal
from gtt.runs.elsewhere import JobFolder, JobState
from gtt.runs.folder import RunFolder
from gtt.runs.journal import Journal
from gtt.runs.records import Record, read_record, sound
from gtt.training.events import EVENTS, Event, PreparationProgressed, Reason, RunEnded

log = logging.getLogger(__name__)

SENDING = "Sending the recipe to the Hub"
WAITING = "Waiting for a machine of the Hub"
INSTALLING = "Installing on the Hub's machine"
FETCHING = "Fetching the model from the Hub"
OURS = (SENDING, WAITING, INSTALLING, FETCHING)
LOOK_EVERY = 5.0  # seconds between two questions how the job stands
LAST_LINES = 15.0  # seconds that the log has after the end of the job
GIVE_UP = 3600.0  # seconds beyond the time limit that an unreachable Hub is asked
ENDS = ("COMPLETED", "CANCELED", "ERROR", "DELETED")
STOPPED = "Stopped before the Hub was asked for a machine: nothing was charged."


class Follower:
    """Submits the job of a run where that was not done, and follows it to its end."""

    def __init__(
        self,
        run_folder: Path,
        account: Account,
        stop: threading.Event,
        *,
        uploads: Path | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.run_folder, self.account = RunFolder(run_folder), account
        self.stop, self.uploads, self.clock = stop, uploads, clock
        self.folder = JobFolder(run_folder)
        state = self.folder.read()
        assert state is not None, "the job's state is written before its follower starts"
        self.state: JobState = state
        self.config = self.run_folder.config()
        self.held: dict[int, Record] = {}
        self.end: RunEnded | None = None
        self.cancelled = False
        self._told = ""  # what of the preparation was told last

    def run(self) -> JobState:
        """Follows to the end; what goes wrong is a sentence in the journal or in the state."""
        with (
            self.run_folder.locked(elsewhere=True),
            Journal(self.run_folder.journal) as self.journal,
        ):
            self.taken = sum(not _is_ours(one) for one in self.run_folder.records())
            try:
                if self.state.id is None:
                    self._submit()
                self._follow()
            except (TokenSpent, JobUnreachable) as error:
                if self.state.id is None:
                    self._never_begun(error)
                else:
                    self._lose(error.message)
            except BadInput as error:
                self._never_begun(error)
        return self.state

    # ------------------------------------------------------------------------ the beginning

    def _submit(self) -> None:
        self._prepare(SENDING)
        if self.stop.is_set():
            raise JobRefused(STOPPED)
        self.state = self.account.submit(self.state, self.config, self.uploads, self._note)
        self._note()

    def _never_begun(self, error: BadInput) -> None:
        self._note(stage="over", message=error.message)
        reason: Reason = "stopped" if error.message == STOPPED else "failed"
        self.journal.append(RunEnded(0, reason, error.message, 0.0))

    def _lose(self, sentence: str) -> None:
        """Nobody follows any more; the job may go on, and its end is not known."""
        self._note(
            stage="lost",
            message=f"{sentence} The job may still be at work, at most until its time limit: "
            f"follow it again, or look at {self.state.url}.",
        )

    # ----------------------------------------------------------------------------- the middle

    def _follow(self) -> None:
        state = self.state
        self.arrivals = Arrivals(self.account.api, str(state.repo), self.run_folder)
        reader = LogReader(self.account.api, str(state.id), state.account, self.folder.log)
        reader.start()
        try:
            job = self._until_over(reader)
        finally:
            reader.leave()
        self._finish(job, reader)

    def _until_over(self, reader: LogReader) -> JobInfo | None:
        """Takes in lines until the job has ended; None where the Hub knows nothing of it."""
        next_look, is_last = 0.0, False
        give_up = self.clock() + 60 * self.state.minutes + GIVE_UP
        while True:
            self._take_lines(reader, 0.3)
            if self.stop.is_set() and not self.cancelled:
                self._cancel()
                next_look = 0.0
            if reader.is_over.is_set() and not is_last:
                next_look, is_last = 0.0, True
            if time.monotonic() < next_look:
                continue
            next_look = time.monotonic() + LOOK_EVERY
            try:
                job = self.account.inspect(self.state)
            except JobGone:
                return None
            except JobUnreachable as error:
                if self.clock() > give_up:
                    raise
                self._note(message=f"{error.message} It is asked again; the job goes on.")
                continue
            self._see(job)
            if job.status.stage in ENDS:
                deadline = time.monotonic() + LAST_LINES
                while not reader.is_over.is_set() and time.monotonic() < deadline:
                    self._take_lines(reader, 0.3)
                self._take_lines(reader, 0)
                return job

    def _take_lines(self, reader: LogReader, wait: float) -> None:
        try:
            line = reader.lines.get(timeout=wait) if wait else reader.lines.get_nowait()
            while True:
                self._take_line(line)
                line = reader.lines.get_nowait()
        except queue.Empty:
            return

    def _take_line(self, line: str) -> None:
        if line.startswith(JOURNAL):
            record = read_record(line[len(JOURNAL) :].encode("utf-8", "replace"))
            if record is not None:
                self._take([record])
        elif line.startswith(PUSHED):
            self._fetch()
        elif line.startswith(UNSENT):
            log.warning("the job could not send its outcome: %s", line)

    def _fetch(self) -> bool:
        """Takes what has been sent home so far; whether there was any."""
        try:
            records = self.arrivals.fetch()
        except Exception as error:
            if isinstance(error, OSError) and error.errno is not None:
                self._note(message=f"What it trained has no room here ({error.strerror}).")
            log.warning("nothing could be fetched: %s", job_refusal(error, "the Hub").message)
            return False
        self._take(records)
        return bool(records)

    def _take(self, records: Iterable[Record]) -> None:
        """Adds the records that come next to the journal; later ones wait for those before."""
        for record in records:
            if record["seq"] > self.taken:
                self.held.setdefault(record["seq"], record)
        while self.taken + 1 in self.held:
            self._append(self.held.pop(self.taken + 1))

    def _append(self, record: Record) -> None:
        event = self._event_of(record)
        if event is None or self.end is not None:
            return
        if isinstance(event, RunEnded):  # told when its model is here
            self.end = event
            return
        self.journal.clock = lambda: float(record.get("time") or self.clock())
        self.journal.append(event)
        self.journal.clock = self.clock
        self.taken += 1
        if record["type"] == "RunStarted":
            self.run_folder.set_fingerprint(str(record["fingerprint"]))

    def _event_of(self, record: Record) -> Event | None:
        """The event of a record; the settings are those of here, whose paths mean something."""
        kind = EVENTS.get(str(record.get("type")))
        if kind is None or sound(record) is not record:
            return None
        values: dict[str, Any] = {
            field.name: record[field.name]
            for field in dataclasses.fields(kind)
            if field.name in record
        }
        if record["type"] == "RunStarted":
            data = self.config.data.model_dump(mode="json")
            values["config"] = {**values["config"], "data": data}
        try:
            return kind(**values)
        except TypeError:  # a field is missing
            return None

    def _see(self, job: JobInfo) -> None:
        """Keeps how the job stands."""
        seconds = float((job.durations and job.durations.running_secs) or 0)
        started = job.started_at.timestamp() if job.started_at else None
        if job.status.stage == "RUNNING":
            if started is None:
                started = self.state.started or self.clock() - seconds
            if self.taken == 0:
                self._prepare(INSTALLING)
            self._note(stage="running", started=started, seconds=seconds, message=None)
        elif job.status.stage == "SCHEDULING":
            self._note(stage="scheduling", message=None)
            if self.taken == 0:
                self._prepare(WAITING)
        elif job.status.stage in ENDS:
            if job.started_at and job.finished_at:
                seconds = max(seconds, (job.finished_at - job.started_at).total_seconds())
            self._note(stage="fetching", seconds=max(seconds, self.state.seconds), message=None)

    def _cancel(self) -> None:
        try:
            self.account.cancel(self.state)
            self.cancelled = True
        except JobGone:
            self.cancelled = True
        except JobUnreachable as error:
            self._note(message=f"It could not be cancelled yet: {error.message}")

    # -------------------------------------------------------------------------------- the end

    def _finish(self, job: JobInfo | None, reader: LogReader) -> None:
        self._note(stage="fetching")
        is_here = self._fetch()
        if self.end is None and job is not None and not self.cancelled:
            for line in reader.whole():  # a log that breaks off may look like one that has ended
                if line.startswith(JOURNAL):
                    self._take_line(line)
        for seq in sorted(self.held):  # what is missing in between will not come any more
            self._append(self.held[seq])
        self.held.clear()
        end = self.end or self._end_of(job, reader.last)
        if not is_here and self.end is not None and end.reason != "failed":
            end = replace(
                end,
                message=f"{end.message} What it trained did not arrive here; look for it in "
                f"{self.account.api.endpoint}/{self.state.repo}.",
            )
        cost = cost_so_far(replace(self.state, stage="over").dollars())
        self._note(stage="over", message=f"{end.message} It cost {cost}.")
        self.journal.append(end)

    def _end_of(self, job: JobInfo | None, last: str) -> RunEnded:
        """The end of a job that did not tell it itself."""
        view_step, seconds = self._last_step()
        kept = self.run_folder.checkpoints.all()
        step = int(kept[-1].name[5:]) if kept else None
        left = (
            f"The checkpoint of step {step:,} is here."
            if step is not None
            else "No checkpoint had been saved yet."
        )
        if job is None:
            said = "The Hub knows nothing of this job any more: it was deleted there."
            return RunEnded(view_step, "failed", f"{said} {left}", seconds)
        said = " ".join((job.status.message or "").split())[:300]
        if job.status.stage in ("CANCELED", "DELETED"):
            by = "Stopped: the job was cancelled" if self.cancelled else "Cancelled on the Hub"
            return RunEnded(view_step, "stopped", f"{by}. {left}", seconds)
        is_late = self.state.seconds >= 60 * self.state.minutes - 5 or "timeout" in said.lower()
        if is_late:
            return RunEnded(
                view_step,
                "out_of_time",
                f"The job reached its time limit of {self.state.minutes:g} minutes. {left}",
                seconds,
            )
        why = last or said or "it gave no reason"
        if self.taken == 0:
            return RunEnded(
                0,
                "failed",
                f"The machine ended before the training began, while it was installing: {why}",
                0.0,
            )
        return RunEnded(view_step, "failed", f"The job failed: {why}. {left}", seconds)

    def _last_step(self) -> tuple[int, float]:
        step, seconds = 0, 0.0
        for record in self.run_folder.records():
            step = max(step, int(record.get("step") or 0))
            seconds = float(record.get("seconds") or seconds)
        return step, seconds

    # ------------------------------------------------------------------------------- keeping

    def _prepare(self, stage: str) -> None:
        """Tells what is waited for, once."""
        if stage != self._told:
            self._told = stage
            self.journal.append(PreparationProgressed(0, stage, 0, None, ""))

    def _note(self, **changes: Any) -> None:
        self.state = replace(self.state, updated=self.clock(), **changes)
        self.folder.write(self.state)


def _is_ours(record: Record) -> bool:
    """Whether a record is a note of a follower and not of the job."""
    return record.get("type") == "PreparationProgressed" and record.get("stage") in OURS
