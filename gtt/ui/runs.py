"""My runs: a table that keeps itself up to date, and what can be done with the one in it."""

from __future__ import annotations

import gradio as gr

from gtt.api.endpoints.runs import list_runs
from gtt.ui.assets import static_text
from gtt.ui.desk import PageDesk


def runs_table(desk: PageDesk) -> gr.HTML:
    """The component; its value is `{"workspace": key, "run": id or None}`.

    A run that is picked comes as the event `picked` with its id as `run`.
    """
    return gr.HTML(
        value=None,
        html_template=static_text("runs.html"),
        css_template=static_text("runs.css"),
        js_on_load=static_text("runs.js"),
        server_functions=[desk.asking("list", "list_runs", list_runs, "limit", "before")],
        elem_id="runs",
    )
