"""The live view of a run: one component that stays, fed by polls for what is new.

A tab that follows by polls holds no connection open, so that any number of tabs follow; a run never
notices who looks at it.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from gtt.api.endpoints.watching import watch
from gtt.api.errors import error_body
from gtt.ui.assets import D3_HEAD, static_text
from gtt.ui.desk import PageDesk


def live_view(desk: PageDesk) -> gr.HTML:
    """The component; its value is `{"workspace": key, "run": id or None}`."""

    async def poll(asked: Any) -> dict[str, Any]:
        """What is new; what a browser sends is checked like any other request."""
        values = asked if isinstance(asked, dict) else {}
        named = {name: values.get(name) for name in ("after", "resumes")}
        text = values["workspace"] if isinstance(values.get("workspace"), str) else ""
        try:
            answer = await desk.ask(
                "watch",
                watch,
                text,
                run_id=values.get("run"),
                **named,
            )
        except Exception as error:
            return error_body(error)[1]
        plain: dict[str, Any] = answer.model_dump(mode="json")
        return plain

    return gr.HTML(
        value=None,
        html_template=static_text("live.html"),
        css_template=static_text("live.css"),
        js_on_load=static_text("live.js"),
        head=D3_HEAD,
        server_functions=[poll],
        elem_id="live",
    )
