"""The Attention tab in a real browser: heads at a glance, one in numbers and words, without it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from browsing import CHROMIUM, Watched, open_tab, shoot
from playwright.sync_api import Browser, Locator, Page, expect
from serving import TINY, Server, wait_until_done

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")

TEXT = "the girl <b>\n the"
# As the timeline of the Training tab does it.
TIMELINE_AT_20 = """async (run) => {
  const files = performance.getEntriesByType("resource").map((file) => file.name);
  const store = await import(files.find((name) => name.endsWith("/lib/store.js")));
  store.moment.set({ run, step: 20, newest: false });
}"""


@pytest.fixture(scope="module")
def tales(server: Server) -> str:
    """A run whose tokens are pieces of words, and bytes."""
    return train(server, "tales", tokenizer="bpe", vocab_size=300)


@pytest.fixture(scope="module")
def others(server: Server, tales: str) -> str:
    """A run on the same text with other weights."""
    return train(server, "tales", steps=5, seed=7, tokenizer="bpe", vocab_size=300)


@pytest.fixture(scope="module")
def induction(server: Server, tales: str, others: str) -> str:
    """A run on the induction task, the newest of the three."""
    return train(server, "induction", steps=5, tokenizer="char")


def train(server: Server, source: str, steps: int = 20, seed: int = 1337, **data: Any) -> str:
    config = {
        "data": {**TINY["data"], "source": source, **data},
        "model": {**TINY["model"], "block_size": 32},
        "training": {**TINY["training"], "max_steps": steps, "seed": seed},
    }
    with server.client() as http:
        asked = {"recipe": "quickstart", "config": config}
        answer = http.post("/api/runs", json=asked).raise_for_status().json()
        assert wait_until_done(http, answer["run"]["id"])["state"] == "completed"
    run_id: str = answer["run"]["id"]
    return run_id


def part(page: Page, name: str) -> Locator:
    return page.locator(f'#inside-attention [data-part="{name}"]')


def head(page: Page, name: str) -> Locator:
    return page.locator(f'#heads .grid [data-head="{name}"]')


def look_at(page: Page, run: str, text: str | None = None) -> None:
    part(page, "runs").select_option(run)
    if text is not None:
        page.locator("#attention-text textarea").fill(text)
        page.locator("#look").click()
    expect(part(page, "whole")).not_to_have_attribute("aria-busy", "true")
    expect(part(page, "said")).to_be_empty()  # nothing was refused
    expect(page.locator("#inside-attention .bar-row")).to_have_count(5)


def asked(server: Server, path: str, **body: Any) -> dict[str, Any]:
    with server.client() as http:
        answer: dict[str, Any] = http.post(path, json=body).raise_for_status().json()
    return answer


def test_heads_are_shown_in_numbers_and_in_words(
    server: Server, browser: Browser, tales: str, induction: str
) -> None:
    watched = Watched(browser, server.url)
    page = watched.go_to(f"{server.url}/?tab=attention")
    # It looks by itself, at the newest run, with a text that fits its task.
    expect(part(page, "text")).to_have_value("kqzbfmtaxwcj bfmta")
    expect(part(page, "expected-told")).to_contain_text("outlined cells")
    assert float(part(page, "whole").get_attribute("data-seconds") or "") > 0
    part(page, "expect").uncheck()

    look_at(page, tales, TEXT)
    expect(page.locator("#heads .grid [role=radio]")).to_have_count(4)
    expect(part(page, "expecting")).to_be_hidden()
    head(page, "0.0").click()
    head(page, "0.0").press("ArrowRight")
    head(page, "0.1").press("ArrowDown")
    expect(head(page, "1.1")).to_have_attribute("aria-checked", "true")
    expect(head(page, "1.1")).to_be_focused()
    measured = asked(server, "/api/heads", run_id=tales)["heads"][1][1]
    expect(part(page, "card-said")).to_contain_text(re.compile(r"^Head 1\.1 "))
    expect(part(page, "summary")).to_contain_text("Strongest in your text")
    figures = [text.inner_text() for text in page.locator("#inside-attention .figure").all()]
    for figure, name in zip(
        figures, ("previous_token", "first_token", "current_token", "same_token", "induction")
    ):
        assert float(figure) == pytest.approx(measured[name], abs=0.006), name

    answer = asked(server, "/api/attention/capture", run_id=tales, text=TEXT, scores=True)
    last = len(answer["tokens"]) - 1
    large = part(page, "viewport").locator("canvas")
    large.focus()
    for _ in answer["tokens"]:
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    expect(part(page, "read")).to_contain_text(f"(token {last} reads token 1)")
    assert read_out(page) == pytest.approx(answer["weights"][1][1][last][1], abs=0.006)
    page.locator('[data-numbers="scores"]').click()
    expect(part(page, "read")).to_contain_text("score")
    assert read_out(page) == pytest.approx(answer["scores"][1][1][last][1], abs=0.006)
    page.locator('[data-show="all"]').click()
    weights = [layer[one][last][1] for layer in answer["weights"] for one in (0, 1)]
    assert read_out(page) == pytest.approx(sum(weights) / 4, abs=0.006)
    page.locator('[data-show="head"]').click()
    page.locator('[data-numbers="weights"]').click()

    # A token's view: what is no letter is seen, as text.
    tokens = part(page, "reads").get_by_role("radio")
    expect(tokens).to_have_count(last + 1)
    assert "<b>↵·the" in "".join(tokens.all_inner_texts())
    tokens.nth(2).click()
    page.keyboard.press("End")
    tokens.nth(last).click()
    expect(part(page, "readers-told")).to_contain_text("nobody after it reads it")
    tokens.nth(last).press("ArrowLeft")
    expect(tokens.nth(last - 1)).to_be_focused()
    expect(part(page, "reads-title")).to_contain_text(f"(token {last - 1}) reads from")
    page.locator('[data-concept="head_habits"] summary').click()
    expect(page.locator('[data-concept="head_habits"]')).to_contain_text("40 %")
    shoot(page, "attention-tab")
    watched.require_calm()


def read_out(page: Page) -> float:
    found = re.search(r": (?:score )?(-?[\d.]+) \(", part(page, "read").inner_text())
    assert found is not None
    return float(found[1])


def test_without_a_head_over_the_training_and_beside_another_run(
    server: Server, browser: Browser, tales: str, others: str, induction: str
) -> None:
    watched = Watched(browser, server.url)
    page = watched.go_to(f"{server.url}/?tab=attention")
    look_at(page, tales, TEXT)
    head(page, "0.1").click()
    part(page, "off").click()
    expect(part(page, "off-said")).to_contain_text("Without head 0.1")
    off = [{"layer": 0, "head": 1}]
    answer = asked(server, "/api/ablate", run_id=tales, text=TEXT, heads=off)
    expect(part(page, "off-losses")).to_contain_text(f"{answer['validation_without']:.3f}")
    expect(part(page, "off-odds").locator(".pair code").first).to_have_text(
        answer["next"][0]["text"].replace(" ", "·")
    )
    expect(head(page, "0.1")).to_contain_text("switched off")
    part(page, "off-list").get_by_role("button", name="All on again").click()
    expect(part(page, "off-hint")).to_be_visible()
    expect(part(page, "off-odds").locator(".pair")).to_have_count(0)

    slider = part(page, "step")
    expect(part(page, "step-told")).to_have_text("20")
    slider.focus()
    page.keyboard.press("Home")
    expect(part(page, "step-told")).to_have_text("0")
    expect(part(page, "moment-read")).to_contain_text("at step 0")
    part(page, "pin").click()
    page.evaluate(TIMELINE_AT_20, tales)
    expect(part(page, "step-told")).to_have_text("20")
    expect(part(page, "changed-told")).to_contain_text("Step 20 less step 0")

    part(page, "compare").locator("summary").click()
    # Never with itself at first; where one asks for that, it is said.
    expect(part(page, "other-told")).to_contain_text("goes elsewhere")
    chosen = f"{part(page, 'runs').input_value()} {part(page, 'checkpoints').input_value()}"
    other = (
        f"{part(page, 'other-runs').input_value()} {part(page, 'other-checkpoints').input_value()}"
    )
    assert other != chosen
    expect(part(page, "other-said")).not_to_contain_text("same checkpoint")
    part(page, "other-runs").select_option(tales)
    part(page, "other-checkpoints").select_option("best")
    expect(part(page, "other-said")).to_contain_text("Both are the same checkpoint")
    part(page, "other-runs").select_option(others)
    expect(part(page, "other-told")).to_contain_text("goes elsewhere")
    expect(part(page, "difference-part")).to_be_visible()
    part(page, "left").locator("canvas").focus()
    expect(part(page, "other-read")).to_contain_text("difference")
    # What is read stays read with another checkpoint.
    part(page, "other-checkpoints").select_option("latest")
    expect(part(page, "right-title")).to_contain_text("the newest")
    expect(part(page, "other-read")).to_contain_text("difference")
    part(page, "other-runs").select_option(induction)  # it knows no < and no >
    expect(part(page, "other-said")).to_contain_text("cannot read this text")
    watched.require_calm()


def test_what_cannot_be_read_is_said_on_a_phone_in_the_dark(
    server: Server, browser: Browser, tales: str, others: str, induction: str
) -> None:
    watched = Watched(browser, server.url)
    watched.page.set_viewport_size({"width": 390, "height": 844})
    page = watched.go_to(f"{server.url}/?tab=attention&__theme=dark")
    look_at(page, tales, "the king and " * 30)
    expect(part(page, "cut")).to_have_text(
        re.compile(r"first \d+ tokens were left out, the last 32 tokens are shown")
    )
    page.locator("#attention-text textarea").fill("")
    page.keyboard.press("Enter")
    expect(part(page, "said")).to_contain_text("The text is empty")
    part(page, "runs").select_option(induction)
    page.locator("#attention-text textarea").fill("ab é")
    page.keyboard.press("Enter")
    expect(part(page, "said")).to_contain_text("does not know 'é'")
    page.locator("#attention-text textarea").fill("a")
    page.keyboard.press("Enter")
    expect(part(page, "said")).to_be_hidden()
    expect(part(page, "reads").get_by_role("radio")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    shoot(page, "attention-tab-phone")

    with server.client() as http:
        http.delete(f"/api/runs/{induction}").raise_for_status()
    page.locator("#look").click()
    expect(part(page, "said")).not_to_be_empty()
    open_tab(page, "Training")
    open_tab(page, "Attention")
    expect(part(page, "runs")).to_have_value(others)
    watched.require_calm()
