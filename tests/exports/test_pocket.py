"""The pocket model, opened from the disk without a network: it computes what GTT computes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from small_models import SHAPES, VOCAB, combinations, random_ids, random_model
from ui.browsing import CHROMIUM

from gtt.config import GenerationConfig, ModelConfig, RunConfig
from gtt.data.gpt2 import gpt2_tokenizer
from gtt.data.tokenizer_json import PROBES
from gtt.data.tokenizer_training import train_char_tokenizer
from gtt.data.tokenizers import Tokenizer
from gtt.errors import BadInput
from gtt.exports.making import RunToExport
from gtt.exports.pocket_page import (
    HALVES_UP_TO,
    LARGEST,
    PAGE,
    WORKER,
    as_on_page,
    eight_bits,
    pocket_page,
    refusal,
    weights_for,
)
from gtt.model.export import load_model, save_model
from gtt.model.gpt import GPT
from gtt.model.sampling import generate_text, next_token_odds

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")

Open = Callable[..., Page]
# Of the tests: 50 letters, so that random models have a text.
LETTERS = train_char_tokenizer([chr(ord("A") + place) for place in range(VOCAB)])


def saved(model: GPT, tokenizer: Tokenizer, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    save_model(model, folder, GenerationConfig(), {"step": 10})
    tokenizer.save(folder)
    return folder


@pytest.fixture
def open_page(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Opens a page from the disk, without a network; at the end nothing may have gone wrong."""
    contexts, complaints, asked = [], [], []

    def open_one(text: str, **options: Any) -> Page:
        file = tmp_path / f"page-{len(contexts)}.html"
        file.write_text(text, encoding="utf-8")
        context = browser.new_context(offline=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(file.as_uri())
        expect(page.locator("#said")).to_have_text("Ready.")
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert complaints == []
    assert [url for url in asked if not url.startswith(("file://", "blob:", "data:"))] == []
    assert len([url for url in asked if url.startswith("file://")]) == len(contexts)


def ask(page: Page, question: str, **more: Any) -> Any:
    """What the worker of the page answers."""
    return page.evaluate("([question, more]) => ask(question, more)", [question, more])


@pytest.mark.parametrize("switches", [*SHAPES, *combinations(4)], ids=str)
def test_a_model_of_every_shape_gives_the_same_logits(
    switches: dict[str, Any], open_page: Open, tmp_path: Path
) -> None:
    folder = saved(random_model(**switches), LETTERS, tmp_path / "one")
    for precision in ("fp16", "int8"):
        page = open_page(pocket_page(folder, RunConfig(), precision))
        model = as_on_page(load_model(folder)[0], precision)
        for count in (1, 7, model.config.block_size):
            ids = random_ids(count)
            with torch.no_grad():
                expected = model(torch.tensor([ids]))[0, -1]
            found = torch.tensor(ask(page, "logits", ids=ids))
            torch.testing.assert_close(found, expected, atol=2e-4, rtol=2e-4)


def test_it_writes_what_gtt_writes_far_beyond_its_window(
    taken: RunToExport, open_page: Open
) -> None:
    checkpoint = taken.model_folder
    model, tokenizer = as_on_page(load_model(checkpoint)[0], "fp16"), Tokenizer.load(checkpoint)
    page = open_page(pocket_page(checkpoint, taken.run.config()))
    assert "kept in 16 bits" in page.locator("footer").inner_text()
    for prompt in ("One day", "The", "\n", "a text that is longer than one block of the model is"):
        settings = GenerationConfig(prompt=prompt, temperature=0, max_new_tokens=200)
        ids = ask(page, "encode", text=prompt)["ids"]
        assert ids == tokenizer.encode(prompt)
        written = page.evaluate(
            """(ids) => ask("write", { ids, count: 200, temperature: 0, topK: 0, topP: 1, seed: 1 },
            () => {})""",
            ids,
        )
        expected = "".join(generate_text(model, tokenizer, settings))
        assert ask(page, "decode", ids=written["ids"]) == expected


def test_in_eight_bits_it_writes_what_the_rounded_model_writes(
    taken: RunToExport, open_page: Open
) -> None:
    checkpoint = taken.model_folder
    model, tokenizer = as_on_page(load_model(checkpoint)[0], "int8"), Tokenizer.load(checkpoint)
    text = pocket_page(checkpoint, taken.run.config(), "int8")
    assert len(text) < len(pocket_page(checkpoint, taken.run.config()))
    page = open_page(text)
    assert "rounded to 8 bits" in page.locator("footer").inner_text()
    settings = GenerationConfig(prompt="One day", temperature=0, max_new_tokens=200)
    written = page.evaluate(
        """(ids) => ask("write", { ids, count: 200, temperature: 0, topK: 0, topP: 1, seed: 1 },
        () => {})""",
        tokenizer.encode("One day"),
    )
    expected = "".join(generate_text(model, tokenizer, settings))
    assert ask(page, "decode", ids=written["ids"]) == expected


def test_eight_bits_are_near_and_keep_what_is_nothing() -> None:
    torch.manual_seed(0)
    values = torch.cat([torch.randn(5, 64), torch.zeros(1, 64), 1e-6 * torch.randn(1, 64)])
    numbers, scales = eight_bits(values)
    assert numbers.dtype == "int8" and abs(numbers).max() == 127
    found = torch.from_numpy(numbers.astype("f4") * scales[:, None])
    bound = values.abs().max(dim=1, keepdim=True).values / 254
    assert ((found - values).abs() <= bound * 1.001).all() and (found[5] == 0).all()


def test_the_size_decides_unless_a_person_does() -> None:
    assert weights_for(HALVES_UP_TO) == "fp16" and weights_for(HALVES_UP_TO + 1) == "int8"
    assert weights_for(HALVES_UP_TO + 1, "fp16") == "fp16" and weights_for(1, "int8") == "int8"
    larger = ModelConfig(n_layers=8, n_embed=1024, n_heads=8)
    assert LARGEST["fp16"] < larger.parameter_count(1000) < LARGEST["int8"]
    assert refusal(larger, 1000) is None
    assert "take int8 instead" in str(refusal(larger, 1000, "fp16"))


def test_it_cuts_odds_as_gtt_does(characters: RunToExport, open_page: Open) -> None:
    page = open_page(pocket_page(characters.model_folder, characters.run.config()))
    model = as_on_page(load_model(characters.model_folder)[0], "fp16")
    ids = [1, 2, 3]
    with torch.no_grad():
        logits = model(torch.tensor([ids]))[0, -1]
    for temperature, top_k, top_p in ((1, 0, 1), (0.5, 5, 1), (1.5, 0, 0.6), (1, 7, 0.3), (0, 0, 1),
                                      (1, 0, 0)):  # fmt: skip
        expected = next_token_odds(logits, temperature, top_k, top_p)
        settings = {"temperature": temperature, "topK": top_k, "topP": top_p}
        found = ask(page, "odds", ids=ids, count=model.vocab_size, **settings)
        kept = torch.zeros(model.vocab_size)
        for one in found:
            kept[one["token"]] = one["kept"]
        torch.testing.assert_close(kept, expected, atol=1e-4, rtol=1e-3)
        assert [one["odds"] for one in found] == sorted((o["odds"] for o in found), reverse=True)


def test_it_cuts_texts_into_the_same_tokens(
    taken: RunToExport, open_page: Open, tmp_path: Path
) -> None:
    texts = (
        *PROBES,
        "we'll they're it's I'D",
        "a\u00a0b\u2003c\u0085d\ufeffe",
        "١٢٣ x²\x00\x7f",
        "<|endoftext|>Once<|endoftext|> more",
        "  \n\n  x ",
        "👩‍👩‍👧 नमस्ते",
        "dragon" * 3000,
    )
    ours = Tokenizer.load(taken.model_folder)
    gpt2 = gpt2_tokenizer()
    torch.manual_seed(0)
    large = GPT(ModelConfig(n_layers=1, n_heads=1, n_embed=16, block_size=8), gpt2.vocab_size)
    folder = saved(large, gpt2, tmp_path / "gpt2")
    for tokenizer, place in ((ours, taken.model_folder), (gpt2, folder)):
        page = open_page(pocket_page(place, RunConfig()))
        for text in texts:
            read = ask(page, "encode", text=text)
            found = read["ids"]
            assert found == tokenizer.encode(text), text
            assert "".join(read["pieces"]) == text and len(read["pieces"]) == len(found)
            assert ask(page, "decode", ids=found) == tokenizer.decode(found) == text


def test_an_unknown_character_is_named(characters: RunToExport, open_page: Open) -> None:
    page = open_page(pocket_page(characters.model_folder, characters.run.config()))
    page.fill("#prompt", "One é day")
    page.click("#write")
    expect(page.locator("#said")).to_contain_text('has never seen "é": leave it out')
    page.fill("#prompt", "")
    page.click("#write")
    expect(page.locator("#said")).to_contain_text("at least one character")


def test_attention_is_that_of_the_model(taken: RunToExport, open_page: Open) -> None:
    model = as_on_page(load_model(taken.model_folder)[0], "fp16")
    page = open_page(pocket_page(taken.model_folder, taken.run.config()))
    ids, seen = [5, 6, 7, 8, 9], {}
    with torch.no_grad():
        model(torch.tensor([ids]), probe=lambda name, x: seen.setdefault(name, x))
    rows = ask(page, "attention", ids=ids, layer=1, head=1)
    for i, row in enumerate(rows):
        expected = seen["h.1.attn.weights"][0, 1, i, : i + 1]
        torch.testing.assert_close(
            torch.tensor(row, dtype=torch.float), expected, atol=1e-4, rtol=1e-3
        )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1000])
def test_the_page_is_used_by_keys_and_seen_by_all(
    scheme: str, width: int, taken: RunToExport, open_page: Open
) -> None:
    page = open_page(
        pocket_page(taken.model_folder, taken.run.config()),
        color_scheme=scheme,
        viewport={"width": width, "height": 800},
    )
    assert page.locator("h1").inner_text() == taken.run.config().name
    page.fill("#prompt", "One day")
    page.focus("#write")
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_have_text(re.compile(r"^Wrote 20 tokens, [\d,]+ a second\.$"))
    expect(page.locator("#write")).to_be_focused()
    for name in ("Temperature", "Top-p", "Token"):
        expect(page.get_by_role("slider", name=re.compile(f"^{name}"))).to_be_visible()
    expect(page.locator("#text")).to_have_text(re.compile("^One day."))
    expect(page.locator("#odds button")).to_have_count(10)
    page.focus("#earlier")
    page.keyboard.press("Enter")
    expect(page.locator("#place")).to_contain_text("In the place of")
    before = page.locator("#text span").count()
    page.locator("#odds button").nth(3).focus()
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_contain_text("Took")
    assert page.locator("#text span").count() == before  # the last token, another one
    expect(page.locator("#looked")).to_contain_text("looks at")
    page.select_option("#head", "1")
    page.focus("#row")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.add_script_tag(content=Axe().axe_script)
    found = page.evaluate("axe.run()")
    assert found["passes"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]] == []


def test_writing_stops_when_asked(taken: RunToExport, open_page: Open) -> None:
    page = open_page(pocket_page(taken.model_folder, taken.run.config()))
    page.fill("#count", "2000")
    page.evaluate(  # at once, for a model that writes thousands a second
        """() => {
          const look = () => { if ($("text").childElementCount > 20) $("stop").click(); };
          new MutationObserver(look).observe($("text"), { childList: true });
          $("write").click();
        }"""
    )
    expect(page.locator("#said")).to_contain_text("Wrote")
    assert 20 <= page.locator("#text span").count() < 2000
    page.fill("#count", "5")
    length = page.locator("#text span").count()
    page.click("#on")
    expect(page.locator("#text span")).to_have_count(length + 5)


def test_a_long_text_is_laid_out_once_for_each_picture(taken: RunToExport, open_page: Open) -> None:
    page = open_page(pocket_page(taken.model_folder, taken.run.config()))
    page.fill("#prompt", "One day a fox met a hen. ♥ " * 800)
    counted = page.evaluate(
        """async () => {
          const text = $("text"), plain = Object.getOwnPropertyDescriptor(
            Element.prototype, "scrollHeight");
          let layouts = 0, pictures = 0, isOver = false;
          Object.defineProperty(text, "scrollHeight", {
            get() { layouts++; return plain.get.call(this); },
          });
          const count = () => { pictures++; if (!isOver) requestAnimationFrame(count); };
          count();
          await begin();
          isOver = true;
          return { layouts, pictures, tokens: ids.length };
        }"""
    )
    assert counted["tokens"] > 5000
    assert counted["layouts"] <= counted["pictures"]
    expect(page.locator("#said")).to_contain_text("Wrote 20 tokens")


def test_what_is_typed_beyond_a_limit_shows_what_is_used(
    taken: RunToExport, open_page: Open
) -> None:
    page = open_page(pocket_page(taken.model_folder, taken.run.config()))
    for field, typed, used in (("#count", "-5", "1"), ("#top-k", "-3", "0"), ("#seed", "1.5", "2")):
        page.fill(field, typed)
        page.locator(field).blur()
        expect(page.locator(field)).to_have_value(used)
    page.click("#write")
    expect(page.locator("#said")).to_contain_text(re.compile("^Wrote 1 token, "))


def test_what_it_cannot_compute_is_refused() -> None:
    small = ModelConfig()
    assert refusal(small, 100) is None
    strange = small.model_copy(update={"activation": "tanh"})
    assert "model.activation 'tanh'" in str(refusal(strange, 100))
    large = small.model_copy(update={"n_layers": 12, "n_embed": 1024})
    assert large.parameter_count(1000) > LARGEST["int8"]
    assert "more than a browser opens" in str(refusal(large, 1000))


def test_weights_beyond_half_precision_are_refused(tmp_path: Path) -> None:
    model = random_model()
    with torch.no_grad():
        model.transformer.wte.weight[0, 0] = 1e5
    with pytest.raises(BadInput, match="half precision ends at 65,504"):
        pocket_page(saved(model, LETTERS, tmp_path / "one"), RunConfig())


def test_its_source_reads_like_a_lesson() -> None:
    for file in (Path(pocket_page.__code__.co_filename).parent / "pocket").iterdir():
        lines = file.read_text(encoding="utf-8").splitlines()
        assert len(lines) <= 300 and max(map(len, lines)) <= 100, file
        assert file.suffix != ".js" or file.name in WORKER + PAGE, f"{file} is not part of the page"
