"""Whatever shows a run follows it, also where it was looked at before there was any run."""

from __future__ import annotations

import re
import time
from urllib.parse import urlencode

import pytest
from browsing import CHROMIUM, SLOW, Watched, open_tab, part, wait_for_state
from playwright.sync_api import Browser, Locator, Page, expect
from serving import TINY, Server, wait_until_done

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")

TABS = ("Data", "Model", "Training", "Generation", "Attention")


def address(server: Server, **training: int) -> str:
    """The page with a tiny draft, whose first checkpoint comes after some seconds."""
    config = {**TINY, "training": {**TINY["training"], **training}}
    config["model"] = {**TINY["model"], "n_embed": 64, "block_size": 64}
    settings = [
        ("set", f"{group}.{name}:{value}")
        for group, values in config.items()
        for name, value in values.items()
    ]
    return f"{server.url}/?{urlencode([('recipe', 'quickstart'), *settings], safe=':')}"


def inside(page: Page, view: str, name: str) -> Locator:
    return page.locator(f'#inside-{view} [data-part="{name}"]')


def start(page: Page) -> str:
    """Presses Start; the id of the run that comes of it."""
    before = page.locator("#live [data-run]").or_(page.locator("#live[data-run]")).first
    old = before.get_attribute("data-run")
    page.locator("#start").click()
    expect(before).not_to_have_attribute("data-run", str(old or ""))
    run = before.get_attribute("data-run")
    assert run
    return run


def shows_no_model(page: Page) -> None:
    """Each view says that the first checkpoint is to come, and shows no other run's numbers."""
    lack = re.compile("has saved no checkpoint yet")
    open_tab(page, "Model")
    expect(inside(page, "follow", "said")).to_have_text(lack)
    expect(inside(page, "follow", "all")).to_be_hidden()
    open_tab(page, "Generation")
    expect(inside(page, "generation", "said")).to_have_text(lack)
    expect(inside(page, "generation", "odds-said")).to_have_text(lack)
    expect(inside(page, "generation", "bars")).to_be_hidden()
    open_tab(page, "Attention")
    expect(inside(page, "attention", "said")).to_have_text(lack)
    expect(inside(page, "attention", "panels")).to_be_hidden()


def shows_model(page: Page, run: str) -> None:
    """Each view shows this run's numbers, and no sentence of what is missing."""
    open_tab(page, "Attention")
    expect(inside(page, "attention", "runs")).to_have_value(run)
    expect(inside(page, "attention", "panels")).to_be_visible()
    expect(inside(page, "attention", "said")).to_be_empty()
    expect(inside(page, "attention", "time")).to_be_visible()
    open_tab(page, "Generation")
    expect(inside(page, "generation", "runs")).to_have_value(run)
    expect(inside(page, "generation", "bars")).to_be_visible()
    expect(inside(page, "generation", "said")).to_be_empty()
    open_tab(page, "Model")
    expect(inside(page, "follow", "run")).to_have_value(run)
    expect(inside(page, "follow", "title")).to_have_text("The token's own vector")
    expect(inside(page, "follow", "said")).to_be_empty()
    open_tab(page, "Training")
    expect(part(page, "summary")).not_to_be_empty()
    expect(page.locator('#runs input[type="radio"]:checked')).to_have_value(run)


def has_checkpoint(server: Server, run: str) -> None:
    deadline = time.monotonic() + SLOW / 1000
    with server.client() as http:
        while not http.get(f"/api/runs/{run}/checkpoints").json()["checkpoints"]:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def stop(server: Server, run: str) -> None:
    with server.client() as http:
        http.post(f"/api/runs/{run}/stop").raise_for_status()
        wait_until_done(http, run)


def test_every_tab_that_was_visited_before_follows_the_run(
    server: Server, browser: Browser
) -> None:
    watched = Watched(browser, server.url)
    page = watched.go_to(address(server, max_steps=100_000, checkpoint_every=400, eval_every=400))
    for tab in TABS:
        open_tab(page, tab)
        page.wait_for_timeout(300)
    run = start(page)
    shows_no_model(page)
    # Its first checkpoint comes while another tab is open.
    open_tab(page, "Training")
    wait_for_state(page, "running")
    has_checkpoint(server, run)
    shows_model(page, run)

    # The states in the lists, and the newest checkpoint, are those of now.
    open_tab(page, "Model")
    newest = inside(page, "follow", "checkpoint").locator("option").last
    before = newest.inner_text()
    expect(newest).not_to_have_text(before)
    expect(inside(page, "follow", "run").locator("option").first).to_contain_text("running")
    stop(server, run)
    expect(inside(page, "follow", "run").locator("option").first).to_contain_text("stopped")

    # Another run in its place: nothing of the first one stays.
    other = start(page)
    shows_no_model(page)
    has_checkpoint(server, other)
    shows_model(page, other)
    stop(server, other)
    watched.require_calm()
    page.context.close()
