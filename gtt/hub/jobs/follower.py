"""Following a job: its journal becomes the run's journal, its outcome the run's checkpoints.

Apart from the follower's notes on the preparation, every record in the run's journal comes from the
job, in its order and without a gap. So their number tells which record comes next, also for a
follower that takes over from another one.
"""

from __future__ import annotations

import logging
import queue
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from huggingface_hub import JobInfo

from gtt.errors import BadInput
from gtt.hub.jobs.account import Account
from gtt.hub.jobs.arrivals import Arrivals, event_of
from gtt.hub.jobs.hardware import cost_so_far
from gtt.hub.jobs.job_refusals import (
    BILLING_PAGE,
    JobGone,
    JobRefused,
    JobUnanswered,
    TokenSpent,
    job_refusal,
)
from gtt.hub.jobs.log_lines import LogReader
from gtt.hub.jobs.lost_jobs import UnreportedEnd
from gtt.hub.jobs.remote_run import JOURNAL, PUSHED, UNSENT
from gtt.hub.jobs.search import UNLISTED, NeverBegun, Search, is_time_up
from gtt.runs.folder import RunFolder
from gtt.runs.hub_job import JobFolder, JobState
from gtt.runs.journal import Journal
from gtt.runs.records import Record, read_record
from gtt.training.events import PreparationProgressed, Reason, RunEnded

log = logging.getLogger(__name__)

SENDING = "Sending the recipe to the Hub"
WAITING = "Waiting for a machine of the Hub"
INSTALLING = "Installing on the Hub's machine"
FETCHING = "Fetching the model from the Hub"
OURS = (SENDING, WAITING, INSTALLING, FETCHING)
LOOK_EVERY = 5.0  # seconds between two questions how the job stands
LAST_LINES = 15.0  # seconds that the log has after the end of the job
GIVE_UP = 3600.0  # seconds beyond the time limit that an unreachable Hub is asked
FETCH_TRIES, FETCH_PAUSE = 4, 5.0  # of what was trained, once the job is over
ENDS = ("COMPLETED", "CANCELED", "ERROR", "DELETED")
UNHEEDED = "It could not be cancelled yet: the Hub was asked to and has it at work still."
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
        self.cancels = 0  # that the Hub has taken
        self.uncancelled: str | None = None  # why the job could not be cancelled yet
        self.unfetched: str | None = None  # why what was trained could not be fetched last time
        self._last_stage = ""  # what of the preparation was told last

    def run(self) -> JobState:
        """Follows to the end; what goes wrong is a sentence in the journal or in the state.

        Only the Hub's own word ends the run: that nothing was begun, or that the job is over or
        unknown there, which counts of one whose answer never came once its time is up. After
        everything else it can be followed again.
        """
        with (
            self.run_folder.locked(elsewhere=True),
            Journal(self.run_folder.journal) as self.journal,
        ):
            self.last_seq = sum(not _is_ours(record) for record in self.run_folder.records())
            try:
                if self.state.id is None and not self._begin():
                    self._bring_home()
                else:
                    self._follow()
            except BadInput as error:
                if self.state.is_unsettled:
                    self._lose(error.message)
                else:
                    self._never_begun(error)
            except Exception:
                if self.state.is_unsettled:
                    self._lose("Following the job failed here.")
                raise
        return self.state

    # ------------------------------------------------------------------------ the beginning

    def _begin(self) -> bool:
        """Sees to it that the job is there and on record; False where the Hub has it no more.

        Raises `BadInput` where nothing was begun or nothing is known.
        """
        # A mark is from a follower that asked for the job and died before it had the answer.
        try:
            job = self._submit() if self.state.mark is None else self._find()
        except OSError as error:  # of the mark, at the latest
            raise JobRefused(
                f"The folder of this run takes nothing more ({error.strerror}): make room, then "
                "start it again. Nothing was begun on the Hub."
            ) from error
        if job is None:
            return False
        self.state = replace(self.state, id=job.id, url=job.url, stage="scheduling")
        try:
            self._keep(message=None)
        except OSError:  # nothing of what it trains could be kept either
            with suppress(JobRefused):
                self.account.cancel(self.state)
            raise
        return True

    def _submit(self) -> JobInfo | None:
        self._prepare(SENDING)
        self._refuse_stopped()
        self.state = self.account.send(self.state, self.config, self.uploads, self._keep)
        try:
            self._refuse_stopped()
            self._keep(mark=secrets.token_hex(8), asked=self.clock())
            return self.account.begin(self.state)
        except JobUnanswered as error:
            self._note(message=f"{error.message} Whether a machine was begun is being found out.")
            return self._find()
        except (BadInput, OSError):
            self._take_back()
            raise

    def _refuse_stopped(self) -> None:
        if self.stop.is_set():
            raise JobRefused(STOPPED)

    def _find(self) -> JobInfo | None:
        """The job that was asked for; None where the Hub has only what it sent home."""
        if self.state.asked is None:  # by an older version
            self._note(asked=self.state.updated)
        search = Search(self.account, self.state, self.stop, self.clock)
        try:
            return search.find(lambda message: self._note(message=message))
        except NeverBegun:
            self._take_back()
            raise

    def _take_back(self) -> None:
        """Nothing was begun: the repository of the job goes, and there is nothing to find."""
        if self.state.repo is not None and self.state.account is not None:
            self.account.take_back(self.state.repo, self.state.revision)
        self.state = replace(self.state, mark=None)

    def _never_begun(self, error: BadInput) -> None:
        self._keep(stage="over", message=error.message, field=error.field)
        reason: Reason = "stopped" if error.message == STOPPED else "failed"
        self.journal.append(RunEnded(0, reason, error.message, 0.0))

    def _lose(self, sentence: str) -> None:
        """Notes that the job is no longer followed: it may go on, and its end is not known."""
        where = self.state.url or f"{self.account.api.endpoint}/settings/jobs (hf jobs ls)"
        kind = "The job may still be at work" if self.state.id else "A machine may be at work"
        advice = f"{kind}, at most until its time limit: follow it again, or look at {where}."
        if self.state.stage == "fetching":
            repo = f"{self.account.api.endpoint}/{self.state.repo}"
            advice = f"The job has ended: follow it again to fetch the rest, which lies in {repo}."
        sentences = [sentence, *filter(None, [self.uncancelled]), advice]
        self._note(stage="lost", message=" ".join(sentences))

    # ----------------------------------------------------------------------------- the middle

    def _follow(self) -> None:
        state = self.state
        reader = LogReader(self.account.api, str(state.id), state.account, self.folder.log)
        reader.start()
        try:
            job = self._until_over(reader)
        finally:
            reader.leave()
        self._finish(job, reader)

    def _until_over(self, reader: LogReader) -> JobInfo | None:
        """Takes in lines until the job has ended; None where the Hub knows nothing of it.

        Raises `TokenSpent`, and what the Hub refuses for longer than the job can take.
        """
        next_look, next_cancel, is_last = 0.0, 0.0, False
        give_up = self.clock() + 60 * self.state.minutes + GIVE_UP
        while True:
            self._take_lines(reader, 0.3)
            if self.stop.is_set() and time.monotonic() >= next_cancel:
                self._cancel()
                next_look, next_cancel = 0.0, time.monotonic() + LOOK_EVERY
            if reader.is_over.is_set() and not is_last:
                next_look, is_last = 0.0, True
            if time.monotonic() < next_look:
                continue
            next_look = time.monotonic() + LOOK_EVERY
            try:
                job = self._inspect()
            except TokenSpent:
                raise
            except JobRefused as error:
                if self.clock() > give_up:
                    raise
                self._note(message=f"{error.message} It is asked again; the job goes on.")
                continue
            if job is None:
                return None
            self._see(job)
            if job.status.stage in ENDS:
                deadline = time.monotonic() + LAST_LINES
                while not reader.is_over.is_set() and time.monotonic() < deadline:
                    self._take_lines(reader, 0.3)
                self._take_lines(reader, 0)
                return job

    def _inspect(self) -> JobInfo | None:
        """How the job stands; None where the Hub has no such job, which it has to say twice."""
        try:
            return self.account.inspect(self.state)
        except JobGone:
            return self.account.find(self.state)

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
        self.unfetched = None
        arrivals = Arrivals(self.account.api, str(self.state.repo), self.run_folder)
        try:
            records = arrivals.fetch()
        except Exception as error:
            refusal = job_refusal(error, self.account.api.endpoint)
            if isinstance(error, OSError) and error.errno is not None:
                self.unfetched = f"What it trained has no room here ({error.strerror}): make some."
                self._note(message=self.unfetched)
            elif not isinstance(refusal, JobGone):
                self.unfetched = f"What it trained could not be fetched. {refusal.message}"
            log.warning("nothing could be fetched: %s", refusal.message)
            return False
        self._take(records)
        return bool(records)

    def _take(self, records: Iterable[Record]) -> None:
        """Adds the records that come next to the journal; later ones wait for those before.

        Where the disk refuses a record, all of them wait, and the next call tries again.
        """
        for record in records:
            if record["seq"] > self.last_seq:
                self.held.setdefault(record["seq"], record)
        with self._bearing_the_disk():
            while (number := self.last_seq + 1) in self.held:
                self._append(self.held[number])
                del self.held[number]

    def _append(self, record: Record) -> None:
        """Adds a record to the journal; raises OSError."""
        event = event_of(record, self.config)
        if event is None or self.end is not None:
            return
        if isinstance(event, RunEnded):  # told when its model is here
            self.end = event
            return
        if record["type"] == "RunStarted":
            self.run_folder.set_fingerprint(str(record["fingerprint"]))
        self.journal.clock = lambda: float(record.get("time") or self.clock())
        self.journal.append(event)
        self.journal.clock = self.clock
        self.last_seq += 1

    def _see(self, job: JobInfo) -> None:
        """Takes over the status of the job into the state."""
        seconds = float((job.durations and job.durations.running_secs) or 0)
        started = job.started_at.timestamp() if job.started_at else None
        if job.status.stage == "RUNNING":
            if started is None:
                started = self.state.started or self.clock() - seconds
            if self.last_seq == 0:
                self._prepare(INSTALLING)
            message = self.uncancelled
            self._note(stage="running", started=started, seconds=seconds, message=message)
        elif job.status.stage == "SCHEDULING":
            self._note(stage="scheduling", message=self.uncancelled)
            if self.last_seq == 0:
                self._prepare(WAITING)
        elif job.status.stage in ENDS:
            if job.started_at and job.finished_at:
                seconds = max(seconds, (job.finished_at - job.started_at).total_seconds())
            self._note(stage="fetching", seconds=max(seconds, self.state.seconds), message=None)

    def _cancel(self) -> None:
        """Asks for the job's end. What comes of it is seen by looking: a job that has just ended
        is not cancelled, and one that could not be cancelled goes on."""
        try:
            self.account.cancel(self.state)
            self.uncancelled = UNHEEDED if self.cancels else None
            self.cancels += 1
        except JobGone:
            self.uncancelled = None
        except JobRefused as error:
            self.uncancelled = f"It could not be cancelled yet: {error.message}"

    # -------------------------------------------------------------------------------- the end

    def _bring_home(self) -> None:
        """Fetches what came of a job whose number never came, and which the Hub lists no more.

        Raises `JobRefused` where it may be at work all the same.
        """
        self._fetch()
        if self.end is None and not is_time_up(self.state, self.clock()):
            reason = self.unfetched or "What it has sent home is here."
            raise JobRefused(f"{UNLISTED} {reason}")
        self._finish(None, None)

    def _finish(self, job: JobInfo | None, reader: LogReader | None) -> None:
        """Brings home what there is and tells the end; raises `JobRefused` where it is still there
        and cannot be had now."""
        self._note(stage="fetching", started=None, message=None)
        is_here = self._fetch()
        for _ in range(FETCH_TRIES - 1):
            if self.unfetched is None:
                break
            time.sleep(FETCH_PAUSE)
            is_here = self._fetch()
        if self.unfetched is not None:
            raise JobRefused(self.unfetched)
        if self.end is None and job and reader and not self.stop.is_set():
            for line in reader.whole():  # a log that breaks off may look like one that has ended
                if line.startswith(JOURNAL):
                    self._take_line(line)
        for seq in sorted(self.held):  # what is missing in between will not come any more
            self._append(self.held[seq])
        self.held.clear()
        end = self.end or self._end_of(job, reader.last if reader else "")
        if not is_here and self.end is not None and end.reason != "failed":
            end = replace(
                end,
                message=f"{end.message} What it trained did not arrive here; look for it in "
                f"{self.account.api.endpoint}/{self.state.repo}.",
            )
        cost = f"It cost {cost_so_far(replace(self.state, stage='over').dollars())}."
        if self.state.id is None:
            cost = f"What it cost is told at {BILLING_PAGE}."
        self._keep(stage="over", message=f"{end.message} {cost}")
        try:
            self.journal.append(end)
        except OSError:  # not over before that is told
            self._note(stage="fetching")
            raise

    def _end_of(self, job: JobInfo | None, last: str) -> RunEnded:
        """The last record of a job that did not write one itself."""
        unreported = UnreportedEnd(
            self.run_folder, self.state, self.stop.is_set(), self.last_seq > 0
        )
        return unreported.of(job, last)

    # ------------------------------------------------------------------------------- keeping

    def _prepare(self, stage: str) -> None:
        """Writes the stage of the preparation into the journal, once for each stage."""
        if stage != self._last_stage:
            with self._bearing_the_disk():
                self.journal.append(PreparationProgressed(0, stage, 0, None, ""))
                self._last_stage = stage

    def _keep(self, **changes: Any) -> None:
        """Writes the state of the job to disk; raises OSError."""
        state = replace(self.state, updated=self.clock(), **changes)
        self.folder.write(state)
        self.state = state

    def _note(self, **changes: Any) -> None:
        """Writes the state as `_keep` does, but goes on where the disk is full."""
        self.state = replace(self.state, updated=self.clock(), **changes)
        with self._bearing_the_disk():
            self.folder.write(self.state)

    @contextmanager
    def _bearing_the_disk(self) -> Iterator[None]:
        """Swallows what the disk refuses inside: it is tried again with the next record."""
        try:
            yield
        except OSError as error:
            log.warning("the disk takes nothing: %s", error)


def _is_ours(record: Record) -> bool:
    """Whether a record is a note of a follower and not of the job."""
    return record.get("type") == "PreparationProgressed" and record.get("stage") in OURS
