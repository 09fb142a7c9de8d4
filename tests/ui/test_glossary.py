"""Whatever is explained, where it stands and in one place that can be searched."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from browsing import CHROMIUM, Watched, open_tab, shoot, unfold
from playwright.sync_api import Browser, Page, expect
from serving import Server

from gtt.config import describe_settings
from gtt.explain import concepts, explain

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")


@pytest.fixture(scope="module")
def opened(server: Server, browser: Browser) -> Iterator[Watched]:
    """The page, opened once: looking things up leaves nothing behind."""
    watched = Watched(browser, server.url)
    watched.open()
    yield watched
    watched.page.context.close()


@pytest.fixture
def page(opened: Watched) -> Iterator[Page]:
    """The same with nothing open in front of the Training tab."""
    page = opened.page
    page.set_viewport_size({"width": 1200, "height": 900})
    page.keyboard.press("Escape")
    open_tab(page, "Training")
    yield page
    opened.require_calm()


def test_every_setting_has_its_question_mark(page: Page) -> None:
    unfold(page, "Settings of the training")
    unfold(page, "More")
    for tab in ("Data", "Model", "Training"):
        open_tab(page, tab)
        page.wait_for_timeout(800)
    shown = [
        one.key.replace(".", "-")
        for one in describe_settings()
        if page.locator(f"#{one.key.replace('.', '-')}").count()
    ]
    assert len(shown) >= 40
    for setting in shown:
        expect(page.locator(f"#{setting} > .gtt-why")).to_have_count(1)

    open_tab(page, "Model")
    mark = page.locator("#model-n_layers > .gtt-why")
    expect(mark).to_have_accessible_name("What is “Layers”?")
    label = page.locator('#model-n_layers [data-testid="block-info"]').bounding_box()
    box = mark.bounding_box()
    assert label and box and 0 < box["x"] - (label["x"] + label["width"]) < 12
    mark.click()
    about = page.locator("#model-n_layers > .gtt-about")
    expect(about).to_contain_text(explain("n_layers").body.split()[0])
    expect(mark).to_have_attribute("aria-expanded", "true")
    shoot(page, "question-mark")
    mark.click()
    expect(about).to_have_count(0)


def test_the_glossary_is_searched_and_stands_in_the_middle(page: Page) -> None:
    page.get_by_role("button", name="Glossary", exact=True).click()
    dialog = page.get_by_role("dialog", name="Glossary")
    terms = dialog.locator("details:visible")
    expect(terms).to_have_count(len(concepts()))
    page.get_by_role("searchbox", name="Find a term").fill("warm-up")
    expect(terms.first.locator("b")).to_have_text("Warm-up")  # what is called so comes first
    named = [one.id for one in concepts().values() if "warm-up" in page_words(one.id)]
    expect(terms).to_have_count(len(named))
    terms.first.locator("summary").click()
    expect(terms.first).to_contain_text("training.warmup_steps")
    shoot(page, "glossary")
    for size in ({"width": 1200, "height": 900}, {"width": 390, "height": 844}):
        page.set_viewport_size(size)
        box = dialog.bounding_box()
        assert box is not None
        above, below = box["y"], size["height"] - box["y"] - box["height"]
        assert above == pytest.approx(below, abs=2) and above >= 16
        assert box["x"] >= 8 and box["x"] + box["width"] <= size["width"] - 8
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()

    # A figure opens it at its term.
    page.set_viewport_size({"width": 1200, "height": 900})
    page.locator('#live [data-tip="validation_loss"]').click()
    entry = dialog.locator("details[open]")
    expect(entry.locator("b")).to_have_text("Validation loss")
    expect(entry.locator("summary")).to_be_focused()
    expect(entry).to_be_in_viewport()


def page_words(id: str) -> str:
    one = explain(id)
    key = next((each.key for each in describe_settings() if each.concept == id), "")
    return " ".join([one.title, one.tip, key, one.body]).lower()


def test_a_tip_comes_where_the_pointer_is(page: Page) -> None:
    tip = page.locator("#gtt-tip")
    start = page.locator("#start").bounding_box()
    assert start is not None
    for share in (0.1, 0.9):  # of a button that is as wide as half the page
        x, y = start["x"] + share * start["width"], start["y"] + start["height"] / 2
        page.mouse.move(x, y)
        expect(tip).to_be_visible()
        box = tip.bounding_box()
        assert box is not None
        assert box["x"] - 40 <= x <= box["x"] + box["width"] + 40
        assert 0 <= box["y"] - y <= 40 or 0 <= y - box["y"] - box["height"] <= 40
        page.mouse.move(5, 5)
        expect(tip).to_be_hidden()
