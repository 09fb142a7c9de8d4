"""Runs compared: curves laid over each other, which settings differ, what came of each."""

from __future__ import annotations

import gradio as gr

from gtt.api.endpoints.comparing import compare
from gtt.api.endpoints.runs import list_runs
from gtt.ui.assets import D3_HEAD, static_text
from gtt.ui.desk import PageDesk


def comparison(desk: PageDesk) -> gr.HTML:
    """The component; its value is `{"workspace": key, "run": id or None}`.

    It lists the desk's runs by itself. The run that is looked at is chosen to begin with.
    """
    return gr.HTML(
        value=None,
        html_template=static_text("compare.html"),
        css_template=static_text("compare.css"),
        js_on_load=static_text("compare.js"),
        head=D3_HEAD,
        server_functions=[
            desk.asking("list", "list_runs", list_runs, "limit"),
            desk.asking("compare", "compare", compare, "run_ids"),
        ],
        elem_id="compare",
    )
