"""A server of the benchmarks: started, measured from outside, and ended with all its processes."""

from __future__ import annotations

import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import here  # noqa: F401 - before gtt, which it makes known
import httpx
import psutil

from gtt.runs.managed_run import ACTIVE as ACTIVE

ROOT = Path(__file__).resolve().parent.parent
SMALL: dict[str, Any] = {
    "data": {"max_megabytes": 0.1},
    "model": {"n_layers": 2, "n_heads": 2, "n_embed": 32, "block_size": 32},
    "training": {"max_steps": 200, "batch_size": 8, "eval_every": 100, "eval_windows": 8},
}
ENDLESS = {"training": {"max_steps": 1_000_000, "warmup_steps": 20, "eval_every": 100_000}}


class Server:
    """A running app and the address it answers at."""

    def __init__(self, home: Path, **environment: str) -> None:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port = listener.getsockname()[1]
        self.home, self.url = home, f"http://127.0.0.1:{port}"
        self.left: dict[str, int] = {}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GTT_MAX")}
        self.environment = {
            **kept,
            "GTT_HOME": str(home),
            "GRADIO_SERVER_PORT": str(port),
            "PYTHONPATH": str(ROOT),
            **environment,
        }
        log = (home / "server.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "app.py")], env=self.environment, stdout=log, stderr=log
        )
        log.close()

    def wait_until_warm(self) -> None:
        """Until the page answers and the spare worker is loaded."""
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                if httpx.get(f"{self.url}/stats").json()["spare_is_warm"]:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.2)
        raise SystemExit("the server did not become warm")

    def names(self) -> dict[str, int]:
        """How many processes of each kind work in this home."""
        names: Counter[str] = Counter()
        for process in self.processes():
            with suppress(psutil.Error):
                words = process.cmdline()
                names[next((word for word in words if word.startswith("gtt.")), "app.py")] += 1
        return dict(names)

    def memory(self) -> int:
        """Resident bytes of all of them."""
        total = 0
        for process in self.processes():
            with suppress(psutil.Error):
                total += process.memory_info().rss
        return total

    def close(self) -> None:
        """Ends the server, notes what it leaves behind, and ends that too."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)
        self.left = self.names()
        for process in self.processes():
            process.kill()

    def processes(self) -> list[psutil.Process]:
        """Every process that works in this home."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("GTT_HOME") == str(self.home):
                    found.append(process)
            except psutil.Error:
                continue
        return found


@contextmanager
def serving(**environment: str) -> Iterator[Server]:
    """A warm server; nothing of it is left afterwards."""
    with tempfile.TemporaryDirectory(prefix="gtt-bench-") as folder:
        server = Server(Path(folder), **environment)
        try:
            server.wait_until_warm()
            yield server
        finally:
            server.close()


def summary(values: list[float]) -> dict[str, float]:
    """Minimum, median and maximum."""
    return {"min": min(values), "median": statistics.median(values), "max": max(values)}


def percentiles(values: list[float]) -> dict[str, float]:
    return {
        "median": round(statistics.median(values), 4),
        "p95": round(values[int(0.95 * (len(values) - 1))], 4),
        "max": round(values[-1], 4),
    }


def unless(reached: bool, aim: str) -> list[str]:
    """The aim, if it was missed."""
    return [] if reached else [aim]
