"""One tip for everything on the page that is explained: on hover and on focus, more on a click."""

from __future__ import annotations

from typing import Any

import gradio as gr

from gtt.explain import ACTIONS, QUANTITIES, explain
from gtt.ui.assets import static_text


def tips_view() -> gr.HTML:
    """The component. An element with `data-tip` is explained by the quantity of that id.

    A button is explained by the action that has its id. All there is to say stands in the glossary.
    """
    return gr.HTML(
        value={
            "quantities": {
                one.id: {**_explained(one.concept), "title": one.label}
                for one in QUANTITIES.values()
            },
            "actions": {
                one.id: {**_explained(one.concept), "title": None, "tip": one.tip}
                for one in ACTIONS.values()
            },
        },
        html_template=static_text("tips.html"),
        css_template=static_text("tips.css"),
        js_on_load=static_text("tips.js"),
        elem_id="tips",
        elem_classes="gtt-unseen",
        padding=False,
    )


def _explained(concept: str) -> dict[str, Any]:
    return {"tip": explain(concept).tip, "concept": concept}
