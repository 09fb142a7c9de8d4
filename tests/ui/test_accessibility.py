"""axe-core finds nothing on any tab: at rest, during and after a run, light, dark, wide, narrow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from browsing import CHROMIUM, Watched, open_tab, wait_for_state, wait_for_step
from playwright.sync_api import Browser, Page, expect
from serving import Server, tiny, wait_until_done

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")

TABS = ("Learn", "Data", "Model", "Training", "Generation", "Attention")
WIDE, NARROW = 1440, 390
# While it runs two of the four are looked at, and the other two afterwards: half the time.
EVERY_LOOK = tuple((width, theme) for width in (WIDE, NARROW) for theme in ("light", "dark"))
WHILE_RUNNING = ((WIDE, "dark"), (NARROW, "light"))
AFTERWARDS = ((WIDE, "light"), (NARROW, "dark"))
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
OPTIONS = {
    "resultTypes": ["violations"],
    "runOnly": {"type": "tag", "values": TAGS},
    "rules": {"label-content-name-mismatch": {"enabled": True}},  # still off by itself
}
# All that the colours of the other theme can change.
CONTRAST = {
    "resultTypes": ["violations"],
    "runOnly": {"type": "rule", "values": ["color-contrast"]},
}
# Colours and sizes that are still on their way to a value would be measured there.
AT_ONCE = "*, *::before, *::after { transition: none !important; animation: none !important; }"
# All that is folded, opened.
UNFOLD = """() => {
  for (const one of document.querySelectorAll("details")) one.open = true;
  for (const one of document.querySelectorAll("button.label-wrap:not(.open)")) one.click();
}"""
# What is seen is drawn again after a change of size or colours.
DRAWN = "() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 50)))"


@pytest.fixture(scope="module")
def opened(server: Server, browser: Browser) -> Iterator[Watched]:
    one = Watched(browser, server.url, WIDE)
    one.open()
    one.page.add_style_tag(content=AT_ONCE)
    one.page.evaluate(Axe().axe_script)
    yield one
    one.page.context.close()


@pytest.fixture
def watched(opened: Watched) -> Iterator[Watched]:
    opened.page.set_viewport_size({"width": WIDE, "height": 900})
    yield opened
    opened.require_calm()


def faults(page: Page, width: int, theme: str) -> list[str]:
    """What axe-core finds now: the rule, the place, what is wrong with it."""
    page.set_viewport_size({"width": width, "height": 900})
    page.evaluate("theme => document.body.classList.toggle('dark', theme === 'dark')", theme)
    page.evaluate(DRAWN)
    options = OPTIONS if theme == "light" else CONTRAST
    answer: dict[str, Any] = page.evaluate("options => axe.run(options)", options)
    assert answer["passes"], "axe-core has looked at nothing"
    found = [(rule["id"], node) for rule in answer["violations"] for node in rule["nodes"]]
    return [
        f"{width} px, {theme}: {rule}: {node['target']}: {' '.join(node['failureSummary'].split())}"
        for rule, node in found
    ]


def faults_of_tabs(page: Page, looks: Iterable[tuple[int, str]]) -> list[str]:
    found = []
    for tab in TABS:
        page.set_viewport_size({"width": WIDE, "height": 900})
        open_tab(page, tab)
        page.wait_for_timeout(300)  # its numbers come from the server
        for _ in range(2):  # what was folded may hold something folded
            page.evaluate(UNFOLD)
            page.evaluate(DRAWN)
        found += [f"{tab}, {fault}" for look in looks for fault in faults(page, *look)]
    return found


def require_none(found: list[str]) -> None:
    assert not found, "\n".join(found)


def test_at_rest_and_what_is_explained(watched: Watched) -> None:
    page = watched.page
    found = faults_of_tabs(page, EVERY_LOOK)
    page.set_viewport_size({"width": WIDE, "height": 900})
    open_tab(page, "Model")
    page.locator("#model-n_layers .gtt-why").click()
    expect(page.locator("#model-n_layers .gtt-about")).to_be_visible()
    found += faults(page, WIDE, "light")
    page.get_by_role("button", name="Glossary").click()
    page.get_by_role("searchbox", name="Find a term").fill("warm")
    page.locator(".gtt-glossary summary").first.click()
    found += faults(page, WIDE, "dark")
    page.keyboard.press("Escape")
    require_none(found)


def test_during_and_after_a_run(server: Server, watched: Watched) -> None:
    page = watched.page
    body = tiny(max_steps=1_000_000, batch_size=16, eval_every=300, checkpoint_every=300)
    with server.client() as http:
        run = http.post("/api/runs", json=body).raise_for_status().json()["run"]["id"]
        try:
            wait_for_state(page, "running")
            wait_for_step(page, 300)  # it has a checkpoint to look into
            found = faults_of_tabs(page, WHILE_RUNNING)
            wait_for_state(page, "running")
            http.post(f"/api/runs/{run}/stop").raise_for_status()
            assert wait_until_done(http, run)["state"] == "stopped"
            wait_for_state(page, "stopped")
            page.set_viewport_size({"width": WIDE, "height": 900})
            open_tab(page, "Generation")
            page.locator("#generate").click()
            page.locator("#text .t").nth(9).click()
            require_none([*found, *faults_of_tabs(page, AFTERWARDS)])
        finally:
            http.delete(f"/api/runs/{run}")
