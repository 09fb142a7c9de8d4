"""The Training tab: the live view and what it means, my runs, settings."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import gradio as gr

from gtt.api.endpoints.runs import (
    delete_run,
    rename_run,
    restart_run,
    restore_run,
    resume_run,
    status,
    stop_run,
    train,
)
from gtt.errors import GTTError
from gtt.ui.compare import comparison
from gtt.ui.controls import controls, explanations
from gtt.ui.desk import PRIVATE, PageDesk, sentence_of, told
from gtt.ui.downloads import download_buttons
from gtt.ui.findings import findings_view
from gtt.ui.live import live_view
from gtt.ui.runs import runs_table
from gtt.ui.schedule import schedule_view

COMMON = ("max_steps", "num_epochs", "batch_size", "learning_rate", "optimizer")
SCHEDULE = ("muon_learning_rate", "lr_scheduler", "warmup_steps", "min_lr_ratio")
MORE = (
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
PLANNED = (*COMMON, *SCHEDULE)  # settings that the planned learning rate depends on
FUNCTIONS: dict[str, Any] = {
    "train": train,
    "stop_run": stop_run,
    "resume_run": resume_run,
    "restart_run": restart_run,
    "rename_run": rename_run,
    "delete_run": delete_run,
    "restore_run": restore_run,
}


@dataclass(frozen=True)
class RunShown:
    """Which run the page looks at: its id in `run` (empty: the desk's current one), and the views.

    `show` takes the key and the id and gives a value for each of `views`.
    """

    desk: PageDesk
    run: gr.Textbox
    views: list[gr.HTML]
    schedule: gr.HTML

    def show(self, key: str, run: str | None) -> list[dict[str, Any]]:
        """What makes every view look at a run."""
        return [{"workspace": key, "run": run or None}] * len(self.views)

    @staticmethod
    def plan(key: str) -> dict[str, Any]:
        """What makes the schedule ask anew: a value that is never the same twice."""
        return {"workspace": key, "asked": time.monotonic()}

    def after(self, event: Any) -> Any:
        """Lets the views follow once an event has set the run."""
        return event.then(self.show, [self.desk.key, self.run], self.views, **PRIVATE)

    async def act(self, what: str, key: str, run: str, **more: Any) -> tuple[str, str]:
        """One endpoint of a run: what to say, and which run to look at afterwards."""
        try:
            run = run or await self.current(key)
            if what != "train" and not run:
                return "There is no run yet: start one first.", ""
            given = {"action": "start"} if what == "train" else {"run_id": run}
            answer = await self.desk.ask(what, FUNCTIONS[what], key, **given, **more)
        except GTTError as error:
            return sentence_of(error), run
        return "", answer.run.id if hasattr(answer, "run") else await self.current(key)

    async def current(self, key: str) -> str:
        """The id of the desk's current run, empty where there is none."""
        answer = await self.desk.ask("status", status, key)
        return answer.run.id if answer.run is not None else ""


def training_tab(desk: PageDesk, run: gr.Textbox) -> RunShown:
    """Builds the tab around the field that holds the id of the run that is looked at."""
    live = live_view(desk)
    findings = findings_view(desk)
    with gr.Accordion("My runs", open=True):
        table = runs_table(desk)
        with gr.Row():
            halt = gr.Button("Stop and save", size="md", elem_id="stop-this")
            resume = gr.Button("Resume", size="md", elem_id="resume")
            restart = gr.Button("Start again with the settings below", size="md", elem_id="restart")
            delete = gr.Button("Delete", size="md", elem_id="delete")
            undo = gr.Button(
                "Undo delete", size="md", elem_id="undo", variant="primary", visible=False
            )
        with gr.Row():
            name = gr.Textbox(
                label="Another name for this run",
                placeholder="wider and slower",
                elem_id="run-name",
                scale=4,
                max_length=100,
            )
            rename = gr.Button("Rename", size="md", elem_id="rename", scale=1)
    with gr.Accordion("Compare runs", open=False, elem_id="comparing"):
        together = comparison(desk)
    with gr.Accordion("Take it home", open=False, elem_id="taking"):
        downloads = download_buttons(desk)
    with gr.Accordion("Settings of the training", open=False, elem_id="training-settings"):
        with gr.Row(), gr.Column():
            desk.controls |= controls(desk.service, "training", COMMON)
        schedule = schedule_view(desk)
        with gr.Row(), gr.Column():
            desk.controls |= controls(desk.service, "training", SCHEDULE)
        with gr.Accordion("More", open=False):
            desk.controls |= controls(desk.service, "training", MORE)
        explanations(desk.service, "training")
    deleted = gr.Textbox("", visible=False)
    shown = RunShown(desk, run, [live, findings, table, together, downloads], schedule)

    async def picked(key: str, event: gr.EventData) -> tuple[str, Any]:
        try:
            (one,) = told(event, "run")
        except GTTError as error:
            return sentence_of(error), gr.skip()
        return "", str(one)

    async def remedied(key: str, event: gr.EventData) -> tuple[str, Any]:
        try:
            one, changes = told(event, "run", "changes")
        except GTTError as error:
            return sentence_of(error), gr.skip()
        return await shown.act("restart_run", key, str(one), config=changes)

    async def removed(key: str, one: str) -> tuple[str, str, str, Any]:
        message, left = await shown.act("delete_run", key, one)
        gone = "" if message else one
        return message, left, gone, gr.Button(visible=bool(gone))

    async def brought_back(key: str, gone: str) -> tuple[str, str, Any]:
        message, back = await shown.act("restore_run", key, gone)
        return message, back, gr.Button(visible=bool(message))

    def plainly(what: str) -> Any:
        async def handler(key: str, one: str) -> tuple[str, str]:
            return await shown.act(what, key, one)

        return handler

    async def renamed(key: str, one: str, new: str) -> tuple[str, str]:
        if not new.strip():
            return "Write the new name first.", one
        return await shown.act("rename_run", key, one, name=new.strip())

    here, says = [desk.key, run], [desk.message, run]
    shown.after(table.picked(picked, desk.key, says, **PRIVATE))
    shown.after(findings.remedy(remedied, desk.key, says, **PRIVATE))
    shown.after(halt.click(plainly("stop_run"), here, says, **PRIVATE))
    shown.after(resume.click(plainly("resume_run"), here, says, **PRIVATE))
    shown.after(restart.click(plainly("train"), here, says, **PRIVATE))
    shown.after(rename.click(renamed, [*here, name], says, **PRIVATE))
    shown.after(name.submit(renamed, [*here, name], says, **PRIVATE))
    shown.after(delete.click(removed, here, [*says, deleted, undo], **PRIVATE))
    shown.after(undo.click(brought_back, [desk.key, deleted], [*says, undo], **PRIVATE))
    return shown
