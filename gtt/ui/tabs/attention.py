"""The Attention tab: what each head looks at, what it does by habit, and what it is good for."""

from __future__ import annotations

from typing import Any

import gradio as gr

from gtt.ui.attention import attention_view
from gtt.ui.desk import PRIVATE, PageDesk


def attention_tab(desk: PageDesk, run: gr.Textbox) -> None:
    """Builds the tab; `run` holds the id of the run that is looked at."""
    view = attention_view(desk)

    def looked_at(key: str, one: str) -> dict[str, Any]:
        return {"workspace": key, "run": one or None}

    gr.on([run.change], looked_at, [desk.key, run], view, **PRIVATE)
    gr.on(None, looked_at, [desk.key, run], view, **PRIVATE)  # when the page opens
