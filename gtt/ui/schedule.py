"""The learning rate as it will go, drawn from the draft before anything runs."""

from __future__ import annotations

import gradio as gr

from gtt.api.endpoints.configuration import lr_schedule
from gtt.config import describe_settings
from gtt.ui.assets import D3_HEAD, static_text
from gtt.ui.desk import PageDesk

# The settings that a planned learning rate depends on.
PLANNED = [one.key for one in describe_settings() if one.part in ("common", "schedule")]


def schedule_view(desk: PageDesk) -> gr.HTML:
    """The component; its value names the desk, `{"workspace": key}`, and each new one redraws."""
    return gr.HTML(
        value=None,
        html_template=static_text("schedule.html"),
        css_template=static_text("schedule.css"),
        js_on_load=static_text("schedule.js"),
        head=D3_HEAD,
        server_functions=[desk.asking("plan", "lr_schedule", lr_schedule, "points")],
        elem_id="schedule",
    )
