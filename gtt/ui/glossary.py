"""The glossary: every term in one place, searched; and a question mark beside every setting."""

from __future__ import annotations

from typing import Any

import gradio as gr

from gtt.config import describe_settings
from gtt.explain import QUANTITIES, concepts
from gtt.ui.assets import static_text

KINDS = {
    "data": "setting of the text",
    "model": "setting of the model",
    "training": "setting of the training",
    "generation": "setting of writing",
}


def glossary_view() -> gr.HTML:
    """The component: a button that opens the glossary, and what explains settings in their place.

    A button `gtt-why` with a `data-concept`, anywhere on the page, opens the glossary at that term,
    and so does the event `gtt:explain` of the document with a concept's id.
    """
    return gr.HTML(
        value={
            "settings": {
                one.key.replace(".", "-"): {"label": one.label, "concept": one.concept}
                for one in describe_settings()
            }
        },
        html_template=static_text("glossary.html"),
        css_template=static_text("glossary.css"),
        js_on_load=static_text("glossary.js"),
        server_functions=[glossary],
        elem_id="glossary",
        padding=False,
    )


async def glossary(given: Any) -> dict[str, Any]:
    """Every term by its title, each with what it is: a setting, or something that is shown."""
    settings = {one.concept: one.key for one in describe_settings()}
    shown = {one.concept for one in QUANTITIES.values()}
    terms = []
    for one in sorted(concepts().values(), key=lambda one: one.title.lower()):
        key = settings.get(one.id)
        kinds = [KINDS[key.partition(".")[0]]] if key else []
        if one.id in shown:
            kinds.append("shown on the page")
        terms.append(
            {
                "id": one.id,
                "title": one.title,
                "tip": one.tip,
                "body": one.body.split("\n\n"),
                "kind": ", ".join(kinds),
                "key": key or "",
            }
        )
    return {"terms": terms}
