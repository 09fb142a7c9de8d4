"""The Training tab: the live view and what it means, my runs, settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from gtt.api.endpoints.configuration import recipes, set_config
from gtt.api.endpoints.runs import (
    read_run,
)
from gtt.config import GROUPS
from gtt.errors import BadInput
from gtt.exports.formats import FORMATS
from gtt.ui.concept_texts import metrics
from gtt.ui.controls import controls
from gtt.ui.desk import PRIVATE, PageDesk
from gtt.ui.jobs import answering
from gtt.ui.push import push_view
from gtt.ui.views import calling, view

LONGER = """**Train longer** goes on with this run from where it is: same weights, same curve, more
steps. A remedy above that says **restart** begins a new run from random weights, with that one
thing changed; this run stays as it is, and both can be compared."""
FORGETS = """This Space has no volume: when it sleeps or restarts, its disk is empty again. What you
want to keep, take home."""


@dataclass(frozen=True)
class RunShown:
    """Which run the page looks at: its id in `run` (empty: the desk's current one).

    `progress` tells all views of it, as `show` says. The button `use` asks for its settings in the
    draft. `jobs` begins a run elsewhere, where that is allowed.
    """

    desk: PageDesk
    run: gr.Textbox
    progress: gr.HTML
    use: gr.Button
    jobs: gr.HTML | None

    @staticmethod
    def show(key: str, run: str | None) -> dict[str, Any]:
        """What makes every view look at a run."""
        return {"workspace": key, "run": run or None}

    def after(self, event: Any) -> Any:
        """Lets the views follow once an event has set the run."""
        return event.then(self.show, [self.desk.key, self.run], self.progress, **PRIVATE)


def training_tab(desk: PageDesk, run: gr.Textbox, progress: gr.HTML) -> RunShown:
    """Builds the tab around the field that holds the id of the run that is looked at.

    The line of `progress` above the tabs follows that run as well.
    """
    jobs = None
    if desk.service.limits.allow_hub:
        with gr.Accordion("Run it on the Hub's machines", open=False, elem_id="renting"):
            jobs = view("jobs", events=("kept", "begun", "followed"), elem_id="jobs")
    view("live", elem_id="live", metrics=metrics())
    view("findings", elem_id="findings")
    with gr.Accordion("My runs", open=True):
        view("runs", elem_id="runs")
        with gr.Row():
            gr.Button("Stop and save", size="md", elem_id="stop-this", min_width=130)
            gr.Button("Resume", size="md", elem_id="resume", min_width=130)
            use = gr.Button("Use its settings", size="md", elem_id="use", min_width=130)
            gr.Button("Delete", size="md", elem_id="delete", min_width=130)
        with gr.Row(elem_id="changing"):
            gr.Number(None, label="Steps in all", precision=0, elem_id="more-steps", scale=2)
            gr.Button("Train longer", size="md", elem_id="longer", scale=1)
            gr.Textbox(
                label="Name of this run",
                placeholder="wider and slower",
                elem_id="run-name",
                scale=4,
                max_length=100,
            )
            gr.Button("Rename", size="md", elem_id="rename", scale=1)
        gr.Markdown(LONGER, elem_id="longer-or-anew", elem_classes="gtt-hint")
    with gr.Accordion("Compare runs", open=False, elem_id="comparing"):
        view("compare", elem_id="compare")
    with gr.Accordion("Take it home", open=False, elem_id="taking"):
        view(
            "downloads",
            elem_id="downloads",
            shared=desk.service.limits.shared_desk,
            formats=exports(),
        )
        push_view(desk)
    if desk.service.home.forgets():
        gr.Markdown(FORGETS, elem_id="forgets", elem_classes="gtt-hint")
    with gr.Accordion("Settings of the training", open=False, elem_id="training-settings"):
        with gr.Row(), gr.Column():
            desk.controls |= controls(desk.service, "common")
        view("schedule", elem_id="schedule")
        with gr.Row(), gr.Column():
            desk.controls |= controls(desk.service, "schedule")
        with gr.Row(), gr.Column():
            desk.controls |= controls(desk.service, "tracking")
        with gr.Accordion("More", open=False):
            desk.controls |= controls(desk.service, "more")
        most = desk.controls["training.max_steps"]
    most.change(None, most, None, js=calling("tellSteps"), api_visibility="private")
    shown = RunShown(
        desk,
        run,
        progress,
        use,
        jobs,
    )
    for event in answering(desk, jobs, run) if jobs is not None else []:
        shown.after(event)
    return shown


def exports() -> list[dict[str, str]]:
    """What a model is exported as, beside the folder for transformers that is there already."""
    shown = [form for form in FORMATS.values() if form.name != "transformers"]
    return [
        {"name": form.name, "title": form.title, "sort": form.sort, "about": form.about}
        for form in shown
    ]


async def take_settings(desk: PageDesk, key: str, run: str) -> None:
    """Makes the draft what a run was trained with; raises `GTTError`."""
    if not run:
        raise BadInput("There is no run yet: start one first.")
    config = (await desk.ask("read_run", read_run, key, run_id=run)).config
    groups = {group: getattr(config, group).model_dump(mode="json") for group in GROUPS}
    known = [one.name for one in (await desk.ask("recipes", recipes, key)).recipes]
    recipe = config.name if config.name in known else None  # which gives the draft a name
    await desk.ask("set_config", set_config, key, recipe=recipe, config=groups)
