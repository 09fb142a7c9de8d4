"""The run that is looked at in one line that every tab shows: what it is, and how far it is."""

from __future__ import annotations

import gradio as gr

from gtt.api.endpoints.watching import watch
from gtt.ui.assets import static_text
from gtt.ui.desk import PageDesk


def progress_line(desk: PageDesk) -> gr.HTML:
    """The component; its value is `{"workspace": key, "run": id or None}`.

    It hears from the live view (`gtt:progress`), and asks for itself where that is not there,
    as in a page whose Training tab was not opened yet.
    """
    return gr.HTML(
        value=None,
        html_template=static_text("progress.html"),
        css_template=static_text("progress.css"),
        js_on_load=static_text("progress.js"),
        server_functions=[
            desk.asking("poll", "watch", watch, "run_id", "after", "resumes"),
        ],
        elem_id="progress",
    )
