"""The Data tab in a real browser: a text is looked at, cut into tokens, followed by its merges."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import CHROMIUM, Watched
from playwright.sync_api import Browser, Locator, Page, expect
from serving import Server

from gtt.data.gpt2 import gpt2_tokenizer

# The server prepares the first recipe's text ahead, sooner or later than the page asks.
COUNTED = re.compile("^(counted over|prepared by a run: every number is of) the whole text$")
HOSTILE = '<script>window.pwned = 1</script><img src=x onerror="window.pwned = 2">&amp; \\xe2 '

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")


@pytest.fixture
def page(server: Server, browser: Browser) -> Iterator[Page]:
    """The tab, opened; at the end nothing complained and no other host was asked."""
    watched = Watched(browser, server.url)
    with server.client() as client:
        draft = {"data": {"source": "tales", "max_megabytes": 0.3}}
        client.post("/api/config", json={"config": draft}).raise_for_status()
    one = watched.go_to(f"{server.url}/?tab=data")
    expect(part(one, "preview", "title")).to_have_text("Tales")
    yield one
    watched.require_calm()
    one.context.close()


def part(page: Page, view: str, name: str) -> Locator:
    return page.locator(f'#text-{view} [data-part="{name}"]')


def chips(page: Page, view: str) -> Locator:
    return page.locator(f"#text-{view} .chip")


def letters(page: Page, view: str) -> str:
    """The text of the tokens that are shown, their pictures for blanks taken back."""
    shown = page.locator(f"#text-{view} .chip .text").all_text_contents()
    return "".join(shown).replace("·", " ").replace("↵", "\n")


def choose(page: Page, source: str) -> None:
    field = page.locator("#data-source input")
    field.click()
    field.fill(source)
    field.press("Enter")


def test_a_text_is_looked_at_also_on_a_narrow_page(page: Page) -> None:
    figures = part(page, "preview", "figures")
    expect(part(page, "preview", "counted")).to_have_text(COUNTED)
    expect(figures).to_contain_text(re.compile(r"Characters29\d,\d{3}Bytes29\d,\d{3}"))
    assert page.locator("#text-preview .bars li").count() == 24
    expect(part(page, "preview", "train")).to_have_text(
        re.compile(r"^2\d\d,\d{3} characters, [\d,]+ tokens$")
    )
    expect(part(page, "preview", "exam-words")).to_contain_text("grammar of the tales")
    expect(part(page, "preview", "after")).to_have_text(re.compile(r"\w+ .*…$", re.DOTALL))

    choose(page, "Task: addition · offline")  # another text, another preview
    expect(part(page, "preview", "title")).to_have_text("Task: addition")
    question, answer = part(page, "preview", "questions").locator("tr").first.locator("td").all()
    first, second = question.inner_text().rstrip("=").split("+")
    assert answer.inner_text() == str(int(first) + int(second))

    choose(page, "WikiText-2 · 10.9 MB, downloaded once")
    expect(part(page, "preview", "said")).to_contain_text("fetched once")
    expect(part(page, "preview", "figures")).to_be_hidden()
    choose(page, "/etc/passwd")
    expect(part(page, "preview", "error")).to_contain_text("There is no source")
    choose(page, "Tales · offline")  # and back: nothing stays broken
    expect(part(page, "preview", "title")).to_have_text("Tales")
    expect(part(page, "preview", "error")).to_be_hidden()

    page.set_viewport_size({"width": 390, "height": 844})
    expect(chips(page, "tokens").first).to_be_visible()
    expect(chips(page, "merges").first).to_be_visible()
    fits = "document.documentElement.scrollWidth <= 390"
    page.wait_for_function(fits)  # the other parts of the page follow a moment later
    page.wait_for_function(
        "[...document.querySelectorAll('.gtt-text *')]"
        ".every((one) => one.getBoundingClientRect().right <= 391)",
    )


def test_a_sentence_is_cut_while_it_is_typed_and_followed_through_its_merges(page: Page) -> None:
    sentence = "A wise girl é🙂 said:\n“tokens”"
    box = page.locator("#sentence textarea")
    box.fill("")
    box.press_sequentially(sentence, delay=5)
    summary = part(page, "tokens", "summary")
    expect(summary).to_contain_text(f"{len(sentence)} characters")
    # The three ways, by keyboard.
    page.locator('#text-tokens [role="radio"][aria-checked="true"]').press("ArrowDown")
    gpt2 = page.locator('#text-tokens [data-way="gpt2"]')
    expect(gpt2).to_be_focused()
    expect(gpt2).to_have_attribute("aria-checked", "true")
    ids = chips(page, "tokens").locator("small").all_text_contents()
    tokenizer = gpt2_tokenizer()
    assert ids == [str(id) for id in tokenizer.encode(sentence)]
    assert "f0 9f" in chips(page, "tokens").locator(".text").all_text_contents()
    gpt2.press("ArrowDown")
    expect(page.locator('#text-tokens [data-way="char"]')).to_be_focused()
    assert letters(page, "tokens") == sentence
    unknown = chips(page, "tokens").filter(has_text="–").count()
    assert unknown >= 3  # é, 🙂 and the quotes
    told = page.locator('#text-tokens [data-way="char"]')
    expect(told).to_contain_text(f", and {unknown} characters it does not know: ")

    page.locator("#sentence textarea").fill("the wise girl")
    expect(summary).to_contain_text("13 characters")
    start, slider = chips(page, "merges"), part(page, "merges", "slider")
    expect(start).to_have_count(13)
    what = part(page, "merges", "what")
    expect(what).to_contain_text("No merge yet: 13 bytes")
    slider.focus()
    page.keyboard.press("ArrowRight")
    expect(what).to_have_text(
        re.compile(r"^Merge \d+ of [\d,]+: .+ \+ .+ → .+, which stood side by side [\d,]+ times")
    )
    expect(
        chips(page, "merges").locator("xpath=self::*[contains(@class, 'fresh')]")
    ).not_to_have_count(0)
    assert letters(page, "merges") == "the wise girl"
    page.keyboard.press("End")
    expect(part(page, "merges", "next")).to_be_disabled()
    assert letters(page, "merges") == "the wise girl"
    last = page.locator("#text-merges .chip small").all_text_contents()
    page.locator('#text-tokens [data-way="bpe"]').click()
    assert last == page.locator("#text-tokens .chip small").all_text_contents()
    part(page, "merges", "back").click()
    assert chips(page, "merges").count() > len(last)


def test_another_text_or_tokenizer_leaves_nothing_of_the_one_before(
    page: Page, tmp_path: Path
) -> None:
    page.locator("#text-merges").scroll_into_view_if_needed()
    about = part(page, "merges", "about")
    expect(about).to_contain_text("“Tales”")
    # What cannot be read shows nothing of the text before, also after the next keystroke.
    choose(page, "WikiText-2 · 10.9 MB, downloaded once")
    expect(part(page, "merges", "error")).to_contain_text("not on this machine")
    page.locator("#sentence textarea").fill("the wise boy")
    page.wait_for_timeout(1000)
    expect(about).to_be_hidden()
    expect(part(page, "merges", "error")).to_be_visible()

    file = tmp_path / "animals.txt"
    for word in ("zebra", "quagga"):  # of one name, one after the other
        file.write_text(f"{word} " * 900, encoding="utf-8")
        page.locator("#sentence textarea").fill(f"{word} of the plain")
        page.locator("#upload input[type=file]").set_input_files(str(file))
        expect(part(page, "preview", "title")).to_have_text("animals.txt")
        expect(part(page, "preview", "beginning")).to_contain_text(word)
        expect(about).to_contain_text("“animals.txt”")
        page.locator('#text-tokens [data-way="bpe"]').click()
        expect(chips(page, "tokens").locator(".text").first).to_have_text(word)
        part(page, "merges", "slider").focus()
        page.keyboard.press("End")
        expect(chips(page, "merges").locator(".text").first).to_have_text(word)

    # There and back again before anything was asked: what is covered by then is asked for anew.
    expect(part(page, "merges", "waiting")).to_be_hidden()
    column = page.locator("#data-column").locator("input, textarea")
    column.fill("x")
    column.fill("")
    page.wait_for_timeout(600)
    for view in ("preview", "tokens", "merges"):
        expect(part(page, view, "waiting")).to_be_hidden()
        expect(part(page, view, "all")).to_be_visible()

    # The tokenizer that the settings choose is the one whose tokens are shown.
    for name, way in (("char", "char"), ("bpe", "bpe"), ("pretrained", "gpt2")):
        field = page.locator("#data-tokenizer input")
        field.click()
        page.get_by_role("option", name=name, exact=True).click()
        one = page.locator(f'#text-tokens [data-way="{way}"]')
        expect(one).to_contain_text("what the settings choose")
        expect(one).to_have_attribute("aria-checked", "true")


def test_what_was_chosen_of_a_table_is_said_above_its_figures(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "stories.csv"
    rows = "\n".join(f"Story {number},The girl saw {number} birds." for number in range(300))
    file.write_text(f"title,story\n{rows}\n", encoding="utf-8")
    page.locator("#upload input[type=file]").set_input_files(str(file))
    expect(part(page, "preview", "title")).to_have_text("stories.csv")
    notes = part(page, "preview", "notes")
    expect(notes).to_contain_text("'story'")
    said, figures = notes.bounding_box(), part(page, "preview", "figures").bounding_box()
    assert said and figures and said["y"] < figures["y"]


def test_a_text_of_tags_stays_letters(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "<img src=x onerror=alert(3)>.txt"
    file.write_text(HOSTILE * 60, encoding="utf-8")
    page.locator("#upload input[type=file]").set_input_files(str(file))
    expect(part(page, "preview", "title")).to_contain_text("onerror=alert(3)")
    expect(part(page, "preview", "counted")).to_have_text(COUNTED)
    assert (part(page, "preview", "beginning").text_content() or "").startswith(HOSTILE)
    page.locator("#sentence textarea").fill(HOSTILE)
    summary = part(page, "tokens", "summary")
    expect(summary).to_contain_text(f"{len(HOSTILE)} characters")
    for way in ("char", "bpe", "gpt2"):
        page.locator(f'#text-tokens [data-way="{way}"]').click()
        assert letters(page, "tokens") == HOSTILE
    expect(chips(page, "merges")).to_have_count(len(HOSTILE))
    part(page, "merges", "slider").press("End")
    assert letters(page, "merges") == HOSTILE
    made = page.locator(":is(#text-preview, #text-tokens, #text-merges) :is(img, script)")
    assert made.count() == 0
    assert page.evaluate("window.pwned") is None
