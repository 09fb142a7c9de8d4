"""The page: recipes, six tabs, and a live view of the run that is looked at.

Everything on it goes through the table of endpoints, as any script would.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from gtt.api.endpoints.configuration import recipes
from gtt.api.gradio_adapter import add_endpoints
from gtt.api.labels import LABELS
from gtt.api.schemas import Nothing
from gtt.api.service import Service
from gtt.ui.concept_texts import things
from gtt.ui.draft import TELLING, follow_controls
from gtt.ui.tabs.attention import attention_tab
from gtt.ui.tabs.data import data_tab
from gtt.ui.tabs.generation import generation_tab
from gtt.ui.tabs.learn import learn_tab
from gtt.ui.tabs.model import model_tab
from gtt.ui.tabs.training import training_tab
from gtt.ui.views import calling, view

ON_CARDS = {"name", "title", "summary", "measured", "seconds_here", "lacks_gpu"}
TITLE = "# GTT\nTrain a small GPT from scratch and watch it learn."


def build(service: Service) -> gr.Blocks:
    """The page and every endpoint; `launch` it with `app.py`."""
    with gr.Blocks(title="GTT", analytics_enabled=False, delete_cache=(600, 3600)) as demo:
        demo.space_id = None  # or Gradio adds a badge, whose picture and fonts are on other hosts
        add_endpoints(service)  # first, so that the table has its names to itself
        key = gr.BrowserState("", storage_key="gtt-workspace", secret="gtt")
        with gr.Row(elem_id="head"):
            gr.Markdown(TITLE, elem_id="title")
            view("glossary", elem_id="glossary", padding=False)
        view("message", elem_id="message")
        # As a desk without runs sees them.
        listed = recipes(service.caller(None), Nothing()).recipes
        view(
            "recipes",
            value=[one.model_dump(mode="json", include=ON_CARDS) for one in listed],
            elem_id="recipe",
        )
        with gr.Row(elem_id="actions"):
            gr.Button("Start training", variant="primary", elem_id="start", scale=3)
            gr.Button("Stop and save", elem_id="stop", scale=1, min_width=120)
            gr.Button("Copy link", elem_id="copy", scale=1, min_width=120)
        view("progress", elem_id="progress")
        view("strip", elem_id="lesson-strip", padding=False)
        with gr.Tabs(selected="training", elem_id="tabs", overflow_behavior="wrap"):
            with gr.Tab("Learn", id="learn"):
                learn_tab()
            with gr.Tab("Data", id="data"):
                controls, about = data_tab(service)
            with gr.Tab("Model", id="model"):
                controls |= model_tab(service)
            with gr.Tab("Training", id="training"):
                controls |= training_tab(service)
            with gr.Tab("Generation", id="generation"):
                generation_tab()
            with gr.Tab("Attention", id="attention"):
                attention_tab()
        unseen: dict[str, Any] = {"elem_classes": "gtt-unseen", "padding": False}
        view("tips", elem_id="tips", **unseen, **things())
        view("actions", elem_id="run-actions", **unseen)
        fields = view(
            "fields",
            events=("filled",),
            elem_id="fields",
            most=service.limits.upload_bytes,
            labels={setting: LABELS[setting] for setting in controls},
            **unseen,
        )
        follow_controls(controls, fields, about)
        demo.load(inputs=key, outputs=key, js=calling("open", module="lib/opening.js"), **TELLING)
    return demo
