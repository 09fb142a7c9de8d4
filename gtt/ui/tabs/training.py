"""The Training tab: settings, start and stop, the live view, my runs."""

from __future__ import annotations

from typing import Any

import gradio as gr

from gtt.api.endpoints.runs import (
    delete_run,
    list_runs,
    rename_run,
    restart_run,
    restore_run,
    resume_run,
    train,
)
from gtt.api.schemas import RunInfo
from gtt.errors import GTTError
from gtt.ui.controls import controls, explanations
from gtt.ui.desk import PRIVATE, PageDesk, sentence_of
from gtt.ui.live import live_view

COMMON = ("max_steps", "num_epochs", "batch_size", "learning_rate", "optimizer")
MORE = (
    "muon_learning_rate",
    "lr_scheduler",
    "warmup_steps",
    "min_lr_ratio",
    "weight_decay",
    "grad_clip",
    "grad_accumulation_steps",
    "beta1",
    "beta2",
    "precision",
    "compile",
    "seed",
    "max_minutes",
    "log_every",
    "eval_every",
    "eval_windows",
    "checkpoint_every",
    "snapshots",
)


def training_tab(desk: PageDesk) -> dict[str, Any]:
    """Builds the tab; returns the components that the page wires up on opening."""
    live = live_view(desk)
    with gr.Accordion("My runs", open=True):
        with gr.Row():
            runs = gr.Dropdown([], label="Run to look at", elem_id="runs", scale=3)
            name = gr.Textbox(label="Name", elem_id="run-name", scale=2)
        with gr.Row():
            resume = gr.Button("Resume", elem_id="resume")
            restart = gr.Button("Restart with these settings", elem_id="restart")
            rename = gr.Button("Rename", elem_id="rename")
            delete = gr.Button("Delete", elem_id="delete")
            undo = gr.Button("Undo delete", elem_id="undo", visible=False)
    with gr.Accordion("Settings of the training", open=False):
        with gr.Row():
            desk.controls |= controls(desk.service, "training", COMMON)
        with gr.Accordion("More", open=False):
            desk.controls |= controls(desk.service, "training", MORE)
        explanations(desk.service, "training")
    deleted = gr.State("")

    async def list_again(key: str, chosen: str | None) -> Any:
        page = await desk.ask("list_runs", list_runs, key, limit=200)
        choices = [(label_of(run), run.id) for run in page.runs]
        known = [id for _, id in choices]
        value = chosen if chosen in known else (known[0] if known else None)
        return gr.Dropdown(choices, value=value)

    def looking_at(key: str, run: str | None) -> dict[str, Any]:
        return {"workspace": key, "run": run}

    async def act(key: str, run: str | None, what: str, **more: Any) -> tuple[str, str | None]:
        """One of the endpoints of a run: what to say, and which run to look at afterwards."""
        if run is None:
            return "There is no run yet: start one first.", None
        functions: dict[str, Any] = {
            "resume_run": resume_run,
            "restart_run": restart_run,
            "rename_run": rename_run,
            "delete_run": delete_run,
            "restore_run": restore_run,
        }
        try:
            answer = await desk.ask(what, functions[what], key, run_id=run, **more)
        except GTTError as error:
            return sentence_of(error), run
        return "", answer.run.id if hasattr(answer, "run") else None

    async def resumed(key: str, run: str | None) -> tuple[str, str | None]:
        return await act(key, run, "resume_run")

    async def restarted(key: str, run: str | None) -> tuple[str, str | None]:
        """A new run with what the controls say now, whatever the old one had."""
        try:
            answer = await desk.ask("train", train, key, action="start")
        except GTTError as error:
            return sentence_of(error), run
        return "", answer.run.id

    async def renamed(key: str, run: str | None, new: str) -> tuple[str, str | None]:
        return await act(key, run, "rename_run", name=new)

    async def removed(key: str, run: str | None) -> tuple[str, str | None, str, Any]:
        message, _ = await act(key, run, "delete_run")
        gone = run if not message and run else ""
        return message, None if gone else run, gone, gr.Button(visible=bool(gone))

    async def brought_back(key: str, gone: str) -> tuple[str, str | None, Any]:
        message, run = await act(key, gone or None, "restore_run")
        return message, run, gr.Button(visible=bool(message))

    here = [desk.key, runs]
    says = [desk.message, runs]

    def then_show(event: Any) -> Any:
        listed = event.then(list_again, here, runs, **PRIVATE)
        return listed.then(looking_at, here, live, **PRIVATE)

    then_show(resume.click(resumed, here, says, **PRIVATE))
    then_show(restart.click(restarted, here, says, **PRIVATE))
    then_show(rename.click(renamed, [*here, name], says, **PRIVATE))
    then_show(delete.click(removed, here, [*says, deleted, undo], **PRIVATE))
    then_show(undo.click(brought_back, [desk.key, deleted], [*says, undo], **PRIVATE))
    runs.input(looking_at, here, live, **PRIVATE)
    live.finished(list_again, here, runs, **PRIVATE)
    return {"live": live, "runs": runs, "list_again": list_again, "looking_at": looking_at}


def label_of(run: RunInfo) -> str:
    """A run in a list: name, state, place, best loss."""
    parts = [run.name, run.state.replace("_", " ")]
    if run.queue is not None:
        parts.append(f"place {run.queue.place}")
    if run.best_validation_loss is not None:
        parts.append(f"best {run.best_validation_loss:.3f}")
    return " · ".join([*parts, run.created[11:16]])
