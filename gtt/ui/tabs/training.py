"""The Training tab: the live view and what it means, my runs, settings."""

from __future__ import annotations

import gradio as gr

from gtt.api.service import Service
from gtt.exports.formats import FORMATS
from gtt.ui.concept_texts import metrics
from gtt.ui.controls import Controls, controls
from gtt.ui.push import push_view
from gtt.ui.views import view

LONGER = """**Train longer** goes on with this run from where it is: same weights, same curve, more
steps. A remedy above that says **restart** begins a new run from random weights, with that one
thing changed; this run stays as it is, and both can be compared."""
FORGETS = """This Space has no volume: when it sleeps or restarts, its disk is empty again. What you
want to keep, take home."""


def training_tab(service: Service) -> Controls:
    """Builds the tab; returns its controls."""
    if service.limits.allow_hub:
        with gr.Accordion("Run it on the Hub's machines", open=False, elem_id="renting"):
            view("jobs", elem_id="jobs")
    view("live", elem_id="live", metrics=metrics())
    view("findings", elem_id="findings")
    with gr.Accordion("My runs", open=True):
        view("runs", elem_id="runs")
        with gr.Row():
            gr.Button("Stop and save", size="md", elem_id="stop-this", min_width=130)
            gr.Button("Resume", size="md", elem_id="resume", min_width=130)
            gr.Button("Use its settings", size="md", elem_id="use", min_width=130)
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
            shared=service.limits.shared_desk,
            formats=exports(),
        )
        push_view()
    if service.home.forgets():
        gr.Markdown(FORGETS, elem_id="forgets", elem_classes="gtt-hint")
    with gr.Accordion("Settings of the training", open=False, elem_id="training-settings"):
        with gr.Row(), gr.Column():
            shown = controls(service, "common")
        view("schedule", elem_id="schedule")
        with gr.Row(), gr.Column():
            shown |= controls(service, "schedule")
        with gr.Row(), gr.Column():
            shown |= controls(service, "tracking")
        with gr.Accordion("More", open=False):
            shown |= controls(service, "more")
    return shown


def exports() -> list[dict[str, str]]:
    """What a model is exported as, beside the folder for transformers that is there already."""
    shown = [form for form in FORMATS.values() if form.name != "transformers"]
    return [
        {"name": form.name, "title": form.title, "sort": form.sort, "about": form.about}
        for form in shown
    ]
