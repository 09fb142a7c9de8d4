"""The draft on the page: controls that change it, all of it kept on the desk.

The page is told of its changes by `tellDraft` of `gtt/web/lib/page.js`: `{"changed": setting}`
where a control shows another value, `{"saved": setting}`, null where it is another draft, and where
something could not be saved `{"refused": error}`, as in every answer and with its `setting`.
"""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import gradio as gr

from gtt.api.api_errors import error_body
from gtt.api.endpoints.configuration import get_config, set_config
from gtt.api.labels import LABELS, on_screen
from gtt.api.screen import changes_of, changes_on_screen
from gtt.errors import BadInput, GTTError
from gtt.ui.address import Asked
from gtt.ui.desk import PRIVATE, PageDesk, sentence_of
from gtt.ui.views import calling

# Settings that must fit each other are saved together as they are shown, so that a change that was
# refused becomes valid with the change that makes it fit.
TOGETHER = ("model.n_heads", "model.n_embed")
# What is on the screen, as one text: what a control cannot hold would not pass Gradio's own check.
SHOWN = "(filled, ...values) => filled ? JSON.stringify(values) : ''"


def telling(*news: Any) -> dict[str, Any]:
    """An event of the page that only tells it this of the draft, or what `refused` holds."""
    script = calling("tellDraft", *news)
    return {"js": script, "api_visibility": "private", "show_progress": "hidden"}


def keep_draft(desk: PageDesk, refused: gr.JSON, asked: Asked) -> None:
    """Saves what a control changes.

    What the desk does not take is put into `refused`, for `telling`. What the address `asked` for
    is kept first: it is what the control was changed in.
    """

    async def save(settings: tuple[str, ...], *given: Any) -> tuple[Any, Any]:
        *values, key, was_asked = given
        try:
            await asked.keep(key, was_asked)
            await desk.ask(
                "set_config", set_config, key, config=changes_of(dict(zip(settings, values)))
            )
        except GTTError as error:
            refusal = refusal_of(error, settings[0])
            # A message that stands there may be about this very field: a start came to it first.
            return (gr.skip(), refusal) if refusal else (sentence_of(error), None)
        return "", {"saved": settings[0]}

    for setting, component in desk.controls.items():
        listener = component.release if isinstance(component, gr.Slider) else component.input
        if isinstance(component, (gr.Textbox, gr.Number)):
            listener = component.blur
        others = [other for other in TOGETHER if setting in TOGETHER and other != setting]
        settings = (setting, *(other for other in others if other in desk.controls))
        saved = listener(
            partial(save, settings),
            [*(desk.controls[one] for one in settings), desk.key, asked.text],
            [desk.message, refused],
            **PRIVATE,
        )
        saved.then(None, refused, None, **telling())
        component.change(None, None, None, **telling({"changed": setting}))


async def keep_shown(desk: PageDesk, key: str, shown: str) -> None:
    """Makes the draft what the controls show, `shown` as `SHOWN` wrote it; raises `GTTError`.

    Another tab of the browser may have changed it, and a field may still have the focus.
    """
    answer = await desk.ask("get_config", get_config, key)
    try:
        values = json.loads(shown) if shown else []
    except (ValueError, TypeError, RecursionError):
        values = None
    if not isinstance(values, list):
        raise BadInput("What the controls show came as no list.", field="shown")
    changes = changes_on_screen(answer.config, dict(zip(desk.controls, values)))
    if changes:
        await desk.ask("set_config", set_config, key, config=changes)


def refusal_of(error: GTTError, changed: str | None = None) -> dict[str, Any] | None:
    """What is told beside a control; None where no setting is at fault.

    It is the control of the setting that was `changed`, else of the one that is refused.
    """
    about = error_body(error)[1]["error"]
    field = str(about["field"] or "").removeprefix("config.")
    if not isinstance(error, BadInput) or field not in LABELS:
        return None
    sentence = str(about["message"]).removeprefix("config.").removeprefix(f"{field}: ")
    return {"refused": {**about, "setting": changed or field, "message": on_screen(sentence)}}
