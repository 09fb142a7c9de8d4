"""What an address asks for is shown, and becomes the draft only once a person does something."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from browsing import CHROMIUM, SLOW
from playwright.sync_api import Browser, Page, expect
from serving import Server

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")

# A tab opened by a script, which is nothing that a person does.
CLICKED = "(tab) => document.querySelector(`#tabs [data-tab-id=${tab}]`).click()"
LAYERS = "#model-n_layers input[type=number]"


@pytest.fixture(autouse=True)
def first_draft(server: Server) -> None:
    """One desk for everybody, its draft as at first."""
    with server.client() as http:
        http.post("/api/config", json={"recipe": "quickstart"}).raise_for_status()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    context.set_default_timeout(SLOW)
    yield context.new_page()
    context.close()


def layers(server: Server) -> int:
    with server.client() as http:
        config: dict[str, Any] = http.get("/api/config").raise_for_status().json()["config"]
        return int(config["model"]["n_layers"])


def until_layers(server: Server, number: int) -> None:
    deadline = time.monotonic() + SLOW / 1000
    while layers(server) != number:
        assert time.monotonic() < deadline, layers(server)
        time.sleep(0.1)


def test_an_address_is_shown_and_kept_with_the_first_click(server: Server, page: Page) -> None:
    before = layers(server)
    page.goto(f"{server.url}/?tab=model&set=model.n_layers:7")
    expect(page.locator(LAYERS)).to_have_value("7")
    page.reload()  # a person has done nothing yet, and sees the same again
    expect(page.locator(LAYERS)).to_have_value("7")
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    page.evaluate("document.querySelector('#title').click()")  # no person does that
    page.wait_for_timeout(1500)
    expect(page.locator(LAYERS)).to_have_value("7")
    assert layers(server) == before
    page.locator("#title").click()
    until_layers(server, 7)
    assert "set=" not in page.url and "tab=model" in page.url


def test_every_view_shows_what_the_address_asks_for_and_none_keeps_it(
    server: Server, page: Page
) -> None:
    with server.client() as http:
        before = http.get("/api/config").raise_for_status().json()["config"]
    asked = "set=model.n_layers:1&set=data.source:addition&set=training.max_steps:777"
    page.goto(f"{server.url}/?tab=model&{asked}")
    expect(page.locator(LAYERS)).to_have_value("1")
    with server.client() as http:
        wanted = {"recipe": "quickstart", "config": {"model": {"n_layers": 1}}}
        wanted["config"] |= {"data": {"source": "addition"}, "training": {"max_steps": 777}}
        http.post("/api/config", json=wanted).raise_for_status()
        parameters = http.get("/api/estimate").raise_for_status().json()["parameters"]
        http.post("/api/config", json={"config": before}).raise_for_status()
    expect(page.locator('#recipe [data-part="chosen"]')).to_have_text("· Quickstart, changed")
    figure = page.locator('#estimate [data-part="parameters-figure"]')
    expect(figure).to_contain_text(f"{parameters:,}")
    expect(page.locator("#inside-architecture")).to_contain_text("Block 0")
    expect(page.locator("#inside-architecture")).not_to_contain_text("Block 1")
    page.evaluate(CLICKED, "data")
    expect(page.locator('#text-preview [data-part="title"]')).to_have_text("Task: addition")
    page.evaluate(CLICKED, "training")
    page.evaluate(
        """[...document.querySelectorAll("button")]
            .find((one) => one.textContent.includes("Settings of the training")).click()"""
    )
    expect(page.locator('#schedule [data-part="words"]')).to_contain_text("over 777 steps")
    with server.client() as http:
        assert http.get("/api/config").raise_for_status().json()["config"] == before


def test_a_change_is_made_to_what_is_shown(server: Server, page: Page) -> None:
    page.goto(f"{server.url}/?tab=model&set=model.n_layers:6&set=training.seed:77")
    heads = page.locator("#model-n_heads input[type=number]")
    expect(page.locator(LAYERS)).to_have_value("6")
    heads.fill("8")
    heads.blur()
    with server.client() as http:
        deadline = time.monotonic() + SLOW / 1000
        while True:
            config = http.get("/api/config").json()["config"]
            told = (config["model"]["n_layers"], config["model"]["n_heads"])
            if told == (6, 8):
                break
            assert time.monotonic() < deadline, told
            time.sleep(0.1)
    assert config["training"]["seed"] == 77


@contextmanager
def another_site(html: str) -> Iterator[str]:
    """A page of another origin."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(html.encode())

        def log_message(self, *words: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as site:
        threading.Thread(target=site.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{site.server_address[1]}/"
        site.shutdown()


def test_a_frame_of_another_site_changes_nothing_before_a_click(server: Server, page: Page) -> None:
    before, framed = layers(server), f"{server.url}/?tab=model&set=model.n_layers:9"
    html = f"<iframe id=f src={json.dumps(framed)} width=1100 height=800></iframe>"
    with another_site(html) as evil:
        page.goto(evil)
        inside = page.frame_locator("#f")
        expect(inside.locator(LAYERS)).to_have_value("9")
        page.evaluate("document.querySelector('#f').focus()")
        page.keyboard.press("Tab")
        page.keyboard.type("9")
        page.wait_for_timeout(1500)
        assert layers(server) == before
        inside.locator("#title").click()
        until_layers(server, 9)
