"""Taking a run home: buttons for its metrics, its curves as a figure, the whole of it."""

from __future__ import annotations

import gradio as gr

from gtt.api.endpoints.runs import status
from gtt.ui.assets import static_text
from gtt.ui.desk import PageDesk


def download_buttons(desk: PageDesk) -> gr.HTML:
    """The component; its value is `{"workspace": key, "run": id or None}`.

    No file is laid into Gradio's cache, which all visitors share: the browser fetches it from the
    interface with the key of its desk.
    """
    return gr.HTML(
        value=None,
        html_template=static_text("downloads.html"),
        css_template=static_text("downloads.css"),
        js_on_load=static_text("downloads.js"),
        server_functions=[desk.asking("status", "status", status)],
        elem_id="downloads",
        shared=desk.service.limits.shared_desk,
    )
