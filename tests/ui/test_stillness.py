"""Nothing moves that nobody moved: whatever stands on a tab, ten times a second."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from browsing import CHROMIUM, Watched, open_tab
from playwright.sync_api import Browser, Locator, Page, expect
from serving import TINY, Server, wait_until_done
from thorough import THOROUGH

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")

# Where everything that one can press, and every heading, stands on the page, from the moment at
# which it is first seen; what a pixel's rounding moves is left out.
LOOK = """() => {
  const places = ["title", "recipe", "actions", "data-source", "upload", "sentence",
    "model-n_layers", "prompt", "generate"]
    .map((id) => `#${id}`);
  const pressed = "button, input, select, textarea, summary, h2, h3";
  const kinds = `:is(${places}), :is(${places}) *, [role=tab], [role=tabpanel] :is(${pressed})`;
  const last = new Map(), moves = (window.moves = []);
  const named = (one) => {
    const near = one.closest("[id]"), words = one.getAttribute("aria-label") || one.textContent;
    const name = one.dataset.part || one.tagName.toLowerCase();
    return `${near ? near.id : ""} ${name} ${words.trim().slice(0, 30)}`;
  };
  const look = () => {
    for (const one of document.querySelectorAll(kinds)) {
      const { left, top, width, height } = one.getBoundingClientRect();
      const seen = one.checkVisibility({ visibilityProperty: true }) && width && height;
      if (!seen) { last.delete(one); continue; }
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
# Of another shape than the draft at first; on a text of which a block is shorter than the example.
SHAPE = {"n_layers": 3, "n_heads": 4, "n_embed": 32, "block_size": 32}
WITH_RUN = {**TINY, "model": SHAPE, "generation": {"temperature": 0, "max_new_tokens": 20}}


def moved(page: Page) -> list[str]:
    """What has moved since this was asked last."""
    found: list[str] = page.evaluate("window.moves.splice(0)")
    return list(dict.fromkeys(found))


@pytest.fixture(scope="module")
def run(server: Server) -> str:
    """A run on the desk; the draft has a layer more by then, so that Model shows either."""
    with server.client() as http:
        body = {"recipe": "quickstart", "config": WITH_RUN}
        http.post("/api/config", json=body).raise_for_status()
        made: str = http.post("/api/runs", json={}).raise_for_status().json()["run"]["id"]
        assert wait_until_done(http, made)["state"] == "completed"
        http.post("/api/config", json={"config": {"model": {"n_layers": 4}}}).raise_for_status()
    return made


def inside(page: Page, view: str, name: str) -> Locator:
    return page.locator(f'#{view} [data-part="{name}"]')


def opened(page: Page, is_run: bool) -> Iterator[str]:
    """Each tab with what stood in it already, opened and waited for until all has come."""
    yield "the page"
    open_tab(page, "Data")
    for view in ("text-preview", "text-tokens", "text-merges"):
        page.locator(f"#{view}").scroll_into_view_if_needed()
        expect(inside(page, view, "all")).to_be_visible()
    yield "Data"
    open_tab(page, "Model")
    expect(inside(page, "inside-architecture", "drawing")).to_have_attribute(
        "viewBox", re.compile(r"\d")
    )
    expect(inside(page, "estimate", "parameters-figure")).to_have_text(re.compile(r"\d"))
    if is_run:
        expect(inside(page, "inside-architecture", "whose")).to_be_visible()
        expect(inside(page, "inside-follow", "title")).not_to_be_empty()
    yield "Model"
    open_tab(page, "Generation")
    bars = inside(page, "inside-generation", "bars")
    if is_run:
        expect(bars).to_be_visible()
        expect(page.locator('#inside-generation [value="greedy"]')).to_be_checked()
    else:
        expect(inside(page, "inside-generation", "odds-said")).to_contain_text("as soon as")
    yield "Generation"
    open_tab(page, "Attention")
    if is_run:
        expect(page.locator("#inside-attention .bar-row")).to_have_count(5)
        expect(inside(page, "inside-attention", "moment-read")).to_contain_text("at step")
        expect(inside(page, "inside-attention", "cut")).to_contain_text("Longer than one block")
    else:
        expect(inside(page, "inside-attention", "hint")).to_be_visible()
    yield "Attention"


def moved_on(page: Page, is_run: bool) -> dict[str, list[str]]:
    """What moved on each tab as it was opened first."""
    expect(page.locator("#recipe input")).to_have_count(7)
    page.evaluate(LOOK)  # the page stands; what it shows still comes
    page.wait_for_timeout(1500)
    found = {}
    for name in opened(page, is_run):
        page.wait_for_timeout(500)
        found[name] = moved(page)
    return {name: moves for name, moves in found.items() if moves}


@pytest.mark.parametrize("width", [390, 1440] if THOROUGH else [390])
def test_nothing_moves_when_a_tab_is_opened_first(
    server: Server, browser: Browser, width: int
) -> None:
    watched = Watched(browser, server.url, width)
    assert moved_on(watched.open(), is_run=False) == {}
    watched.require_calm()
    watched.page.context.close()


@pytest.mark.parametrize("width", [1440, 390] if THOROUGH else [1440])
def test_nothing_moves_when_a_run_is_looked_into_first(
    server: Server, browser: Browser, run: str, width: int
) -> None:
    watched = Watched(browser, server.url, width)
    assert moved_on(watched.open(), is_run=True) == {}
    watched.require_calm()
    watched.page.context.close()
