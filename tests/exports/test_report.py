"""The report: whole, true to the journal, by itself on a page, and harmless whatever a run says."""

from __future__ import annotations

import html
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser
from ui.browsing import CHROMIUM

from gtt.errors import UnusableRun
from gtt.exports.making import RunToExport
from gtt.exports.report_page import report_page
from gtt.exports.report_parts import chart, text
from gtt.runs.folder import RunFolder

SECTIONS = [
    "What came of it", "Findings", "Curves", "What it wrote", "What its heads look at", "Settings",
    "What this does not show"]  # fmt: skip


class Read(HTMLParser):
    """The elements of a page, and whatever it refers to."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.references: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.add(name)
            if name in ("src", "srcset", "href", "xlink:href", "data", "action"):
                self.references.append(value or "")


@pytest.fixture
def copied(taken: RunToExport, tmp_path: Path) -> RunFolder:
    """A run that a test may damage."""
    return RunFolder(Path(shutil.copytree(taken.run.path, tmp_path / "run")))


def require_harmless(page: str) -> None:
    read = Read(page)
    assert not read.tags & {"script", "iframe", "object", "embed", "form", "a", "base", "b"}
    assert not [name for name in read.attributes if name.startswith("on")]
    assert all(one.startswith("data:") for one in read.references), read.references
    assert "url(" not in page and "@import" not in page


def test_it_tells_what_the_journal_tells(taken: RunToExport) -> None:
    page = report_page(taken.run)
    require_harmless(page)
    assert re.findall(r"<h2>(.*?)</h2>", page) == SECTIONS
    records = list(taken.run.records())
    best = min(r["validation_loss"] for r in records if r["type"] == "Evaluated")
    assert f"{best:.4f} nats per token" in page
    started = next(r for r in records if r["type"] == "RunStarted")
    assert f"{started['parameters']:,} parameters" in page
    for name in ("uniform", "unigram", "bigram"):
        assert f'<td class="number">{started["baselines"][name]:.3f}</td>' in page
    last = [r for r in records if r["type"] == "Sampled"][-1]
    assert text(last["text"]) in page
    assert html.escape(taken.run.config().name) in page
    assert "0.01 (changed)" in page  # the learning rate of the settings
    assert page.count('alt="Attention of Layer') == 4
    assert str(taken.run.path.parent) not in page and "/tmp" not in page


def test_whatever_a_run_says_stays_text(copied: RunFolder) -> None:
    harm = '<script>alert(1)</script><img src=x onerror=alert(1)>" onload="x'
    lines = copied.journal.read_text(encoding="utf-8").splitlines()
    changed = []
    for line in lines:
        record = json.loads(line)
        if record["type"] == "Sampled":
            record |= {"prompt": harm, "text": harm + "\x00\x1b[31m"}
        if record["type"] == "RunStarted":
            record |= {"notes": [harm], "device": harm, "precision": harm}
        changed.append(json.dumps(record))
    copied.journal.write_text("\n".join(changed) + "\n", encoding="utf-8")
    page = report_page(copied)
    require_harmless(page)
    assert html.escape(harm) in page and "\x00" not in page and "\x1b" not in page


def test_a_run_that_was_cut_or_damaged_says_so(copied: RunFolder) -> None:
    lines = copied.journal.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if '"RunEnded"' not in line]
    kept.insert(len(kept) // 2, "{no json")
    copied.journal.write_text("\n".join(kept) + "\n", encoding="utf-8")
    shutil.rmtree(copied.path / "snapshots")
    shutil.rmtree(copied.path / "checkpoints")
    page = report_page(copied)
    require_harmless(page)
    assert "did not reach its planned end" in page and "Its journal is damaged" in page
    assert "What its heads look at" not in page


def test_a_run_that_has_not_begun_is_told_so(copied: RunFolder) -> None:
    copied.journal.write_text("", encoding="utf-8")
    with pytest.raises(UnusableRun, match="wait for its first step"):
        report_page(copied)


def test_text_and_charts_take_anything() -> None:
    assert text('a<&">\x07\ud800\n') == "a&lt;&amp;&quot;&gt;\ufffd?\n"
    assert chart("x", [(1, 1.0)]) == "" == chart("x", [(1, float("nan")), (2, float("inf"))])
    drawn = chart('a"b', [(0, 0.0), (10, 0.0)])
    assert "nan" not in drawn and 'aria-label="a&quot;b"' in drawn


@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")
def test_it_is_read_and_printed_without_a_network(
    taken: RunToExport, browser: Browser, tmp_path: Path
) -> None:
    file = tmp_path / "report.html"
    file.write_text(report_page(taken.run), encoding="utf-8")
    for scheme, width in (("light", 1000), ("dark", 390)):
        context = browser.new_context(
            offline=True, color_scheme=scheme, viewport={"width": width, "height": 900}
        )
        page = context.new_page()
        complaints: list[str] = []
        asked: list[str] = []
        page.on("console", lambda message, told=complaints: told.append(message.text))
        page.on("request", lambda request, told=asked: told.append(request.url))
        page.goto(file.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        broken = "[...document.images].filter((one) => !one.complete || !one.naturalWidth).length"
        assert page.evaluate(broken) == 0
        assert complaints == []
        assert [url for url in asked if not url.startswith("data:")] == [file.as_uri()]
        printed = page.pdf(format="A4")
        assert printed.startswith(b"%PDF") and printed.count(b"/Type /Page\n") >= 2
        context.close()
        with browser.new_context(color_scheme=scheme, bypass_csp=True) as open_to_axe:
            page = open_to_axe.new_page()
            page.goto(file.as_uri())
            page.evaluate(Axe().axe_script)
            found = page.evaluate("axe.run()")
            assert [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]] == []
