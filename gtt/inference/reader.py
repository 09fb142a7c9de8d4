"""A process that reads uploaded texts, one job at a time; a bad text can end only this process.

    python -m gtt.inference.reader IDLE_SECONDS

It needs no torch and has little memory. When a file has made it grow large, it ends after the job,
and the next job starts another process.
"""

from __future__ import annotations

import queue
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import psutil

from gtt.errors import UnusableData
from gtt.inference.process import (
    Message,
    Turns,
    Work,
    be_humble,
    leave,
    listen,
    sender,
    serve,
    take_stdout,
)
from gtt.inference.questions import Job, OfReader
from gtt.inference.verdicts import too_long

MEMORY = 1536 * 2**20  # bytes for a look at one text
LARGE = 160 * 2**20  # resident bytes that it had: then it makes room for another one
NICE = 5


def main(idle_seconds: float) -> None:
    """Works until stdin ends, or until it is idle."""
    send = sender(take_stdout())
    commands: queue.SimpleQueue[Message] = queue.SimpleQueue()
    threading.Thread(target=listen, args=(commands,), daemon=True).start()
    be_humble(MEMORY, NICE, first_to_go=600)

    from gtt.inference.text_jobs import work_on_text

    def begin(job: Job) -> Work:
        assert isinstance(job, OfReader)
        return within_memory(work_on_text(job))

    def look() -> None:
        if not turns and most_memory() > LARGE:
            leave()

    turns = Turns(begin, send, time.process_time, too_long)
    serve(turns, commands, idle_seconds, leave, look)


def most_memory() -> int:
    """Bytes that this process had resident at its most, or has now where that is not told.

    Not by `getrusage`, which on Linux counts what its parent had when it was started.
    """
    with suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/self/status").read_text().splitlines()
        most = next(line for line in lines if line.startswith("VmHWM:"))
        return 1024 * int(most.split()[1])
    return int(psutil.Process().memory_info().rss)


def within_memory(work: Work) -> Work:
    """The work, with a `MemoryError` turned into `UnusableData` about the text."""
    try:
        return (yield from work)
    except MemoryError:
        raise UnusableData(
            f"Reading this text takes more than the {MEMORY / 1e9:.2g} GB of memory that a look at "
            "it may take: give a part of it, or a file with fewer columns and shorter lines.",
            field="data.source",
        ) from None


if __name__ == "__main__":
    main(float(sys.argv[1]))
