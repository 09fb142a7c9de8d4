"""The frame of the page: nothing moves by itself, and what is looked at says what it is."""

from __future__ import annotations

import io
import re
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing import (
    CHROMIUM,
    SLOW,
    Watched,
    look_again,
    open_tab,
    part,
    shoot,
    unfold,
    wait_for_state,
)
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect
from serving import TINY, Server
from transformers import AutoModelForCausalLM, AutoTokenizer

NAME = "tales, characters, 7 k"  # counted once the text was read
# Of a text with an exam, with evaluations long before the first regular one.
DRAFT = {
    **TINY,
    "data": {**TINY["data"], "source": "tales"},
    "training": {**TINY["training"], "max_steps": 40, "eval_every": 20, "checkpoint_every": 20},
}
# Every layout shift from here on, also right after a click.
SHIFTS = """() => {
  window.shifts = [];
  const told = (one) => (one.node && (one.node.id || one.node.className)) || "a text";
  new PerformanceObserver((list) => {
    for (const shift of list.getEntries()) window.shifts.push(shift.sources.map(told).join(", "));
  }).observe({ type: "layout-shift" });
}"""
PLACES = """() => ["#title", "#recipe", "#start", "#progress", "#tabs"].map((id) => {
  const { x, y, width } = document.querySelector(id).getBoundingClientRect();
  return [id, x, y, width];
})"""
TABS = ("Data", "Model", "Generation", "Attention", "Training")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")


@pytest.fixture
def watched(browser: Browser, server: Server) -> Iterator[Watched]:
    set_draft(server, DRAFT)
    one = Watched(browser, server.url)
    yield one
    one.page.context.close()


# Words that are cut at the edge of their box or torn into letters, choices wider than their list,
# and question marks on top of a field.
CUT = """() => {
  const found = [], seen = (one) => one.checkVisibility() && one.getBoundingClientRect().height > 3;
  const told = (what, one) => found.push(`${what}: ${one.textContent.trim().slice(0, 60)}`);
  const texts = (one) => [...one.childNodes].filter((node) => node.nodeType === 3);
  for (const one of document.querySelectorAll("main *")) {
    const look = getComputedStyle(one), words = texts(one).filter((node) => node.data.trim());
    if (!words.length || !seen(one) || look.clipPath !== "none") continue;
    const isHidden = ["hidden", "clip"].includes(look.overflowX);
    if (isHidden && one.scrollWidth > one.clientWidth + 1) told("cut", one);
    if (!one.closest("th, td, button, label")) continue;
    for (const node of words) for (const word of node.data.matchAll(/[A-Za-z]{2,15}/g)) {
      const range = document.createRange();
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      const tops = [...range.getClientRects()].map((rect) => Math.round(rect.top));
      if (new Set(tops).size > 1) told(`“${word[0]}” torn`, one);
    }
  }
  const pen = document.createElement("canvas").getContext("2d");
  for (const list of document.querySelectorAll("main select")) {
    if (!seen(list) || !list.selectedOptions.length) continue;
    const look = getComputedStyle(list), chosen = list.selectedOptions[0];
    pen.font = look.font;
    const sides = parseFloat(look.paddingLeft) + parseFloat(look.paddingRight) + 16;
    const width = pen.measureText(chosen.textContent).width + sides;
    if (width > list.clientWidth) told("choice", chosen);
  }
  for (const mark of document.querySelectorAll(".gtt-why.beside")) {
    const at = mark.getBoundingClientRect();
    if (!mark.checkVisibility()) continue;
    for (const one of mark.parentNode.querySelectorAll("input, button:not(.gtt-why)")) {
      const box = one.getBoundingClientRect();
      const besides = box.right < at.left + 1 || box.left > at.right - 1;
      if (box.width && !besides && box.top < at.bottom - 1 && box.bottom > at.top + 1) {
        found.push(`on a field: ${mark.dataset.setting}`);
      }
    }
  }
  return [...new Set(found)];
}"""


def set_draft(server: Server, config: dict[str, Any]) -> None:
    with server.client() as http:
        asked = {"recipe": "quickstart", "config": config}
        http.post("/api/config", json=asked).raise_for_status()


def wait_for_layers(server: Server, layers: int) -> None:
    """Until the desk's draft has so many: what a click asks for is answered a moment later."""
    deadline = time.monotonic() + SLOW / 1000
    with server.client() as http:
        while http.get("/api/config").json()["config"]["model"]["n_layers"] != layers:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def opened(watched: Watched) -> Page:
    page = watched.open()
    expect(page.locator("#recipe input")).to_have_count(7)
    wait_for_state(page, "no run yet|completed")
    return page


def test_nothing_moves_that_nobody_moved_and_every_tab_tells_of_the_run(watched: Watched) -> None:
    page = opened(watched)
    expect(page.locator("#recipe .changed .figures")).to_contain_text("changed")
    page.wait_for_timeout(1500)  # until all that opens the page has been answered
    page.evaluate(SHIFTS)
    places = page.evaluate(PLACES)
    page.locator("#start").click()
    wait_for_state(page, "completed")
    expect(page.locator("#findings article").first).to_be_visible()
    expect(page.locator("#runs tbody tr")).to_have_count(1)
    assert page.evaluate("window.shifts") == []
    assert page.evaluate(PLACES) == places
    line = page.locator("#progress")
    for name in TABS:
        open_tab(page, name)
        assert page.evaluate(PLACES) == places, name
        expect(line).to_be_visible()
        expect(line.locator("[data-part=name]")).to_have_text(NAME)
        expect(line.locator("[data-part=far]")).to_have_text("completed · 40 of 40 steps")
    shoot(page, "frame")
    # The page opened elsewhere: the line tells it without the Training tab.
    watched.go_to(f"{watched.url}/?tab=model")
    expect(line.locator("[data-part=far]")).to_have_text("completed · 40 of 40 steps")
    watched.require_calm()


def test_numbers_say_what_they_mean_in_the_unit_that_is_shown(watched: Watched) -> None:
    page = opened(watched)
    if part(page, "pill").inner_text() != "completed":
        page.locator("#start").click()
    wait_for_state(page, "completed")
    expect(part(page, "validation-means")).to_have_text(re.compile(r"^one right guess in \d"))
    expect(part(page, "best-means")).to_have_text(re.compile(r"^\d.* above the floor$"))
    expect(part(page, "exam-means")).to_have_text(re.compile(r"^\d+ of 100 sentences are valid$"))
    expect(part(page, "exam")).to_have_text(re.compile("^\\d+ %$"))
    expect(part(page, "exam-step")).to_have_text("at step 40")
    expect(part(page, "moment")).to_contain_text("exam")
    expect(part(page, "sample-asked")).to_have_text(re.compile("^Prompt: “.+”"))
    # Measured early, and drawn where it was measured.
    assert page.locator("#live .curve.validation circle").count() >= 6
    assert page.locator("#live .chart svg [tabindex], #live .chart svg [role=button]").count() == 0
    expect(page.locator("#live .lines button").first).to_have_text(re.compile(r"\d"))

    page.locator("#live .chart svg").focus()
    page.keyboard.press("End")
    nats = float(re.findall(r"training \w+ ([\d.]+)", part(page, "tip").inner_text())[0])
    part(page, "unit").select_option("perplexity")
    expect(part(page, "validation-means")).to_have_text(re.compile("^as unsure as among"))
    read = float(re.findall(r"training \w+ ([\d.]+)", part(page, "tip").inner_text())[0])
    assert read == pytest.approx(2.718281828**nats, rel=0.01)
    expect(part(page, "summary")).to_contain_text("perplexity")

    page.set_viewport_size({"width": 390, "height": 800})
    expect(page.locator("#live .lines button").first).to_be_visible()
    chart = page.locator("#live .chart svg").bounding_box()
    label = page.locator("#live .lines button").first.bounding_box()
    assert chart is not None and label is not None
    assert label["y"] >= chart["y"] + chart["height"] - 1  # below the curve, not on it
    watched.require_calm()


def test_no_words_are_cut_or_torn_at_any_width(watched: Watched) -> None:
    page = opened(watched)
    if part(page, "pill").inner_text() != "completed":
        page.locator("#start").click()
    wait_for_state(page, "completed")
    for name in TABS:
        open_tab(page, name)
        if name in ("Model", "Generation", "Attention"):
            runs = page.locator("select.of-runs").locator("visible=true").first
            expect(runs).to_contain_text("completed")
        elif name == "Training":
            unfold(page, "Settings of the training")
        for width in (1440, 1024, 800, 390):
            page.set_viewport_size({"width": width, "height": 900})
            page.wait_for_timeout(300)
            found = page.evaluate(CUT)
            if width == 390:  # its own list shows a name whole, and a table tears the longest words
                found = [one for one in found if one.startswith(("cut", "on a field"))]
            assert found == [], (name, width)
    watched.require_calm()


# What stands outside of a box that cuts it off, for each of the elements that can be seen.
OUTSIDE = """(all) => all.filter((one) => one.checkVisibility()).flatMap((one) => {
  const box = one.getBoundingClientRect();
  for (let around = one.parentElement; around; around = around.parentElement) {
    const look = getComputedStyle(around), edge = around.getBoundingClientRect();
    const down = box.bottom > edge.bottom + 1 || box.top < edge.top - 1;
    const aside = box.right > edge.right + 1 || box.left < edge.left - 1;
    const cuts = ["hidden", "clip"].includes(look.overflowX);  // what scrolls can be reached
    if ((down && look.overflowY !== "visible") || (aside && cuts)) return [one.textContent.trim()];
  }
  const isFull = one.scrollHeight > one.clientHeight + 1 || one.scrollWidth > one.clientWidth + 1;
  return isFull ? [one.textContent.trim()] : [];
})"""
# The boxes of all letters and pictures in an element.
MARKS = """(whole) => {
  const found = [], walk = document.createTreeWalker(whole, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode, range = document.createRange();
    if (!node.data.trim() || !node.parentElement.checkVisibility()) continue;
    range.selectNodeContents(node);
    for (const box of range.getClientRects()) found.push([node.data.trim(), box.toJSON()]);
  }
  for (const one of whole.querySelectorAll("svg")) {
    if (one.checkVisibility()) found.push(["an icon", one.getBoundingClientRect().toJSON()]);
  }
  return found;
}"""
OF_KEYS = re.compile(r"(?i).*\b(?:point(?:ing)? at|mouse|ctrl|press enter|or enter|arrow keys)\b.*")


def overlapping(marks: list[tuple[str, dict[str, float]]]) -> list[tuple[str, str]]:
    """Pairs of marks, one of which stands on the other."""
    return [
        (one, other)
        for at, (one, a) in enumerate(marks)
        for other, b in marks[at + 1 :]
        if a["left"] < b["right"] - 0.5
        and b["left"] < a["right"] - 0.5
        and a["top"] < b["bottom"] - 0.5
        and b["top"] < a["bottom"] - 0.5
    ]


def hints_of_keys(page: Page) -> list[str]:
    """What all tabs say of a mouse or of keys, once they show the run."""
    found = []
    for name in TABS:
        open_tab(page, name)
        if name in ("Model", "Generation", "Attention"):
            runs = page.locator("select.of-runs").locator("visible=true").first
            expect(runs).to_contain_text("completed")
        if name == "Model":
            expect(page.locator("#inside-follow [data-part=list] button").first).to_be_attached()
        if name == "Attention":
            expect(page.locator("#inside-attention")).to_contain_text(
                re.compile("(Point at|Touch) a")
            )
            expect(page.locator("#inside-attention")).to_contain_text("Choose a token")
        found += OF_KEYS.findall(page.locator("main").inner_text())
    return found


def test_a_telephone_sees_all_of_it_and_no_words_of_keys(
    watched: Watched, browser: Browser, server: Server
) -> None:
    page = opened(watched)
    if part(page, "pill").inner_text() != "completed":
        page.locator("#start").click()
    wait_for_state(page, "completed")
    told = " ".join(hints_of_keys(page))
    for words in ("Point at a number", "Ctrl + Enter", "arrow keys", "mouse"):
        assert words in told  # where there are keys they are told of

    telephone = Watched(browser, server.url, 390, has_touch=True, is_mobile=True)
    try:
        page = opened(telephone)
        wait_for_state(page, "completed")
        cards = page.locator("#recipe label")
        assert cards.count() == 7 and cards.evaluate_all(OUTSIDE) == []
        for card in cards.all():
            box = card.bounding_box()
            assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= 390
            assert box["y"] + box["height"] <= 900, "below what is seen at first"
        assert hints_of_keys(page) == []

        open_tab(page, "Data")
        marks = page.locator("#upload").evaluate(MARKS)
        assert len(marks) >= 2 and overlapping(marks) == []
        shoot(page, "frame-telephone-data")

        open_tab(page, "Model")
        steps = page.locator("#inside-follow [data-part=list] button")
        expect(steps).not_to_have_count(0)
        page.locator("#inside-follow [data-part=list]").scroll_into_view_if_needed()
        assert steps.count() >= 10 and steps.evaluate_all(OUTSIDE) == []
        steps.last.tap()
        expect(steps.last).to_have_attribute("aria-current", "step")
        expect(steps.last).to_be_in_viewport(ratio=0.99)  # the strip has moved there
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        shoot(page, "frame-telephone-model")
        telephone.require_calm()
    finally:
        telephone.page.context.close()
    watched.require_calm()


# Sliders that can be seen and are filled in part: how far that is.
SLIDERS = """() => [...document.querySelectorAll("input[type=range]")].map((one) => {
  const share = (one.value - one.min) / (one.max - one.min);
  return one.checkVisibility() && !one.disabled && share > 0.15 && share < 0.85 ? share : null;
})"""


def brightness(page: Page, slider: Locator, shares: tuple[float, ...]) -> list[int]:
    """How far places along a slider are in brightness from what is above it."""
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    assert box is not None
    above = 14.0
    clip = {**box, "y": box["y"] - above, "height": box["height"] + above}
    picture = Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("L")
    wide, middle = picture.width, round(above + box["height"] / 2)
    behind = picture.getpixel((wide // 2, 1))
    found = [picture.getpixel((int(share * wide), middle)) for share in shares]
    return [abs(one - behind) for one in found]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_of_a_slider_is_filled_stands_out_more_than_the_rest(
    watched: Watched, theme: str
) -> None:
    page = watched.go_to(f"{watched.url}/?__theme={theme}")
    for name in ("Model", "Generation"):
        open_tab(page, name)
        page.wait_for_timeout(500)
        shares = {i: share for i, share in enumerate(page.evaluate(SLIDERS)) if share is not None}
        assert shares, name
        for number, share in shares.items():
            slider = page.locator("input[type=range]").nth(number)
            filled, rest = brightness(page, slider, (share / 2, (1 + share) / 2))
            assert filled > rest, (name, number, filled, rest)
    watched.require_calm()


def test_a_changed_recipe_says_so_and_one_click_goes_back(watched: Watched, server: Server) -> None:
    page = opened(watched)
    cards = page.locator("#recipe label")
    for card in cards.all():  # all seven are seen at once
        box = card.bounding_box()
        assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= 1200
    quickstart = cards.filter(has_text="Quickstart")
    expect(quickstart).to_contain_text("changed")
    expect(quickstart).not_to_contain_text("M")  # of parameters that it no longer has
    expect(page.locator("#recipe [data-part=changes]")).to_contain_text("Text")
    page.locator("#recipe [data-part=back]").click()
    expect(quickstart).to_contain_text("0.5")
    wait_for_layers(server, 2)
    set_draft(server, {"model": {"n_layers": 5}})  # as another tab does
    look_again(page)
    expect(page.locator("#recipe [data-part=changes]")).to_have_text("Changed: Layers.")
    quickstart.click()  # the card that is chosen already
    expect(quickstart).to_contain_text("0.5")
    expect(page.locator("#recipe [data-part=back]")).to_be_hidden()
    wait_for_layers(server, 2)
    open_tab(page, "Model")  # a control of the page itself
    layers = page.locator("#model-n_layers input[type=number]")
    layers.fill("3")
    layers.press("Tab")
    expect(page.locator("#recipe [data-part=changes]")).to_have_text("Changed: Layers.")
    watched.require_calm()


def test_fields_of_a_run_follow_it_and_its_model_is_taken_home(
    watched: Watched, server: Server, tmp_path: Path
) -> None:
    with server.client() as http:
        for run in http.get("/api/runs").json()["runs"]:
            http.delete(f"/api/runs/{run['id']}").raise_for_status()
    page = opened(watched)
    steps, name = (
        page.locator("#more-steps input"),
        page.locator("#run-name input, #run-name textarea"),
    )
    page.locator("#start").click()
    wait_for_state(page, "completed")
    expect(steps).to_have_value("80")
    expect(name).to_have_value(NAME)
    unfold(page, "Settings of the training")
    expect(page.locator("#training-track")).to_be_visible()  # without a search for it
    set_draft(server, {**DRAFT, "training": {**DRAFT["training"], "max_steps": 30}})
    look_again(page)
    expect(page.locator("#training-max_steps input")).to_have_value("30")
    page.locator("#start").click()
    rows = page.locator("#runs tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text(f"{NAME} 2")
    for cell in ("tales", "characters"):
        expect(rows.first.get_by_role("cell", name=cell, exact=True)).to_be_visible()
    expect(rows.first.locator("td").nth(3)).to_have_text(re.compile(r"^\d k$"))
    wait_for_state(page, "completed")
    expect(steps).to_have_value("60")
    expect(name).to_have_value(f"{NAME} 2")
    rows.nth(1).locator("input").check()
    expect(steps).to_have_value("80")
    expect(name).to_have_value(NAME)

    unfold(page, "Compare runs")
    for choice in page.locator("#compare .choice label").all():
        inside = choice.evaluate("(one) => one.scrollWidth <= one.clientWidth + 1")
        assert inside, "an entry is wider than its place"
    unfold(page, "Take it home")
    buttons = page.locator("#downloads button[data-file]")
    expect(buttons.first).to_have_text("Model (ZIP)")
    expect(page.locator("#downloads")).to_contain_text("transformers loads it")
    with page.expect_download() as taken:
        buttons.first.click()
    file = tmp_path / "model.zip"
    taken.value.save_as(file)
    with zipfile.ZipFile(file) as archive:
        archive.extractall(tmp_path)
    (folder,) = (path for path in tmp_path.iterdir() if path.is_dir())
    tokens = AutoTokenizer.from_pretrained(folder)("Once", return_tensors="pt").input_ids
    assert AutoModelForCausalLM.from_pretrained(folder)(tokens).logits.shape[1] == 4
    watched.require_calm()
