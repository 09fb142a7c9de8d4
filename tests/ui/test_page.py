"""The page in a real browser: start, watch, reload, stop, resume, compare, generate, look."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing import (
    CHROMIUM,
    SLOW,
    Watched,
    look_again,
    message,
    open_tab,
    part,
    shoot,
    unfold,
    wait_for_state,
    wait_for_step,
)
from playwright.sync_api import Browser, Page, expect
from serving import TINY, Server, serving, tiny

EVIL = "<script>window.harmed = 1</script><img src=x onerror='window.harmed = 2'>\n"
Watch = Callable[[], Watched]
# One desk, as at home, on which a queue and a file are soon too large.
LIMITS = {
    "GTT_SHARED_DESK": "true",
    "GTT_MAX_STEPS": "none",
    "GTT_MAX_MINUTES": "none",
    "GTT_MAX_WAITING_PER_WORKSPACE": "none",
    "GTT_MAX_CONCURRENT_RUNS": "1",
    "GTT_MAX_WAITING_RUNS": "2",
    "GTT_MAX_UPLOAD_MB": "1",
}

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("page") / "home"
    with serving(home, OMP_NUM_THREADS="1", **LIMITS) as one:
        yield one


@pytest.fixture
def server(running: Server) -> Iterator[Server]:
    """The server with a cleared desk."""
    yield running
    with running.client() as http:
        for run in http.get("/api/runs").raise_for_status().json()["runs"]:
            http.delete(f"/api/runs/{run['id']}").raise_for_status()
        http.post("/api/config", json={"recipe": "quickstart"}).raise_for_status()


@pytest.fixture
def watch(browser: Browser, server: Server) -> Iterator[Watch]:
    """Opens watched pages, which are closed with the test."""
    opened: list[Watched] = []

    def open_one() -> Watched:
        opened.append(Watched(browser, server.url))
        return opened[-1]

    yield open_one
    for one in opened:
        one.page.context.close()


def set_draft(server: Server, source: str = "python", **training: Any) -> None:
    """The desk's draft becomes the tiny run on that text, some training settings changed."""
    changed = {
        "data": {**TINY["data"], "source": source},
        "training": {**TINY["training"], **training},
    }
    with server.client() as http:
        http.post("/api/config", json={"config": {**TINY, **changed}}).raise_for_status()


def test_a_run_outlives_the_tab(server: Server, watch: Watch) -> None:
    set_draft(server, max_steps=100_000, eval_every=100, log_every=20)
    watched = watch()
    page = watched.open()
    wait_for_state(page, "no run yet")
    shoot(page, "empty")

    page.locator("#start").click()
    wait_for_state(page, "running")
    expect(page.locator("#start")).to_have_text("Start another run")
    first = wait_for_step(page, 0)
    sample = part(page, "sample-step")
    expect(sample).to_contain_text("at step")
    written = sample.inner_text()
    expect(page.locator("#live .curve.training path.line")).to_have_attribute(
        "d", re.compile(r"^M.+L")
    )
    box = page.locator("#live .chart svg").bounding_box()
    assert box is not None and 0 <= box["y"] < 620  # most of it in view without scrolling
    wait_for_step(page, first)
    expect(sample).not_to_have_text(written)  # it goes on writing

    watched.open()  # anew: the run belongs to the desk, not to the tab
    wait_for_state(page, "running")
    second = wait_for_step(page, first)
    wait_for_step(page, second)
    shoot(page, "running")

    other = page.context.new_page()  # a second tab follows the same run
    other.goto(server.url)
    wait_for_state(other, "running")
    wait_for_step(other, second)
    other.close()

    page.locator("#stop").click()
    wait_for_state(page, "stopped")
    last = wait_for_step(page, second)
    page.locator("#resume").click()
    wait_for_state(page, "running")
    wait_for_step(page, last)
    page.locator("#stop-this").click()
    wait_for_state(page, "stopped")
    last = wait_for_step(page, last)

    timeline = part(page, "timeline")  # dragging it shows all of that moment together
    timeline.focus()
    page.keyboard.press("End")  # as far as the run has been, whatever is planned
    expect(timeline).to_have_value(str(last))
    page.keyboard.press("Home")
    expect(part(page, "moment")).to_contain_text("Step 0")
    expect(sample).to_contain_text("at step 0")
    expect(part(page, "heads-step")).to_contain_text("step 0")
    expect(page.locator("#live .maps canvas")).to_have_count(4)
    part(page, "now").click()
    expect(part(page, "moment")).to_contain_text(f"Step {last:,}")
    expect(page.locator("#findings article").first).to_be_visible()
    watched.require_calm()


def test_runs_are_listed_compared_and_deleted(server: Server, watch: Watch) -> None:
    set_draft(server)
    watched = watch()
    page = watched.open()
    page.locator("#start").click()
    wait_for_state(page, "completed")
    unfold(page, "Settings of the training")
    set_draft(server, learning_rate=0.003)  # as another tab does
    look_again(page)
    rate = page.locator("#training-learning_rate input")
    expect(rate).to_have_value("0.003")
    page.locator("#start").click()
    rows = page.locator("#runs tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.first).to_have_class("chosen")
    expect(rows.first).to_contain_text("completed")

    page.locator("#run-name input, #run-name textarea").first.fill("slower")
    page.locator("#rename").click()
    expect(rows.first).to_contain_text("slower")

    unfold(page, "Compare runs")
    choices = page.locator("#compare fieldset input[type=checkbox]")
    expect(choices).to_have_count(2)
    for choice in choices.all():
        choice.check()
    expect(page.locator("#compare table")).to_contain_text("0.003")

    rows.nth(1).locator("input").check()  # looking at the older one
    page.locator("#delete").click()
    expect(rows).to_have_count(1)
    expect(page.locator("#runs .deleted button")).to_be_visible()
    watched.open()  # the way back is not lost with a reload
    page.locator("#runs .deleted button").click()
    expect(rows).to_have_count(2)
    watched.require_calm()


def test_a_finished_run_goes_on_and_lends_its_settings(server: Server, watch: Watch) -> None:
    set_draft(server, source="tales")
    watched = watch()
    page = watched.open()
    page.locator("#start").click()
    wait_for_state(page, "completed")
    drag_timeline(page, 1, 0)
    expect(part(page, "moment")).to_contain_text("Step 0 · training loss not measured yet")
    expect(part(page, "sample-step")).to_contain_text("at step 0")
    drag_timeline(page, 0, 0.6)  # a loss is shown with the step that it was measured at
    expect(part(page, "moment")).to_have_text(
        re.compile(r"Step 12 · training loss [\d.]+ \(of step 10\) · validation .*\(of step 10\)")
    )
    part(page, "now").click()
    part(page, "unit").select_option("bits")
    expect(part(page, "validation-name")).to_have_text("Validation bits per byte")
    expect(part(page, "moment")).to_contain_text("training bits per byte")

    chart = page.locator("#live .chart svg")
    chart.focus()
    page.keyboard.press("Home")
    expect(part(page, "tip")).to_contain_text("training")
    page.keyboard.press("+")
    expect(part(page, "unzoom")).to_be_enabled()
    expect(part(page, "timeline")).to_have_attribute("max", re.compile(r"^(10|11)$"))
    page.keyboard.press("0")
    expect(part(page, "unzoom")).to_be_disabled()

    # Asked too often: what was shown stays, and is asked for again.
    busy = {"error": {"code": "rate_limited", "message": "Too many requests.", "ways": []}}
    asked = re.compile("/api/(train/watch|diagnosis|runs)")
    page.route(asked, lambda route: route.fulfill(json=busy))
    with page.expect_response(asked):
        pass
    page.wait_for_timeout(500)
    expect(part(page, "state")).to_contain_text("step 20 of 20")
    expect(page.locator("#findings article").first).to_be_visible()
    page.unroute(asked)

    resume = page.locator("#resume")
    expect(resume).to_have_attribute("aria-disabled", "true")
    resume.click(force=True)
    expect(message(page)).to_contain_text("train it longer")
    expect(page.locator("#more-steps input")).to_have_value("40")
    page.locator("#longer").click()
    expect(part(page, "state")).to_contain_text("step 40 of 40")
    wait_for_state(page, "completed")

    unfold(page, "Settings of the training")
    set_draft(server, max_steps=20, learning_rate=0.002)
    look_again(page)
    rate = page.locator("#training-learning_rate input")
    expect(rate).to_have_value("0.002")
    page.locator("#use").click()
    expect(rate).not_to_have_value("0.002")

    page.locator('#live [data-tip="loss"]').focus()  # explained on focus, all of it with one key
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("nats per token")
    page.keyboard.press("Escape")
    page.locator("#start").hover()
    expect(page.locator("#gtt-tip")).to_contain_text("Trains a new model")
    # Two ways to more steps stand on one page, and each says what becomes of this run.
    remedy = page.locator("#findings article", has=page.get_by_role("button")).first
    expect(remedy.get_by_role("button")).to_have_text(re.compile(r"^Restart with [\d,]+ steps$"))
    expect(remedy.locator(".how")).to_contain_text("a new run from random weights")
    longer = page.locator("#longer-or-anew")
    expect(longer).to_contain_text("Train longer goes on with this run from where it is")
    expect(longer).to_contain_text("restart begins a new run from random weights")
    origin = page.locator('#runs [data-part="origin"]')
    expect(origin).to_have_text(re.compile("^The recipe quickstart, changed: .*, Steps, "))
    expect(origin).not_to_contain_text("Restarted")
    remedy.get_by_role("button").click()  # many more steps
    rows = page.locator("#runs tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("tales, characters, 7 k 2")
    expect(rows.first).to_have_class("chosen")
    expect(origin).to_have_text(
        re.compile("^The recipe quickstart, changed: .* Restarted from “tales, characters, 7 k”.$")
    )
    shoot(page, "restarted")
    watched.require_calm()


def drag_timeline(page: Page, start: float, end: float) -> None:
    """Drags the thumb with the mouse, between shares of the run."""
    part(page, "timeline").scroll_into_view_if_needed()
    box = part(page, "timeline").bounding_box()
    assert box is not None

    def place(share: float) -> tuple[float, float]:
        return box["x"] + 8 + share * (box["width"] - 16), box["y"] + box["height"] / 2

    page.mouse.move(*place(start))
    page.mouse.down()
    page.mouse.move(*place(end), steps=4)
    page.mouse.up()


def test_what_is_refused_is_said_at_the_field_and_not_trained(server: Server, watch: Watch) -> None:
    set_draft(server)
    watched = watch()
    page = watched.open()
    wait_for_state(page, "no run yet")
    unfold(page, "Settings of the training")
    steps = page.locator("#training-max_steps input")
    expect(steps).to_have_value("20")
    note = page.locator("#training-num_epochs .gtt-note")
    expect(note).to_have_text(re.compile("Not in use: the steps decide"))
    steps.fill("")
    expect(note).to_be_empty()
    steps.fill("-5")
    page.locator("#start").click()  # the field still has the focus
    expect(message(page)).to_contain_text("Steps: -5 is not allowed")
    expect(steps).to_have_attribute("aria-invalid", "true")
    beside = page.locator("#training-max_steps .gtt-refusal")
    expect(beside).to_contain_text("-5 is not allowed")
    expect(beside).not_to_contain_text("config.")
    box = page.locator(".gtt-message").bounding_box()
    assert box is not None and box["y"] >= 0 and box["y"] + box["height"] <= 900  # in the window
    with server.client() as http:
        assert http.get("/api/runs").json()["runs"] == []
    steps.fill("21")
    page.locator("#start").click()
    expect(part(page, "state")).to_contain_text("step 21 of 21")
    expect(beside).to_have_count(0)
    watched.require_calm()


def test_a_text_of_ones_own_is_trained_on_and_asked(
    server: Server, watch: Watch, tmp_path: Path
) -> None:
    set_draft(server)
    text = tmp_path / "evil.txt"
    text.write_text(EVIL * 400, encoding="utf-8")
    watched = watch()
    page = watched.open()
    open_tab(page, "Data")
    expect(page.locator("#data-source input")).to_have_value(re.compile("Python"))
    box = page.locator("#upload input[type=file]")
    wrong, large = tmp_path / "wrong.exe", tmp_path / "large.txt"
    wrong.write_bytes(b"MZ\0\1" * 100)
    large.write_text("a " * 600_000)
    for file, said in ((wrong, "wrong.exe|.txt"), (large, "large.txt.* has 1.20 MB")):
        box.set_input_files(file)
        expect(message(page)).to_have_text(re.compile(said))
        expect(page.locator("#upload .file-preview")).to_have_count(0)  # none looks accepted
        page.locator('#message [data-part="close"]').click()
    box.set_input_files(text)
    expect(page.locator("#data-source input")).to_have_value(re.compile("evil.txt"))
    open_tab(page, "Training")
    page.locator("#start").click()
    wait_for_state(page, "completed")

    open_tab(page, "Generation")
    page.locator("#prompt textarea").fill(EVIL)
    page.locator("#generate").click()
    written = page.locator("#text .tokens")
    expect(written).to_have_text(re.compile(r"^<script>[\s\S]{60,}"))
    open_tab(page, "Attention")
    page.locator("#attention-text textarea").fill(EVIL)
    page.locator("#look").click()
    expect(page.locator("#heads .grid button")).to_have_count(4)
    for name in ("Data", "Model", "Training"):
        open_tab(page, name)
        shoot(page, name.lower())
    for name, width, dark in (("dark", 1200, True), ("narrow", 390, False)):
        page.set_viewport_size({"width": width, "height": 900})
        watched.go_to(f"{server.url}/?__theme={'dark' if dark else 'light'}")
        wait_for_state(page, "completed")
        shoot(page, name)
        for tab in ("Data", "Model", "Training"):
            open_tab(page, tab)
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{tab}, {name}: {wide} pixels wide"
    page.get_by_role("tab", name="Training", exact=True).focus()  # narrow: all six can be reached
    for name in ("Generation", "Attention", "Learn", "Data", "Model", "Training"):
        page.keyboard.press("ArrowRight")
        expect(page.get_by_role("tab", name=name, exact=True)).to_be_focused()
    assert page.evaluate("window.harmed") is None  # letters everywhere, a script nowhere
    assert page.locator("img[src=x]").count() == 0
    watched.require_calm()


def test_a_refusal_is_a_sentence_on_the_page(server: Server, watch: Watch) -> None:
    watched = watch()
    page = watched.open()
    wait_for_state(page, "no run yet")
    page.locator("#stop").click(force=True)  # there is nothing to do for it, which it says
    expect(message(page)).to_have_text("No run is at work.")
    page.locator('#message [data-part="close"]').click()
    expect(message(page)).to_be_hidden()

    unfold(page, "Settings of the training")
    set_draft(server, max_steps=100_000)  # two tabs press Start at once
    look_again(page)
    expect(page.locator("#training-max_steps input")).to_have_value("100000")
    other = page.context.new_page()
    other.goto(server.url)
    expect(other.locator("#start")).to_be_visible()
    wait_for_state(other, "no run yet")
    page.locator("#start").click()
    other.locator("#start").click()
    for one in (page, other):
        wait_for_state(one, "running|preparing|queued")
    expect(page.locator("#runs tbody tr")).to_have_count(2)
    deadline = time.monotonic() + SLOW / 1000  # until then a page may show the other's run
    states: list[str] = []
    while not any("place 1 in the queue" in state for state in states):
        assert time.monotonic() < deadline, states
        page.wait_for_timeout(100)
        states = [part(one, "state").inner_text() for one in (page, other)]
    with server.client() as http:
        names = [run["name"] for run in http.get("/api/runs").json()["runs"]]
        assert all(re.fullmatch(r"python, characters, \d k( 2)?", name) for name in names), names
        assert sorted(name.endswith(" 2") for name in names) == [False, True]
        http.post("/api/runs", json=tiny(max_steps=100_000)).raise_for_status()
    page.locator("#start").click()  # the queue is full now
    expect(message(page)).to_contain_text("2 runs are waiting already")
    watched.require_calm()


def test_a_lost_server_and_a_killed_worker_lose_nothing(tmp_path: Path, browser: Browser) -> None:
    with serving(tmp_path / "home", OMP_NUM_THREADS="1") as server:
        lose_and_find_again(server, Watched(browser, server.url))


def lose_and_find_again(server: Server, watched: Watched) -> None:
    set_draft(server, max_steps=1_000_000, eval_every=100, checkpoint_every=100)
    page = watched.open()
    page.locator("#start").click()
    wait_for_state(page, "running")
    step = wait_for_step(page, 200)

    server.kill()
    expect(part(page, "state")).to_contain_text("The connection is lost")
    server.start()
    step = wait_for_step(page, step)  # the same tab follows again, and the run went on

    (record,) = server.home.glob("runs/*/worker.json")
    os.kill(json.loads(record.read_text())["pid"], signal.SIGKILL)
    # A server that has found the worker again sees it die, one that has not finds it gone.
    wait_for_state(page, "interrupted|failed")
    expect(part(page, "state")).to_contain_text("training process")
    page.locator("#resume").click()
    wait_for_state(page, "running")
    wait_for_step(page, step - 150)
    assert watched.strangers == []


COUNT_FRAMES = """
  const frame = window.requestAnimationFrame;
  window.asked = 0;
  window.requestAnimationFrame = (act) => { window.asked += 1; return frame.call(window, act); };
"""


def test_a_page_at_rest_asks_for_hardly_a_frame(server: Server, watch: Watch) -> None:
    """Sixty a second, as Gradio's loading screen leaves them, take a tenth of a core."""
    watched = watch()
    watched.page.add_init_script(COUNT_FRAMES)
    page = watched.open()
    frames, deadline = 60.0, time.monotonic() + SLOW / 1000
    while frames >= 10:  # a second, until all that opens the page has been answered
        assert time.monotonic() < deadline, f"{frames:.0f} frames a second at rest"
        asked, begun = page.evaluate("window.asked"), time.monotonic()
        page.wait_for_timeout(2000)
        frames = (page.evaluate("window.asked") - asked) / (time.monotonic() - begun)
        assert asked > 0


def test_an_address_carries_settings_and_a_tab(server: Server, watch: Watch) -> None:
    watched = watch()
    page = watched.go_to(f"{server.url}/?recipe=beginner&tab=model&set=model.n_layers:5")
    tab = page.get_by_role("tab", name="Model", exact=True)
    expect(tab).to_have_attribute("aria-selected", "true")
    expect(page.locator("#model-n_layers input[type=number]")).to_have_value("5")
    tab.focus()
    page.keyboard.press("ArrowLeft")  # arrow keys walk through the tabs
    expect(page.get_by_role("tab", name="Data", exact=True)).to_be_focused()
    with server.client() as http:
        deadline = time.monotonic() + SLOW / 1000
        while http.get("/api/config").json()["config"]["model"]["n_layers"] != 5:
            assert time.monotonic() < deadline, "the address became no draft with a key"
            time.sleep(0.1)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("#copy").click()
    expect(page.locator("#copy")).to_have_text("Copied")
    link = page.evaluate("navigator.clipboard.readText()")
    assert "recipe=beginner" in link and "set=model.n_layers:5" in link
    watched.require_calm()
