"""The live view of a run: one component that stays, fed by polls for what is new.

A tab that follows by polls holds no connection open, so that any number of tabs follow; a run never
notices who looks at it.
"""

from __future__ import annotations

import gradio as gr

from gtt.api.endpoints.inside import snapshot
from gtt.api.endpoints.watching import watch
from gtt.ui.assets import D3_HEAD, static_script, static_text
from gtt.ui.desk import PageDesk

SCRIPTS = (
    "state",
    "asking",
    "words",
    "chart",
    "reading",
    "small",
    "timeline",
    "attention",
    "controls",
)


def live_view(desk: PageDesk) -> gr.HTML:
    """The component; its value is `{"workspace": key, "run": id or None}`."""
    return gr.HTML(
        value=None,
        html_template=static_text("live.html"),
        css_template=static_text("live.css"),
        js_on_load=static_script("live", *SCRIPTS),
        head=D3_HEAD,
        server_functions=[
            desk.asking("poll", "watch", watch, "run_id", "after", "resumes"),
            desk.asking("look", "snapshot", snapshot, "run_id", "step"),
        ],
        elem_id="live",
    )
