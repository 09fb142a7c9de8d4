"""The Model tab: the shape of the decoder, what it costs, its drawing, a token's way through it."""

from __future__ import annotations

from typing import Any

import gradio as gr

from gtt.api.endpoints.configuration import set_config
from gtt.api.screen import changes_of
from gtt.errors import GTTError
from gtt.ui.controls import controls
from gtt.ui.desk import PRIVATE, PageDesk, sentence_of, told
from gtt.ui.draft import TOGETHER, telling
from gtt.ui.views import view


def model_tab(desk: PageDesk) -> None:
    """Builds the tab; its views look at the run of the page."""
    estimate = view("estimate", events=("mend",), elem_id="estimate")
    with gr.Row():
        with gr.Column(scale=1):
            desk.controls |= controls(desk.service, "shape")
        with gr.Column(scale=1):
            desk.controls |= controls(desk.service, "switches")
    gr.Markdown("## What is inside")
    view("architecture", elem_id="inside-architecture", padding=False)
    gr.Markdown("## Follow one token")
    view("follow", elem_id="inside-follow", padding=False)
    shown = [key for key in desk.controls if key.startswith("model.")]

    async def mend(heads: Any, width: Any, key: str, event: gr.EventData) -> list[Any]:
        """Takes a way out of an impossible combination, beside what the controls show."""
        changes = changes_of(dict(zip(TOGETHER, [heads, width])))
        try:
            setting, value = told(event, "setting", "value")
            group, _, name = str(setting).partition(".")
            changes.setdefault(group, {})[name] = value
            answer = await desk.ask("set_config", set_config, key, config=changes)
        except GTTError as error:
            return [sentence_of(error), *(gr.skip() for _ in shown)]
        values = dict(zip(desk.controls, desk.values_of(answer.config)))
        return ["", *(values[setting] for setting in shown)]

    fitting = [desk.controls[setting] for setting in TOGETHER]
    taken = estimate.mend(
        mend,
        [*fitting, desk.key],
        [desk.message, *(desk.controls[setting] for setting in shown)],
        **PRIVATE,
    )
    taken.then(None, None, None, **telling())
