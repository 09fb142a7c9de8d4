"""Driving the page in a real browser: what several tests of it share."""

from __future__ import annotations

import os
import re
import shutil
import time
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, expect
from serving import Server

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SLOW = 60_000  # milliseconds, on a machine that is busy with other tests


class Watched:
    """A page that notes every complaint and every request to another host."""

    def __init__(self, browser: Browser, server: Server) -> None:
        self.page = browser.new_context(viewport={"width": 1200, "height": 900}).new_page()
        self.url, self.host = server.url, urlsplit(server.url).netloc
        self.complaints: list[str] = []
        self.strangers: list[str] = []
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._sent)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def _sent(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != self.host:
            self.strangers.append(request.url)

    def require_calm(self) -> None:
        assert self.complaints == []
        assert self.strangers == []

    def go_to(self, url: str) -> Page:
        """Leaves the page for another; what its requests say as they are cut does not count."""
        self.require_calm()
        self.page.goto(url, wait_until="commit")
        self.complaints.clear()
        expect(self.page.locator("#live[data-state], #live [data-state]").first).to_be_attached(
            timeout=SLOW  # until the first answer is there
        )
        return self.page

    def open(self) -> Page:
        return self.go_to(self.url)


def part(page: Page, name: str) -> Locator:
    """A part of the live view."""
    return page.locator(f'#live [data-part="{name}"]')


def wait_for_state(page: Page, pattern: str) -> None:
    expect(part(page, "pill")).to_have_text(re.compile(pattern), timeout=SLOW)


def wait_for_step(page: Page, beyond: int) -> int:
    """Waits until the run is beyond a step; the step it is at then."""
    deadline = time.monotonic() + SLOW / 1000
    while time.monotonic() < deadline:
        found = re.search(r"step ([\d,]+) of", part(page, "state").inner_text())
        step = int(found[1].replace(",", "")) if found else 0
        if step > beyond:
            return step
        page.wait_for_timeout(100)
    raise AssertionError(f"the run did not go beyond step {beyond}")


def open_tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()


def look_again(page: Page) -> None:
    """Somebody comes back to this window from another one."""
    page.wait_for_timeout(1100)
    page.evaluate("window.dispatchEvent(new Event('focus'))")


def message(page: Page) -> Locator:
    """Where the page says what went wrong."""
    return page.locator('#message [data-part="words"]')


def unfold(page: Page, name: str) -> None:
    page.get_by_role("button", name=name).click()


def shoot(page: Page, name: str) -> None:
    """Keeps a picture for a person to look at, where one asks for it."""
    folder = os.environ.get("GTT_SCREENSHOTS")
    if folder:
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)
