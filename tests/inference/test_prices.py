"""Prices count the work that is done: they are held against what a model computes, not to time."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from gtt.config import GenerationConfig, ModelConfig
from gtt.data.tokenizer_training import train_char_tokenizer
from gtt.inference import bounds, interpretability_heads, prices
from gtt.inference.loaded import LoadedCheckpoints
from gtt.inference.model_jobs import work_on
from gtt.inference.prices import price_of
from gtt.inference.questions import (
    AblationJob,
    AttentionJob,
    FollowJob,
    GenerateJob,
    HabitsJob,
    LensJob,
    NextTokenJob,
    ReadingJob,
)
from gtt.interpret import surprise
from gtt.model import gpt
from gtt.model.decoding import Decoder
from gtt.model.export import save_model
from gtt.model.gpt import GPT

LETTERS = "abcdefghijklmnopqrstuvwxyz"
SHAPES: dict[str, dict[str, Any]] = {
    "flat": {"n_layers": 2, "n_heads": 2, "n_embed": 32, "block_size": 64},
    "deep": {"n_layers": 5, "n_heads": 4, "n_embed": 16, "block_size": 48},
    "apart": {"n_layers": 3, "n_heads": 4, "n_embed": 24, "block_size": 33}
    | {"attention": "separate_heads"},
}
CONSTANTS = [name for name in vars(prices) if name.startswith(("PER_", "LOADED_", "FOLLOWED"))]


@pytest.fixture(scope="module", params=SHAPES)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a checkpoint and the text that it learned."""
    folder = tmp_path_factory.mktemp("prices")
    torch.manual_seed(0)
    tokenizer = train_char_tokenizer(LETTERS)
    model = GPT(ModelConfig(**SHAPES[request.param]), tokenizer.vocab_size)
    (folder / "model").mkdir()
    save_model(model, folder / "model", GenerationConfig(), {"fingerprint": "text"})
    tokenizer.save(folder / "model")
    corpus = folder / "corpora" / "text"
    corpus.mkdir(parents=True)
    np.random.default_rng(0).integers(0, 26, 1000).astype("<u2").tofile(corpus / "tokens.bin")
    record = {"format": 1, "fingerprint": "text", "dtype": "<u2", "train_tokens": 500}
    (corpus / "corpus.json").write_text(json.dumps(record))
    return folder


def looks(place: Path) -> dict[str, Any]:
    """Every kind of look; texts of a block, of a token more, and of several blocks."""
    checkpoint, corpora = str(place / "model"), str(place / "corpora")
    block = json.loads((place / "model" / "gtt.json").read_text())["model"]["block_size"]
    lengths = {"short": 7, "whole": block, "more": block + 1, "half more": block + block // 2 + 1}
    texts = {name: (LETTERS * 20)[:length] for name, length in {**lengths, "long": 400}.items()}
    return {
        **{f"read {name}": ReadingJob(checkpoint, text) for name, text in texts.items()},
        **{f"next {name}": NextTokenJob(checkpoint, text) for name, text in texts.items()},
        "lens": LensJob(checkpoint, texts["long"]),
        "follow": FollowJob(checkpoint, texts["long"]),
        "attention": AttentionJob(checkpoint, texts["long"]),
        "some attention": AttentionJob(checkpoint, texts["long"], layers=[1], heads=[0]),
        "packed": AttentionJob(checkpoint, texts["long"], packed=True),
        "heads": HabitsJob(checkpoint, corpora),
        "ablate": AblationJob(checkpoint, texts["long"], [(0, 0)], corpora),
        "ablate a word": AblationJob(checkpoint, texts["short"], [(0, 0)], corpora),
        "ablate without text": AblationJob(checkpoint, texts["long"], [(0, 0)], str(place)),
    }


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Lets one thing cost 1 and all others next to nothing: a price is a count then."""

    def one(name: str) -> None:
        for other in CONSTANTS:
            monkeypatch.setattr(prices, other, 1e-30)
        monkeypatch.setattr(prices, name, 1.0)
        monkeypatch.setattr(bounds, "FEEDING_SECONDS", 1e18)

    monkeypatch.setattr(interpretability_heads, "is_inducing", lambda habits, chance: True)
    yield one


def priced(job: Any) -> float:
    price = price_of(job)
    assert price is not None
    return price.seconds


def answered(job: Any) -> None:
    for _ in work_on(job, LoadedCheckpoints(0)):
        pass


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """What models compute from here on: attention weights, layers, and layers' heads apart."""
    told: Counter[str] = Counter()
    scores, block, attend = gpt.causal_scores, gpt.Block.forward, Decoder._attend

    def counting_scores(*args: Any) -> Any:
        found = scores(*args)
        told["weights"] += found.numel()
        return found

    def counting_layers(self: Any, *args: Any) -> Any:
        told["layers"] += 1
        return block(self, *args)

    def counting_one(self: Any, q: Any, keys: Any, values: Any) -> Any:
        told["weights"] += keys.shape[0] * keys.shape[1]
        return attend(self, q, keys, values)

    monkeypatch.setattr(gpt, "causal_scores", counting_scores)
    monkeypatch.setattr(Decoder, "_attend", counting_one)
    monkeypatch.setattr(gpt.Block, "forward", counting_layers)
    return told


def test_looks_compute_the_attention_weights_that_they_are_priced_by(
    place: Path, alone: Any, counted: Counter[str]
) -> None:
    alone("PER_WEIGHT")
    for name, job in looks(place).items():
        counted.clear()
        answered(job)
        assert priced(job) == pytest.approx(counted["weights"], rel=0.15), name


def test_maps_that_are_large_have_a_price_of_their_own(
    place: Path, alone: Any, counted: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    alone("PER_WEIGHT_LARGE")
    job = looks(place)["read long"]
    assert priced(job) == pytest.approx(0, abs=1e-9)
    monkeypatch.setattr(prices, "LARGE_MAPS", 0)
    answered(job)
    assert priced(job) == pytest.approx(counted["weights"])


def test_looks_call_the_layers_that_they_are_priced_by(
    place: Path, alone: Any, counted: Counter[str]
) -> None:
    alone("PER_LAYER_SHOWN")
    for name, job in looks(place).items():
        counted.clear()
        answered(job)
        assert priced(job) == pytest.approx(counted["layers"], rel=0.1), name


def test_looks_multiply_what_they_are_priced_by(place: Path, alone: Any) -> None:
    alone("PER_PRODUCT")
    for name, job in looks(place).items():
        with FlopCounterMode(display=False) as flops:
            answered(job)
        assert priced(job) == pytest.approx(flops.get_total_flops() / 2, rel=0.2), name


def test_every_token_that_is_read_is_told(place: Path, alone: Any) -> None:
    alone("PER_TOKEN_TOLD")
    for length in (1, 50, 400):
        assert priced(ReadingJob(str(place / "model"), "a" * length)) == length


@pytest.mark.parametrize("beams", [1, 4])
def test_writing_reads_the_windows_that_it_is_priced_by(
    place: Path, alone: Any, counted: Counter[str], beams: int
) -> None:
    alone("PER_WEIGHT")
    settings = {"prompt": LETTERS, "max_new_tokens": 150, "num_beams": beams, "temperature": 1}
    job = GenerateJob(str(place / "model"), settings)
    told = priced(job)
    answered(job)
    assert told == pytest.approx(counted["weights"], rel=0.25)


def test_heads_are_called_one_by_one_where_nothing_is_shown(place: Path, alone: Any) -> None:
    alone("PER_HEAD")
    about = json.loads((place / "model" / "gtt.json").read_text())["model"]
    by_itself = about["attention"] == "separate_heads"
    for name, job in looks(place).items():
        assert priced(job) == pytest.approx(0, abs=1e-9), name
    text = {"prompt": "abc", "max_new_tokens": 9}
    first = about["n_layers"] * about["n_heads"]
    one = GenerateJob(str(place / "model"), text)
    assert priced(one) == pytest.approx(first if by_itself else 0, abs=1e-9)
    several = GenerateJob(str(place / "model"), {**text, "num_beams": 2})
    assert priced(several) == pytest.approx(10 * first if by_itself else 0, abs=1e-9)


@pytest.mark.parametrize("block", [4, 5, 8, 33])
def test_windows_are_those_in_which_a_text_is_read(
    block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = GPT(ModelConfig(n_layers=1, n_heads=1, n_embed=8, block_size=block), 26)
    lengths: list[int] = []

    def noted(model: GPT, tokens: torch.Tensor, wanted: Any) -> Any:
        lengths.append(tokens.shape[1])
        return torch.zeros(*tokens.shape, 26), {}

    monkeypatch.setattr(surprise, "activations_of", noted)
    for tokens in range(2, 5 * block + 3):
        lengths.clear()
        places = [place for place, _ in surprise.logits_before(model, [0] * tokens)]
        assert places == list(range(1, tokens))
        assert bounds.reading_windows(tokens, block) == lengths
