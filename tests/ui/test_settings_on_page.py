"""Every setting of the configuration is on the page once, or says why it is not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import gradio as gr
import pytest

from gtt.api.service import Service
from gtt.config import describe_settings
from gtt.runs.home import Home
from gtt.runs.limits import Limits
from gtt.settings import setting
from gtt.ui.page import build

SETTINGS = {one.key: one for one in describe_settings()}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GTT_HOME", str(home))
        one = Service(Home(home), Limits(), spare=False)
        yield one
        one.close()


@pytest.fixture(scope="module")
def page(service: Service) -> gr.Blocks:
    return build(service)


def shown_on(page: gr.Blocks) -> Iterator[tuple[str, Any]]:
    """Each setting that a control of the page is of, and the control."""
    ids = {key.replace(".", "-"): key for key in SETTINGS}
    for block in page.blocks.values():
        if getattr(block, "elem_id", None) in ids:
            yield ids[str(block.elem_id)], block


def test_a_setting_is_on_the_page_once_or_says_why_not(page: gr.Blocks) -> None:
    counts = Counter(key for key, _ in shown_on(page))
    # The Generation tab draws its own controls from what it is told; the prompt is its text field.
    (drawing,) = (block for block in page.blocks.values() if block.elem_id == "inside-generation")
    told = [one["name"] for one in drawing.props["settings"]]
    assert told.pop() == "samples"  # of the request, and no setting
    counts += Counter([f"generation.{name}" for name in [*told, "prompt"]])
    assert set(counts.values()) == {1}
    for key, one in SETTINGS.items():
        assert (counts[key] == 1) == (one.off_page is None), key
    why = {key: one.off_page for key, one in SETTINGS.items() if one.off_page}
    assert set(why) == {"generation.stop"} and all(len(str(each)) > 20 for each in why.values())


def test_a_control_stands_on_its_part_in_the_declared_order(page: gr.Blocks) -> None:
    order = [key for key, _ in shown_on(page)]
    parts = {key: block.parent for key, block in shown_on(page)}
    by_part: dict[Any, list[str]] = {}
    for key, one in SETTINGS.items():
        if key in parts:
            by_part.setdefault(one.part, []).append(key)
    assert sum(map(len, by_part.values())) == len(order)
    holders = []
    for part, keys in by_part.items():
        within = {id(parts[key]) for key in keys}
        assert len(within) == 1, part  # one column, or accordion, holds all of them
        holders += within
        assert [key for key in order if key in keys] == keys
    assert len(set(holders)) == len(holders)


def test_a_setting_that_says_neither_is_no_setting() -> None:
    with pytest.raises(TypeError, match="why it is not on it"):
        setting(1, label="Forgotten", concept="n_layers")
    with pytest.raises(TypeError):
        setting(1, label="Both", concept="n_layers", part="shape", off_page="it is nowhere")
