"""The drawing is the module: its weights, its shapes, its wiring, its own lines."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import torch

from gtt.config import ModelConfig
from gtt.interpret.architecture import Drawing, Node, draw
from gtt.interpret.probing import activations_of
from gtt.model import gpt
from gtt.model.gpt import GPT

VOCAB, BATCH, TOKENS = 50, 3, 20
SWITCHES: list[dict[str, Any]] = [
    {},
    {"bias": False, "activation": "silu", "attention": "separate_heads"},
    {"position": "sinusoidal", "tie_embeddings": False},
    {"position": "none"},
    {"norm_position": "post", "activation": "relu"},
    {"norm_position": "none", "residual": False},
]


def config_of(**switches: Any) -> ModelConfig:
    shape = {"n_layers": 2, "n_embed": 32, "n_heads": 4, "block_size": 32, "mlp_ratio": 3}
    return ModelConfig(**shape | switches)


def drawn(**switches: Any) -> Drawing:
    return draw(config_of(**switches), VOCAB, BATCH, TOKENS)


def by_id(drawing: Drawing) -> dict[str, Node]:
    return {node.id: node for node in drawing.nodes}


def code_of(drawing: Drawing, id: str) -> str:
    return "\n".join(drawing.source[line][1] for line in by_id(drawing)[id].lines)


@pytest.mark.parametrize("switches", SWITCHES, ids=str)
def test_every_weight_of_the_module_is_drawn_once(switches: dict[str, Any]) -> None:
    drawing, model = drawn(**switches), GPT(config_of(**switches), VOCAB)
    shapes = {name: shape for node in drawing.nodes for name, shape in node.weights.items()}
    read = {
        name.removeprefix("transformer."): tuple(weight.shape)
        for name, weight in model.named_parameters(remove_duplicate=False)
    }
    if "wpe.weight" in read:  # only the rows of the tokens there are
        assert shapes["wpe.weight"] == read["wpe.weight"]
    assert shapes == read
    assert sum(node.parameters for node in drawing.nodes) == model.config.parameter_count(VOCAB)


@pytest.mark.parametrize("switches", SWITCHES, ids=str)
def test_shapes_are_those_that_the_model_has(switches: dict[str, Any]) -> None:
    model = GPT(config_of(**switches), VOCAB)
    tokens = torch.zeros(BATCH, TOKENS, dtype=torch.long)
    logits, kept = activations_of(model, tokens, lambda name: True)
    seen = {probe: node.shape for node in drawn(**switches).nodes for probe in node.probes}
    assert seen == {name: tuple(activation.shape) for name, activation in kept.items()}
    assert drawn(**switches).nodes[-1].shape == tuple(logits.shape)


@pytest.mark.parametrize("switches", SWITCHES, ids=str)
def test_everything_leads_to_the_logits(switches: dict[str, Any]) -> None:
    drawing = drawn(**switches)
    places = {node.id: place for place, node in enumerate(drawing.nodes)}
    assert all(places[edge.source] < places[edge.target] for edge in drawing.edges)
    needed = {"lm_head"}
    for edge in reversed(drawing.edges):
        if edge.target in needed:
            needed.add(edge.source)
    assert needed == set(places)


def test_the_wiring_of_a_block_is_that_of_gpt2() -> None:
    drawing = drawn()
    into = {
        node.id: {edge.source for edge in drawing.edges if edge.target == node.id}
        for node in drawing.nodes
    }
    assert into["h.1.ln_1"] == {"h.0.add_2"}
    assert into["h.1.attn.c_attn"] == {"h.1.ln_1"}
    assert into["h.1.attn.scores"] == {"h.1.attn.scale", "h.1.attn.k", "h.1.attn.mask"}
    assert into["h.1.attn.product"] == {"h.1.attn.softmax", "h.1.attn.v"}
    assert into["h.1.add"] == {"h.0.add_2", "h.1.attn.c_proj"}
    assert into["h.1.add_2"] == {"h.1.add", "h.1.mlp.c_proj"}
    assert into["lm_head"] == {"ln_f"}
    assert drawing.missing == ()
    shapes = {(edge.source, edge.target): edge.shape for edge in drawing.edges}
    assert shapes["h.0.attn.softmax", "h.0.attn.product"] == (BATCH, 4, TOKENS, TOKENS)
    assert shapes["h.0.attn.v", "h.0.attn.product"] == (BATCH, 4, TOKENS, 8)
    assert shapes["h.0.mlp.c_fc", "h.0.mlp.activation"] == (BATCH, TOKENS, 96)


def test_tied_weights_are_a_tie_and_counted_once() -> None:
    tied, apart = by_id(drawn())["lm_head"], by_id(drawn(tie_embeddings=False))["lm_head"]
    assert (tied.tied_to, tied.parameters) == ("wte", 0)
    assert (apart.tied_to, apart.parameters) == (None, VOCAB * 32)


def test_multiply_adds_are_those_of_the_products() -> None:
    nodes, rows = by_id(drawn()), BATCH * TOKENS
    assert nodes["h.0.attn.c_attn"].multiply_adds == rows * 32 * 96
    assert nodes["h.0.attn.scores"].multiply_adds == rows * TOKENS * 32
    assert nodes["h.0.attn.product"].multiply_adds == rows * TOKENS * 32
    assert nodes["h.0.mlp.c_fc"].multiply_adds == rows * 32 * 96
    assert nodes["h.0.mlp.c_proj"].multiply_adds == rows * 96 * 32
    assert nodes["lm_head"].multiply_adds == rows * 32 * VOCAB
    assert nodes["h.0.ln_1"].multiply_adds == 0
    without = by_id(drawn(bias=False))
    assert without["h.0.mlp.c_fc"].multiply_adds == nodes["h.0.mlp.c_fc"].multiply_adds


def test_what_is_switched_off_is_missing() -> None:
    def missing(**switches: Any) -> set[str]:
        return {node.id for node in drawn(**switches).missing if not node.id.startswith("h.1.")}

    assert missing(position="none") == {"wpe", "add"}
    assert missing(residual=False) == {"h.0.add", "h.0.add_2"}
    assert missing(norm_position="none") == {"h.0.ln_1", "h.0.ln_2", "ln_f"}
    assert missing(norm_position="post") == {"ln_f"}
    drawing = drawn(residual=False)
    assert {edge.target for edge in drawing.missing_edges if edge.source == "h.0.add"} == {
        "h.0.ln_2",
        "h.0.add_2",
    }


def test_the_code_shown_is_the_code_that_runs() -> None:
    drawing = drawn()
    assert "torch.addmm" in code_of(drawing, "h.0.attn.c_attn")
    assert "self.c_attn(x)" in code_of(drawing, "h.0.attn.c_attn")
    assert "baddbmm" in code_of(drawing, "h.0.attn.scores")
    assert "softmax" in code_of(drawing, "h.0.attn.softmax")
    assert "x + out if self.residual" in code_of(drawing, "h.1.add_2")
    assert "lm_head" in code_of(drawing, "lm_head")
    assert "ln_f" in code_of(drawing, "ln_f")
    scores, mlp = by_id(drawing)["h.0.attn.scores"], by_id(drawing)["h.0.mlp.c_fc"]
    assert "causal_scores(q, k).softmax" in code_of(drawing, "h.0.attn.scores")
    assert "z = self.attend(" in code_of(drawing, "h.0.attn.scores")
    in_the_open = " ".join(drawing.source[line][1] for line in scores.open_lines)
    assert "attend_in_the_open" in in_the_open and mlp.open_lines == ()
    assert "for h in range(H)" in code_of(drawn(attention="separate_heads"), "h.0.attn.scores")
    whole = inspect.getsource(gpt).splitlines()
    for first, text in drawing.source.values():
        for shown, line in zip(text.splitlines(), whole[first - 1 :]):
            assert shown.strip() == line.strip()


def test_a_large_model_is_drawn_without_its_memory() -> None:
    large = ModelConfig(n_layers=12, n_heads=16, n_embed=1024, block_size=512)
    drawing = draw(large, 50_257, 128, 512)
    assert len(drawing.nodes) == 5 + 12 * 17
    assert sum(node.parameters for node in drawing.nodes) == large.parameter_count(50_257)
