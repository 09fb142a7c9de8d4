"""The Model tab in a real browser: what the settings will take, and ways out of impossible ones."""

from __future__ import annotations

import re

import pytest
from browsing import CHROMIUM, Watched, open_tab, shoot
from playwright.sync_api import Browser, Locator, Page, expect
from serving import Server

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")


def part(page: Page, name: str) -> Locator:
    return page.locator(f'#estimate [data-part="{name}"]')


def number(page: Page, setting: str) -> Locator:
    return page.locator(f"#model-{setting} input[type=number]")


def change(page: Page, setting: str, value: int) -> None:
    field = number(page, setting)
    field.fill(str(value))
    field.press("Tab")


def shape_of(server: Server) -> dict[str, int]:
    with server.client() as http:
        model: dict[str, int] = http.get("/api/config").json()["config"]["model"]
    return model


def expect_shape(page: Page, server: Server, width: int, heads: int) -> None:
    """The controls and the draft agree."""
    expect(number(page, "n_embed")).to_have_value(str(width))
    expect(number(page, "n_heads")).to_have_value(str(heads))
    page.wait_for_function(
        f"""async () => {{
          const model = (await (await fetch("api/config")).json()).config.model;
          return model.n_embed === {width} && model.n_heads === {heads};
        }}""",
    )


def test_the_cost_of_the_settings_is_shown_and_follows_them(
    server: Server, browser: Browser
) -> None:
    watched = Watched(browser, server.url)
    page = watched.go_to(f"{server.url}/?recipe=quickstart&tab=model")
    expect(part(page, "parameters-figure")).to_have_text("541,312")
    expect(part(page, "parameters-tag")).to_have_text("exact")
    expect(part(page, "parameters-rows")).to_contain_text("131,072 in each block")
    expect(part(page, "memory-figure")).to_have_text(re.compile(r"^about \d+ MB$"))
    # Nobody has measured this machine: the page asks for it, and the time follows.
    expect(part(page, "basis")).to_have_text(
        re.compile("^From a two-second measurement of this machine")
    )
    expect(part(page, "time-figure")).to_have_text(re.compile(r"^about [\d.]+ (s|min|hours)$"))
    expect(part(page, "time-rows")).to_contain_text("15.8 GFLOP")
    expect(part(page, "status")).to_contain_text("541,312 parameters")
    shoot(page, "model-tab")

    change(page, "n_layers", 4)
    expect(part(page, "parameters-figure")).not_to_have_text("541,312")
    assert shape_of(server)["n_layers"] == 4
    page.get_by_role("radio", name=re.compile("Beginner")).check()  # a text that was not read
    expect(part(page, "parameters-figure")).to_have_text("about 425,472")
    expect(part(page, "notes")).to_contain_text("taken to be 96 tokens")
    expect(part(page, "time-rows")).to_contain_text("known once the text is read")
    watched.require_calm()


def test_an_impossible_width_offers_its_ways_out_at_the_field(
    server: Server, browser: Browser
) -> None:
    watched = Watched(browser, server.url)
    page = watched.go_to(f"{server.url}/?recipe=quickstart&tab=model")
    expect(part(page, "parameters-figure")).to_have_text("541,312")
    refusal = page.locator("#gtt-refusal")

    change(page, "n_heads", 3)
    expect(page.locator("#model-n_heads").locator(refusal)).to_be_visible()
    expect(refusal).to_contain_text("Embedding width 128 is not divisible by 3 heads: try 126")
    expect(refusal).to_have_attribute("role", "alert")
    expect(number(page, "n_heads")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#message [role=alert]")).to_be_hidden()
    expect(refusal.get_by_role("button")).to_have_text(
        ["Embedding width 126", "Embedding width 129", "Attention heads 2", "Attention heads 4"]
    )
    assert shape_of(server)["n_heads"] == 4  # what cannot be is not kept
    shoot(page, "model-tab-refusal")

    refusal.get_by_role("button", name="Embedding width 126").click()
    expect_shape(page, server, width=126, heads=3)
    expect(refusal).to_have_count(0)
    expect(number(page, "n_heads")).not_to_have_attribute("aria-invalid", "true")
    expect(part(page, "parameters-figure")).to_have_text("526,806")

    change(page, "n_embed", 128)
    expect(page.locator("#model-n_embed").locator(refusal)).to_be_visible()
    refusal.get_by_role("button", name="Attention heads 4").press("Enter")  # keys do as well
    expect_shape(page, server, width=128, heads=4)

    # What was refused is kept as soon as another change makes it fit.
    change(page, "n_heads", 7)
    expect(refusal).to_be_visible()
    change(page, "n_embed", 140)
    expect_shape(page, server, width=140, heads=7)
    expect(refusal).to_have_count(0)

    # A recipe fills all of it anew, and what did not fit is gone.
    change(page, "n_heads", 3)
    expect(refusal).to_be_visible()
    page.get_by_role("radio", name=re.compile("Intermediate")).check()
    expect_shape(page, server, width=256, heads=8)
    expect(refusal).to_have_count(0)
    watched.require_calm()


def test_it_can_be_read_in_the_dark_and_on_a_phone(server: Server, browser: Browser) -> None:
    watched = Watched(browser, server.url)
    page = watched.page
    page.set_viewport_size({"width": 390, "height": 900})
    watched.go_to(f"{server.url}/?recipe=quickstart&tab=model&__theme=dark")
    expect(part(page, "parameters-figure")).to_have_text("541,312")
    change(page, "n_heads", 3)
    expect(page.locator("#gtt-refusal")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    shoot(page, "model-tab-phone")
    page.set_viewport_size({"width": 1200, "height": 900})
    open_tab(page, "Training")
    open_tab(page, "Model")
    expect(part(page, "parameters-figure")).to_have_text("541,312")
    watched.require_calm()
