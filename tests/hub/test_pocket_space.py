"""The pocket model as a static Space: pushed, and opened from the Hub by whoever has the link."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import yaml
from hub_standin import HubStandin, Repo
from huggingface_hub import SpaceCard
from playwright.sync_api import Browser, expect
from ui.browsing import CHROMIUM

from gtt.hub.push import Push
from gtt.hub.push_state import PushState
from gtt.hub.qr import qr_letters, qr_svg
from gtt.runs.home import Home

Run = tuple[Home, Path]
REPO, PLACE = "anna/tiny", "spaces/anna/tiny"


def push(hub: HubStandin, run: Run, **changes: str) -> PushState:
    return Push(
        run[1], run[0].corpora, REPO, private=False, token="hf_anna", endpoint=hub.url,
        **{"form": "pocket", **changes},  # type: ignore[arg-type]
    ).run(os.getpid())  # fmt: skip


def test_it_is_a_static_space_of_one_page(hub: HubStandin, run: Run) -> None:
    state = push(hub, run)
    assert (state.stage, state.url) == ("done", f"{hub.url}/{PLACE}"), state
    repo = hub.repos[PLACE]
    assert len(repo.commits) == 2 and REPO not in hub.repos
    assert repo.files.keys() == {".gitattributes", "README.md", "index.html", "style.css"}
    text = hub.content(PLACE, "README.md").decode()
    head = yaml.safe_load(text.split("---")[1])
    assert (head["sdk"], head["app_file"], head["title"]) == ("static", "index.html", "tiny")
    assert len(head["short_description"]) <= 60
    assert head["colorFrom"] in ("red", "yellow", "green", "blue", "indigo", "purple", "pink",
                                 "gray")  # fmt: skip
    SpaceCard(text).validate(repo_type="space")  # over HTTP, by the endpoint of the stand-in
    assert run[1].name.rpartition("-")[2] not in text
    assert b'id="weights"' in hub.content(PLACE, "index.html")
    assert not (run[1] / "push" / "files").exists()


def test_a_model_and_a_space_may_have_one_name(hub: HubStandin, run: Run) -> None:
    assert push(hub, run, form="transformers").stage == "done"
    assert push(hub, run).stage == "done"
    assert hub.repos.keys() == {REPO, PLACE}
    assert push(hub, run).stage == "done", "the same again is this run's own"


def test_a_space_that_is_there_is_left_as_it_is(hub: HubStandin, run: Run) -> None:
    hub.repos[PLACE] = Repo(False, {"README.md": b"", "app.py": b"precious"})
    state = push(hub, run)
    assert state.stage == "failed" and "such a space of yours" in (state.message or "")
    assert hub.content(PLACE, "app.py") == b"precious"


def test_no_room_says_that_an_empty_space_stays(hub: HubStandin, run: Run) -> None:
    hub.fails[f"/api/{PLACE}/commit/"] = 507
    state = push(hub, run)
    assert state.stage == "failed" and "no room left" in (state.message or ""), state
    assert (state.message or "").endswith("anna/tiny stands on the Hub, still empty."), state
    hub.fails.clear()
    assert push(hub, run).stage == "done", "which the next push fills"


def test_a_model_that_a_page_cannot_compute_is_refused(
    hub: HubStandin, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gtt.exports.pocket_page.LARGEST", {"fp16": 100, "int8": 200})
    state = push(hub, run)
    assert state.stage == "failed" and "more than a browser opens" in (state.message or ""), state
    assert not hub.repos and not hub.requested("POST", "create")


def test_the_link_as_a_code_for_telephones() -> None:
    link = "https://huggingface.co/spaces/anna/tales-gpt"
    picture = qr_svg(link)
    assert picture.startswith("<svg ") and 'fill="#fff"' in picture and "http" not in picture
    assert len(set(map(len, qr_letters(link).splitlines()))) == 1


@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")
def test_the_link_opens_a_page_that_writes(hub: HubStandin, run: Run, browser: Browser) -> None:
    """From the stand-in, as a telephone gets it; and the code on the page leads there."""
    url = push(hub, run).url
    assert url is not None
    page = browser.new_page(viewport={"width": 390, "height": 800})
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(url)
    expect(page.locator("#said")).to_have_text("Ready.")
    page.fill("#prompt", "One day")
    page.fill("#count", "30")
    page.click("#write")
    expect(page.locator("#said")).to_have_text(re.compile("^Wrote 30 tokens"))
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert [one for one in asked if not one.startswith(("blob:", "data:"))] == [url]
    assert complaints == []
