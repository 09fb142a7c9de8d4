"""The Model tab: the shape of the decoder, what it costs, its drawing, a token's way through it."""

from __future__ import annotations

import gradio as gr

from gtt.api.service import Service
from gtt.ui.controls import Controls, controls
from gtt.ui.views import view


def model_tab(service: Service) -> Controls:
    """Builds the tab, whose views look at the run of the page; returns its controls."""
    view("estimate", elem_id="estimate")
    with gr.Row():
        with gr.Column(scale=1):
            shape = controls(service, "shape")
        with gr.Column(scale=1):
            switches = controls(service, "switches")
    gr.Markdown("## What is inside")
    view("architecture", elem_id="inside-architecture", padding=False)
    gr.Markdown("## Follow one token")
    view("follow", elem_id="inside-follow", padding=False)
    return {**shape, **switches}
