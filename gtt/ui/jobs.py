"""A run on a machine of the Hub, begun from the page."""

from __future__ import annotations

import time
from typing import Any

import gradio as gr

from gtt.api.endpoints.jobs import follow_job, run_on_hub
from gtt.ui.desk import PRIVATE, GTTError, PageDesk, sentence_of, told


def answering(desk: PageDesk, view: gr.HTML, run: gr.Textbox) -> list[Any]:
    """Lets the desk answer `begun` and `followed` of the view; what the other views go on from."""

    async def begin_job(key: str, event: gr.EventData) -> tuple[Any, Any]:
        """Begins the draft on the Hub; the run to look at, and what the view says."""
        try:
            flavor, minutes, at_most, token = told(event, "flavor", "minutes", "at_most", "token")
            order = {"flavor": flavor, "minutes": minutes, "at_most": at_most}
            answer = await desk.ask("run_on_hub", run_on_hub, key, **order, token=token or None)
        except GTTError as error:
            return gr.skip(), _refusal(error)
        return answer.run.id, {"asked": time.time()}

    async def follow_again(key: str, event: gr.EventData) -> tuple[Any, Any]:
        """Follows the job of a run again; the same answers."""
        try:
            id, token = told(event, "run", "token")
            await desk.ask("follow_job", follow_job, key, run_id=id, token=token or None)
        except GTTError as error:
            return gr.skip(), _refusal(error)
        return id, {"asked": time.time()}

    inputs, outputs = desk.key, [run, view]
    return [
        view.begun(begin_job, inputs, outputs, **PRIVATE),
        view.followed(follow_again, inputs, outputs, **PRIVATE),
    ]


def _refusal(error: GTTError) -> dict[str, Any]:
    about = {"message": sentence_of(error), "field": getattr(error, "field", None)}
    return {"asked": time.time(), "refused": about}
