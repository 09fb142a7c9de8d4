"""The pipes between the server and a process with its jobs, and the answers that come back.

Each pipe has a thread of its own, so that no event loop ever waits for one. Nothing here knows
what a job is.
"""

from __future__ import annotations

import asyncio
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from gtt.errors import GTTError
from gtt.runs.spares import TOKENS

ROOT = Path(__file__).resolve().parents[2]

Result = dict[str, Any]


class Busy(GTTError):
    """Not now: too many wait, it took too long, or the process died; `retry_after` in seconds."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after = retry_after


class Ticket:
    """A job of an owner, and what it answered that its caller has not read yet."""

    def __init__(self, id: int, job: Any, owner: str = "") -> None:
        self.id, self.job, self.owner = id, job, owner
        self.process: ModelProcess | None = None  # None while it waits
        self.created, self.begun = time.monotonic(), 0.0
        self.computed_before = 0.0  # seconds that the process had computed when this began
        self.dropped_at: float | None = None  # its caller went away
        self.verdict: Exception | None = None  # why its process is being ended
        self.tries = 0  # processes that ended under it
        self.loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._lock = threading.Lock()
        self._is_told = False
        self._text: list[str] = []
        self._sent_length = self._to_skip = 0  # characters, of all tries and of this one
        self._outcome: Result | Exception | None = None

    def add(self, text: str) -> None:
        with self._lock:
            text, self._to_skip = text[self._to_skip :], max(0, self._to_skip - len(text))
            self._sent_length += len(text)
            self._text.append(text)
            self._tell()

    def begin_anew(self) -> None:
        """Prepares for another process, which does the job again: the text that the caller has read
        is skipped in its answer, which has the same words."""
        with self._lock:
            self.process, self._to_skip = None, self._sent_length
            self.created = time.monotonic()

    def end(self, outcome: Result | Exception) -> None:
        with self._lock:
            self._outcome = outcome
            self._tell()

    def _tell(self) -> None:
        if not self._is_told:
            self._is_told = True
            with suppress(RuntimeError):  # the caller's loop is closed: nobody waits any more
                self.loop.call_soon_threadsafe(self._changed.set)

    async def read(self) -> tuple[str, Result | Exception | None]:
        """Waits for news: the text since the last time, and the end if it has come."""
        await self._changed.wait()
        with self._lock:
            self._changed.clear()
            self._is_told = False
            text, self._text = "".join(self._text), []
            return text, self._outcome


class ModelProcess:
    """The child with a thread for each of its pipes, so that no event loop ever waits for one."""

    def __init__(
        self,
        module: str,
        options: list[str],
        threads: int,
        log: Path | None,
        hear: Callable[[dict[str, Any]], None],
        bury: Callable[[ModelProcess], None],
    ) -> None:
        environment = {key: value for key, value in os.environ.items() if key not in TOKENS}
        with (log or Path(os.devnull)).open("ab") as errors:
            self.popen = subprocess.Popen(
                [sys.executable, "-m", module, *options],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={
                    **environment,
                    "OMP_NUM_THREADS": str(threads),
                    "HF_HUB_OFFLINE": "1",
                    "TOKENIZERS_PARALLELISM": "false",
                },
                cwd=ROOT,
                start_new_session=True,  # a Ctrl-C for the server reaches it as the end of stdin
            )
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._hear, self._bury = hear, bury
        self._threads = [
            threading.Thread(target=target, name="inference", daemon=True)
            for target in (self._read, self._write)
        ]
        for thread in self._threads:
            thread.start()

    def is_alive(self) -> bool:
        return self.popen.poll() is None

    def send(self, message: dict[str, Any]) -> None:
        self._lines.put(json.dumps(message).encode() + b"\n")

    def computed(self) -> float:
        """Seconds that its threads have computed; 0 where that cannot be told."""
        with suppress(psutil.Error):
            times = psutil.Process(self.popen.pid).cpu_times()
            return float(times.user + times.system)
        return 0.0

    def memory(self) -> int:
        """Resident bytes; 0 where it is gone."""
        with suppress(psutil.Error):
            return int(psutil.Process(self.popen.pid).memory_info().rss)
        return 0

    def close(self) -> None:
        """Kills the process, which has nothing to lose, and waits for it and its threads."""
        self.popen.kill()
        for thread in self._threads:
            thread.join()

    def _read(self) -> None:
        assert self.popen.stdout is not None
        with self.popen.stdout as lines:
            for line in lines:
                if line.endswith(b"\n"):  # half a line is the last of a process that died
                    self._hear(json.loads(line))
        self.popen.wait()
        self._lines.put(None)
        self._bury(self)

    def _write(self) -> None:
        assert self.popen.stdin is not None
        with suppress(OSError), self.popen.stdin as pipe:  # of its end the reader tells
            for line in iter(self._lines.get, None):
                pipe.write(line)
                pipe.flush()
