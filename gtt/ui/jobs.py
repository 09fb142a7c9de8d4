"""A run on a machine of the Hub, begun from the page."""

from __future__ import annotations

import time
from typing import Any

import gradio as gr

from gtt.api.endpoints.jobs import follow_job, job_hardware, run_on_hub
from gtt.api.endpoints.runs import read_run, status
from gtt.ui.assets import static_text
from gtt.ui.desk import PRIVATE, GTTError, PageDesk, sentence_of, told


def jobs_view(desk: PageDesk) -> gr.HTML:
    """The component; its value is `{"workspace": key, "run": id or None}`.

    Its events are `kept` (the price is shown: what is on the screen is to be kept), `begun` and
    `followed`, which `begin_job` and `follow_again` answer.
    """
    return gr.HTML(
        value=None,
        html_template=static_text("jobs.html"),
        css_template=static_text("jobs.css"),
        js_on_load=static_text("jobs.js"),
        server_functions=[
            desk.asking("job_hardware", "job_hardware", job_hardware),
            desk.asking("read_run", "read_run", read_run, "run_id"),
            desk.asking("status", "status", status),
        ],
        elem_id="jobs",
    )


def answering(desk: PageDesk, view: gr.HTML, run: gr.Textbox) -> list[Any]:
    """Lets the desk answer the events of the view; returns what the other views go on from."""

    async def begin_job(key: str, looked_at: str, event: gr.EventData) -> tuple[Any, Any]:
        """Begins the draft on the Hub; the run to look at, and what the view says."""
        try:
            flavor, minutes, at_most, token = told(event, "flavor", "minutes", "at_most", "token")
            order = {"flavor": flavor, "minutes": minutes, "at_most": at_most}
            answer = await desk.ask("run_on_hub", run_on_hub, key, **order, token=token or None)
        except GTTError as error:
            return gr.skip(), _refusal(key, looked_at, error)
        return answer.run.id, _value(key, answer.run.id)

    async def follow_again(key: str, looked_at: str, event: gr.EventData) -> tuple[Any, Any]:
        """Follows the job of a run again; the same answers."""
        try:
            id, token = told(event, "run", "token")
            await desk.ask("follow_job", follow_job, key, run_id=id, token=token or None)
        except GTTError as error:
            return gr.skip(), _refusal(key, looked_at, error)
        return id, _value(key, id)

    inputs, outputs = [desk.key, run], [run, view]
    return [
        view.begun(begin_job, inputs, outputs, **PRIVATE),
        view.followed(follow_again, inputs, outputs, **PRIVATE),
    ]


def _value(key: str, run: str, **more: Any) -> dict[str, Any]:
    return {"workspace": key, "run": run or None, "asked": time.time(), **more}


def _refusal(key: str, run: str, error: GTTError) -> dict[str, Any]:
    about = {"message": sentence_of(error), "field": getattr(error, "field", None)}
    return _value(key, run, refused=about)
