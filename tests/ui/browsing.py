"""Driving the page in a real browser: what several tests of it share."""

from __future__ import annotations

import os
import re
import shutil
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Dialog,
    Error,
    Locator,
    Page,
    Request,
    expect,
)

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SLOW = 60_000  # milliseconds, on a machine that is busy with other tests
expect.set_options(timeout=SLOW)
# Behind a page's address: a run of a few seconds.
SMALL = "&set=".join(
    (
        "?recipe=quickstart",
        "data.source:python",
        "data.max_megabytes:0.02",
        "data.tokenizer:char",
        "model.n_layers:2",
        "model.n_heads:2",
        "model.n_embed:64",
        "model.block_size:32",
        "training.batch_size:4",
    )
)


class Watched:
    """A page that notes every complaint, every dialog and every request to another host."""

    def __init__(self, browser: Browser, url: str, width: int = 1200, **options: Any) -> None:
        """`options` are those of a context of Playwright's."""
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        context.set_default_timeout(SLOW)
        self.page = context.new_page()
        self.url, self.host = url, urlsplit(url).netloc
        self.complaints: list[str] = []
        self.strangers: list[str] = []
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._sent)
        self.page.on("dialog", self._asked)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def _sent(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != self.host:
            self.strangers.append(request.url)

    def _asked(self, dialog: Dialog) -> None:
        self.complaints.append(f"a dialog: {dialog.message}")
        dialog.dismiss()

    def require_calm(self) -> None:
        assert self.complaints == [], self.complaints
        assert self.strangers == [], self.strangers

    def go_to(self, url: str) -> Page:
        """Leaves the page for another; what its requests say as they are cut does not count."""
        self.require_calm()
        try:
            self.page.goto(url, wait_until="commit")
        except Error as error:  # a page that sees another server loads itself anew just then
            if "ERR_ABORTED" not in error.message:
                raise
            self.page.goto(url, wait_until="commit")
        self.complaints.clear()
        # Until the first answer is there.
        expect(self.page.locator("#live[data-state], #live [data-state]").first).to_be_attached()
        return self.page

    def open(self) -> Page:
        return self.go_to(self.url)


def part(page: Page, name: str) -> Locator:
    """A part of the live view."""
    return page.locator(f'#live [data-part="{name}"]')


def wait_for_state(page: Page, pattern: str) -> None:
    expect(part(page, "pill")).to_have_text(re.compile(pattern))


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
