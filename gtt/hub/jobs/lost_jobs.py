"""The last record of a job that could not write it: from the Hub's status and the run folder."""

from __future__ import annotations

from dataclasses import dataclass

from huggingface_hub import JobInfo

from gtt.runs.folder import RunFolder
from gtt.runs.hub_job import JobState
from gtt.training.checkpoints import step_of
from gtt.training.events import RunEnded


@dataclass(frozen=True)
class UnreportedEnd:
    """A job that ended without its last record; `has_begun` is whether its training had begun."""

    run: RunFolder
    state: JobState
    is_stopped: bool
    has_begun: bool

    def of(self, job: JobInfo | None, last: str) -> RunEnded:
        """The record for a job as the Hub has it; `last` is the last line that it printed."""
        step, seconds = self._last_step()
        remainder = self._what_is_left()
        if job is None:
            message = "The Hub knows nothing of this job any more: it was deleted there."
            return RunEnded(step, "failed", f"{message} {remainder}", seconds)
        message = " ".join((job.status.message or "").split())[:300]
        if job.status.stage in ("CANCELED", "DELETED"):
            by = "Stopped: the job was cancelled" if self.is_stopped else "Cancelled on the Hub"
            return RunEnded(step, "stopped", f"{by}. {remainder}", seconds)
        is_late = self.state.seconds >= 60 * self.state.minutes - 5 or "timeout" in message.lower()
        if is_late:
            limit = f"The job reached its time limit of {self.state.minutes:g} minutes."
            return RunEnded(step, "out_of_time", f"{limit} {remainder}", seconds)
        why = last or message or "it gave no reason"
        if not self.has_begun:
            begun = "The machine ended before the training began, while it was installing"
            return RunEnded(0, "failed", f"{begun}: {why}", 0.0)
        return RunEnded(step, "failed", f"The job failed: {why}. {remainder}", seconds)

    def _what_is_left(self) -> str:
        checkpoints = self.run.checkpoints.all()
        if not checkpoints:
            return "No checkpoint had been saved yet."
        return f"The checkpoint of step {step_of(checkpoints[-1]):,} is here."

    def _last_step(self) -> tuple[int, float]:
        step, seconds = 0, 0.0
        for record in self.run.records():
            step = max(step, int(record.get("step") or 0))
            seconds = float(record.get("seconds") or seconds)
        return step, seconds
