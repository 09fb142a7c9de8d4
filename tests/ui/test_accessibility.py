"""axe-core finds nothing on any tab: at rest, during and after a run, in light and in dark."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from browsing import CHROMIUM, Watched, open_tab, wait_for_state
from playwright.sync_api import Browser, Page, expect
from serving import Server, serving, tiny, wait_until_done

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")

TABS = ("Data", "Model", "Training", "Generation", "Attention")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
OPTIONS = {
    "resultTypes": ["violations"],
    "runOnly": {"type": "tag", "values": RULES},
    "rules": {"label-content-name-mismatch": {"enabled": True}},  # still off by itself
}
# All that is folded, opened.
UNFOLD = """() => {
  for (const one of document.querySelectorAll("details")) one.open = true;
  for (const one of document.querySelectorAll("button.label-wrap:not(.open)")) one.click();
}"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("server") / "home"
    with serving(home, OMP_NUM_THREADS="1", CUDA_VISIBLE_DEVICES="") as one:
        yield one


@pytest.fixture
def watched(server: Server, browser: Browser) -> Iterator[Watched]:
    one = Watched(browser, server.url)
    one.open()
    yield one
    one.require_calm()
    one.page.context.close()


def faults(page: Page) -> list[str]:
    """What axe-core finds now, in light and in dark: the rule, the place, what is wrong with it."""
    found = []
    for theme in ("light", "dark"):
        page.evaluate("theme => document.body.classList.toggle('dark', theme === 'dark')", theme)
        page.wait_for_timeout(300)  # colours move to their new value
        answer: dict[str, Any] = Axe().run(page, options=OPTIONS).response
        for rule in answer["violations"]:
            for node in rule["nodes"]:
                why = " ".join(node["failureSummary"].split())
                found.append(f"{theme}: {rule['id']}: {node['target']}: {why}")
    return found


def faults_of_tabs(page: Page) -> list[str]:
    found = []
    for tab in TABS:
        open_tab(page, tab)
        page.wait_for_timeout(500)
        for _ in range(2):  # what was folded may hold something folded
            page.evaluate(UNFOLD)
            page.wait_for_timeout(300)
        found += [f"{tab}: {fault}" for fault in faults(page)]
    return found


def require_none(found: list[str]) -> None:
    assert not found, "\n".join(found)


def test_at_rest(watched: Watched) -> None:
    require_none(faults_of_tabs(watched.page))


def test_at_rest_on_a_phone(watched: Watched) -> None:
    watched.page.set_viewport_size({"width": 390, "height": 844})
    require_none(faults_of_tabs(watched.page))


def test_what_is_explained(watched: Watched) -> None:
    page = watched.page
    open_tab(page, "Model")
    page.locator("#model-n_layers .gtt-why").click()
    expect(page.locator("#model-n_layers .gtt-about")).to_be_visible()
    found = faults(page)
    page.get_by_role("button", name="Glossary").click()
    page.get_by_role("searchbox", name="Find a term").fill("warm")
    page.locator(".gtt-glossary summary").first.click()
    require_none([*found, *faults(page)])


def test_during_and_after_a_run(server: Server, watched: Watched) -> None:
    page = watched.page
    body = tiny(max_steps=1_000_000, batch_size=16, eval_every=80, checkpoint_every=80)
    with server.client() as http:
        run = http.post("/api/runs", json=body).raise_for_status().json()["run"]["id"]
        watched.open()
        wait_for_state(page, "running")
        require_none(faults_of_tabs(page))
        http.post(f"/api/runs/{run}/stop").raise_for_status()
        assert wait_until_done(http, run)["state"] == "stopped"
    wait_for_state(page, "stopped")
    open_tab(page, "Generation")
    page.locator("#generate").click()
    page.locator("#text .t").nth(9).click()
    require_none(faults_of_tabs(page))
