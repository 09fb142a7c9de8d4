"""The page in a real browser: start, watch, reload, stop, generate, look."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    expect,
    sync_playwright,
)
from serving import TINY, Server, serving

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SLOW = 60_000  # milliseconds, on a machine that is busy with other tests

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path / "home", OMP_NUM_THREADS="1") as one:
        yield one


@pytest.fixture
def browser() -> Iterator[Browser]:
    with sync_playwright() as driver:
        one = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield one
        one.close()


class Watched:
    """A page that notes every complaint and every request to another host."""

    def __init__(self, browser: Browser, server: Server) -> None:
        self.page = browser.new_context(viewport={"width": 1200, "height": 900}).new_page()
        self.url, self.host = server.url, urlsplit(server.url).netloc
        self.complaints: list[str] = []
        self.strangers: list[str] = []
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._sent)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def _sent(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != self.host:
            self.strangers.append(request.url)

    def require_calm(self) -> None:
        assert self.complaints == []
        assert self.strangers == []

    def go_to(self, url: str) -> Page:
        """Leaves the page for another; what its requests say as they are cut does not count."""
        self.require_calm()
        self.page.goto(url, wait_until="commit")
        self.complaints.clear()
        expect(self.page.locator("#start")).to_be_visible(timeout=SLOW)
        return self.page

    def open(self) -> Page:
        return self.go_to(self.url)


def part(page: Page, name: str) -> Locator:
    """A part of the live view."""
    return page.locator(f'#live [data-part="{name}"]')


def wait_for_state(page: Page, pattern: str) -> None:
    expect(part(page, "pill")).to_have_text(re.compile(pattern), timeout=SLOW)


def wait_for_step(page: Page, beyond: int) -> int:
    """Waits until the run is beyond a step; the step it is at then."""
    deadline = time.monotonic() + SLOW / 1000
    while time.monotonic() < deadline:
        found = re.search(r"step ([\d,]+) of", part(page, "state").inner_text())
        step = int(found[1].replace(",", "")) if found else 0
        if step > beyond:
            return step
        page.wait_for_timeout(100)
    raise AssertionError(f"the run did not go beyond step {beyond}")


def open_tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()


def shoot(page: Page, name: str) -> None:
    """Keeps a picture for a person to look at, where one asks for it."""
    folder = os.environ.get("GTT_SCREENSHOTS")
    if folder:
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


def test_a_run_is_started_watched_stopped_and_asked(server: Server, browser: Browser) -> None:
    endless = {**TINY["training"], "max_steps": 100_000, "eval_every": 100, "log_every": 20}
    with server.client() as http:
        draft = {"config": {**TINY, "training": endless}}
        http.post("/api/config", json=draft).raise_for_status()
    watched = Watched(browser, server)
    page = watched.open()
    wait_for_state(page, "no run yet")
    shoot(page, "empty")

    page.locator("#start").click()
    wait_for_state(page, "running")
    first = wait_for_step(page, 0)
    expect(part(page, "sample-text")).not_to_have_text("", timeout=SLOW)
    expect(page.locator("#live .curve.training path")).to_have_attribute(
        "d", re.compile(r"^M.+L"), timeout=SLOW
    )
    wait_for_step(page, first)

    watched.open()  # anew: the run belongs to the desk, not to the tab
    wait_for_state(page, "running")
    second = wait_for_step(page, first)
    wait_for_step(page, second)
    shoot(page, "running")

    page.locator("#stop").click()
    wait_for_state(page, "stopped")
    last = wait_for_step(page, second)
    timeline = part(page, "timeline")  # dragging it shows the sample of that moment
    timeline.focus()
    page.keyboard.press("Home")
    expect(part(page, "moment")).to_contain_text("Step 0")
    expect(part(page, "sample-step")).to_contain_text("at step 0")
    part(page, "now").click()
    expect(part(page, "moment")).to_contain_text(f"Step {last:,}")

    open_tab(page, "Generation")
    page.locator("#generate").click()
    written = page.locator("#text textarea")
    expect(written).to_have_value(re.compile(r"^One day[\s\S]{20,}"), timeout=SLOW)
    open_tab(page, "Attention")
    page.locator("#look").click()
    expect(page.locator("#heads .grid button")).to_have_count(4, timeout=SLOW)
    for name in ("Data", "Model", "Training"):
        open_tab(page, name)
        shoot(page, name.lower())
    for name, width, dark in (("dark", 1200, True), ("narrow", 390, False)):
        page.set_viewport_size({"width": width, "height": 900})
        watched.go_to(f"{server.url}/?__theme={'dark' if dark else 'light'}")
        wait_for_state(page, "stopped")
        shoot(page, name)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{name}: {wide} pixels wide"
    watched.require_calm()


def test_a_refusal_is_a_sentence_on_the_page(server: Server, browser: Browser) -> None:
    watched = Watched(browser, server)
    page = watched.open()
    wait_for_state(page, "no run yet")
    page.locator("#stop").click()
    expect(page.locator("#message textarea")).to_have_value(
        "There is no run on this desk yet: start one first.", timeout=SLOW
    )
    assert watched.strangers == []


def test_an_address_carries_settings_and_a_tab(server: Server, browser: Browser) -> None:
    watched = Watched(browser, server)
    page = watched.go_to(f"{server.url}/?recipe=beginner&tab=model&set=model.n_layers:5")
    tab = page.get_by_role("tab", name="Model", exact=True)
    expect(tab).to_have_attribute("aria-selected", "true", timeout=SLOW)
    expect(page.locator("#model-n_layers input[type=number]")).to_have_value("5", timeout=SLOW)
    tab.focus()
    page.keyboard.press("ArrowLeft")  # arrow keys walk through the tabs
    expect(page.get_by_role("tab", name="Data", exact=True)).to_be_focused()
    with server.client() as http:
        assert http.get("/api/config").json()["config"]["model"]["n_layers"] == 5
    watched.require_calm()
