"""The Generation tab in a real browser: writing, reading what was written, and looking closer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest
from browsing import CHROMIUM, Watched, shoot
from playwright.sync_api import Browser, Locator, Page, expect
from serving import Server, wait_until_done

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")

# So short that the model has it by heart: what it writes is copied.
PASSAGE = "The <b>old</b> king sang a long song to nine grey geese on the green hill.\n"
PROMPT = "The <b>old</b> "


@dataclass(frozen=True)
class Written:
    """A server with a run that knows the passage."""

    server: Server
    run: str

    def ask(self, path: str, **values: Any) -> Any:
        with self.server.client() as http:
            answer = http.post(f"/api/{path}", json={"run_id": self.run, **values})
            assert answer.status_code == 200, answer.text
            return answer.json()


@pytest.fixture(scope="module")
def written(server: Server) -> Written:
    with server.client() as http:
        text = (PASSAGE * 400).encode()
        name = {"name": "song.txt"}
        source = http.post("/api/datasets/upload", params=name, content=text).json()["source"]
        config = {
            "data": {"source": source, "tokenizer": "char"},
            "model": {"n_layers": 2, "n_heads": 2, "n_embed": 48, "block_size": 48},
            "training": {"max_steps": 120, "batch_size": 16, "precision": "fp32"},
        }
        body = {"recipe": "quickstart", "config": config}
        run = http.post("/api/runs", json=body).json()["run"]["id"]
        assert wait_until_done(http, run)["state"] == "completed"
    return Written(server, run)


def part(page: Page, name: str) -> Locator:
    return page.locator(f'#inside-generation [data-part="{name}"]')


def tokens(page: Page) -> Locator:
    return page.locator("#text .t")


def setting(page: Page, name: str) -> Locator:
    return page.locator(f'#inside-generation [data-setting="{name}"]')


def open_generation(written: Written, browser: Browser, prompt: str = PROMPT) -> Watched:
    watched = Watched(browser, written.server.url)
    page = watched.go_to(f"{written.server.url}/?tab=generation")
    expect(part(page, "runs")).to_have_value(written.run)
    expect(setting(page, "max_new_tokens")).to_have_value("100")
    page.locator("#prompt textarea").fill(prompt)
    return watched


def wait_until_read(page: Page) -> None:
    expect(page.locator("#drawn")).to_have_attribute(
        "data-tokens-per-second", re.compile(r"^[\d.]+$")
    )
    expect(tokens(page).first).to_be_attached()


def write(page: Page, length: int, seed: int | None = 1) -> str:
    """Writes a text anew; all of it, with the prompt."""
    setting(page, "max_new_tokens").fill(str(length))
    if seed is not None:
        setting(page, "seed").fill(str(seed))
    page.locator("#prompt textarea").press("Control+Enter")
    wait_until_read(page)
    return page.locator("#text .tokens").first.text_content() or ""


def test_a_text_streams_stops_and_goes_on_where_it_was(written: Written, browser: Browser) -> None:
    watched = open_generation(written, browser)
    page = watched.page
    text = write(page, 40)
    asked = {"prompt": PROMPT, "max_new_tokens": 40, "temperature": 0.8, "seed": 1}
    first = written.ask("generate", **asked)
    assert text == PROMPT + first["text"]
    expect(page.locator("#drawn")).to_contain_text("40 tokens")
    expect(page.locator("#drawn")).to_contain_text("seed 1")
    assert float(page.locator("#drawn").get_attribute("data-first-token-ms") or 0) > 0

    # Goes on from the very ids, and back again.
    page.locator("#continue-text").click()
    expect(tokens(page)).to_have_count(len(PROMPT) + 80)
    ids = first["samples"][0]["ids"]
    more = written.ask("generate", **asked | {"prompt": None, "prompt_ids": ids})
    assert page.locator("#text .tokens").text_content() == text + more["text"]
    part(page, "back").click()
    expect(page.locator("#text .tokens")).to_have_text(text, use_inner_text=False)

    # Stopped while it is written: what is there stays, is read, and can be gone on from.
    setting(page, "max_new_tokens").fill("2000")
    page.locator("#generate").click()
    page.wait_for_function(  # pressed by the page itself: two thousand tokens take a second
        f"""() => document.querySelector('#text').textContent.length > {len(PROMPT) + 45}
          && (document.querySelector('#stop-text').click(), true)""",
    )
    expect(page.locator("#generate")).to_be_enabled()
    expect(tokens(page).first).to_be_attached()
    stopped = page.locator("#text .tokens").text_content() or ""
    assert stopped.startswith(PROMPT)
    assert len(PROMPT) < len(stopped) < len(PROMPT) + 2000
    expect(page.locator("#continue-text")).to_be_enabled()
    setting(page, "max_new_tokens").fill("5")
    page.locator("#continue-text").click()
    expect(tokens(page)).to_have_count(len(stopped) + 5)

    # Nothing to go on from: a sentence, and the text that stands is not lost.
    page.locator("#prompt textarea").fill("")
    page.locator("#generate").click()
    expect(part(page, "said")).to_contain_text("The prompt is empty")
    expect(tokens(page)).to_have_count(len(stopped) + 5)
    watched.require_calm()


def test_each_token_tells_its_surprise_and_a_likelier_one_branches(
    written: Written, browser: Browser
) -> None:
    watched = open_generation(written, browser)
    page = watched.page
    setting(page, "temperature").fill("1.5")
    text = write(page, 30)
    ids = [token["id"] for token in written.ask("read", text=text)["tokens"]]
    place = len(PROMPT) + 5
    known = written.ask("read", ids=ids)["tokens"][place]
    tokens(page).nth(place - 1).click()
    page.keyboard.press("ArrowRight")
    expect(part(page, "readout")).to_have_attribute("data-place", str(place))

    def figure(name: str) -> str:
        return part(page, "readout").locator(f'[data-figure="{name}"]').inner_text()

    assert figure("surprise") == f"{known['surprise']:.2f} nats"
    assert figure("expected") == f"{known['entropy']:.2f} nats"
    assert figure("rank").startswith(str(known["rank"]))
    part(page, "unit").select_option("bits")
    bits = known["surprise"] / 0.6931471805599453
    expect(part(page, "readout").locator('[data-figure="surprise"]')).to_have_text(
        f"{bits:.2f} bits"
    )
    # Letters stay letters, whatever they spell.
    assert page.locator("#text b").count() == 0
    expect(page.locator("#text .t.given").nth(3)).to_have_text(" ", use_inner_text=False)

    other = next(one for one in known["alternatives"] if one["id"] != ids[place])
    part(page, "readout").get_by_role("button", name=re.compile("after the settings|%")).nth(
        [one["id"] for one in known["alternatives"]].index(other["id"])
    ).click()
    expect(page.locator("#text .t.branch")).to_have_count(1)
    branched = page.locator("#text .tokens").text_content() or ""
    assert branched.startswith(text[:place] + other["text"])
    assert len(branched) == place + 1 + 30
    shoot(page, "generation-tab")
    part(page, "back").click()
    expect(page.locator("#text .tokens")).to_have_text(text, use_inner_text=False)
    watched.require_calm()


SHAPES: tuple[dict[str, float], ...] = (
    {"temperature": 0.5},
    {"temperature": 1.7, "top_k": 3},
    {"temperature": 1, "top_p": 0.9, "repetition_penalty": 1.3},
    {"temperature": 2, "top_k": 7, "top_p": 0.6, "repetition_penalty": 1.1},
    {"top_p": 0},
    {"temperature": 0},
)


def test_the_odds_follow_the_sliders_as_the_model_would_draw(
    written: Written, browser: Browser
) -> None:
    watched = open_generation(written, browser, PROMPT + "kin")
    page = watched.page
    bars = part(page, "bars").locator(".bar:visible")
    first = written.ask("next_token", text=PROMPT + "kin", count=15)["tokens"]
    expect(bars.first).to_have_attribute("data-id", str(first[0]["id"]))
    plain = {"temperature": 0.8, "top_k": 0, "top_p": 1.0, "repetition_penalty": 1.0}
    for shape in SHAPES:
        for name, value in (plain | shape).items():
            setting(page, name).fill(str(value))
        answer = written.ask("next_token", text=PROMPT + "kin", count=15, **plain | shape)
        shown = bars.evaluate_all(
            "rows => rows.map(({dataset: d}) => [Number(d.id), Number(d.before), Number(d.after)])"
        )
        assert [row[0] for row in shown] == [one["id"] for one in answer["tokens"]]
        for row, one in zip(shown, answer["tokens"]):
            assert row[1:] == pytest.approx([one["odds"], one["kept"]], abs=1e-6), shape
    expect(part(page, "left")).to_contain_text("1 of ")
    expect(bars.nth(1)).to_have_class(re.compile("cut"))
    took = float(part(page, "bars").get_attribute("data-milliseconds") or 1000)
    assert took < 100
    page.get_by_label("Greedy").check()
    expect(setting(page, "top_p")).to_be_disabled()
    expect(part(page, "mode-said")).to_contain_text("temperature is 0")
    watched.require_calm()


def test_layers_copies_and_a_text_of_ones_own(written: Written, browser: Browser) -> None:
    watched = open_generation(written, browser)
    page = watched.page
    page.get_by_label("Greedy").check()
    text = write(page, 120, seed=None)
    assert text.count("sang a long song") >= 1  # known by heart
    part(page, "copy-part").locator("summary").click()
    expect(part(page, "copies").locator("li mark").first).to_contain_text("sang a long song")
    expect(page.locator("#text .t.copied").first).to_be_attached()
    expect(part(page, "copy-said")).to_contain_text("word for word")
    expect(part(page, "novelty").locator(".share")).to_have_count(2)

    part(page, "lens-part").locator("summary").click()
    table = part(page, "lens").locator("table")
    expect(table.locator("tbody tr")).to_have_count(3)
    known = written.ask("lens", text=text, positions=24, count=5)
    said = table.locator("tbody tr").last.locator("td").last
    last = known["layers"][-1]["likeliest"][-1]
    said.focus()
    expect(part(page, "lens-said")).to_contain_text(
        "“" + last[0]["text"].replace(" ", "·").replace("\n", "↵") + "”"
    )
    said.press("ArrowUp")
    expect(part(page, "lens-said")).to_contain_text("layer 0")

    part(page, "own-part").locator("summary").click()
    own = "nine grey <b>geese</b>\n"
    part(page, "own").fill(own)
    part(page, "own-read").click()
    read = written.ask("read", text=own)
    expect(page.locator('[data-figure="perplexity"]')).to_have_text(f"{read['perplexity']:.2f}")
    expect(page.locator('[data-figure="bits_per_byte"]')).to_have_text(
        f"{read['bits_per_byte']:.3f}"
    )
    assert part(page, "own-text").text_content() == own
    assert page.locator("#inside-generation :is(.tokens, .copies, .lens) :is(b, img)").count() == 0
    part(page, "own").fill("§")
    part(page, "own-read").click()
    expect(part(page, "own-said")).to_contain_text("§")
    shoot(page, "generation-tab-parts")
    watched.require_calm()


def test_several_samples_stand_side_by_side_also_in_the_dark_and_on_a_phone(
    written: Written, browser: Browser
) -> None:
    watched = open_generation(written, browser)
    page = watched.page
    setting(page, "samples").fill("2")
    setting(page, "temperature").fill("2")
    write(page, 25, seed=7)
    expect(page.locator("#text .pane")).to_have_count(2)
    expect(page.locator("#text .tokens[role=listbox]")).to_have_count(2)
    asked = {"prompt": PROMPT, "max_new_tokens": 25, "temperature": 2, "seed": 7, "samples": 2}
    known = [PROMPT + one["text"] for one in written.ask("generate", **asked)["samples"]]
    assert page.locator("#text .tokens").all_text_contents() == known
    page.get_by_role("button", name=re.compile("^Sample 2")).click()
    page.locator("#continue-text").click()
    expect(page.locator("#text .pane")).to_have_count(1)
    expect(tokens(page)).to_have_count(len(PROMPT) + 50)
    assert (page.locator("#text .tokens").text_content() or "").startswith(known[1])
    page.set_viewport_size({"width": 390, "height": 900})
    watched.go_to(f"{written.server.url}/?tab=generation&__theme=dark")
    expect(part(page, "runs")).to_have_value(written.run)
    expect(part(page, "odds-said")).to_contain_text("'O'")  # a letter it never saw
    page.locator("#generate").click()
    expect(part(page, "said")).to_contain_text("'O'")
    page.locator("#prompt textarea").fill(PROMPT)
    part(page, "lens-part").locator("summary").click()
    write(page, 60)
    tokens(page).nth(20).click()
    expect(part(page, "readout")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    shoot(page, "generation-tab-phone")
    watched.require_calm()
