"""The end of a job that could not tell it itself, from what the Hub says and what is here."""

from __future__ import annotations

from dataclasses import dataclass

from huggingface_hub import JobInfo

from gtt.runs.folder import RunFolder
from gtt.runs.hub_job import JobState
from gtt.training.checkpoints import step_of
from gtt.training.events import RunEnded


@dataclass(frozen=True)
class UntoldEnd:
    """What is known here of the job: whether it was to stop, and whether its training began."""

    run: RunFolder
    state: JobState
    is_stopped: bool
    has_begun: bool

    def of(self, job: JobInfo | None, last: str) -> RunEnded:
        """The end as the job stands, None where the Hub has none; `last` is its last line."""
        step, seconds = self._last_step()
        left = self._what_is_left()
        if job is None:
            said = "The Hub knows nothing of this job any more: it was deleted there."
            return RunEnded(step, "failed", f"{said} {left}", seconds)
        said = " ".join((job.status.message or "").split())[:300]
        if job.status.stage in ("CANCELED", "DELETED"):
            by = "Stopped: the job was cancelled" if self.is_stopped else "Cancelled on the Hub"
            return RunEnded(step, "stopped", f"{by}. {left}", seconds)
        is_late = self.state.seconds >= 60 * self.state.minutes - 5 or "timeout" in said.lower()
        if is_late:
            limit = f"The job reached its time limit of {self.state.minutes:g} minutes."
            return RunEnded(step, "out_of_time", f"{limit} {left}", seconds)
        why = last or said or "it gave no reason"
        if not self.has_begun:
            begun = "The machine ended before the training began, while it was installing"
            return RunEnded(0, "failed", f"{begun}: {why}", 0.0)
        return RunEnded(step, "failed", f"The job failed: {why}. {left}", seconds)

    def _what_is_left(self) -> str:
        kept = self.run.checkpoints.all()
        if not kept:
            return "No checkpoint had been saved yet."
        return f"The checkpoint of step {step_of(kept[-1]):,} is here."

    def _last_step(self) -> tuple[int, float]:
        step, seconds = 0, 0.0
        for record in self.run.records():
            step = max(step, int(record.get("step") or 0))
            seconds = float(record.get("seconds") or seconds)
        return step, seconds
