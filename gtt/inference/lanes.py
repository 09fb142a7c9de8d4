"""Lanes: processes of one kind, with the jobs at work in them and those that wait.

In a shared lane one process has many jobs, which take turns. In a single lane each process has one
job: a job that takes longer than allowed is ended by killing its process, which harms no other job.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gtt.errors import BadInput, GTTError, InvalidSetting, UnusableData, UnusableRun
from gtt.inference.pipe import Busy, ModelProcess, Ticket
from gtt.runs.fairness import FairQueue

GRACE = 30.0  # seconds beyond a job's own after which a process of many jobs counts as stuck
SPARE_SECONDS = 1.0  # of computing beyond a job's own before its process is ended
ASLEEP = 6.0  # times its seconds that a single job may take if it computes nothing
DROP_SECONDS = 1.0  # that a process has to let go of a job whose caller went away
USUAL_SECONDS = 2.0  # of a job, before any has been seen to its end
REMEMBERED = 60.0  # seconds in which an owner whose job was ended comes after others
CLOSING = "The server is closing; try again in a minute."


@dataclass(frozen=True)
class Kind:
    """The parameters of a lane.

    `most` processes of `module` run with `options`, `jobs_each` at work in one. Unless the lane
    `is_single`, they take turns for `seconds`; else that is how long a job may compute, and where
    others wait, one that has had its `share` of seconds makes room.
    """

    module: str
    options: tuple[str, ...]
    most: int = 1
    jobs_each: int = 1
    seconds: float = 120.0
    share: float | None = None
    is_single: bool = True
    threads: int = 1
    options_beside: tuple[str, ...] | None = None  # of a process that starts beside another one


@dataclass(frozen=True)
class Crowd:
    """How many jobs may wait in a lane, and how many one owner may have there."""

    waiting: int
    active_each: int
    waiting_each: int


class Lane:
    """Not locked: whoever holds it locks, with the lock that it is given."""

    def __init__(
        self,
        kind: Kind,
        crowd: Crowd,
        lock: threading.RLock,
        log: Path | None,
        *,
        too_long: Callable[[Any, float], Exception],
        died: Callable[[Ticket], None],
        on_message: Callable[[dict[str, Any]], None] = lambda message: None,
    ) -> None:
        """`too_long` makes the error for the caller of an ended job; `died` is called with the jobs
        of a process that ended by itself, `on_message` with messages of a process about itself."""
        self.kind, self.crowd = kind, crowd
        self.seconds = kind.seconds
        self.processes: list[ModelProcess] = []
        self.active: dict[int, Ticket] = {}
        self.waiting: FairQueue[Ticket] = FairQueue()
        self._lock, self._log = lock, log
        self._too_long, self._died, self._on_message = too_long, died, on_message
        self._usual_seconds = USUAL_SECONDS
        self._ended: dict[str, float] = {}  # when a job of an owner was ended last
        self._closed = False

    def put(self, ticket: Ticket) -> None:
        """A job, at work or waiting; raises `Busy` where there is no place to wait."""
        if self._closed:
            raise Busy(CLOSING, 60.0)
        self._require_place(ticket)
        self.take_back(ticket)

    def take_back(self, ticket: Ticket) -> None:
        """A job that had its place before."""
        self.waiting.put(ticket.owner, ticket)
        self._begin_waiting()

    def drop(self, ticket: Ticket) -> bool:
        """Forgets a job whose caller has gone away, or has its end; whether it was here."""
        if self.waiting.remove(ticket):
            return True
        if ticket.id not in self.active or ticket.process is None:
            return False
        ticket.process.send({"cancel": ticket.id})
        if self.kind.is_single:  # its place is free once the process says so, or has been ended
            ticket.dropped_at = time.monotonic()
        else:
            del self.active[ticket.id]
            self._begin_waiting()
        return True

    def warm(self) -> None:
        """Starts a process if there is none; raises OSError."""
        if not self._closed and not any(process.is_alive() for process in self.processes):
            self._start()

    def close(self) -> list[Ticket]:
        """Ends the processes; returns the jobs that were at work or waiting."""
        self._closed = True
        tickets = [*self.active.values(), *self.waiting.in_order()]
        self.active.clear()
        self.waiting = FairQueue()
        return tickets

    def look(self, now: float) -> None:
        """Ends what has taken too long, also a process that no longer answers."""
        for ticket in list(self.active.values()):
            process = ticket.process
            assert process is not None
            if ticket.verdict is not None:
                continue  # its process is being ended
            elapsed = now - ticket.begun
            if ticket.dropped_at is not None:
                if now - ticket.dropped_at > DROP_SECONDS:
                    process.popen.kill()
            elif not self.kind.is_single:
                if elapsed > self.seconds + GRACE:
                    process.popen.kill()
            elif elapsed > ASLEEP * self.seconds or (
                elapsed > self.seconds
                and process.computed() - ticket.computed_before > self.seconds + SPARE_SECONDS
            ):
                self._end(ticket, self._too_long(ticket.job, self.seconds))
        for ticket in self.waiting.in_order():
            if not ticket.begun and now - ticket.created > self.seconds:  # else it had its place
                self.waiting.remove(ticket)
                ticket.end(Busy("The server was busy for too long; try again.", 10.0))
        if self.waiting and self.kind.share is not None:
            self._make_room(now, self.kind.share)

    def _make_room(self, now: float, share: float) -> None:
        """Ends the longest of the jobs that have had their share, if all processes are taken."""
        if len(self.active) < self.kind.most:
            return
        at_work = [ticket for ticket in self.active.values() if ticket.process is not None]
        if any(ticket.verdict is not None or ticket.dropped_at is not None for ticket in at_work):
            return  # there will be room
        longest = max(at_work, key=lambda ticket: now - ticket.begun)
        assert longest.process is not None
        if longest.process.computed() - longest.computed_before > share:
            busy = Busy(
                "Others wait, and this takes long: try again in a minute, or with less of it.", 30.0
            )
            self._end(longest, busy)

    def _end(self, ticket: Ticket, verdict: Exception) -> None:
        assert ticket.process is not None
        ticket.verdict = verdict
        now = time.monotonic()
        self._ended = {
            ticket_id: at for ticket_id, at in self._ended.items() if now - at < REMEMBERED
        }
        self._ended[ticket.owner] = now
        ticket.process.popen.kill()

    def _require_place(self, ticket: Ticket) -> None:
        """Raises `Busy` for a job that cannot begin at once and has no place to wait."""
        places = self.kind.most * self.kind.jobs_each
        if len(self.active) < places and self._has_turn(ticket):
            return
        own = self.waiting.waiting_of(ticket.owner)
        if own >= self.crowd.waiting_each:
            raise Busy(
                f"{own} of your own questions wait for a model already; wait for an answer.",
                max(1.0, self._usual_seconds * own / self.crowd.active_each),
            )
        if len(self.waiting) >= self.crowd.waiting:
            raise Busy(
                f"{len(self.waiting)} others wait for a model already; try again in a moment.",
                max(1.0, self._usual_seconds * len(self.waiting) / places),
            )

    def _has_turn(self, ticket: Ticket) -> bool:
        """Whether whoever asked has fewer jobs at work than they may."""
        active = sum(other.owner == ticket.owner for other in self.active.values())
        return active < self.crowd.active_each

    def _comes_first(self, ticket: Ticket) -> bool:
        """As `_has_turn`, and no job of theirs was ended just now."""
        ended = self._ended.get(ticket.owner, -math.inf)
        return time.monotonic() - ended >= REMEMBERED and self._has_turn(ticket)

    def _begin_waiting(self) -> None:
        """Hands over those that wait as far as there is room."""
        while not self._closed and len(self.active) < self.kind.most * self.kind.jobs_each:
            ticket = self.waiting.take(self._comes_first) or self.waiting.take(self._has_turn)
            if ticket is None:
                return
            try:
                process = self._free_process()
            except OSError:
                ticket.end(Busy("The machine has no room to work with models now.", 10.0))
                continue
            ticket.process, ticket.begun = process, time.monotonic()
            ticket.computed_before = process.computed() if self.kind.is_single else 0.0
            self.active[ticket.id] = ticket
            job = {"kind": type(ticket.job).__name__, "job": asdict(ticket.job)}
            process.send({"id": ticket.id, **job, "seconds": self.seconds})

    def _free_process(self) -> ModelProcess:
        """A living process with room, if need be a new one; raises OSError."""
        for process in self.processes:
            jobs = sum(ticket.process is process for ticket in self.active.values())
            if process.is_alive() and jobs < self.kind.jobs_each:
                return process
        return self._start()

    def _start(self) -> ModelProcess:
        kind, options = self.kind, self.kind.options
        if kind.options_beside is not None and any(
            process.is_alive() for process in self.processes
        ):
            options = kind.options_beside
        process = ModelProcess(
            kind.module, list(options), kind.threads, self._log, self._hear, self._bury
        )
        self.processes.append(process)
        return process

    def _hear(self, message: dict[str, Any]) -> None:
        """Passes on a line of a process, in the thread that reads its pipe."""
        if "id" not in message:
            self._on_message(message)
            return
        ticket = self.active.get(message["id"])
        if ticket is None:  # its caller has gone away
            return
        if "text" in message:
            ticket.add(message["text"])
            return
        with self._lock:
            self.active.pop(ticket.id, None)
            seconds = time.monotonic() - ticket.begun
            self._usual_seconds += 0.1 * (seconds - self._usual_seconds)
            self._begin_waiting()
        if "gone" not in message:
            error = message.get("error")
            ticket.end(message["result"] if error is None else as_error(error))

    def _bury(self, process: ModelProcess) -> None:
        """Tells those whose process has died, and goes on with those that wait."""
        with self._lock:
            if process in self.processes:
                self.processes.remove(process)
            lost = [ticket for ticket in self.active.values() if ticket.process is process]
            for ticket in lost:
                del self.active[ticket.id]
            for ticket in lost:
                if ticket.dropped_at is not None or self._closed:
                    continue
                if ticket.verdict is not None:
                    ticket.end(ticket.verdict)
                else:
                    ticket.tries += process.popen.returncode != 0  # 0: it made room for another
                    self._died(ticket)
            self._begin_waiting()


def as_error(values: dict[str, Any]) -> GTTError:
    """The error that a process described."""
    message = str(values["message"])
    if values["kind"] == Busy.__name__:
        return Busy(message, float(values["retry_after"]))
    kinds = {kind.__name__: kind for kind in (BadInput, InvalidSetting, UnusableData, UnusableRun)}
    kind = kinds.get(values["kind"])
    return GTTError(message) if kind is None else kind(message, field=values["field"])
