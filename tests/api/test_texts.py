"""The endpoints about a text before training: what they answer and what they refuse."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from gtt.api.api_errors import Forbidden
from gtt.api.endpoints.data import compare_tokenizers, merges, preview
from gtt.api.schemas import (
    ComparedTokenizers,
    CompareTokenizers,
    LearnMerges,
    Merges,
    OfSource,
    TextPreview,
)
from gtt.api.service import Caller, Service
from gtt.config import DataConfig
from gtt.data.corpus import build_corpus
from gtt.data.tales import write_tales
from gtt.data.tokenizer_training import train_bpe_tokenizer
from gtt.errors import BadInput, InvalidSetting
from gtt.runs.home import Home
from gtt.runs.limits import Limits
from gtt.settings import parse

KEYS = ("a-key-that-is-long-enough", "another-key-that-is-long")
SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)> "


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    home = Home(tmp_path_factory.mktemp("home"))
    one = Service(home, Limits.for_space(max_upload_mb=1), spare=False)
    yield one
    one.close()


@pytest.fixture
def caller(service: Service) -> Caller:
    return service.caller(KEYS[0])


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


def look(caller: Caller, **asked: Any) -> TextPreview:
    answer: TextPreview = run(preview(caller, parse(OfSource, asked, strict=True)))
    return answer


def compare(caller: Caller, **asked: Any) -> ComparedTokenizers:
    request = parse(CompareTokenizers, asked, strict=True)
    answer: ComparedTokenizers = run(compare_tokenizers(caller, request))
    return answer


def follow(caller: Caller, **asked: Any) -> Merges:
    answer: Merges = run(merges(caller, parse(LearnMerges, asked, strict=True)))
    return answer


def bring(caller: Caller, text: str, name: str = "mine.txt") -> str:
    return f"upload:{caller.desk.uploads.save(name, [text.encode()]).id}"


def test_a_preview_follows_the_draft_and_what_is_named(service: Service) -> None:
    caller = service.caller(KEYS[1])
    caller.desk.save_draft(
        caller.desk.draft.updated({"data": {"source": "reverse", "max_megabytes": 0.02}})
    )
    seen = look(caller)
    assert (seen.source, seen.title, seen.counted) == ("reverse", "Task: reverse", "whole")
    assert seen.exam is not None and seen.exam.answers[0] is not None
    assert seen.exam.answers[0] == seen.exam.questions[0][-2::-1]
    named = look(caller, source="tales", tokenizer="bpe", vocab_size=300)
    assert (named.source, named.tokenizer, named.vocab_size) == ("tales", "bpe", 300)
    assert caller.desk.draft.data.source == "reverse"  # a look changes nothing


def test_a_preview_of_an_upload_becomes_that_of_its_corpus(caller: Caller) -> None:
    caller.desk.save_draft(
        caller.desk.draft.updated({"data": {"max_megabytes": None, "tokenizer": "char"}})
    )
    source = bring(caller, SCRIPT + "".join(write_tales(20_000, 3)))
    before = look(caller, source=source, max_megabytes=1, tokenizer="char")
    assert (before.title, before.counted) == ("mine.txt", "whole")
    config = DataConfig(source=source, max_megabytes=1)
    uploads = caller.desk.uploads.folder
    build_corpus(config, caller.service.home.corpora, uploads=uploads)
    after = look(caller, source=source)  # the limit of the server is 1 MB
    assert after.counted == "corpus"
    told = {"counted", "documents"}
    assert after.model_dump(exclude=told) == before.model_dump(exclude=told)
    assert before.beginning.startswith(SCRIPT)


def test_a_sentence_is_cut_in_three_ways(caller: Caller) -> None:
    text = "Once a wise girl é🙂"
    known = "".join(write_tales(1_000_000, 0))
    answer = compare(caller, source="tales", vocab_size=512, text=text, max_megabytes=1)
    char, bpe, gpt2 = answer.ways
    assert [way.name for way in answer.ways] == ["char", "bpe", "gpt2"]
    assert (answer.characters, answer.bytes) == (19, 23)

    assert "".join(token.text for token in char.tokens) == text
    assert char.unknown == ["é", "🙂"]
    assert [token.id for token in char.tokens][-2:] == [None, None]
    assert (char.count, char.characters_per_token) == (17, 1)
    assert char.vocab_size == len(set(known))

    learned = train_bpe_tokenizer([known[:200_000]], 512)
    assert [token.id for token in bpe.tokens] == learned.encode(text)
    assert bpe.characters_per_token == pytest.approx(19 / len(bpe.tokens))
    assert next(token.text for token in bpe.tokens if not token.whole) == r"\xc3"

    assert [token.id for token in gpt2.tokens][:4] == [7454, 257, 10787, 2576]
    assert gpt2.vocab_size == 50257
    assert "".join(token.text for token in gpt2.tokens if token.whole) == "Once a wise girl é"


def test_merges_lead_from_bytes_to_the_tokens_of_the_comparison(caller: Caller) -> None:
    asked = {"source": "tales", "vocab_size": 512, "text": "Once a wise girl, é🙂.\n"}
    answer = follow(caller, **asked)
    assert len(answer.start) == len(str(asked["text"]).encode())
    assert (answer.learned, answer.vocab_size) == (256, 512)
    tokens = list(answer.start)
    numbers = [step.number for step in answer.steps]
    assert numbers == sorted(set(numbers)) and numbers[0] >= 1 and numbers[-1] <= 256
    counts = [step.count for step in answer.steps]
    assert counts == sorted(counts, reverse=True)
    for step in answer.steps:
        for place in step.places:
            assert tokens[place : place + 2] == [step.first, step.second]
            tokens[place : place + 2] = [step.merged]
    assert tokens == compare(caller, **asked).ways[1].tokens


@pytest.mark.parametrize("source", ["tinyshakespeare", "wikitext-2", "someone/something"])
def test_what_would_be_fetched_is_named_and_left_alone(source: str, caller: Caller) -> None:
    seen = look(caller, source=source)
    assert seen.counted == "nothing" and "fetched once, when you train on it" in seen.said
    char, bpe, gpt2 = compare(caller, source=source, text="a wise girl").ways
    assert char.said == bpe.said == seen.said
    assert char.tokens == bpe.tokens == [] and gpt2.count == 3
    with pytest.raises(BadInput, match="fetched once"):
        follow(caller, source=source, text="a wise girl")


@pytest.mark.parametrize("ask", [look, compare, follow])
def test_no_path_and_no_upload_of_another_desk_is_opened(
    ask: Callable[..., Any], service: Service, caller: Caller, tmp_path: Path
) -> None:
    file = tmp_path / "secret.txt"
    file.write_text("secret " * 100)
    other = bring(service.caller(KEYS[1]), "secret " * 100)
    text = {} if ask is look else {"text": "a"}
    for source in (
        str(file),
        "/etc/passwd",
        "../../secret.txt",
        "docs/api.md",
        "file:///etc/passwd",
        "..",
        other,
        "upload:../" + other[7:],
        "upload:" + "0" * 32,
    ):
        with pytest.raises(InvalidSetting) as caught:
            ask(caller, source=source, **text)
        assert caught.value.field == "data.source"
        assert "secret " not in caught.value.message


@pytest.mark.parametrize("name", ["/etc/passwd", "../tokenizer", "a/b/c", "."])
def test_a_path_is_no_tokenizer(name: str, service: Service) -> None:
    caller = service.caller("a-third-key-that-is-long")
    caller.desk.save_draft(caller.desk.draft.updated({"data": {"pretrained_tokenizer": name}}))
    with pytest.raises(InvalidSetting) as caught:
        look(caller, tokenizer="pretrained")
    assert caught.value.field == "data.pretrained_tokenizer"


@pytest.mark.parametrize(
    ("model", "asked"),
    [
        (OfSource, {"source": ""}),
        (OfSource, {"vocab_size": 10}),
        (OfSource, {"vocab_size": 10**9}),
        (OfSource, {"max_megabytes": -1}),
        (OfSource, {"max_megabytes": math.inf}),
        (OfSource, {"validation_fraction": 1}),
        (OfSource, {"tokenizer": "word"}),
        (OfSource, {"uploads": "/"}),
        (CompareTokenizers, {"text": ""}),
        (CompareTokenizers, {"text": "a" * 2001}),
        (LearnMerges, {"text": "a" * 501}),
        (LearnMerges, {"text": "\ud800"}),
    ],
)
def test_what_is_out_of_bounds_is_refused(model: type[OfSource], asked: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        parse(model, asked, strict=True)


def test_without_the_hub_its_data_sets_are_refused(tmp_path: Path) -> None:
    service = Service(Home(tmp_path), Limits.for_space(allow_hub=False), spare=False)
    with pytest.raises(Forbidden, match="does not fetch from the Hub"):
        look(service.caller(KEYS[0]), source="someone/something")
    service.close()


def test_what_is_no_text_is_a_sentence_that_names_no_path(caller: Caller) -> None:
    source = bring(caller, "a,b\n1,2\n3,4\n", "numbers.csv")
    with pytest.raises(BadInput, match="no column with text") as caught:
        look(caller, source=source)
    assert str(caught.value).startswith("numbers.csv has no column with text")
    assert str(caller.service.home.path) not in str(caught.value)
