"""The model: equal to transformers, causal, the same through switches that should not matter."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from small_models import SHAPES, VOCAB, random_model
from transformers import AutoModelForCausalLM

from gtt.config import GenerationConfig, ModelConfig
from gtt.data.tokenizer_training import train_char_tokenizer
from gtt.errors import UnusableRun
from gtt.model.export import INCIDENTAL, fits_gpt2, load_model, save_model
from gtt.model.gpt import GPT, KeyValueCache, next_token_loss, sinusoids

ALPHABET = "".join(chr(97 + place) for place in range(VOCAB))


def random_tokens(rows: int = 3, length: int = 20) -> torch.Tensor:
    return torch.randint(VOCAB, (rows, length), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("switches", SHAPES, ids=str)
@torch.no_grad()
def test_the_export_has_equal_logits_in_transformers(
    switches: dict[str, Any], tmp_path: Path
) -> None:
    model, tokens = random_model(**switches), random_tokens()
    save_model(model, tmp_path, GenerationConfig(), {})
    theirs, loading = AutoModelForCausalLM.from_pretrained(
        tmp_path, trust_remote_code=True, output_loading_info=True
    )
    assert type(theirs).__name__ == (
        "GPT2LMHeadModel" if fits_gpt2(model.config) else "GTTForCausalLM"
    )
    assert not any(loading.values())
    logits = model(tokens)
    assert logits.std() > 0.1  # equal because both are right, not because both are flat
    assert (logits - theirs.eval()(tokens).logits).abs().max() < 1e-4
    ours_again, _ = load_model(tmp_path)
    assert torch.equal(ours_again(tokens), logits)


THE_USUAL_WAY = """
import sys
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, pipeline

model = AutoModelForCausalLM.from_pretrained(".", trust_remote_code=True).eval()
tokenizer = AutoTokenizer.from_pretrained(".", trust_remote_code=True)
ids = tokenizer("abc" * 11, return_tensors="pt")  # one more than the block size
out = model.generate(**ids, max_new_tokens=5, do_sample=False, pad_token_id=0)
print(tokenizer.decode(out[0]))
write = pipeline("text-generation", model=model, tokenizer=tokenizer)
print(write("abc" * 11, max_new_tokens=5, do_sample=False, pad_token_id=0)[0]["generated_text"])
tokens = torch.tensor([[3, 1, 2, 0, 0]])
whole = model(tokens[:, :3]).logits
padded = model(tokens, attention_mask=torch.tensor([[1, 1, 1, 0, 0]])).logits
print(bool((whole - padded[:, :3]).abs().max() < 1e-5))
for ask in (model, model.generate):
    try:
        ask(tokens.flip(1), attention_mask=torch.tensor([[0, 0, 1, 1, 1]]))
    except ValueError as error:
        print(error)
print("gtt" in sys.modules)
"""


def test_a_model_that_brings_its_own_file_generates_the_usual_way(tmp_path: Path) -> None:
    """In a process that knows nothing of GTT: `generate`, a pipeline, and padding."""
    model, tokenizer = random_model(norm_position="post"), train_char_tokenizer(ALPHABET)
    save_model(model, tmp_path, GenerationConfig(), {})
    tokenizer.save(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", THE_USUAL_WAY],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": "", "HF_HOME": str(tmp_path / "cache")},
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    ids = torch.tensor([tokenizer.encode("abc" * 11)])
    for _ in range(5):
        with torch.no_grad():
            ids = torch.cat([ids, model(ids[:, -32:])[:, -1:].argmax(-1)], dim=1)
    written = tokenizer.decode(ids[0])
    told = done.stdout.splitlines()
    assert told[:3] == [written, written, "True"]
    assert len(told) == 6 and all("one at a time" in line for line in told[3:5])
    assert told[5] == "False"


@pytest.mark.parametrize("switches", SHAPES, ids=str)
def test_the_parameter_count_is_the_models(switches: dict[str, Any]) -> None:
    model = random_model(**switches)
    trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert model.config.parameter_count(VOCAB) == trainable


@torch.no_grad()
def test_separate_heads_equal_fused_heads() -> None:
    fused, separate = random_model(), random_model(attention="separate_heads")
    separate.load_state_dict(fused.state_dict())
    assert torch.allclose(fused(random_tokens()), separate(random_tokens()), atol=1e-5)


@pytest.mark.parametrize("attention", ["fused", "separate_heads"])
@torch.no_grad()
def test_no_token_sees_the_future(attention: str) -> None:
    model, tokens = random_model(attention=attention), random_tokens()
    changed = tokens.clone()
    changed[:, 10:] = (changed[:, 10:] + 1) % VOCAB
    before, after = model(tokens), model(changed)
    assert torch.allclose(before[:, :10], after[:, :10], atol=1e-5)
    assert not torch.allclose(before[:, 10:], after[:, 10:], atol=1e-2)


@pytest.mark.parametrize("switches", SHAPES, ids=str)
@torch.no_grad()
def test_reading_with_a_cache_gives_the_same_logits(switches: dict[str, Any]) -> None:
    model, tokens = random_model(**switches), random_tokens()
    cache = KeyValueCache(model, batch=3)
    pieces = [model(tokens[:, a:b], cache=cache) for a, b in ((0, 7), (7, 8), (8, 15), (15, 20))]
    assert torch.allclose(torch.cat(pieces, dim=1), model(tokens), atol=1e-4)


@torch.no_grad()
def test_a_probe_sees_every_point_and_changes_nothing() -> None:
    model, tokens = random_model(), random_tokens()
    seen: dict[str, tuple[int, ...]] = {}

    def observe(name: str, activation: torch.Tensor) -> torch.Tensor:
        seen[name] = tuple(activation.shape)
        return activation

    assert torch.allclose(model(tokens, probe=observe), model(tokens), atol=1e-5)
    assert seen["embed"] == seen["final"] == seen["h.2.resid_post"] == (3, 20, 32)
    assert seen["h.0.attn.q"] == seen["h.1.attn.z"] == (3, 4, 20, 8)
    assert seen["h.1.attn.scores"] == seen["h.2.attn.weights"] == (3, 4, 20, 20)
    assert seen["h.0.mlp.pre"] == seen["h.0.mlp.post"] == (3, 20, 128)
    assert len(seen) == 2 + 3 * 12


@torch.no_grad()
def test_what_a_probe_returns_takes_the_activations_place() -> None:
    model, tokens = random_model(), random_tokens()

    def silence_second_head(name: str, activation: torch.Tensor) -> torch.Tensor:
        if name == "h.0.attn.z":
            activation = activation.clone()
            activation[:, 1] = 0
        return activation

    silenced = model(tokens, probe=silence_second_head)
    with torch.no_grad():
        model.transformer.h[0].attn.c_proj.weight[8:16] = 0  # the rows that read head 1
    assert torch.allclose(silenced, model(tokens), atol=1e-5)


def test_the_attention_weights_are_those_of_transformers(tmp_path: Path) -> None:
    model, tokens = random_model(), random_tokens()
    save_model(model, tmp_path, GenerationConfig(), {})
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path, attn_implementation="eager").eval()
    weights: list[torch.Tensor] = []

    def observe(name: str, activation: torch.Tensor) -> torch.Tensor:
        if name.endswith("attn.weights"):
            weights.append(activation)
        return activation

    with torch.no_grad():
        model(tokens, probe=observe)
        expected = theirs(tokens, output_attentions=True).attentions
    for ours, its in zip(weights, expected):
        assert (ours - its).abs().max() < 1e-5


def test_a_new_model_starts_at_the_loss_of_guessing() -> None:
    torch.manual_seed(0)
    model, tokens = GPT(ModelConfig(), VOCAB), random_tokens(length=21)
    loss = next_token_loss(model(tokens[:, :-1]), tokens[:, 1:])
    assert abs(loss.item() - torch.tensor(float(VOCAB)).log().item()) < 0.1


def test_sinusoids_are_those_of_the_paper_at_the_spread_of_learned_positions() -> None:
    table = sinusoids(40, 7)
    assert table.shape == (40, 7)
    scale = 0.02 * 2**0.5
    assert torch.allclose(table[5, 0], scale * torch.tensor(5.0).sin(), atol=1e-6)
    assert torch.allclose(
        table[5, 3], scale * torch.tensor(5.0 / 10_000 ** (2 / 7)).cos(), atol=1e-6
    )


def damaged(folder: Path, name: str, content: str | None) -> None:
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_text(content)


@pytest.mark.parametrize(
    ("name", "content", "hint"),
    [
        ("gtt.json", None, "has no gtt.json"),
        ("gtt.json", "{", "cannot be read"),
        ("gtt.json", '{"format": 99}', "newer version"),
        ("gtt.json", '{"format": 1, "model": {"n_layers": -1}, "vocab_size": 50}', "n_layers"),
        ("config.json", None, "cannot be read"),
        ("config.json", "[]", "cannot be read"),
        ("config.json", "{}", "config.json does not describe"),
        ("model.safetensors", None, "cannot be read"),
        ("model.safetensors", "not tensors", "cannot be read"),
    ],
)
def test_a_damaged_checkpoint_is_refused_with_a_sentence(
    name: str, content: str | None, hint: str, tmp_path: Path
) -> None:
    save_model(random_model(), tmp_path, GenerationConfig(), {})
    damaged(tmp_path, name, content)
    with pytest.raises(UnusableRun, match=hint):
        load_model(tmp_path)


def test_tensors_that_do_not_fit_the_configuration_are_refused(tmp_path: Path) -> None:
    save_model(random_model(), tmp_path, GenerationConfig(), {})
    path = tmp_path / "gtt.json"
    path.write_text(path.read_text().replace('"n_layers": 3', '"n_layers": 4'))
    config = tmp_path / "config.json"
    config.write_text(config.read_text().replace('"n_layer": 3', '"n_layer": 4'))
    with pytest.raises(UnusableRun, match="smaller than the model"):  # before it is built
        load_model(tmp_path)
    path.write_text(path.read_text().replace('"n_layers": 4', '"n_layers": 2'))
    config.write_text(config.read_text().replace('"n_layer": 4', '"n_layer": 2'))
    with pytest.raises(UnusableRun, match=r"do not fit .*h\.2\."):
        load_model(tmp_path)


@pytest.mark.parametrize("switches", [{}, {"norm_position": "post"}], ids=str)
def test_a_config_that_transformers_would_take_for_another_model_is_refused(
    switches: dict[str, Any], tmp_path: Path
) -> None:
    save_model(random_model(**switches), tmp_path, GenerationConfig(), {})
    path = tmp_path / "config.json"
    written = json.loads(path.read_text())
    for name in written:
        path.write_text(json.dumps({**written, name: "something else"}))
        if name in INCIDENTAL:
            load_model(tmp_path)
        else:
            with pytest.raises(UnusableRun, match=f"{name} is 'something else'"):
                load_model(tmp_path)


def test_weights_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    model = random_model()
    with torch.no_grad():
        model.transformer.h[1].mlp.c_fc.bias[3] = float("nan")
    save_model(model, tmp_path, GenerationConfig(), {})
    with pytest.raises(UnusableRun, match=r"not numbers \(transformer\.h\.1\.mlp\.c_fc\.bias\)"):
        load_model(tmp_path)
