"""Refusals beside the fields that asked, and a draft that is read anew when somebody comes back."""

from __future__ import annotations

import gradio as gr

from gtt.ui.assets import static_text


def fields_view(most_bytes: int) -> gr.HTML:
    """The component, of which nothing is seen.

    It shows what comes as `gtt:refused` (see `draft`), and tells with the event `returned` that
    the page is looked at again and no field holds what was refused. A file of more than
    `most_bytes` is refused before it is sent.
    """
    return gr.HTML(
        value={"most": most_bytes},
        html_template="<div></div>",
        js_on_load=static_text("fields.js"),
        elem_id="fields",
        elem_classes="gtt-unseen",
        padding=False,
    )
