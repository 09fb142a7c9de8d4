"""The controls of the draft and the scripts of the page: what they tell each other.

What a control shows goes to `gtt/web/lib/draft.js`, which saves it over REST; what the draft is
comes back from there. Gradio alone knows the values of its components, also of those that are on no
open tab, so these stay events of Gradio. None of them calls Python.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from gtt.ui.controls import Controls
from gtt.ui.views import calling

TELLING: dict[str, Any] = {
    "fn": None,
    "api_visibility": "private",
    "trigger_mode": "multiple",
    "show_progress": "hidden",
}


def follow_controls(controls: Controls, fields: gr.HTML, about: gr.Textbox) -> None:
    """Tells the draft what the controls show; the view `fields` fills them and `about`."""
    shown = list(controls.values())
    gr.on([one.change for one in shown], inputs=shown, js=_draft("take"), **TELLING)
    gr.on([_settled(one) for one in shown], inputs=shown, js=_draft("keep"), **TELLING)
    fields.filled(inputs=shown, outputs=[*shown, about], js=_draft("filling"), **TELLING)


def _settled(control: Any) -> Any:
    """The event of a control after which a person has chosen its value."""
    if isinstance(control, gr.Slider):
        return control.release
    return control.blur if isinstance(control, (gr.Textbox, gr.Number)) else control.input


def _draft(function: str) -> str:
    return calling(function, module="lib/draft.js")
