"""The log of a job as lines in a queue, read by a thread that reconnects."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi

from gtt.hub.jobs.job_refusals import TokenSpent, job_refusal
from gtt.hub.jobs.remote_run import JOURNAL, PUSHED, UNSENT

MARKS = (JOURNAL, PUSHED, UNSENT)
LOG_BYTES = 2_000_000  # of what else a job says, kept beside the run
PAUSE = 2.0  # seconds before the log is asked for again
QUOTED = 300  # characters


class LogReader(threading.Thread):
    """Reads the log from its beginning, and from there again whenever the connection breaks off.

    Lines then come twice; their numbers tell. Lines that GTT did not print go to a file, which is
    written anew with every reading.
    """

    def __init__(self, api: HfApi, job: str, account: str | None, log: Path) -> None:
        super().__init__(name="log", daemon=True)
        self.api, self.job, self.account, self.log = api, job, account, log
        self.lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.last = ""  # what the job said last that is not ours
        self._leave = threading.Event()
        self.is_over = threading.Event()

    def leave(self) -> None:
        """Asks the thread to end, which it does with the next line or failure."""
        self._leave.set()

    def whole(self) -> Iterator[str]:
        """All that the log of an ended job holds, as far as the Hub tells it."""
        with suppress(Exception):
            yield from self.api.fetch_job_logs(job_id=self.job, namespace=self.account)

    def run(self) -> None:
        while not self._leave.is_set():
            try:
                self._read()
                self.is_over.set()  # the Hub's client ends where the job has ended
                return
            except Exception as error:
                refusal = job_refusal(error, self.api.endpoint)
                if isinstance(refusal, TokenSpent):
                    return  # whoever asks how the job stands is told the same
            self._leave.wait(PAUSE)

    def _read(self) -> None:
        size = 0
        lines: Any = self.api.fetch_job_logs(job_id=self.job, namespace=self.account, follow=True)
        with self.log.open("w", encoding="utf-8") as file:
            for line in lines:
                if self._leave.is_set():
                    return
                if line.startswith(MARKS):
                    self.lines.put(line)
                    continue
                if line.strip():
                    self.last = " ".join(line.split())[:QUOTED]
                if size < LOG_BYTES:
                    size += len(line) + 1
                    with suppress(OSError):
                        file.write(line.rstrip("\n") + "\n")
                        file.flush()
