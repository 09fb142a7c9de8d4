"""Where the page says what went wrong: one sentence, as text, announced to screen readers."""

from __future__ import annotations

import gradio as gr

from gtt.ui.assets import static_text


def message_view() -> gr.HTML:
    """The component; its value is the sentence, empty where all is well."""
    return gr.HTML(
        value="",
        html_template=static_text("message.html"),
        css_template=static_text("message.css"),
        js_on_load=static_text("message.js"),
        elem_id="message",
    )
