"""Sessions and events of Gradio: every call from outside makes both, so each has to be small."""

from __future__ import annotations

import runpy
import tracemalloc

import gradio as gr
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from gradio import state_holder, utils
from serving import ROOT

from gtt.api.doors.gradio import SmallSession
from gtt.api.gradio_adapter import make_queue_frugal
from gtt.api.guard.unread_results import Unread


def new_page() -> gr.Blocks:
    with gr.Blocks() as page:
        kept = gr.State(1)
        boxes = [gr.Textbox(label=f"box {number}") for number in range(100)]
        boxes[0].change(lambda text: text, boxes[0], kept, api_name="keep")
    return page


@pytest.fixture
def page() -> gr.Blocks:
    return new_page()


def test_a_session_keeps_states_and_nothing_else_of_components(page: gr.Blocks) -> None:
    numbers = {type(block).__name__: number for number, block in page.blocks.items()}
    state, box = numbers["State"], numbers["Textbox"]
    tracemalloc.start()
    try:
        session = SmallSession(page)
        for number in page.blocks:
            session._update_value_in_config(number, "x" * 10_000)
            session._update_config(number)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 50_000 and list(session.components) == []
    assert session.blocks_config.blocks == page.blocks and session.blocks_config.fns == page.fns
    assert session[state] == 1 and session[box] is page.blocks[box]
    session[state] = 2
    assert session[state] == 2 and SmallSession(page)[state] == 1
    assert [value for _, value, _ in session.state_components] == [2]


@pytest.fixture
def frugal(monkeypatch: pytest.MonkeyPatch) -> gr.Blocks:
    """A page as it is served."""
    for place, name in ((state_holder, "SessionState"), (utils, "MatplotlibBackendMananger")):
        monkeypatch.setattr(place, name, getattr(place, name))  # to go back to
    for name in ("GRADIO_ANALYTICS_MAX_EVENTS", "GRADIO_ANALYTICS_CACHE_FREQUENCY"):
        monkeypatch.setenv(name, "1")  # as whoever starts the server may have set them
    runpy.run_path(str(ROOT / "app.py"))  # which starts nothing under another name than its own
    one = new_page()
    one.queue()
    make_queue_frugal(one, Unread())
    return one


def test_every_session_of_a_page_is_small(frugal: gr.Blocks) -> None:
    holder = state_holder.StateHolder()
    holder.set_blocks(frugal)
    assert isinstance(holder["somebody"], SmallSession)


def test_an_event_is_answered_and_sums_nothing_up(
    frugal: gr.Blocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    summed_up: list[object] = []
    monkeypatch.setattr(frugal._queue, "_get_df", summed_up.append)
    app = gr.mount_gradio_app(FastAPI(), frugal, path="/")
    with TestClient(app) as client:
        for text in ("once", "twice", "thrice"):
            made = client.post("/gradio_api/call/keep", json={"data": [text]}).json()
            told = client.get(f"/gradio_api/call/keep/{made['event_id']}").text
            assert "event: complete" in told
    assert len(frugal._queue.event_analytics) <= 1 and not summed_up
