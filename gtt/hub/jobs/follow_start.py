"""Starting the process that submits and follows a job, without the Hub's client or torch."""

from __future__ import annotations

from pathlib import Path

from gtt.config import RunConfig
from gtt.errors import BadInput
from gtt.hub.detached_process import give_order, starting
from gtt.runs.home import Home
from gtt.runs.hub_job import JobFolder, JobState
from gtt.runs.processes import Worker
from gtt.training.tracking import NO_TRACKER


def refuse_tracker(config: RunConfig) -> None:
    """Raises `BadInput` for a tracker: the Hub's machine has none, and no login for one."""
    if config.training.track != NO_TRACKER:
        raise BadInput(
            f"A tracker cannot be told from a machine of the Hub: set training.track to "
            f"{NO_TRACKER}. The curves are here all the same.",
            field="training.track",
        )


def start_job(
    run_folder: Path, state: JobState, home: Home, *, token: str, uploads: Path | None
) -> Worker:
    """Begins the job of a run that is on disk; the process counts as its worker. Raises OSError.

    What the Hub refuses ends the run with a sentence; nothing is charged then.
    """
    JobFolder(run_folder).write(state)
    return follow_job(run_folder, home, token=token, uploads=uploads)


def follow_job(run_folder: Path, home: Home, *, token: str, uploads: Path | None = None) -> Worker:
    """Starts the process that follows the job of a run. Raises OSError.

    No token is in its environment, whoever asked for the job: theirs comes with the order.
    """
    with starting("gtt.hub.jobs.follow_process", home) as process:
        worker = Worker.record(run_folder, process.pid, elsewhere=True)
        worker.child = process
        order = {
            "run_folder": str(run_folder.absolute()),
            "uploads": None if uploads is None else str(uploads),
            "token": token,
        }
        give_order(process, order)
    return worker
