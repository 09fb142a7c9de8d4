"""The Attention tab: what each head looks at, as heat maps."""

from __future__ import annotations

from typing import Any

import gradio as gr

from gtt.api.endpoints.inside import attention
from gtt.errors import GTTError
from gtt.ui.assets import D3_HEAD, static_text
from gtt.ui.desk import PRIVATE, PageDesk, sentence_of


def attention_tab(desk: PageDesk, run: gr.Textbox) -> None:
    """Builds the tab."""
    with gr.Row():
        text = gr.Textbox(
            "One day the wise girl went to the tower.",
            label="Text",
            elem_id="attention-text",
            scale=4,
        )
        look = gr.Button("Look", variant="primary", elem_id="look", scale=1)
    heads = gr.HTML(
        value=None,
        html_template=static_text("heads.html"),
        css_template=static_text("heads.css"),
        js_on_load=static_text("heads.js"),
        head=D3_HEAD,
        elem_id="heads",
    )

    async def captured(key: str, run: str, given: str) -> tuple[Any, str]:
        try:
            answer = await desk.ask(
                "attention", attention, key, run_id=run or None, text=given or None
            )
        except GTTError as error:
            return None, sentence_of(error)
        return answer.model_dump(mode="json"), ""

    gr.on(
        [look.click, text.submit],
        captured,
        [desk.key, run, text],
        [heads, desk.message],
        **PRIVATE,
    )
