"""Runs that go on without a server, and how to stop them from the terminal."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterable
from pathlib import Path

from gtt.errors import UnusableRun
from gtt.runs.home import Home
from gtt.runs.managed_run import ManagedRun
from gtt.runs.processes import Worker

PATIENCE = 600.0  # seconds for the step at work and its checkpoint


def runs_at_work(home: Home) -> list[Path]:
    """The runs of a home that a worker process trains at this moment."""
    if not home.runs.is_dir():
        return []
    return [path for path in sorted(home.runs.iterdir()) if Worker.find(path) is not None]


def stop_worker(folder: Path, patience: float = PATIENCE) -> str:
    """Ends a run that was started from the page after its current step, saved; tells how it ended.

    Raises `UnusableRun` where no worker process trains it, or it does not end in time.
    """
    worker = Worker.find(folder)
    if worker is None:
        raise UnusableRun(
            f"No run of the page is at work in {folder}: without a folder, `python -m gtt stop` "
            "stops every one that is. Ctrl-C stops a run in its own terminal."
        )
    worker.ask_to_stop()
    deadline = time.monotonic() + patience
    while worker.is_alive():
        if time.monotonic() > deadline:
            raise UnusableRun(f"{folder} was asked to stop and is still at work: see its journal.")
        time.sleep(0.05)
    ended = ManagedRun.open(folder.absolute()).view().ended
    return ended.message if ended is not None else "Stopped before it said anything."


def farewell(runs: Iterable[ManagedRun]) -> list[str]:
    """What to say of runs that are not over when their server ends."""
    going = [run for run in runs if run.is_alive()]
    waiting = [run for run in runs if run not in going]
    lines = []
    if going:
        runs_go, them = (
            ("A run goes", "it") if len(going) == 1 else (f"{len(going)} runs go", "them")
        )
        names = ", ".join(run.name for run in going)
        lines.append(
            f"{runs_go} on in the background: {names}. "
            f"The next start of the page shows {them} again. To stop and save:"
        )
        lines += [f"    python -m gtt stop {shlex.quote(str(run.path))}" for run in going]
    if waiting:
        runs_wait = "A run waits" if len(waiting) == 1 else f"{len(waiting)} runs wait"
        lines.append(f"{runs_wait} for a turn, which comes with the next start of the page.")
    return lines
