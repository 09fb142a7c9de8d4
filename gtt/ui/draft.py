"""The draft on the page: controls that change it, all of it kept on the desk.

Whatever shows the draft hears of its changes as the event `gtt:draft` of the document. Its detail
is `{"changed": setting}` where a control shows another value, null where one was saved, and
`{"refused": error}` where it could not be: the error as in every answer, and its `setting`.
"""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import gradio as gr

from gtt.api.endpoints.configuration import get_config, set_config
from gtt.api.errors import error_body
from gtt.errors import GTTError
from gtt.ui.desk import PRIVATE, PageDesk, sentence_of

# Settings that must fit each other are saved together as they are shown, so that a change that was
# refused becomes valid with the change that makes it fit.
TOGETHER = ("model.n_heads", "model.n_embed")
AT_THE_FIELD = "model."  # settings whose refusals are shown beside them, not above the tabs


def telling(detail: str = "detail || null") -> dict[str, Any]:
    """An event of the page that only tells the document; `detail` is JavaScript."""
    event = f'new CustomEvent("gtt:draft", {{ detail: {detail} }})'
    script = f"(detail) => {{ document.dispatchEvent({event}); }}"
    return {"js": script, "api_visibility": "private", "show_progress": "hidden"}


def keep_draft(desk: PageDesk) -> dict[str, Any]:
    """Saves what a control changes; returns the event of each setting, for whoever goes on."""

    async def save(settings: tuple[str, ...], *given: Any) -> tuple[str, Any]:
        *values, key = given
        try:
            await desk.ask("set_config", set_config, key, config=changes_of(settings, values))
        except GTTError as error:
            if settings[0].startswith(AT_THE_FIELD):
                return "", {"refused": {**error_body(error)[1]["error"], "setting": settings[0]}}
            return sentence_of(error), None
        return "", None

    refused = gr.JSON(visible=False)
    saved = {}
    for setting, component in desk.controls.items():
        listener = component.release if isinstance(component, gr.Slider) else component.input
        if isinstance(component, (gr.Textbox, gr.Number)):
            listener = component.blur
        others = [other for other in TOGETHER if setting in TOGETHER and other != setting]
        settings = (setting, *(other for other in others if other in desk.controls))
        saved[setting] = listener(
            partial(save, settings),
            [*(desk.controls[one] for one in settings), desk.key],
            [desk.message, refused],
            **PRIVATE,
        )
        saved[setting].then(None, refused, None, **telling())
        component.change(None, None, None, **telling(json.dumps({"changed": setting})))
    return saved


def changes_of(settings: tuple[str, ...], values: list[Any]) -> dict[str, dict[str, Any]]:
    """What controls show as a partial update of the draft, by group."""
    changes: dict[str, dict[str, Any]] = {}
    for setting, value in zip(settings, values):
        group, _, name = setting.partition(".")
        if name == "stop":
            value = [line for line in str(value or "").split("\n") if line]
        changes.setdefault(group, {})[name] = value
    return changes


async def shown_draft(desk: PageDesk, key: str) -> list[Any]:
    """What every control shows when the page opens."""
    return desk.values_of(await desk.ask("get_config", get_config, key))
