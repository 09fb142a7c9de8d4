"""GGUF: every tensor and token comes back, and llama.cpp writes what GTT writes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gguf import GGUFReader, TokenType
from small_models import combinations, every_value, random_model

from gtt.config import GenerationConfig, ModelConfig, RunConfig
from gtt.data.gpt2 import gpt2_tokenizer
from gtt.data.tales import write_tales
from gtt.data.tokenizer_training import train_bpe_tokenizer
from gtt.data.tokenizers import Tokenizer
from gtt.errors import BadInput
from gtt.exports.gguf_file import TURNED, gguf_name, supports, write_gguf_file
from gtt.exports.making import RunToExport
from gtt.model.export import export_tensors, fits_gpt2, load_model, save_model
from gtt.model.gpt import GPT
from gtt.model.sampling import generate_text

LLAMA = """
import json, sys
import xllamacpp
asked = json.load(sys.stdin)
settings = xllamacpp.CommonParams()
settings.model.path = asked["file"]
settings.n_ctx, settings.n_parallel, settings.warmup = asked["context"], 1, False
settings.cpuparams.n_threads = 1
server = xllamacpp.Server(settings)
for prompt, count in asked["prompts"]:
    given = {"prompt": prompt, "n_predict": count, "temperature": 0, "cache_prompt": False}
    answer = server.handle_completions(given)
    answer = json.loads(answer) if isinstance(answer, str) else answer
    print("ANSWER", json.dumps(answer["choices"][0]["text"] if "choices" in answer else
                               answer["content"]), flush=True)
"""


def fields_of(reader: GGUFReader) -> dict[str, Any]:
    return {name: field.contents() for name, field in reader.fields.items()}


def saved(model: GPT, tokenizer: Tokenizer, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    save_model(model, folder, GenerationConfig(), {"step": 10})
    tokenizer.save(folder)
    return folder


@pytest.fixture(scope="module")
def byte_pairs() -> Tokenizer:
    return train_bpe_tokenizer(write_tales(5_000, seed=0), 300, has_marks=True)


@pytest.mark.parametrize("switches", [*every_value(), *combinations(12)], ids=str)
def test_every_tensor_comes_back_or_the_shape_is_refused(
    switches: dict[str, Any], byte_pairs: Tokenizer, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    config = random_model(**switches).config
    model = GPT(config, byte_pairs.vocab_size)
    folder, file = saved(model, byte_pairs, tmp_path / "one"), tmp_path / "one.gguf"
    if not supports(config):
        assert not fits_gpt2(config) or config.activation != "gelu"
        with pytest.raises(BadInput, match=r"this model has model\.\w+"):
            write_gguf_file(folder, RunConfig(), file)
        return
    assert fits_gpt2(config)
    write_gguf_file(folder, RunConfig(name="five $ é"), file)
    reader = GGUFReader(file)
    found = {tensor.name: tensor for tensor in reader.tensors}
    expected = export_tensors(model)
    assert set(found) == {gguf_name(name) for name in expected}
    for name, tensor in expected.items():
        theirs = found[gguf_name(name)]
        values = tensor.numpy()
        if values.ndim == 2 and theirs.name.split(".")[-2] in TURNED:
            values = values.T
        assert list(reversed(theirs.shape.tolist())) == list(values.shape), name
        np.testing.assert_array_equal(theirs.data.reshape(values.shape), values)
    fields = fields_of(reader)
    assert fields["general.architecture"] == "gpt2" and fields["general.name"] == "five $ é"
    assert fields["gpt2.context_length"] == config.block_size
    assert fields["gpt2.feed_forward_length"] == config.mlp_width
    assert fields["gpt2.attention.head_count"] == config.n_heads


@pytest.mark.parametrize("which", ["marked", "plain", "gpt2"])
def test_every_token_comes_back(which: str, byte_pairs: Tokenizer, tmp_path: Path) -> None:
    tokenizer = {
        "marked": lambda: byte_pairs,
        "plain": lambda: train_bpe_tokenizer(write_tales(5_000, seed=0), 300),
        "gpt2": gpt2_tokenizer,
    }[which]()
    torch.manual_seed(0)
    model = GPT(ModelConfig(n_layers=1, n_heads=1, n_embed=8, block_size=8), tokenizer.vocab_size)
    folder, file = saved(model, tokenizer, tmp_path / "one"), tmp_path / "one.gguf"
    write_gguf_file(folder, RunConfig(), file)
    fields = fields_of(GGUFReader(file))
    numbers = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    vocabulary = dict(numbers["model"]["vocab"])
    vocabulary |= {one["content"]: one["id"] for one in numbers["added_tokens"]}
    tokens = fields["tokenizer.ggml.tokens"]
    assert {token: place for place, token in enumerate(tokens)} == vocabulary
    assert fields["tokenizer.ggml.merges"] == [f"{a} {b}" for a, b in tokenizer.merges]
    assert (fields["tokenizer.ggml.model"], fields["tokenizer.ggml.pre"]) == ("gpt2", "gpt-2")
    end = tokens[fields["tokenizer.ggml.eos_token_id"]]
    assert end == ("\u00ff" if which == "plain" else "<|endoftext|>")
    kinds = fields["tokenizer.ggml.token_type"]
    controls = [token for token, kind in zip(tokens, kinds) if kind == TokenType.CONTROL]
    assert controls == ([] if which == "plain" else ["<|endoftext|>"])


def test_llama_cpp_writes_what_gtt_writes(taken: RunToExport, tmp_path: Path) -> None:
    checkpoint, file = taken.model_folder, tmp_path / "one.gguf"
    write_gguf_file(checkpoint, taken.run.config(), file)
    model, _ = load_model(checkpoint)
    tokenizer, block = Tokenizer.load(checkpoint), taken.run.config().model.block_size
    prompts = []
    for prompt in ("One day", "\n", " we'll", "é 你"):
        prompts.append((prompt, block - len(tokenizer.encode(prompt)) - 1))
    done = subprocess.run(
        [sys.executable, "-c", LLAMA],
        input=json.dumps({"file": str(file), "context": block, "prompts": prompts}),
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("ANSWER ")]
    found = [json.loads(line.removeprefix("ANSWER ")) for line in lines]
    expected = [
        "".join(
            generate_text(
                model,
                tokenizer,
                GenerationConfig(prompt=prompt, temperature=0, max_new_tokens=count),
            )
        )
        for prompt, count in prompts
    ]
    assert found == expected and all(len(one) >= 5 for one in found)


def test_characters_are_refused_with_a_reason(characters: RunToExport, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="needs a token that ends a text"):
        write_gguf_file(characters.model_folder, characters.run.config(), tmp_path / "one.gguf")


def test_what_llama_cpp_does_not_know_is_refused() -> None:
    assert supports(ModelConfig())
    for changes in ({"residual": False}, {"norm_position": "post"}, {"activation": "silu"}):
        (name,) = changes
        assert f"model.{name}" in str(supports.refusal(ModelConfig(**changes)))
