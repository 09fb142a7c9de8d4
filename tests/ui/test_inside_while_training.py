"""Looking inside in a real browser while the run goes on: Model, Generation, Attention."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from browsing import CHROMIUM, SLOW, Watched, open_tab, shoot, wait_for_state
from playwright.sync_api import Browser, Locator, Page, expect
from serving import Server, tiny, wait_until_done

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")

SENTENCE = "the king"


@dataclass(frozen=True)
class Training:
    """A server with a run that goes on until it is stopped."""

    server: Server
    run: str

    def status(self) -> dict[str, Any]:
        with self.server.client() as http:
            answer: dict[str, Any] = http.get(f"/api/runs/{self.run}").raise_for_status().json()
        return dict(answer["run"])

    def newest(self) -> int:
        """The step of its newest checkpoint."""
        with self.server.client() as http:
            return checkpoints(http, self.run)

    def saves_another(self, page: Page, kept: int) -> None:
        """Waits until its newest checkpoint is a newer one."""
        deadline = time.monotonic() + SLOW / 1000
        while self.newest() <= kept:
            assert time.monotonic() < deadline, self.status()
            page.wait_for_timeout(200)

    def goes_on(self, since: int) -> int:
        """The step it is at; it has to be at work, and farther than `since`."""
        now = self.status()
        assert now["state"] == "running"
        step: int = now["step"]
        assert step > since
        return step


@pytest.fixture
def training(server: Server) -> Iterator[Training]:
    """Some tens of steps a second, so that the next snapshot is never far."""
    body = tiny(max_steps=1_000_000, batch_size=16, eval_every=80, checkpoint_every=80)
    body["config"]["model"] = {"n_layers": 2, "n_heads": 2, "n_embed": 64, "block_size": 64}
    with server.client() as http:
        run = http.post("/api/runs", json=body).raise_for_status().json()["run"]["id"]
        one = Training(server, run)
        deadline = time.monotonic() + 60
        while checkpoints(http, run) == 0:
            assert time.monotonic() < deadline, one.status()
            time.sleep(0.1)
        yield one
        http.post(f"/api/runs/{run}/stop").raise_for_status()
        wait_until_done(http, run)


@pytest.fixture
def watched(browser: Browser, training: Training) -> Iterator[Watched]:
    one = Watched(browser, training.server.url)
    yield one
    one.require_calm()
    one.page.context.close()


def part(page: Page, view: str, name: str) -> Locator:
    return page.locator(f'#inside-{view} [data-part="{name}"]')


def number_in(words: str) -> int:
    found = re.search(r"[\d,]+", words)
    assert found is not None, words
    return int(found[0].replace(",", ""))


def test_the_drawing_and_the_path_of_a_token_follow_the_run(
    training: Training, watched: Watched
) -> None:
    page = watched.go_to(f"{watched.url}/?tab=training")
    wait_for_state(page, "running")
    open_tab(page, "Model")
    part(page, "architecture", "quantity").select_option("gradient_norm")
    page.locator('[name="gtt-whose"][value="run"]').check()
    embedding = page.locator('#inside-architecture g.part[data-id="wte"]')
    expect(embedding).to_have_class(re.compile("painted"))
    when = part(page, "architecture", "when")
    shown = number_in(when.inner_text())
    at = training.goes_on(since=shown)

    expect(part(page, "follow", "title")).to_have_text("The token's own vector")
    part(page, "follow", "text").fill(SENTENCE)
    expect(part(page, "follow", "tokens").locator("button")).to_have_count(len(SENTENCE))
    page.get_by_role("button", name=re.compile("What each head writes")).click()
    worked = part(page, "follow", "worked")
    expect(worked).to_contain_text(re.compile(r"Head \d, number \d+: .* · .* = −?\d"))
    before, kept = worked.inner_text(), training.newest()
    shoot(page, "model-while-training")

    # A later snapshot colours the drawing by itself, a later checkpoint gives other numbers.
    expect(when).not_to_have_text(re.compile(rf"Step {shown:,}$"))
    assert number_in(when.inner_text()) > shown
    training.saves_another(page, kept)
    checkpoint = part(page, "follow", "checkpoint")
    checkpoint.focus()
    checkpoint.select_option("latest")
    expect(worked).not_to_have_text(before)
    training.goes_on(since=at)


def test_the_newest_checkpoint_writes_and_is_read_while_the_run_goes_on(
    training: Training, watched: Watched
) -> None:
    page = watched.go_to(f"{watched.url}/?tab=generation")
    expect(part(page, "generation", "runs")).to_have_value(training.run)
    part(page, "generation", "checkpoints").select_option("latest")
    at = training.goes_on(since=0)
    texts = []
    for _ in range(2):
        page.locator('#inside-generation [data-setting="max_new_tokens"]').fill("30")
        page.locator('#inside-generation [data-setting="seed"]').fill("1")
        page.locator("#prompt textarea").fill(SENTENCE)
        page.locator("#prompt textarea").press("Control+Enter")
        figures = page.locator("#drawn")  # which lose their numbers while it writes
        expect(figures).to_have_attribute("data-tokens-per-second", re.compile(r"^[\d.]+$"))
        expect(page.locator("#text .t")).to_have_count(len(SENTENCE) + 30)
        texts.append(page.locator("#text .tokens").text_content())
        expect(part(page, "generation", "said")).to_be_empty()
        training.saves_another(page, training.newest())
    assert texts[0] != texts[1]  # the same seed, but it has learned on meanwhile
    page.locator("#text .t").nth(len(SENTENCE) + 3).click()
    expect(part(page, "generation", "where")).to_be_visible()
    shoot(page, "generation-while-training")
    training.goes_on(since=at)


def checkpoints(http: Any, run: str) -> int:
    """The step of the newest one."""
    kept = http.get(f"/api/runs/{run}/checkpoints").raise_for_status().json()["checkpoints"]
    return max((one["step"] for one in kept), default=0)


def test_heads_are_watched_while_they_form(training: Training, watched: Watched) -> None:
    page = watched.go_to(f"{watched.url}/?tab=attention")
    expect(part(page, "attention", "runs")).to_have_value(training.run)
    expect(page.locator("#heads .grid [role=radio]")).to_have_count(4)
    expect(page.locator("#inside-attention .bar-row")).to_have_count(5)
    expect(part(page, "attention", "card-said")).to_contain_text(re.compile(r"^Head \d\.\d "))
    at = training.goes_on(since=0)
    told = part(page, "attention", "step-told")
    first = number_in(told.inner_text())
    shoot(page, "attention-while-training")

    # The newest snapshot is followed; whoever went back to an earlier one stays there.
    expect(told).not_to_have_text(f"{first:,}")
    assert number_in(told.inner_text()) > first
    slider = part(page, "attention", "step")
    slider.focus()
    page.keyboard.press("Home")
    expect(told).to_have_text("0")
    last = slider.get_attribute("max")
    expect(slider).not_to_have_attribute("max", str(last))
    expect(told).to_have_text("0")
    training.goes_on(since=at)

    # After its end all three look into what is left.
    with training.server.client() as http:
        http.post(f"/api/runs/{training.run}/stop").raise_for_status()
        assert wait_until_done(http, training.run)["state"] == "stopped"
    page.locator("#look").click()
    expect(part(page, "attention", "whole")).not_to_have_attribute("aria-busy", "true")
    expect(part(page, "attention", "said")).to_be_empty()
    open_tab(page, "Generation")
    page.locator("#prompt textarea").fill(SENTENCE)
    page.locator("#generate").click()
    expect(page.locator("#text .t").nth(len(SENTENCE))).to_be_attached()
    open_tab(page, "Model")
    expect(part(page, "follow", "title")).not_to_be_empty()
