"""A process that works with models for visitors; `gtt.inference.client` starts it.

    python -m gtt.inference.process CACHE_BYTES IDLE_SECONDS THREADS [alone]

Its jobs take turns in one thread, a step each, and each has its share of the time, so that a long
text does not hold up a short job. It gives way to the page and the training, and ends with its
parent; with `alone` it has one job at a time, and ends when it is idle.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from gtt.errors import BadInput, GTTError, InvalidSetting, UnusableData, UnusableRun
from gtt.inference.pipe import Busy
from gtt.inference.questions import KINDS, Job
from gtt.inference.verdicts import too_long
from gtt.training.memory import limit_memory, memory_of_machine

LEAST_MEMORY = 2 * 2**30  # bytes that it may take on any machine; on a larger one half of it
NICE, NICE_ALONE = 5, 10
PIECE_EVERY = 0.03  # seconds between two pieces of one text: nobody reads faster

Message = dict[str, Any]
Work = Generator[str, None, dict[str, Any]]
"""A job at work: each step is one turn and gives text, mostly of one token; then the result."""


@dataclass
class _Running:
    """A job that takes turns."""

    id: int
    job: Job
    work: Work
    seconds: float
    begun: float
    had: float  # seconds of the turns so far, or what others had had when it came
    unsent: list[str] = field(default_factory=list)
    sent_at: float = 0.0


def took_too_long(job: Job, seconds: float) -> Exception:
    """The error for a job that has used up its seconds."""
    return Busy(
        f"This took longer than the {seconds:g} seconds that one request may take: ask for fewer "
        "tokens, or take a smaller model.",
        5.0,
    )


class Turns:
    """Gives turns to jobs, and sends what comes of it.

    The next turn is that of the job that has had the least time, so that all have the same share
    however long their steps take. A new one begins with what the poorest had.
    """

    def __init__(
        self,
        begin: Callable[[Job], Work],
        send: Callable[[Message], None],
        clock: Callable[[], float] = time.monotonic,
        too_long: Callable[[Job, float], Exception] = took_too_long,
    ) -> None:
        self._begin, self._send, self._clock = begin, send, clock
        self._too_long = too_long
        self._running: list[_Running] = []

    def __bool__(self) -> bool:
        return bool(self._running)

    def take(self, message: Message) -> None:
        """A new job, or the end of one that nobody waits for any more."""
        if "cancel" in message:
            for running in [job for job in self._running if job.id == message["cancel"]]:
                running.work.close()
                self._running.remove(running)
                self._send({"id": running.id, "gone": True})
            return
        job = KINDS[message["kind"]](**message["job"])
        had = min((running.had for running in self._running), default=0.0)
        work = self._begin(job)
        self._running.append(
            _Running(message["id"], job, work, message["seconds"], self._clock(), had)
        )

    def turn(self) -> None:
        """One turn of the job that has had the least; of equals, of the one that waits longest."""
        job = min(self._running, key=lambda job: job.had)
        self._running.remove(job)
        began = self._clock()
        try:
            if began - job.begun > job.seconds:
                raise self._too_long(job.job, job.seconds)
            text = next(job.work)
        except StopIteration as end:
            self._send_text(job)
            self._send({"id": job.id, "result": end.value})
        except Exception as error:
            job.work.close()
            self._send_text(job)
            self._send({"id": job.id, "error": describe(error)})
        else:
            now = self._clock()
            job.had += now - began
            self._running.append(job)
            job.unsent.append(text)
            if now - job.sent_at >= PIECE_EVERY:
                self._send_text(job)

    def _send_text(self, job: _Running) -> None:
        if text := "".join(job.unsent):
            job.sent_at = self._clock()
            self._send({"id": job.id, "text": text})
        job.unsent.clear()


def describe(error: Exception) -> Message:
    """An error as it goes through the pipe: its kind, and a sentence without paths."""
    values: Message = {"kind": GTTError.__name__, "field": None}
    if isinstance(error, BadInput):
        kinds = (UnusableRun, UnusableData, InvalidSetting, BadInput)
        kind = next(kind for kind in kinds if isinstance(error, kind))
        return {"kind": kind.__name__, "field": error.field, "message": error.message}
    if isinstance(error, Busy):
        values |= {"kind": Busy.__name__, "retry_after": error.retry_after}
        return {**values, "message": error.message}
    if isinstance(error, MemoryError) or "can't allocate memory" in str(error):
        values |= {"kind": Busy.__name__, "retry_after": 10.0}
        return {**values, "message": "The machine has no memory left for this model now."}
    traceback.print_exception(error)
    name = type(error).__name__
    return {**values, "message": f"A fault in GTT ended this ({name}); please report it."}


def serve(
    turns: Turns,
    commands: queue.SimpleQueue[Message],
    idle_seconds: float,
    clean_up: Callable[[], None],
    look: Callable[[], None],
) -> None:
    """Takes commands and turns without end; calls `clean_up` when idle, `look` after each turn."""
    while True:
        try:
            while True:
                turns.take(commands.get(block=not turns, timeout=idle_seconds))
        except queue.Empty:
            pass
        if turns:
            turns.turn()
        else:
            clean_up()
        look()


def be_humble(memory: int, niceness: int, first_to_go: int) -> None:
    """Lowers the priority of this process for CPU time, and bounds its memory."""
    with suppress(AttributeError, OSError):  # not on Windows
        os.nice(niceness)
    limit_memory(memory, first_to_go=first_to_go)


def take_stdout() -> BinaryIO:
    """The pipe to the parent; from now on `print` writes to stderr instead."""
    pipe = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return pipe


def listen(commands: queue.SimpleQueue[Message]) -> None:
    """Puts each line of stdin into the queue of commands; where stdin ends, this process ends."""
    for line in sys.stdin.buffer:
        if line.endswith(b"\n"):
            commands.put(json.loads(line))
    os._exit(0)


def sender(pipe: BinaryIO) -> Callable[[Message], None]:
    """Puts messages into the pipe to the parent."""

    def send(message: Message) -> None:
        try:
            pipe.write(json.dumps(message).encode() + b"\n")
            pipe.flush()
        except OSError:  # nobody reads
            os._exit(0)

    return send


def leave() -> None:
    """Ends a process that is idle; the next job starts another one."""
    os._exit(0)


def main(cache_bytes: int, idle_seconds: float, threads: int, is_alone: bool) -> None:
    """Works until stdin ends."""
    send = sender(take_stdout())
    commands: queue.SimpleQueue[Message] = queue.SimpleQueue()
    threading.Thread(target=listen, args=(commands,), daemon=True).start()
    memory = max(LEAST_MEMORY, memory_of_machine() // 2)
    be_humble(memory, NICE_ALONE if is_alone else NICE, first_to_go=450 if is_alone else 400)

    import torch  # a second or two, at a low priority and with an eye on stdin

    from gtt.inference.loaded import LoadedCheckpoints
    from gtt.inference.model_jobs import work_on

    torch.set_num_threads(threads)
    checkpoints = LoadedCheckpoints(cache_bytes)
    last_stats: Message = {}

    def look() -> None:
        nonlocal last_stats
        if last_stats != (stats := checkpoints.stats()):
            last_stats = stats
            send({"cache": stats})

    def begin(job: Job) -> Work:
        return work_on(job, checkpoints)

    turns = Turns(begin, send, time.process_time, too_long) if is_alone else Turns(begin, send)
    serve(turns, commands, idle_seconds, leave if is_alone else checkpoints.clear, look)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), sys.argv[4:] == ["alone"])
