"""Comparing runs and taking them home, in a real browser, on a page of their own."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from browsing import CHROMIUM, Watched, shoot
from playwright.sync_api import Browser, Page, expect
from serving import free_port

from gtt.api.guard import guarding
from gtt.api.service import Service
from gtt.api.workspaces import new_key, owner_of
from gtt.config import RunConfig
from gtt.exports.formats import FORMATS
from gtt.interpret.figures import RUNS
from gtt.rest import routes
from gtt.runs.execute import start_run
from gtt.runs.home import Home
from gtt.runs.limits import Limits
from gtt.ui.assets import WEB, asset_routes, front_end, head
from gtt.ui.tabs.training import exports
from gtt.ui.theme import CSS, theme
from gtt.ui.views import view

KEY = new_key()
NAMES = ("slow learner", "<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")


LOOKING = """async () => {
  const store = await import(new URL("STORE", document.baseURI));
  const workspace = new URLSearchParams(location.search).get("key") || KEY;
  store.look({ workspace, run: RUN });
}"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, tiny_config: RunConfig) -> Iterator[Service]:
    """A desk with three runs: two that differ in one setting, and one with other tokens."""
    home = Home(tmp_path_factory.mktemp("compare"))
    changes: list[dict[str, Any]] = [
        {"training": {"learning_rate": 1e-4}},
        {"training": {"learning_rate": 1e-2}},
        {"data": {"tokenizer": "bpe", "vocab_size": 300}},
    ]
    for name, change in zip(NAMES, changes, strict=True):
        folder, end = start_run(tiny_config.updated({"name": name, **change}), home)
        assert end.reason == "completed"
        about = json.loads((folder / "run.json").read_text())
        (folder / "run.json").write_text(json.dumps({**about, "owner": owner_of(KEY)}))
    one = Service(home, Limits(shared_desk=False), spare=False)
    yield one
    one.close()


@pytest.fixture(scope="module")
def ids(service: Service) -> list[str]:
    runs = service.caller(KEY).runs()
    by_rate = sorted(runs, key=lambda run: (run.config.data.tokenizer, run.name != NAMES[0]))
    return [run.id for run in (by_rate[1:] + by_rate[:1])]  # slow, fast, other tokens


@pytest.fixture(scope="module")
def url(service: Service, ids: list[str]) -> Iterator[str]:
    with gr.Blocks(analytics_enabled=False) as demo:
        view("progress", elem_id="progress")
        view("downloads", elem_id="downloads", shared=False, formats=exports())
        view("compare", elem_id="compare")

        looking = LOOKING.replace("STORE", front_end().address("lib/store.js"))
        demo.load(js=looking.replace("KEY", json.dumps(KEY)).replace("RUN", json.dumps(ids[0])))
    port = free_port()
    ours = [*asset_routes(), *routes(service)]
    demo.launch(
        server_name="127.0.0.1",
        server_port=port,
        prevent_thread_lock=True,
        quiet=True,
        theme=theme(),
        css=CSS,
        head=head(),
        ssr_mode=False,
        app_kwargs={"routes": ours, "lifespan": guarding(routes=ours)},
    )
    yield f"http://127.0.0.1:{port}"
    demo.close()


@pytest.fixture
def page(browser: Browser, url: str) -> Iterator[Page]:
    """A window, in which no page may complain or ask another host."""
    watched = Watched(browser, url, width=1100)
    yield watched.page
    watched.page.context.close()
    watched.require_calm()


def opened(page: Page, url: str) -> None:
    page.goto(url)
    expect(page.locator("#compare .choice input:checked")).to_have_count(1)


def part(page: Page, name: str) -> Any:
    return page.locator(f'#compare [data-part="{name}"]')


def choose(page: Page, *ids: str) -> None:
    for id in ids:
        page.locator(f'#compare .choice input[value="{id}"]').check()
    count = page.locator("#compare .choice input:checked").count()
    expect(page.locator("#compare .legend li")).to_have_count(count)


def row(page: Page, title: str) -> list[str]:
    """The cells of a row of the table."""
    found = page.locator("#compare tr", has=page.get_by_role("rowheader", name=title, exact=True))
    texts: list[str] = found.locator("td").all_inner_texts()
    return texts


def test_runs_are_laid_over_each_other_with_a_table_of_what_differs(
    page: Page, url: str, ids: list[str]
) -> None:
    opened(page, url)
    expect(part(page, "said")).to_have_text("Choose one more run to compare it with.")
    choose(page, ids[1])
    expect(part(page, "said")).to_contain_text("best validation loss so far")
    curves = page.locator("#compare .chart .run")
    expect(curves).to_have_count(2)
    for name in ("training", "validation"):
        for path in curves.locator(f"path.{name}").all():
            expect(path).to_have_attribute("d", re.compile(r"^M.+L"))
    dashes = [
        one.get_attribute("stroke-dasharray") for one in curves.locator("path.validation").all()
    ]
    colors = [
        one.evaluate("one => getComputedStyle(one).stroke")
        for one in curves.locator("path.validation").all()
    ]
    assert len(set(dashes)) == len(set(colors)) == 2
    # Measured by each at 0, 5 and 10, and early at 4 and 8.
    assert curves.locator("path.point").count() == 10
    assert page.locator("#compare img").count() == 0  # a name stays letters
    expect(page.locator("#compare .legend .name").nth(1)).to_have_text(NAMES[1])

    assert row(page, "Learning rate") == ["0.0001", "0.01"]
    losses = row(page, "Best validation loss")
    assert "best" not in losses[0] and re.fullmatch(r"\d\.\d{4} best", losses[1])
    bold = page.locator("#compare td.best").first
    assert bold.evaluate("one => getComputedStyle(one).fontWeight") == "700"
    assert "best" not in "".join(row(page, "Last training loss"))
    shoot(page, "compare")

    # Axes, units, and the place that is read.
    reads, place = page.locator("#compare .legend .reads").first, part(page, "place")
    expect(place).to_have_text("step 10")
    expect(reads).to_contain_text(re.compile(r"validation \d\.\d{3} at step 10 · training"))
    at = part(page, "at")
    at.focus()
    page.keyboard.press("Home")
    expect(place).to_have_text("step 0")
    expect(reads).to_contain_text(re.compile(r"validation \d\.\d{3} at step 0 · training"))
    box = page.locator("#compare rect.pane").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 50)
    expect(place).to_have_text("step 5")
    validation = page.locator("#compare .chart path.validation").first
    before = validation.get_attribute("d")
    part(page, "across").select_option("tokens")
    expect(place).to_have_text("320 tokens")
    assert validation.get_attribute("d") == before  # each step reads as many tokens
    part(page, "across").select_option("seconds")
    assert validation.get_attribute("d") != before
    in_loss = reads.inner_text()
    part(page, "unit").select_option("bits")
    assert reads.inner_text() != in_loss
    part(page, "log").check()
    expect(validation).to_have_attribute("d", re.compile(r"^M[\d.,L]+$"))


def test_a_run_can_be_hidden_and_keeps_its_colour_when_another_goes(
    page: Page, url: str, ids: list[str]
) -> None:
    opened(page, url)
    choose(page, ids[1])
    color = "one => getComputedStyle(one).getPropertyValue('--run')"
    second = page.locator(f'#compare .chart [data-run="{ids[1]}"]')
    before = second.evaluate(color)
    toggle = page.locator("#compare .legend button").first
    toggle.click()
    expect(toggle).to_have_attribute("aria-pressed", "false")
    expect(page.locator("#compare .chart .run")).to_have_count(1)
    toggle.click()
    expect(page.locator("#compare .chart .run")).to_have_count(2)
    choose(page, ids[2])
    page.locator(f'#compare .choice input[value="{ids[0]}"]').uncheck()
    expect(page.locator("#compare .legend li")).to_have_count(2)
    assert second.evaluate(color) == before
    names = page.locator("#compare .legend .name").all_inner_texts()
    assert names == [f"{NAMES[1]} (1)", f"{NAMES[2]} (2)"]  # of one name, told apart

    # Over tokenizers, bits per byte are shown and compared.
    expect(part(page, "caution")).to_contain_text("compare bits per byte")
    expect(part(page, "unit")).to_have_value("bits")
    assert "best" not in "".join(row(page, "Best validation loss"))
    assert "best" in "".join(row(page, "Bits per byte, at its best"))


def test_it_fits_light_and_dark_wide_and_narrow_pages(page: Page, url: str, ids: list[str]) -> None:
    for look in ("dark", "light"):
        page.set_viewport_size({"width": 1100, "height": 900})
        opened(page, f"{url}/?__theme={look}")
        choose(page, ids[1], ids[2])
        shoot(page, f"compare-{look}")
        first = page.locator("#compare .chart path.validation").first
        red, green, blue = (int(RUNS[look == "dark"][0][n : n + 2], 16) for n in (1, 3, 5))
        stroke = first.evaluate("one => getComputedStyle(one).stroke")
        assert stroke == f"rgb({red}, {green}, {blue})"
        page.set_viewport_size({"width": 390, "height": 900})
        expect(page.locator("#compare .chart svg")).to_have_attribute(
            "viewBox", re.compile(r"^0 0 3\d\d 260$")
        )
        shoot(page, f"compare-{look}-narrow")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, look


def test_the_page_has_the_colours_of_the_figures() -> None:
    styles = (WEB / "views/compare/style.css").read_text(encoding="utf-8")
    found = re.findall(r"--gtt-run-(\d): (#[0-9a-f]{6});", styles)
    assert [color for _, color in found] == [*RUNS[False], *RUNS[True]]
    assert [int(number) for number, _ in found] == [*range(1, 9), *range(1, 9)]


def test_every_file_can_be_taken_home(page: Page, url: str, ids: list[str]) -> None:
    opened(page, url)
    shown: dict[str, bytes] = {}
    for kind in ("csv", "json", "svg", "png", "zip"):
        button = page.locator(f'#downloads [data-file="{kind}"]')
        expect(button).to_be_enabled()
        with page.expect_download() as taken:
            button.click()
        name = taken.value.suggested_filename
        assert name.startswith(ids[0]) and name.endswith(f".{kind}")
        shown[kind] = Path(taken.value.path()).read_bytes()
        expect(page.locator("#downloads .said")).to_have_text(f"Saved {name}.")
    for form in FORMATS.values():
        if form.name in ("transformers", "gguf"):  # a button of its own; not of characters
            continue
        button = page.locator(f'#downloads [data-file="{form.name}"]')
        expect(button).to_be_enabled()
        with page.expect_download() as taken:
            button.click()
        name = taken.value.suggested_filename
        assert name.startswith(ids[0]) and name.endswith(form.ending or ".zip")
        expect(page.locator("#downloads .said")).to_have_text(f"Saved {name}.")
    assert len(list(csv.DictReader(io.StringIO(shown["csv"].decode())))) > 10
    assert json.loads(shown["json"])["id"] == ids[0]
    assert b"<svg" in shown["svg"] and b"Validation" in shown["svg"]
    assert shown["png"].startswith(b"\x89PNG")
    assert zipfile.ZipFile(io.BytesIO(shown["zip"])).testzip() is None
    page.locator('#downloads [data-part="unit"]').select_option("bits")
    page.locator('#downloads [data-part="log"]').check()
    with page.expect_download() as taken:
        page.locator('#downloads [data-file="svg"]').click()
    assert b"Bits per byte" in Path(taken.value.path()).read_bytes()


def test_what_a_format_cannot_express_is_said(browser: Browser, url: str, ids: list[str]) -> None:
    page = browser.new_page()  # not watched: the browser itself complains of the refusal
    opened(page, url)
    page.locator('#downloads [data-file="gguf"]').click()  # of a run with characters
    expect(page.locator("#downloads .said")).to_contain_text("Train with the bpe tokenizer")
    page.close()


def test_with_another_key_there_is_a_sentence_and_no_file(browser: Browser, url: str) -> None:
    page = browser.new_page()
    page.goto(f"{url}/?key={new_key()}")
    page.locator('#downloads [data-file="zip"]').wait_for()
    expect(page.locator('#compare [data-part="none"]')).to_be_visible()
    page.locator('#downloads [data-file="zip"]').click()
    expect(page.locator("#downloads .said")).to_contain_text("There is no such run on this desk")
    page.close()
