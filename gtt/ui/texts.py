"""The views of a text: what is in it, a sentence as tokens, and the merges that made them.

Each is a component of its own that asks for what it shows when it is seen. Their values are
`{"workspace": key, "text": sentence, "data": settings}`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from gtt.api.endpoints.data import compare_tokenizers, merges, preview
from gtt.api.schemas.texts import OfSource
from gtt.ui.assets import D3_HEAD, static_script, static_text
from gtt.ui.desk import PageDesk

DATA = tuple(OfSource.model_fields)  # settings that decide what the views show


def preview_view(desk: PageDesk) -> gr.HTML:
    """Counts, frequent tokens, the two parts, the exam."""
    return _view("preview", desk.asking("preview", "preview", preview, *DATA))


def tokens_view(desk: PageDesk) -> gr.HTML:
    """The sentence cut in three ways."""
    asked = desk.asking("compare", "compare_tokenizers", compare_tokenizers, "text", *DATA)
    return _view("tokens", asked)


def merges_view(desk: PageDesk) -> gr.HTML:
    """The sentence merge by merge."""
    return _view("merges", desk.asking("merges", "merges", merges, "text", *DATA))


def _view(name: str, asked: Callable[[Any], Any]) -> gr.HTML:
    return gr.HTML(
        value=None,
        html_template=static_text(f"texts/{name}.html"),
        css_template=static_text("texts/texts.css") + static_text(f"texts/{name}.css"),
        js_on_load=static_script("texts", "shared", name),
        head=D3_HEAD,
        server_functions=[asked],
        elem_id=f"text-{name}",
        padding=False,
    )
