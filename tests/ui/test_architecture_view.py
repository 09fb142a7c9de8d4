"""The drawing of the model and the way of one token, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import CHROMIUM, Watched, open_tab, shoot
from playwright.sync_api import Browser, Locator, Page, expect
from serving import ROOT, Server, tiny, wait_until_done

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")


@pytest.fixture(scope="module", autouse=True)
def run(server: Server) -> None:
    """A finished run on the desk."""
    with server.client() as http:
        made = http.post("/api/runs", json=tiny()).raise_for_status().json()["run"]
        wait_until_done(http, made["id"])


@pytest.fixture
def watched(browser: Browser, server: Server) -> Iterator[Watched]:
    one = Watched(browser, server.url)
    yield one
    one.require_calm()
    one.page.context.close()


def model_tab(watched: Watched, recipe: str = "&recipe=quickstart") -> Page:
    page = watched.go_to(f"{watched.url}/?tab=model{recipe}")
    expect(drawn(page, "lm_head")).to_be_visible()
    return page


def drawn(page: Page, id: str) -> Locator:
    return page.locator(f'#inside-architecture g.part[data-id="{id}"]')


def part(page: Page, name: str, view: str = "architecture") -> Locator:
    return page.locator(f'#inside-{view} [data-part="{name}"]')


def test_what_is_drawn_is_what_was_traced(server: Server, watched: Watched) -> None:
    page = model_tab(watched)
    with server.client() as http:
        graph = http.get("/api/architecture").raise_for_status().json()
    seen = {node["id"] for node in graph["nodes"] if not node["id"].startswith("h.1.")}
    expect(drawn(page, "block:1")).to_be_visible()
    ids = page.locator("#inside-architecture g.part").evaluate_all(
        "parts => parts.map((part) => part.dataset.id)"
    )
    assert set(ids) == seen | {"block:0", "block:1"}
    shapes = page.locator("#inside-architecture text.shape").all_text_contents()
    assert shapes.count("32×4×128×128") == 2  # scores to softmax, softmax to product
    expect(part(page, "letters")).to_contain_text("32 sequences")
    expect(page.locator("#inside-architecture g.tie")).to_contain_text("tied")
    shoot(page, "architecture")

    drawn(page, "block:1").focus()
    page.keyboard.press("Enter")
    expect(drawn(page, "h.1.attn.scores")).to_be_visible()
    expect(drawn(page, "block:1")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(drawn(page, "h.1.ln_1")).to_be_focused()
    page.keyboard.press("Enter")
    expect(part(page, "panel").locator("h3")).to_have_text("Layer norm")
    drawn(page, "block:1").focus()
    page.keyboard.press("Space")
    expect(drawn(page, "h.1.attn.scores")).to_have_count(0)

    drawn(page, "h.0.attn.scores").click()
    panel = part(page, "panel")
    expect(panel).to_contain_text("67,108,864 for the whole batch")
    expect(panel).to_contain_text("divided by the square root")
    file = Path(ROOT / graph["file"]).read_text().splitlines()
    codes = panel.locator("pre code")
    assert codes.count() >= 4  # in training, then written out
    for code in codes.all():
        first = int(code.get_attribute("data-line") or 0)
        lines = (code.text_content() or "").splitlines()
        assert [line.strip() for line in lines] == [
            line.strip() for line in file[first - 1 : first - 1 + len(lines)]
        ]


def test_a_setting_redraws_and_marks_what_changed(watched: Watched) -> None:
    page = model_tab(watched)
    expect(part(page, "letters")).to_contain_text("32 sequences")  # the recipe's
    expect(part(page, "changed")).to_be_empty()  # as the page opens nothing has changed
    page.locator("#model-residual input").uncheck()
    status = part(page, "changed")
    expect(status).to_contain_text("Changed: residual connections on → off")
    expect(status).to_contain_text("4 parts switched off (residual add)")
    ghost = drawn(page, "h.0.add")
    expect(ghost).to_have_class(re.compile("ghost"))
    expect(ghost).to_contain_text("switched off")
    expect(page.locator("#inside-architecture text.shape.changed").first).to_be_visible()

    layers = page.locator("#model-n_layers input[type=number]")
    layers.fill("3")
    layers.press("Tab")
    expect(status).to_contain_text("layers 2 → 3")
    expect(drawn(page, "block:2")).to_have_class(re.compile("changed"))
    shoot(page, "architecture-changed")


def test_colours_follow_the_timeline(watched: Watched) -> None:
    page = model_tab(watched)
    expect(part(page, "whose")).to_be_visible()  # the draft is another model
    part(page, "quantity").select_option("gradient_norm")
    embedding = drawn(page, "wte")
    expect(embedding).to_have_class(re.compile("painted"))
    shows = page.locator("#inside-architecture [data-shows], #inside-architecture[data-shows]")
    expect(shows.first).to_have_attribute("data-shows", "run")
    expect(part(page, "scale")).to_contain_text("≤ 0.001")
    newest = embedding.get_attribute("data-figure")
    open_tab(page, "Training")
    page.locator('#live [data-part="timeline"]').evaluate(
        "slider => { slider.value = 2; slider.dispatchEvent(new Event('input')); }"
    )
    open_tab(page, "Model")
    expect(part(page, "when")).to_have_text("Step 2")
    assert embedding.get_attribute("data-figure") != newest
    part(page, "newest").click()
    expect(part(page, "when")).to_have_text("Step 20")
    shoot(page, "architecture-alive")


def test_one_token_is_followed_step_by_step(watched: Watched) -> None:
    page = model_tab(watched, recipe="")
    title, text = part(page, "title", "follow"), part(page, "text", "follow")
    expect(title).to_have_text("The token's own vector")
    part(page, "next", "follow").click()
    expect(title).to_have_text("The vector of its place")
    expect(part(page, "formula", "follow")).to_have_text("p = W_P[place]")
    part(page, "back", "follow").click()
    page.locator('#inside-follow [data-part="list"] button').first.press("ArrowDown")
    expect(title).to_have_text("The vector of its place")
    page.get_by_role("button", name="The future is masked").click()
    page.locator('#inside-follow [data-part="tokens"] button').nth(2).click()
    expect(part(page, "numbers", "follow")).to_contain_text("places lie in the future")
    strips = part(page, "canvas", "follow")
    strips.focus()
    page.keyboard.press("ArrowRight")
    expect(part(page, "read", "follow")).to_contain_text(re.compile("Head 0, place 0 “.”: −?[0-9]"))
    worked = part(page, "worked", "follow")
    page.keyboard.press("Enter")
    expect(worked).to_contain_text(re.compile("Head 0, place 0 “.”:.*place 0 is not later"))
    page.keyboard.press("ArrowRight")
    expect(part(page, "read", "follow")).to_contain_text("Head 0, place 1")
    page.get_by_role("button", name="How well the query fits every key").click()
    expect(worked).to_contain_text(
        re.compile(r"Head \d, place \d “.”: .* \[sum of the other 5\]\) / √8 = ")
    )
    strips.click(position={"x": 70, "y": 64})
    expect(worked).to_contain_text("Head 0, place 0")
    page.get_by_role("button", name="Which token comes next").click()
    expect(part(page, "candidates", "follow").locator("li")).to_have_count(10)
    second = part(page, "candidates", "follow").locator("button").nth(1)
    second.click()
    expect(second).to_have_attribute("aria-pressed", "true")
    expect(worked).to_contain_text(
        re.compile(f"“{re.escape(second.inner_text())}”: ?logit .*; odds exp")
    )
    expect(page.locator('#inside-follow [data-part="stream"] .here')).to_contain_text("MLP 1")
    shoot(page, "follow")

    text.fill("the <☃>")
    expect(part(page, "said", "follow")).to_contain_text("does not know '☃'")
    text.fill("the cat")
    tokens = page.locator('#inside-follow [data-part="tokens"] button')
    expect(tokens).to_have_text(["t", "h", "e", "·", "c", "a", "t"])
    expect(part(page, "said", "follow")).to_be_empty()
    text.fill("")
    expect(part(page, "said", "follow")).to_contain_text("The text is empty")
