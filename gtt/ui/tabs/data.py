"""The Data tab: which text, what is in it, and how it becomes tokens."""

from __future__ import annotations

from typing import Any

import gradio as gr

from gtt.api.schemas.texts import OfSource
from gtt.api.service import Service
from gtt.ui.controls import Controls, controls
from gtt.ui.views import view

SENTENCE = "Once a wise boy named Emil lived in a tower by the meadow."
SHOWN = list(OfSource.model_fields)  # settings that decide what the views of the text show


def data_tab(service: Service) -> tuple[Controls, gr.Textbox]:
    """Builds the tab; returns its controls, and where something is said about the text.

    The list of texts is filled when the page opens.
    """
    with gr.Row():
        with gr.Column(scale=1):
            source = gr.Dropdown(
                [],
                label="Text",
                allow_custom_value=True,
                elem_id="data-source",
                info="A text of ours, one you brought, or a data set of the Hub: owner/name",
            )
            about = gr.Textbox(
                label="About it",
                interactive=False,
                lines=4,
                max_lines=4,  # as high before it is filled: what stands below stays where it is
                elem_id="about-source",
            )
            gr.File(
                label="Bring your own text (.txt .md .csv .tsv .json .jsonl .parquet)",
                file_count="single",
                elem_id="upload",
                height=140,
            )
        with gr.Column(scale=1):
            shown = controls(service, "reading")
    told: dict[str, Any] = {"padding": False, "settings": SHOWN}
    gr.Markdown("## The text")
    view("text/preview", elem_id="text-preview", **told)
    gr.Markdown("## A sentence as tokens")
    gr.Textbox(
        SENTENCE,
        label="Write here",
        info="Cut into tokens while you type, by tokenizers that learned from the text above",
        lines=2,
        interactive=True,
        elem_id="sentence",
    )
    view("text/tokens", elem_id="text-tokens", **told)
    gr.Markdown("## Byte-pair encoding, merge by merge")
    view("text/merges", elem_id="text-merges", **told)
    return {**shown, "data.source": source}, about
