"""A manager and its worker processes for tests: none is left behind."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from serving import processes_of
from waiting import until
from worker_standin import COMMAND as STANDIN

from gtt.config import RunConfig
from gtt.runs.home import Home
from gtt.runs.limits import Limits
from gtt.runs.managed_run import ACTIVE, ManagedRun
from gtt.runs.manager import Manager

UPLOAD = "0123456789abcdef"


class Clock:
    """The time, which can be set forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@contextmanager
def managing(
    home: Path, *, spare: bool = False, worker: Sequence[str] = STANDIN, **options: Any
) -> Iterator[Manager]:
    """A manager for the length of a `with` block; its workers go on behind it.

    Its workers are processes that train nothing, unless `worker` is the command of real ones.
    """
    clock = options.pop("clock", time.time)
    manager = Manager(Home(home), Limits(**options), spare=spare, clock=clock, worker=worker)
    try:
        yield manager
    finally:
        manager.close()


@contextmanager
def ending_workers(home: Path) -> Iterator[None]:
    """Ends what is still at work in a home when the block ends."""
    try:
        yield
    finally:
        for process in processes_of(home):
            process.kill()
            process.wait(10)


def ended(run: ManagedRun, seconds: float = 90) -> str:
    """The state of a run once it has ended and its worker is gone."""
    until(lambda: run.state() not in ACTIVE and not run.is_alive(), seconds)
    return run.state()


def uploaded(home: Path, text: Path, *owners: str) -> str:
    """Lays a text on desks, as an upload does; returns its name as a source."""
    for owner in owners:
        folder = home / "workspaces" / owner / "uploads" / UPLOAD
        folder.mkdir(parents=True)
        shutil.copy(text, folder / "text.txt")
        (folder / "upload.json").write_text(json.dumps({"name": "tales.txt"}))
    return f"upload:{UPLOAD}"


def training(run: ManagedRun, step: int = 1) -> None:
    """Waits until a run has logged a step."""
    until(lambda: run.view().step >= step or run.state() not in ACTIVE)
    assert run.state() == "running", run.view().ended


def long(config: RunConfig, **changes: Any) -> RunConfig:
    """The same run, too long to end by itself in a test."""
    training = {
        "max_steps": 200_000,
        "eval_every": 100_000,
        "checkpoint_every": 100_000,
        "log_every": 5,
        "snapshots": False,
        **changes,
    }
    return config.updated({"training": training})


def seqs(run: ManagedRun) -> list[int]:
    return [record["seq"] for record in run.folder.records()]


def ends(run: ManagedRun) -> list[str]:
    """The reasons of every end in the journal."""
    return [record["reason"] for record in run.folder.records() if record["type"] == "RunEnded"]
