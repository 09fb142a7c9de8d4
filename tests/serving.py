"""A real server for tests: `python app.py` on a free port of 127.0.0.1, ended with the test."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import psutil

from gtt.data.corpus import build_corpus
from gtt.recipes import load_recipe

ROOT = Path(__file__).resolve().parents[1]
ACTIVE = ("queued", "preparing", "running", "stopping")

# Few steps of a model so small that a run takes a second, on a text without an exam, whose sampled
# answers would take longer than all the rest.
TINY: dict[str, Any] = {
    "data": {"source": "python", "max_megabytes": 0.02, "tokenizer": "char"},
    "model": {"n_layers": 2, "n_heads": 2, "n_embed": 16, "block_size": 16},
    "training": {
        "max_steps": 20,
        "batch_size": 4,
        "optimizer": "adamw",
        "log_every": 5,
        "eval_every": 10,
        "checkpoint_every": 10,
        "eval_windows": 4,
        "precision": "fp32",
    },
}


def tiny(**training: Any) -> dict[str, Any]:
    """The request body of a tiny run, some training settings changed."""
    return {
        "recipe": "quickstart",
        "config": {**TINY, "training": {**TINY["training"], **training}},
    }


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def is_free(port: int) -> bool:
    """Whether a server could listen there."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


@cache
def first_text() -> tempfile.TemporaryDirectory[str]:
    """The text that every spare prepares, prepared once; the folder goes with this process."""
    folder: tempfile.TemporaryDirectory[str] = tempfile.TemporaryDirectory()
    build_corpus(load_recipe("quickstart").config.data, Path(folder.name) / "corpora")
    return folder


class Server:
    """A running app. `client()` talks to it, `kill` and `start` again test what survives."""

    def __init__(self, home: Path, port: int | None = None, **environment: str) -> None:
        self.home = home
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("GTT_")},
            "GTT_HOME": str(home),
            "GRADIO_SERVER_PORT": str(self.port),
            "GRADIO_TEMP_DIR": str(home / "gradio"),
            "PYTHONPATH": os.pathsep.join(
                [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
            ),
            "HF_HUB_OFFLINE": "1",
            **environment,
        }
        self.command = [sys.executable, str(ROOT / "app.py")]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Server:
        """Once more where Gradio had no answer from itself in time, as on an overbooked machine."""
        try:
            return self._start()
        except AssertionError:
            if "localhost is not accessible" not in self.log():
                raise
            self.stop()
            return self._start()

    def _start(self) -> Server:
        self.home.mkdir(parents=True, exist_ok=True)
        if not (self.home / "corpora").exists():
            shutil.copytree(Path(first_text().name) / "corpora", self.home / "corpora")
        with (self.home / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                env=self.environment,
                stdout=log,
                stderr=log,
                cwd=self.home,
            )
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log()
            try:
                if httpx.get(f"{self.url}/healthz", timeout=5).status_code == 200:
                    return self
            except httpx.HTTPError:
                time.sleep(0.1)
        raise AssertionError(f"the server did not come up:\n{self.log()}")

    def client(self, key: str | None = None) -> httpx.Client:
        headers = {"X-GTT-Workspace": key} if key else {}
        return httpx.Client(base_url=self.url, timeout=60, headers=headers)

    def clear_desk(self) -> None:
        """Takes away what other tests left on the desk of all: runs, texts, lessons, draft."""
        with self.client() as http:
            runs = http.get("/api/runs").raise_for_status().json()["runs"]
            for run in runs:
                http.delete(f"/api/runs/{run['id']}").raise_for_status()
            for text in http.get("/api/datasets").raise_for_status().json()["uploads"]:
                http.delete(f"/api/datasets/{text['id']}").raise_for_status()
            for lesson in http.get("/api/lessons").raise_for_status().json()["lessons"]:
                if lesson["state"] != "new":
                    http.delete(f"/api/lessons/{lesson['name']}").raise_for_status()
            http.post("/api/config", json={"recipe": "quickstart"}).raise_for_status()
            deadline = time.monotonic() + 60
            while http.get("/stats").raise_for_status().json()["worker_bytes"]:
                assert time.monotonic() < deadline, "a run does not end"
                time.sleep(0.05)
        (self.home / "machine.json").unlink(missing_ok=True)

    def log(self) -> str:
        return (self.home / "server.log").read_text(errors="replace")

    def kill(self) -> None:
        """As a crash: no time to tidy up."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """As Ctrl-C; workers go on."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()

    def end_everything(self) -> None:
        """The server and every process that it or its workers started."""
        self.stop()
        for process in processes_of(self.home):
            process.kill()
            process.wait(10)


def processes_of(home: Path) -> list[psutil.Process]:
    """Processes that work in this home: workers, spares, the inference process."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("GTT_HOME") == str(home) and process.pid != os.getpid():
                found.append(process)
        except psutil.Error:
            continue
    return found


@contextmanager
def serving(home: Path, **environment: str) -> Iterator[Server]:
    """A server for the length of a `with` block."""
    server = Server(home, **environment)
    try:
        yield server.start()
    finally:
        server.end_everything()


def wait_until_done(client: httpx.Client, run_id: str, seconds: float = 120) -> dict[str, Any]:
    """The status of a run once it has ended."""
    deadline = time.monotonic() + seconds
    while True:
        run: dict[str, Any] = client.get(f"/api/runs/{run_id}").raise_for_status().json()["run"]
        if run["state"] not in ACTIVE:
            return run
        assert time.monotonic() < deadline, run
        time.sleep(0.1)
