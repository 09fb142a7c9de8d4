"""Nothing moves that nobody moved: controls of the first sight, ten times a second."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from browsing import CHROMIUM, Watched, open_tab
from playwright.sync_api import Browser, Page, expect
from serving import Server, serving

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")

# Where each control stands on the page, from the moment at which it is first seen; what a pixel's
# rounding moves is left out.
LOOK = """() => {
  const places = ["title", "recipe", "actions", "data-source", "upload", "sentence",
    "model-n_layers", "prompt", "generate"]
    .map((id) => `#${id}`);
  const kinds = `:is(${places}), :is(${places}) *, [role=tab]`, last = new Map();
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
def test_no_control_moves_when_a_tab_is_opened_first(
    server: Server, browser: Browser, width: int
) -> None:
    watched = Watched(browser, server.url, width)
    page = watched.open()
    expect(page.locator("#recipe input")).to_have_count(7)
    page.evaluate(LOOK)  # the page stands; what it shows still comes
    page.wait_for_timeout(2000)
    found = {"the page": moved(page)}
    for name in ("Data", "Model", "Generation"):
        open_tab(page, name)
        page.wait_for_timeout(2500)
        found[name] = moved(page)
    assert {name: moves for name, moves in found.items() if moves} == {}
    watched.require_calm()
    page.context.close()
