"""The Generation tab: write with a checkpoint, and see what it held likely at each token."""

from __future__ import annotations

import gradio as gr

from gtt.ui.desk import PRIVATE, PageDesk
from gtt.ui.generation import generation_view


def generation_tab(desk: PageDesk, run: gr.Textbox) -> None:
    """Builds the tab."""
    view = generation_view(desk)
    gr.on(  # when the page opens, and when another run is looked at
        None,
        lambda key, run: {"workspace": key, "run": run or None},
        [desk.key, run],
        view,
        **PRIVATE,
    )
