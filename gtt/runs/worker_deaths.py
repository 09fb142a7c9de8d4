"""The end of a run that its worker could not tell: written into the journal by the server."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import replace

from gtt.errors import GTTError
from gtt.runs.hub_job import UNASKED, JobFolder
from gtt.runs.journal import Journal
from gtt.runs.managed_run import ManagedRun
from gtt.training.checkpoints import step_of
from gtt.training.events import Reason, RunEnded

DISK_REFUSED = 74  # `gtt.runs.worker.UNTOLD`, which this side may not import: it needs torch
SMALL = 2**20  # bytes free, less than which is a full disk


def is_told(run: ManagedRun) -> bool:
    """Whether the journal has the end of what was last started."""
    view = run.view()
    return view.ended is not None and view.seq > run.note.ended_seq


def tell_end(run: ManagedRun, reason: Reason, message: str) -> None:
    """Adds an end to the journal of a run that no process holds.

    A full disk leaves it without; what is to be said then waits in `run.untold`.
    """
    run.untold = None
    try:
        with (
            suppress(GTTError),
            run.folder.locked(as_worker=False),
            Journal(run.folder.journal) as journal,
        ):
            view = run.view()
            journal.append(RunEnded(view.step, reason, message, view.seconds or 0.0))
    except OSError:
        run.untold = reason, message


def tell_death(run: ManagedRun) -> None:
    """Adds the end of a worker that died without a word."""
    if run.is_elsewhere():
        _tell_unasked(run)
    elif run.stop_asked_at is not None:
        tell_end(run, "stopped", f"Stopped before it could save. {_way_out(run)}.")
    else:
        tell_end(run, "failed", _death_sentence(run))


def _tell_unasked(run: ManagedRun) -> None:
    """The end of a process that was to ask the Hub for a machine and died before it had."""
    tell_end(run, "failed", UNASKED)
    job = JobFolder(run.path).read()
    if job is not None and job.stage != "over":
        with suppress(OSError):
            JobFolder(run.path).write(replace(job, stage="over", message=UNASKED))


def _death_sentence(run: ManagedRun) -> str:
    code = run.worker.exit_code if run.worker is not None else None
    if code == DISK_REFUSED or shutil.disk_usage(run.path).free < SMALL:
        return (
            "The disk is full, or takes nothing more: the last lines of this run could not be "
            f"written. Make room, by deleting runs or texts, then: {_way_out(run)}."
        )
    if code == -9:
        return (
            "The training process was killed, which the system does when memory runs out. "
            f"{_way_out(run)}; a smaller batch or model needs less."
        )
    return f"The training process ended unexpectedly ({_exit_words(code)}). {_way_out(run)}."


def _way_out(run: ManagedRun) -> str:
    checkpoint = run.folder.checkpoints.resumable()
    if checkpoint is None:
        return "No checkpoint was saved yet: resuming begins again at step 0"
    return f"Resume from step {step_of(checkpoint):,}"


def _exit_words(code: int | None) -> str:
    if code is None:
        return "its exit was not seen"
    return f"signal {-code}" if code < 0 else f"exit code {code}"
