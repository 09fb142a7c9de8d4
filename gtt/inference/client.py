"""The processes that work for every visitor, as the server sees them.

The server never loads torch and reads no file of a stranger: it hands a job to a process and awaits
what comes back. Each job has a price (`gtt.inference.prices`) and goes where that price can be
borne:

    turns     one process with models, whose jobs take turns: what has short steps
    alone     a process with models for one job, whose steps are too long for others to wait
    long      another one, for what takes many seconds
    reading   processes without torch for one job each: texts, tables, tokenizers of strangers

A process starts with its first job, or with `Inference.warm`, and anew with the next job after it
has died. Through its pipes go lines of JSON:

    to a process      {"id", "kind", "job", "seconds"}     {"cancel": id}
    from a process    {"id", "text"}     {"id", "result"}     {"id", "error"}     {"id", "gone"}
                      {"cache"}
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import Any

from gtt.inference.lanes import CLOSING, Crowd, Kind, Lane
from gtt.inference.pipe import Busy, Result, Ticket
from gtt.inference.prices import price_of, refuse_too_dear
from gtt.inference.questions import ExportJob, GenerateJob, Job, OfReader
from gtt.inference.verdicts import deadly, too_long
from gtt.training.memory import memory_of_machine

__all__ = ["Busy", "Inference", "Result"]

log = logging.getLogger(__name__)

LONGEST_TURN = 0.15  # seconds of a step that others wait for
LARGEST_TURN = 512 * 2**20  # bytes of a job that shares its process
SHORT_SECONDS = 5.0  # of a job alone; what takes longer has a process beside
READERS = 3
READING_SECONDS = 10.0  # of computing for one look at a text
READING_SHARE = 2.5  # seconds, after which a look makes room for others
LOOK_EVERY = 0.2  # seconds between two looks at what is at work
LEAST_MEMORY = 2 * 2**30  # bytes that a process with models may take on any machine
MOST_TRIES = 2  # processes that may end under a job before it is held to be the reason
IDLE_READER, IDLE_ALONE = 300.0, 60.0  # seconds without a job after which a process ends
IDLE_BESIDE = 45.0  # likewise, of a reader that came when there was one already


class Inference:
    """Hands jobs to processes; `max_active` of those that take turns are at work at a time.

    The others wait, and turns go round those who asked, the owners, each of whom has at most
    `max_active_each` at work. Where `max_waiting` wait already, `max_waiting_each` of one, and
    where a job waits or runs longer than `seconds_per_job`, its caller gets `Busy`. What would
    take longer than `seconds_alone` by its price, or more memory than a process has, is refused
    with what would fit. Up to `cache_bytes` of weights stay loaded, until `idle_seconds` pass
    without a job. Faults go to the file `log`, if given. Jobs may come from any event loop.
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
        seconds_alone: float = 60.0,
        seconds_reading: float = READING_SECONDS,
        idle_seconds: float = 600.0,
        threads: int = 1,
        log: Path | None = None,
    ) -> None:
        self.seconds_alone = seconds_alone
        self.memory = max(LEAST_MEMORY, memory_of_machine() // 2)
        self._lock = threading.RLock()
        self._cache = {"checkpoints": 0, "checkpoint_bytes": 0}
        self._last_id = 0
        self._closed = False
        self._wake = threading.Event()
        self._watcher: threading.Thread | None = None
        each, waiting_each = max_active_each or max_active, max_waiting_each or max_waiting
        crowd, of_one = (Crowd(max_waiting, most, waiting_each) for most in (each, 1))
        share = (str(cache_bytes), str(idle_seconds), str(threads))
        apart = (str(cache_bytes), str(IDLE_ALONE), str(threads), "alone")
        models, reader = "gtt.inference.process", "gtt.inference.reader"
        alone = Kind(models, apart, seconds=seconds_alone, threads=threads)
        kinds = {
            "turns": Kind(
                models,
                share,
                jobs_each=max_active,
                seconds=seconds_per_job,
                is_single=False,
                threads=threads,
            ),
            "alone": replace(alone, share=2 * SHORT_SECONDS),
            "long": alone,
            "reading": Kind(
                reader,
                (str(IDLE_READER),),
                READERS,
                seconds=seconds_reading,
                share=READING_SHARE,
                options_beside=(str(IDLE_BESIDE),),
            ),
        }
        self.lanes = {
            name: Lane(
                kind,
                crowd if name == "turns" else of_one,
                self._lock,
                log,
                too_long=too_long,
                died=self._died,
                on_message=self._on_message if name == "turns" else lambda message: None,
            )
            for name, kind in kinds.items()
        }

    async def stream(self, job: Job, owner: str = "") -> AsyncGenerator[Result, None]:
        """The pieces of a job of an owner; closing the iterator ends the job.

        The job begins with the first piece that is asked for. Pieces of text that a slow reader
        has not taken come as one. Raises `Busy`, `BadInput`, and `GTTError` for our own faults.
        """
        ticket = self._submit(job, owner)
        try:
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
        """Starts what the first jobs would wait for; raises OSError."""
        with self._lock:
            for name in ("turns", "reading"):
                self.lanes[name].warm()

    def close(self) -> None:
        """Ends the processes; jobs at work or waiting end with `Busy`."""
        with self._lock:
            self._closed = True
            tickets = [ticket for lane in self.lanes.values() for ticket in lane.close()]
            processes = [process for lane in self.lanes.values() for process in lane.processes]
            watcher = self._watcher
        for ticket in tickets:
            ticket.end(Busy(CLOSING, 60.0))
        for process in processes:
            process.close()
        self._wake.set()
        if watcher is not None:
            watcher.join()

    @property
    def pid(self) -> int | None:
        """The process whose jobs take turns, None where there is none."""
        alive = (
            process.popen.pid
            for process in list(self.lanes["turns"].processes)
            if process.is_alive()
        )
        return next(alive, None)

    def stats(self) -> dict[str, Any]:
        """Whether any process lives, resident bytes, jobs, and the loaded checkpoints of turns."""
        with self._lock:
            lanes = self.lanes.values()
            counts = {
                "active": sum(len(lane.active) for lane in lanes),
                "waiting": sum(len(lane.waiting) for lane in lanes),
                **(self._cache if self.pid is not None else dict.fromkeys(self._cache, 0)),
            }
            alive = [process for lane in lanes for process in lane.processes if process.is_alive()]
        return {"alive": bool(alive), "rss": sum(process.memory() for process in alive), **counts}

    def _submit(self, job: Job, owner: str) -> Ticket:
        lane = self.lanes[self._lane_of(job)]
        if isinstance(job, GenerateJob) and job.settings.get("seed") is None:
            # Drawn here, so that another process would write the same.
            job = replace(job, settings={**job.settings, "seed": secrets.randbelow(2**32)})
        with self._lock:
            self._last_id += 1
            ticket = Ticket(self._last_id, job, owner)
            lane.put(ticket)
            if self._watcher is None:
                self._watcher = threading.Thread(
                    target=self._watch, name="inference watcher", daemon=True
                )
                self._watcher.start()
        self._wake.set()
        return ticket

    def _lane_of(self, job: Job) -> str:
        """Where a job can be borne; raises `BadInput` where that is nowhere."""
        if isinstance(job, OfReader):
            return "reading"
        if isinstance(job, ExportJob):  # in one step, however large the model is
            return "alone"
        try:
            price = price_of(job)
        except FileNotFoundError:  # which the process will say
            return "turns"
        if price is None:
            return "alone"
        if price.step <= LONGEST_TURN and price.bytes <= LARGEST_TURN:
            return "turns"  # which end by themselves where they take too long
        refuse_too_dear(job, price, self.seconds_alone, self.memory)
        return "alone" if price.seconds <= SHORT_SECONDS else "long"

    def _on_message(self, message: dict[str, Any]) -> None:
        self._cache = message["cache"]

    def _died(self, ticket: Ticket) -> None:
        """A job whose process ended, for whatever reason, has another one to itself."""
        if ticket.tries >= MOST_TRIES:
            ticket.end(deadly(ticket.job))
            return
        ticket.begin_anew()
        self.lanes[self._lane_by_itself(ticket.job)].take_back(ticket)

    def _lane_by_itself(self, job: Job) -> str:
        """Where a job has a process to itself, the short ones apart from the long ones."""
        if isinstance(job, OfReader):
            return "reading"
        try:
            price = price_of(job)
        except FileNotFoundError:  # which the process will say
            price = None
        return "alone" if price is None or price.seconds <= SHORT_SECONDS else "long"

    def _watch(self) -> None:
        """Until closed: sees to it that every caller gets an end."""
        while not self._closed:
            with self._lock:
                lanes = self.lanes.values()
                is_idle = not any(lane.active or lane.waiting for lane in lanes)
                try:
                    for lane in lanes:
                        lane.look(time.monotonic())
                except Exception:  # the next look may do better
                    log.exception("looking after the jobs failed")
                if is_idle:
                    self._wake.clear()
            if is_idle:
                self._wake.wait()
            else:
                time.sleep(LOOK_EVERY)

    def _drop(self, ticket: Ticket) -> None:
        """Forgets a job whose caller has its end or has gone away."""
        with self._lock:
            any(lane.drop(ticket) for lane in self.lanes.values())
