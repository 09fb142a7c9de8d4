"""Turns managed runs into the models of responses."""

from __future__ import annotations

from typing import Any

from gtt.api.schemas import JobInfo, Place, Restarted, RunInfo, RunStatus, Sample
from gtt.data.exams import exam_for
from gtt.recipes import origin_of
from gtt.runs.hub_job import UNASKED, JobFolder, JobState
from gtt.runs.managed_run import ManagedRun
from gtt.runs.naming import tokenizer_name
from gtt.runs.run_view import RunView
from gtt.training.events import METRICS


def run_info(run: ManagedRun) -> RunInfo:
    """A run as lists show it."""
    return RunInfo(**_info(run, run.view()))


def run_status(run: ManagedRun) -> RunStatus:
    """A run with everything that moves."""
    view = run.view()
    info = {**{name: getattr(view, name) for name in METRICS}, **_info(run, view)}
    preparation = view.preparation if info["state"] == "preparing" else None
    sample = view.sample
    data = run.config.data
    exam = exam_for(data.source.strip().lower())
    return RunStatus(
        **info,
        seq=view.seq,
        stage=preparation.stage if preparation else None,
        fraction=preparation.fraction if preparation else None,
        vocab_size=view.vocab_size,
        tokens_per_step=view.tokens_per_step,
        train_tokens=view.train_tokens,
        validation_tokens=view.validation_tokens,
        baselines=view.baselines,
        bytes_per_token=view.bytes_per_token,
        precision=view.precision,
        device=view.device,
        eta_seconds=view.eta_seconds if info["state"] == "running" else None,
        exam=exam.metric if exam is not None else None,
        best_step=view.best_step,
        sample=Sample(step=sample.step, prompt=sample.prompt, text=sample.text) if sample else None,
        notes=list(view.notes),
    )


def _info(run: ManagedRun, view: RunView) -> dict[str, Any]:
    state, config = run.state(), run.config
    (recipe, changed), parent = origin_of(config), run.note.parent
    place = run.place() if state == "queued" else None
    ended = view.ended if state == (view.ended.reason if view.ended else None) else None
    message = ended.message if ended else None
    job = JobFolder(run.path).read()
    if run.damage is not None:
        message = (
            f"This run is damaged: {run.damage}. What can be read of it is shown, and can be taken "
            "home with its checkpoints; to train it on, restart it as a new run."
        )
    elif state == "interrupted" and job is not None and job.is_unsettled:
        message = job.message or (
            "Nobody follows the job of this run any more, and it may go on: follow it again."
        )
    elif state == "interrupted" and job is not None and job.stage == "submitting":
        message = UNASKED
    elif state == "interrupted":
        message = "The training process ended without a word, as in a power cut: resume it."
    return {
        "id": run.id,
        "name": run.name,
        "state": state,
        "message": message,
        "created": run.created,
        "recipe": recipe,
        "changed": list(changed),
        "restarted_from": Restarted(id=parent.id, name=parent.name) if parent else None,
        "text": run.text,
        "tokenizer": tokenizer_name(config.data),
        "parameters": run.parameters,
        "step": view.step,
        "total_steps": view.total_steps,
        "loss": view.loss,
        "validation_loss": view.validation_loss,
        "best_validation_loss": view.best_validation_loss,
        "resumable": run.is_resumable(state),
        "queue": Place(place=place[0], wait_seconds=place[1]) if place else None,
        "job": _job_info(job) if job is not None else None,
    }


def _job_info(job: JobState) -> JobInfo:
    return JobInfo(
        stage=job.stage,
        flavor=job.flavor,
        title=job.title,
        dollars_per_hour=job.dollars_per_hour,
        minutes=job.minutes,
        dollars=job.dollars(),
        dollars_at_most=job.dollars_per_hour * job.minutes / 60,
        url=job.url,
        repo=job.repo,
        message=job.message,
    )
