"""Worker processes as the server sees them: the warm spare, and those that it finds again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from gtt.atomic_files import write_text
from gtt.plain_files import read_plain_text

if TYPE_CHECKING:
    from gtt.runs.worker_order import Order

RECORD = "worker.json"
ORDER_BYTES = 2**20  # that the pipe holds: handing over an order must not wait for the worker
ROOT = Path(__file__).resolve().parents[2]
WORKER = (sys.executable, "-m", "gtt.runs.worker")


class Spare:
    """A worker that has not got its order yet."""

    def __init__(
        self, environment: Mapping[str, str], nowhere: Path, command: Sequence[str] = WORKER
    ) -> None:
        """`nowhere` is an empty folder to stand in, so that no name is ever a file by accident."""
        paths = [str(ROOT), *filter(None, [environment.get("PYTHONPATH")])]
        self.process = subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**environment, "PYTHONPATH": os.pathsep.join(paths)},
            cwd=nowhere,
            start_new_session=True,  # a Ctrl-C for the server is none for the runs
        )
        assert self.process.stdin is not None
        # Linux only, and within what a user may have.
        with suppress(ImportError, AttributeError, OSError):
            import fcntl

            fcntl.fcntl(self.process.stdin, fcntl.F_SETPIPE_SZ, ORDER_BYTES)
        self._warm = threading.Event()
        threading.Thread(target=self._listen, name="spare", daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        with suppress(OSError, ValueError):
            if self.process.stdout.readline():
                self._warm.set()
            self.process.stdout.close()

    @property
    def is_warm(self) -> bool:
        """Whether everything is loaded, so that an order starts at once."""
        return self._warm.is_set() and self.is_alive()

    def wait_until_warm(self, seconds: float) -> bool:
        """Waits for that; whether it came about."""
        return self._warm.wait(seconds)

    def is_alive(self) -> bool:
        return self.process.poll() is None

    def start(self, order: Order) -> Worker:
        """Hands over the order, on record first: a server that dies now finds the worker again.

        Raises OSError where the spare has died.
        """
        process, folder = self.process, Path(order.folder)
        worker = Worker.record(folder, process.pid)
        worker.child = process
        assert process.stdin is not None
        process.stdin.write(order.as_line().encode())
        process.stdin.close()
        return worker

    def close(self) -> None:
        """Lets the spare end: its stdin ends."""
        with suppress(OSError):
            if self.process.stdin is not None:
                self.process.stdin.close()
        with suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()


@dataclass
class Worker:
    """A process that trains a run: our child, or one that an earlier server started.

    One that is `elsewhere` only follows a training on another machine.
    """

    pid: int
    born: float  # seconds since 1970, as the system tells; a pid alone may have a new owner
    child: subprocess.Popen[bytes] | None = None
    elsewhere: bool = False

    @classmethod
    def record(cls, folder: Path, pid: int, *, elsewhere: bool = False) -> Worker:
        """Notes in the run folder which process trains it; raises OSError."""
        try:
            worker = cls(pid, psutil.Process(pid).create_time(), elsewhere=elsewhere)
        except psutil.Error as error:
            raise ProcessLookupError(f"process {pid} has ended") from error
        text = json.dumps({"pid": pid, "born": worker.born, "elsewhere": elsewhere})
        write_text(folder / RECORD, text + "\n")
        return worker

    @classmethod
    def find(cls, folder: Path) -> Worker | None:
        """The living worker of a run folder, or None."""
        try:
            values = json.loads(read_plain_text(folder / RECORD))
            worker = cls(
                int(values["pid"]),
                float(values["born"]),
                elsewhere=values.get("elsewhere") is True,
            )
            return worker if worker.is_alive() else None
        except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
            return None

    @staticmethod
    def is_recorded(folder: Path) -> bool:
        """Whether a worker is on record, alive or killed: one that ends takes its record away."""
        return (folder / RECORD).exists()

    @classmethod
    def strike(cls, folder: Path) -> None:
        """Takes the record of this process as a worker away again."""
        worker = cls.find(folder)
        if worker is not None and worker.pid == os.getpid():
            with suppress(OSError):
                (folder / RECORD).unlink()

    @property
    def exit_code(self) -> int | None:
        """As `Popen.returncode`; None while it lives, and for a process that is not our child."""
        return self.child.poll() if self.child is not None else None

    def is_alive(self) -> bool:
        if self.child is not None:
            return self.child.poll() is None
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.born) < 1
            return same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False

    def ask_to_stop(self) -> None:
        """The worker finishes its step, saves and ends."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """Ends the worker where it stands."""
        self._signal(signal.SIGKILL)

    def memory(self) -> int:
        """Resident bytes; 0 where it is gone."""
        try:
            return int(psutil.Process(self.pid).memory_info().rss)
        except psutil.Error:
            return 0

    def _signal(self, number: int) -> None:
        if self.is_alive():
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)


def gpu_count() -> int:
    """How many NVIDIA GPUs this machine shows, told without loading torch."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return len([part for part in visible.split(",") if part.strip() not in ("", "-1")])
    return len([path for path in Path("/dev").glob("nvidia*") if path.name[6:].isdigit()])
