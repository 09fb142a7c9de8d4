"""What the views into a model share: their files, and the questions that each of them may ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from gtt.api.endpoints.journal import checkpoints
from gtt.api.endpoints.runs import list_runs
from gtt.ui.assets import D3_HEAD, static_script, static_text
from gtt.ui.desk import PageDesk

Question = Callable[[Any], Any]


def inside_view(
    desk: PageDesk, name: str, scripts: tuple[str, ...], *questions: Question, **known: Any
) -> gr.HTML:
    """A component that stays; its value is `{"workspace": key, "run": id or None}`.

    Its template and style are `inside/<name>.html` and `.css`; the scripts share one scope with
    `inside/shared.js` and `picker.js`. Beside `questions` it may ask for runs and checkpoints;
    what is `known` it has from the start, as `props`.
    """
    return gr.HTML(
        value=None,
        html_template=static_text(f"inside/{name}.html"),
        css_template=static_text("inside/shared.css") + static_text(f"inside/{name}.css"),
        js_on_load=static_script("inside", "shared", "picker", *scripts),
        head=D3_HEAD,
        server_functions=[
            desk.asking("runs", "list_runs", list_runs, "limit"),
            desk.asking("checkpoints", "checkpoints", checkpoints, "run_id"),
            *questions,
        ],
        elem_id=f"inside-{name}",
        padding=False,
        **known,
    )
