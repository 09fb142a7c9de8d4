"""The name of a run that nobody named says what it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gtt.config import RunConfig, size_name
from gtt.recipes import load_recipe
from gtt.runs.naming import base_name, free_name, name_for, recounted, telling_name, text_name


@pytest.mark.parametrize(
    ("source", "uploaded", "name"),
    [
        ("tales", None, "tales"),
        (" TinyShakespeare ", None, "tinyshakespeare"),
        ("/home/me/texts/licences.txt", None, "licences"),
        ("book.md", None, "book"),
        ("upload:abcdefgh12", "my poems.csv", "my poems"),
        ("upload:abcdefgh12", None, "an upload"),
        ("owner/letters:en:train:text", None, "letters"),
        ("owner/letters", None, "letters"),
        ("a" * 80 + ".txt", None, "a" * 49 + "…"),
        ("/tmp/two\nlines.txt", None, "two lines"),
    ],
)
def test_a_text_is_called_as_a_person_would(source: str, uploaded: str | None, name: str) -> None:
    assert text_name(source, uploaded) == name


def test_an_unnamed_run_tells_text_tokenizer_and_size() -> None:
    beginner = load_recipe("beginner").config
    own = beginner.updated({"data": {"source": "/somewhere/licences.txt"}})
    assert telling_name(own) == "licences, characters, 0.4 M"
    assert name_for(own) == telling_name(own)  # the name of a recipe is nobody's choice
    deeper = own.updated({"model": {"n_layers": 12, "n_embed": 64}})
    assert name_for(deeper) == "licences, characters, 0.6 M"
    bpe = own.updated({"data": {"tokenizer": "bpe", "vocab_size": 2000}})
    assert name_for(bpe).startswith("licences, byte pairs (2,000), ")
    pretrained = own.updated({"data": {"tokenizer": "pretrained"}})
    assert name_for(pretrained) == "licences, gpt2, 6.8 M"
    assert name_for(RunConfig(name="run")) == telling_name(RunConfig())
    assert name_for(RunConfig(name="mine")) == "mine"
    assert len(name_for(RunConfig.parse({"data": {"source": "x" * 4000}}))) <= 100


def test_sizes_and_free_names() -> None:
    cases = json.loads((Path(__file__).parents[1] / "model_sizes.json").read_text())
    assert [size_name(parameters) for parameters, _ in cases] == [name for _, name in cases]
    assert free_name("a", []) == "a"
    assert free_name("a", ["a", "a 2", "b"]) == "a 3"
    assert [base_name(name) for name in ("a 3", "wide and slow", "7")] == [
        "a",
        "wide and slow",
        "7",
    ]


def test_a_name_has_the_size_that_was_counted() -> None:
    config = RunConfig.parse({"model": {"n_layers": 1, "n_embed": 64}})
    expected, counted = telling_name(config, "poems"), telling_name(config, "poems", 400)
    assert expected != counted
    for number in ("", " 2"):
        name = recounted(expected + number, config, "poems", None, 400)
        assert name == counted + number
        assert recounted(expected + number, config, "poems", None, None) == expected + number
    assert recounted("mine", config, "poems", None, 400) == "mine"
    # Given when the vocabulary was known already, it stays.
    assert recounted(counted, config, "poems", 400, 400) == counted
