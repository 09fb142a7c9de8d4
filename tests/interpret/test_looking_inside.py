"""What is shown of a model's inside is what the model and `transformers` compute."""

from __future__ import annotations

import copy
import math
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from small_models import VOCAB, combinations, in_transformers, random_ids, random_model

from gtt.errors import BadInput
from gtt.interpret.ablation import logits_without, loss_without
from gtt.interpret.attention import attention_maps
from gtt.interpret.following import follow, head_writes
from gtt.interpret.lens import logit_lens, read_out
from gtt.interpret.path_steps import Spot
from gtt.interpret.probing import activations_of
from gtt.interpret.surprise import each_token, logits_before, mean_surprise
from gtt.interpret.written_arithmetic import dot, plus, shown
from gtt.model.gpt import ACTIVATIONS

ATTENTION = ("q", "k", "v", "scores", "weights", "z", "out")
SWITCHES: list[dict[str, Any]] = [
    {},
    {"bias": False, "activation": "relu"},
    {"position": "none", "tie_embeddings": False},
    {"norm_position": "post"},
    {"norm_position": "none", "residual": False},
    *(one | {"n_layers": 3, "n_heads": 4, "n_embed": 32} for one in combinations(4, seed=2)),
]


@pytest.mark.parametrize("switches", SWITCHES[:3], ids=str)
def test_attention_and_logits_equal_those_of_transformers(
    switches: dict[str, Any], tmp_path: Path
) -> None:
    model, ids = random_model(**switches), random_ids(24)
    theirs = in_transformers(model, tmp_path)
    with torch.no_grad():
        expected = theirs(torch.tensor([ids]), output_attentions=True)
    weights = torch.cat(expected.attentions)  # (layers, H, T, T)
    assert weights.std() > 0.05
    maps = attention_maps(model, ids, [0, 1, 2])
    assert (maps.weights - weights).abs().max() < 1e-5
    assert (maps.scores.softmax(-1) - weights).abs().max() < 1e-5
    logits, _ = activations_of(model, torch.tensor([ids]), lambda name: False)
    assert expected.logits.std() > 0.1
    assert (logits - expected.logits).abs().max() < 1e-5 * expected.logits.abs().max()


def test_some_layers_are_the_same_as_all_of_them() -> None:
    model, ids = random_model(), random_ids(10)
    whole, some = attention_maps(model, ids, [0, 1, 2]), attention_maps(model, ids, [2, 0])
    assert torch.equal(some.weights, whole.weights[[2, 0]])
    assert torch.equal(some.scores, whole.scores[[2, 0]])


@pytest.mark.parametrize("switches", SWITCHES, ids=str)
def test_the_lens_ends_with_what_the_model_says(switches: dict[str, Any]) -> None:
    model, ids = random_model(**switches), random_ids(20)
    layers = dict(logit_lens(model, ids))
    assert list(layers) == ["embed", "h.0.resid_post", "h.1.resid_post", "h.2.resid_post"]
    with torch.no_grad():
        logits = model(torch.tensor([ids]))[0]
    assert torch.equal(layers["h.2.resid_post"], logits)
    assert not torch.allclose(layers["h.1.resid_post"], logits, atol=0.1)


@pytest.mark.parametrize("heads", [[(1, 2)], [(0, 0), (0, 3), (2, 1)]], ids=str)
def test_a_head_switched_off_is_its_slice_of_the_output_projection_at_zero(
    heads: list[tuple[int, int]],
) -> None:
    model, tokens = random_model(), torch.tensor([random_ids(20), random_ids(20, seed=2)])
    without = copy.deepcopy(model)
    D = model.config.head_size
    with torch.no_grad():
        for layer, head in heads:
            weight = without.transformer.h[layer].attn.c_proj.weight
            weight[head * D : (head + 1) * D] = 0
        expected, untouched = without(tokens), model(tokens)
    found = logits_without(model, tokens, heads)
    assert (found - expected).abs().max() < 1e-5
    assert (found - untouched).abs().max() > 0.1
    assert torch.equal(logits_without(model, tokens, ()), untouched)


def test_losses_with_and_without_a_head_are_those_of_the_logits() -> None:
    model = random_model()
    windows = torch.tensor([random_ids(21), random_ids(21, seed=2)])
    tokens, targets = windows[:, :-1], windows[:, 1:]
    whole, without = (loss_without(model, tokens, targets, off) for off in ((), [(0, 1)]))
    for loss, heads in ((whole, ()), (without, [(0, 1)])):
        odds = logits_without(model, tokens, heads).log_softmax(-1)
        assert loss == pytest.approx(-float(odds.gather(-1, targets[..., None]).mean()), abs=1e-5)


def test_looking_leaves_the_model_as_it_was() -> None:
    model, tokens = random_model(dropout=0.3), torch.tensor([random_ids(20)])
    model.train()
    before = copy.deepcopy(model.state_dict())
    torch.manual_seed(5)
    stream = torch.get_rng_state()
    first, kept = activations_of(model, tokens, lambda name: True)
    second = logits_without(model, tokens, [(0, 0)])
    assert not torch.equal(first, second)
    assert torch.equal(first, activations_of(model, tokens, lambda name: False)[0])  # no dropout
    assert model.training
    assert torch.equal(torch.get_rng_state(), stream)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
    assert set(kept) == {
        "embed",
        "final",
        *(f"h.{i}.attn.{what}" for i in range(3) for what in ATTENTION),
        *(f"h.{i}.mlp.{what}" for i in range(3) for what in ["pre", "post", "out"]),
        *(f"h.{i}.{what}" for i in range(3) for what in ("resid_mid", "resid_post")),
    }


def test_a_text_is_read_as_the_model_would() -> None:
    model, ids = random_model(), random_ids(30)
    with torch.no_grad():
        odds = model(torch.tensor([ids]))[0].double().softmax(-1)
    readings = list(each_token(model, ids, alternatives=4))
    assert [one.id for one in readings] == ids
    assert readings[0].odds is None and readings[0].alternatives == ()
    for place, one in enumerate(readings[1:], 1):
        row = odds[place - 1]
        assert one.odds == pytest.approx(float(row[ids[place]]), rel=1e-5)
        assert one.rank == 1 + sum(float(other) > float(row[ids[place]]) for other in row)
        assert one.surprise == pytest.approx(-math.log(one.odds), rel=1e-9)
        assert one.entropy == pytest.approx(float(-(row * row.log()).sum()), rel=1e-5)
        assert [id for id, _ in one.alternatives] == row.topk(4).indices.tolist()
    surprises = [one.surprise for one in readings[1:]]
    assert mean_surprise(readings) == pytest.approx(sum(surprises) / 29)


@pytest.mark.parametrize("length", [1, 2, 32, 33, 34, 49, 100])
def test_a_text_longer_than_a_block_is_read_to_its_end(length: int) -> None:
    model, ids = random_model(), random_ids(length)
    places = [place for place, _ in logits_before(model, ids)]
    assert places == list(range(1, length))
    for place, logits in logits_before(model, ids):
        with torch.no_grad():
            contexts = [
                model(torch.tensor([ids[start:place]]))[0, -1]
                for start in range(max(0, place - 32), max(1, place - 15))
            ]
        assert any(torch.allclose(logits, one, atol=1e-4) for one in contexts), place


def test_odds_that_are_no_numbers_are_refused() -> None:
    model = random_model()
    with torch.no_grad():
        model.lm_head.weight.fill_(math.nan)
    with pytest.raises(FloatingPointError):
        list(each_token(model, random_ids(5)))


@pytest.mark.parametrize("switches", SWITCHES, ids=str)
@pytest.mark.parametrize("layer", [0, 2])
def test_a_followed_token_goes_the_way_of_the_model(switches: dict[str, Any], layer: int) -> None:
    model, ids, place = random_model(**switches), random_ids(12), 7
    path = follow(model, ids, place, layer)
    logits, at = activations_of(model, torch.tensor([ids]), lambda name: True)
    steps = {step.name: step for step in path.steps}
    assert len(steps) == len(path.steps)
    for name, step in steps.items():
        assert step.title and step.formula and step.numbers
        if name in at:
            activation = at[name][0]
            rows = activation[:, place] if activation.dim() == 3 else activation[None, place]
            assert torch.equal(torch.tensor(step.rows), rows), name
    writes = torch.tensor(steps[f"h.{layer}.attn.writes"].rows).sum(0)
    bias = model.transformer.h[layer].attn.c_proj.bias
    out = torch.tensor(steps[f"h.{layer}.attn.out"].rows[0])
    assert torch.allclose(writes if bias is None else writes + bias, out, atol=1e-5)
    weights = torch.tensor(steps[f"h.{layer}.attn.weights"].rows)
    assert torch.allclose(weights.sum(-1), torch.ones(4))
    assert (weights[:, place + 1 :] == 0).all()
    before = torch.tensor(steps[f"h.{layer}.attn.scores.before"].rows)
    assert torch.allclose(
        before[:, : place + 1], at[f"h.{layer}.attn.scores"][0, :, place, : place + 1], atol=1e-5
    )
    assert before[:, place + 1 :].isfinite().all()
    odds = logits[0, place].double().softmax(-1)
    assert list(steps["logits"].ids) == odds.topk(10).indices.tolist()
    assert steps["logits"].rows[0] == pytest.approx(odds.topk(10).values.tolist())
    assert [name for name, _ in path.stream] == [
        "embed",
        *(f"h.{i}.{what}" for i in range(3) for what in ("resid_mid", "resid_post")),
    ]
    for name, length in path.stream:
        assert length == pytest.approx(float(at[name][0, place].norm()))


def worked_out(expression: str) -> float:
    """What a line of arithmetic gives, its brackets of words left out."""
    words = {"−": "-", "·": "*", "∞": "math.inf"}
    for sign, word in words.items():
        expression = expression.replace(sign, word)
    expression = re.sub(r"√(\d+)", r"math.sqrt(\1)", re.sub(r" \[[^\]]*\]", "", expression))
    names = {"exp": math.exp, "math": math, "relu": lambda u: max(u, 0.0)}
    for name in ("gelu", "silu"):
        names[name] = lambda u, name=name: float(ACTIVATIONS[name](torch.tensor(u)))
    return float(eval(expression, {"__builtins__": {}}, names))


@pytest.mark.parametrize("switches", SWITCHES, ids=str)
def test_each_step_of_a_path_is_worked_out(switches: dict[str, Any]) -> None:
    model, ids, place, layer = random_model(**switches), random_ids(12), 7, 1
    path = follow(model, ids, place, layer)
    spots = [Spot(step.name, len(step.rows) - 1, 1) for step in path.steps]
    asked = [
        next(one for one in follow(model, ids, place, layer, spot).steps if one.name == spot.name)
        for spot in spots
    ]
    for step, spot in zip(asked, spots, strict=True):
        assert (step.row, step.column) == (spot.row, spot.column)
    for step in (*path.steps, *asked):
        number = step.rows[step.row][step.column]
        if step.name.endswith(".scores"):
            assert step.worked.endswith("−∞" if number == -math.inf else "stays")
            continue
        for line in step.worked.removeprefix("logit ").split("; odds "):
            expression, _, value = line.rpartition(" = ")
            told = worked_out(value)
            if expression.startswith("W_"):
                matrix = model.transformer.wte if step.name == "wte" else model.transformer.wpe
                row, column = map(int, re.findall(r"\d+", expression))
                assert matrix.weight[row, column].item() == number
            else:
                assert worked_out(expression) == pytest.approx(told, rel=0.01, abs=0.003), step
        assert told == pytest.approx(number, rel=0.01, abs=1e-3), step


def test_a_number_that_a_step_does_not_have_is_refused() -> None:
    with pytest.raises(BadInput, match="no row 4: they go from 0 to 3"):
        follow(random_model(), random_ids(5), 2, 0, Spot("h.0.attn.q", 4, 0))


def test_numbers_are_told_with_about_three_digits() -> None:
    assert [shown(x) for x in (0, 1.23456, -0.0123, 0.00123, -3e-5, 1234.56, 123456789.0)] == [
        "0.000", "1.235", "−0.0123", "0.00123", "−3e−05", "1234.6", "1.23e+08"
    ]  # fmt: skip
    a, b = torch.tensor([1.0, -2.0, 0.5, 4.0, 0.1]), torch.tensor([3.0, 2.0, 1.0, -1.0, 1.0])
    assert (
        dot(a, b)
        == "(−2.000) · 2.000 + 4.000 · (−1.000) + 1.000 · 3.000 + 0.600 [sum of the other 2]"
    )
    assert dot(a[:2], b[:2], ["place 0", "place 1"]) == (
        "(−2.000) · 2.000 [place 1] + 1.000 · 3.000 [place 0]"
    )
    assert plus("1", b, 0) == "1 + 3.000" and plus("1", None, 0) == "1"


def test_the_last_stream_read_out_gives_the_odds() -> None:
    model, ids = random_model(), random_ids(6)
    logits, at = activations_of(model, torch.tensor([ids]), lambda name: True)
    assert torch.equal(read_out(model, at["h.2.resid_post"]), logits)
    assert logits.shape == (1, 6, VOCAB)
    assert head_writes(model, 1, at["h.1.attn.z"][0, :, 3]).shape == (4, 32)
