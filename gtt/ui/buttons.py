"""Which buttons there is something to do for, as the runs stand; why not, for the others."""

from __future__ import annotations

import gradio as gr

from gtt.ui.assets import static_text


def buttons_view() -> gr.HTML:
    """The component, of which nothing is seen.

    It follows the events `gtt:run`, the run that is looked at, and `gtt:runs`, those of the desk.
    """
    return gr.HTML(
        value="",
        html_template="<div></div>",
        js_on_load=static_text("buttons.js"),
        elem_id="buttons",
        elem_classes="gtt-unseen",
        padding=False,
    )
