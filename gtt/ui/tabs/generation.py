"""The Generation tab: write with the run that is looked at."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import gradio as gr

from gtt.api.endpoints.inside import generate_stream
from gtt.api.gradio_adapter import begin
from gtt.errors import GTTError
from gtt.ui.controls import controls, explanations
from gtt.ui.desk import PRIVATE, PageDesk, sentence_of

SETTINGS = ("max_new_tokens", "temperature", "top_k", "top_p", "seed")


def generation_tab(desk: PageDesk, run: gr.Textbox) -> None:
    """Builds the tab."""
    with gr.Row():
        with gr.Column(scale=2):
            prompt = gr.Textbox("One day", label="Prompt", lines=3, elem_id="prompt")
            with gr.Row():
                write = gr.Button("Generate", variant="primary", elem_id="generate")
                halt = gr.Button("Stop", elem_id="stop-text")
            text = gr.Textbox(label="Text", interactive=False, lines=12, elem_id="text")
            figures = gr.Textbox(label="How it was drawn", interactive=False, elem_id="drawn")
        with gr.Column(scale=1):
            drawn = controls(desk.service, "generation", SETTINGS)
    explanations(desk.service, "generation")

    async def go_on(key: str, run: str, given: str, *values: Any) -> AsyncIterator[Any]:
        asked = dict(zip(SETTINGS, values))
        try:
            caller, request = begin(
                desk.service,
                "generate",
                None,
                workspace=key,
                run_id=run or None,
                prompt=given or None,
                **asked,
            )
            async for one in generate_stream(caller, request):
                words = (
                    f"{one.tokens} tokens, {one.tokens_per_second:,.0f} a second, seed {one.seed}"
                    if one.tokens
                    else ""
                )
                yield one.prompt + one.text, words, ""
        except GTTError as error:
            yield gr.skip(), "", sentence_of(error)

    event = gr.on(
        [write.click, prompt.submit],
        go_on,
        [desk.key, run, prompt, *drawn.values()],
        [text, figures, desk.message],
        **PRIVATE,
    )
    halt.click(None, None, None, cancels=[event], api_visibility="private")
