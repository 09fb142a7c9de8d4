"""One process that writes and looks with models for every visitor, as the server sees it.

The server never loads torch: it hands a job to the process of `gtt.inference.process` and
awaits what comes back. The process starts with the first job, or with `Inference.warm`, and anew
with the next job after it has died. Through its pipes go lines of JSON:

    to the process      {"id", "kind", "job", "seconds"}     {"cancel": id}
    from the process    {"id", "text"}     {"id", "result"}     {"id", "error"}     {"cache"}
"""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil

from gtt.errors import BadInput, GTTError, InvalidSetting, UnusableData, UnusableRun
from gtt.inference.pipe import ModelProcess, Result, Ticket
from gtt.inference.questions import Job
from gtt.runs.fairness import FairQueue

GRACE = 30.0  # seconds beyond a job's own after which the process counts as stuck
USUAL_SECONDS = 2.0  # of a job, before any has been seen to its end
ENDED = "The process that writes with models ended unexpectedly; try again."


class Busy(GTTError):
    """Not now: too many wait, it took too long, or the process died; `retry_after` in seconds."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after = retry_after


_ERRORS = {kind.__name__: kind for kind in (BadInput, InvalidSetting, UnusableData, UnusableRun)}


class Inference:
    """Hands jobs to the process, `max_active` at a time, which take turns token by token.

    The others wait, and turns go round those who asked, the owners, each of whom has at most
    `max_active_each` at work. Where `max_waiting` wait already, `max_waiting_each` of one, and
    where a job waits or runs longer than `seconds_per_job`, its caller gets `Busy`. Up to
    `cache_bytes` of weights stay loaded, until `idle_seconds` pass without a job. Faults go to the
    file `log`, if given. Jobs may come from any event loop.
    """

    def __init__(
        self,
        *,
        cache_bytes: int = 512 * 2**20,
        max_active: int = 8,
        max_waiting: int = 32,
        max_active_each: int | None = None,
        max_waiting_each: int | None = None,
        seconds_per_job: float = 120.0,
        idle_seconds: float = 600.0,
        threads: int = 1,
        log: Path | None = None,
    ) -> None:
        self.max_active, self.max_waiting = max_active, max_waiting
        self.max_active_each = max_active if max_active_each is None else max_active_each
        self.max_waiting_each = max_waiting if max_waiting_each is None else max_waiting_each
        self.seconds_per_job = seconds_per_job
        self._options, self._log = [str(cache_bytes), str(idle_seconds), str(threads)], log
        self._lock = threading.RLock()
        self._process: ModelProcess | None = None
        self._active: dict[int, Ticket] = {}
        self._waiting: FairQueue[Ticket] = FairQueue()
        self._last_id = 0
        self._usual_seconds = USUAL_SECONDS
        self._cache = {"checkpoints": 0, "checkpoint_bytes": 0}
        self._closed = False

    async def stream(self, job: Job, owner: str = "") -> AsyncGenerator[Result, None]:
        """The pieces of a job of an owner; closing the iterator ends the job.

        The job begins with the first piece that is asked for. Pieces of text that a slow reader
        has not taken come as one. Raises `Busy`, `BadInput`, and `GTTError` for our own faults.
        """
        ticket = self._submit(job, owner)
        try:
            self._watch(ticket)
            while True:
                text, outcome = await ticket.read()
                if text:
                    yield {"text": text}
                if isinstance(outcome, Exception):
                    raise outcome
                if outcome is not None:
                    yield outcome
                    return
        finally:
            self._drop(ticket)

    async def ask(self, job: Job, owner: str = "") -> Result:
        """The result of a job; raises as `stream` does."""
        result: Result = {}
        async for piece in self.stream(job, owner):
            result = piece
        return result

    def warm(self) -> None:
        """Starts the process, so that the first job need not wait for it; raises OSError."""
        with self._lock:
            if not self._closed:
                self._living_process()

    def close(self) -> None:
        """Ends the process; jobs at work or waiting end with `Busy`."""
        with self._lock:
            self._closed = True
            process, self._process = self._process, None
            tickets = [*self._active.values(), *self._waiting.in_order()]
            self._active.clear()
            self._waiting = FairQueue()
        for ticket in tickets:
            ticket.end(_closing())
        if process is not None:
            process.close()

    @property
    def pid(self) -> int | None:
        """The process, None where there is none."""
        process = self._process
        return process.popen.pid if process is not None and process.is_alive() else None

    def stats(self) -> dict[str, Any]:
        """Whether the process lives, its resident bytes, jobs, and the loaded checkpoints."""
        with self._lock:
            pid = self.pid
            counts = {"active": len(self._active), "waiting": len(self._waiting), **self._cache}
        rss = 0
        with suppress(psutil.Error):
            rss = 0 if pid is None else int(psutil.Process(pid).memory_info().rss)
        return {"alive": pid is not None, "rss": rss, **counts}

    def _submit(self, job: Job, owner: str) -> Ticket:
        with self._lock:
            if self._closed:
                raise _closing()
            self._last_id += 1
            ticket = Ticket(self._last_id, job, owner)
            self._require_place(ticket)
            self._waiting.put(ticket.owner, ticket)
            self._begin_waiting()
        return ticket

    def _require_place(self, ticket: Ticket) -> None:
        """Raises `Busy` for a job that cannot begin at once and has no place to wait."""
        if len(self._active) < self.max_active and self._has_turn(ticket):
            return
        own = self._waiting.waiting_of(ticket.owner)
        if own >= self.max_waiting_each:
            raise Busy(
                f"{own} of your own questions wait for a model already; wait for an answer.",
                max(1.0, self._usual_seconds * own / self.max_active_each),
            )
        if len(self._waiting) >= self.max_waiting:
            raise Busy(
                f"{len(self._waiting)} others wait for a model already; try again in a moment.",
                max(1.0, self._usual_seconds * len(self._waiting) / self.max_active),
            )

    def _has_turn(self, ticket: Ticket) -> bool:
        """Whether whoever asked has fewer jobs at work than they may."""
        active = sum(other.owner == ticket.owner for other in self._active.values())
        return active < self.max_active_each

    def _begin_waiting(self) -> None:
        """Hands over those that wait as far as there is room."""
        while len(self._active) < self.max_active:
            ticket = self._waiting.take(self._has_turn)
            if ticket is None:
                return
            try:
                process = self._living_process()
            except OSError:
                ticket.end(Busy("The machine has no room to work with models now.", 10.0))
                continue
            ticket.process, ticket.begun = process, time.monotonic()
            self._active[ticket.id] = ticket
            job = {"kind": type(ticket.job).__name__, "job": asdict(ticket.job)}
            process.send({"id": ticket.id, **job, "seconds": self.seconds_per_job})

    def _living_process(self) -> ModelProcess:
        if self._process is None or not self._process.is_alive():
            self._cache = dict.fromkeys(self._cache, 0)
            self._process = ModelProcess(self._options, self._log, self._hear, self._bury)
        return self._process

    def _hear(self, message: dict[str, Any]) -> None:
        """Passes on a line of the process, in the thread that reads its pipe."""
        if "cache" in message:
            self._cache = message["cache"]
            return
        ticket = self._active.get(message["id"])
        if ticket is None:  # its caller has gone away
            return
        if "text" in message:
            ticket.add(message["text"])
            return
        with self._lock:
            self._active.pop(ticket.id, None)
            seconds = time.monotonic() - ticket.begun
            self._usual_seconds += 0.1 * (seconds - self._usual_seconds)
            self._begin_waiting()
        error = message.get("error")
        ticket.end(message["result"] if error is None else _as_error(error))

    def _bury(self, process: ModelProcess) -> None:
        """Tells those whose process has died, and goes on with those that wait."""
        with self._lock:
            if self._process is process:
                self._process = None
                self._cache = dict.fromkeys(self._cache, 0)
            lost = [ticket for ticket in self._active.values() if ticket.process is process]
            for ticket in lost:
                del self._active[ticket.id]
            if not self._closed:
                self._begin_waiting()
        for ticket in lost:
            ticket.end(Busy(ENDED, 1.0))

    def _watch(self, ticket: Ticket) -> None:
        """Sees to it that the caller gets an end, also from a process that no longer answers."""
        now = time.monotonic()
        with self._lock:
            due = ticket.created + self.seconds_per_job
            if ticket.process is not None:
                due = ticket.begun + self.seconds_per_job + GRACE
            if now < due:
                ticket.alarm = ticket.loop.call_later(due - now, self._watch, ticket)
            elif ticket.process is not None:
                ticket.process.popen.kill()
            elif self._waiting.remove(ticket):
                ticket.end(Busy("The models were busy for too long; try again.", 10.0))

    def _drop(self, ticket: Ticket) -> None:
        """Forgets a job whose caller has its end or has gone away."""
        if ticket.alarm is not None:
            ticket.alarm.cancel()
        with self._lock:
            if self._active.pop(ticket.id, None) is not None and ticket.process is not None:
                ticket.process.send({"cancel": ticket.id})
                self._begin_waiting()
            self._waiting.remove(ticket)


def _as_error(values: dict[str, Any]) -> GTTError:
    """The error that the process described."""
    message = str(values["message"])
    if values["kind"] == Busy.__name__:
        return Busy(message, float(values["retry_after"]))
    kind = _ERRORS.get(values["kind"])
    return GTTError(message) if kind is None else kind(message, field=values["field"])


def _closing() -> Busy:
    return Busy("The server is closing; try again in a minute.", 60.0)
