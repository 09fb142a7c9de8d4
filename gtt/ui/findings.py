"""What is going on, in words: the findings of a run, each with its evidence and its remedy."""

from __future__ import annotations

import gradio as gr

from gtt.api.endpoints.diagnosing import diagnosis
from gtt.ui.assets import static_text
from gtt.ui.desk import PageDesk


def findings_view(desk: PageDesk) -> gr.HTML:
    """The component; its value is `{"workspace": key, "run": id or None}`.

    A remedy that is pressed comes as the event `remedy` with its `run`, `changes` and whether to
    `stop` that run, which is still at work.
    """
    return gr.HTML(
        value=None,
        html_template=static_text("findings.html"),
        css_template=static_text("findings.css"),
        js_on_load=static_text("findings.js"),
        server_functions=[desk.asking("diagnose", "diagnosis", diagnosis, "run_id")],
        elem_id="findings",
    )
