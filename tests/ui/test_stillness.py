"""Nothing moves that nobody moved: every control, ten times a second, wide and narrow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from browsing import CHROMIUM, Watched, open_tab, wait_for_state
from playwright.sync_api import Browser, Page, expect
from serving import TINY, Server, serving

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")

TABS = ("Data", "Model", "Generation", "Attention", "Training")
DRAFT: dict[str, Any] = {**TINY, "data": {**TINY["data"], "source": "tales"}}
# Where each control stands on the page, from the moment at which it is first seen. What only
# scrolls inside of its own box is left out, and so is what a pixel's rounding moves.
LOOK = """() => {
  const kinds = "button, input, textarea, select, summary, h2, h3, [role=tab]", last = new Map();
  const moves = (window.moves = []);
  const named = (one) => {
    const near = one.closest("[id]"), words = one.getAttribute("aria-label") || one.textContent;
    const name = one.dataset.part || one.tagName.toLowerCase();
    return `${near ? near.id : ""} ${name} ${words.trim().slice(0, 30)}`;
  };
  const look = () => {
    for (const one of document.querySelectorAll(kinds)) {
      const { left, top, width, height } = one.getBoundingClientRect();
      const seen = one.checkVisibility({ visibilityProperty: true }) && width && height;
      const inside = one.closest(".rows, .bars, .scrolls, .choice, dialog, [popover]");
      if (!seen || inside) { last.delete(one); continue; }
      const [x, y] = [left + scrollX, top + scrollY], was = last.get(one);
      if (was && Math.max(Math.abs(was[0] - x), Math.abs(was[1] - y)) > 1.5) {
        moves.push(`${named(one)}: ${Math.round(x - was[0])}, ${Math.round(y - was[1])}`);
      }
      last.set(one, [x, y]);
    }
  };
  look();
  setInterval(look, 100);
}"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("still") / "home"
    with serving(home, OMP_NUM_THREADS="1") as one:
        yield one


def moved(page: Page) -> list[str]:
    """What has moved since this was asked last."""
    found: list[str] = page.evaluate("window.moves.splice(0)")
    return list(dict.fromkeys(found))


@pytest.mark.parametrize("width", [1440, 390])
def test_no_control_moves_by_itself(server: Server, browser: Browser, width: int) -> None:
    with server.client() as http:
        http.post("/api/config", json={"recipe": "quickstart", "config": DRAFT}).raise_for_status()
        for run in http.get("/api/runs").json()["runs"]:
            http.delete(f"/api/runs/{run['id']}").raise_for_status()
    watched = Watched(browser, server.url, width)
    page = watched.open()
    expect(page.locator("#recipe input")).to_have_count(7)
    page.evaluate(LOOK)  # the page stands; what it shows still comes
    page.wait_for_timeout(2000)
    assert moved(page) == [], "when the page opens"
    for name in TABS:
        open_tab(page, name)
        page.wait_for_timeout(2000)
        assert moved(page) == [], f"{name} is opened"
    page.locator("#start").click()
    wait_for_state(page, "completed")
    page.wait_for_timeout(1500)
    assert moved(page) == [], "a run starts, goes on and ends"
    for name in TABS:
        open_tab(page, name)
        page.wait_for_timeout(2000)
        assert moved(page) == [], f"{name} is opened after a run"
    watched.require_calm()
    page.context.close()
