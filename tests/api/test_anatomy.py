"""The parts that are told from settings alone are those of the real module."""

from __future__ import annotations

from typing import Any

import pytest

from gtt.api.anatomy import parts_of
from gtt.config import ModelConfig
from gtt.model.gpt import GPT

VOCAB = 50
SHAPES: list[dict[str, Any]] = [
    {},
    {"bias": False},
    {"tie_embeddings": False},
    {"position": "sinusoidal"},
    {"position": "none", "n_layers": 1},
    {"norm_position": "post"},
    {"norm_position": "post", "bias": False},
    {"norm_position": "none"},
    {"norm_position": "none", "bias": False, "tie_embeddings": False},
    {"attention": "separate_heads", "mlp_ratio": 2.5},
    {"residual": False, "activation": "silu"},
]


def config_of(switches: dict[str, Any]) -> ModelConfig:
    return ModelConfig(**{"n_layers": 3, "n_embed": 32, "n_heads": 4, "block_size": 16} | switches)


def real_parts(config: ModelConfig) -> dict[str, tuple[list[int], int]]:
    """Shape of the weight and count of parameters, bias included, of each module."""
    parts: dict[str, tuple[list[int], int]] = {}
    for name, parameter in GPT(config, VOCAB).named_parameters():
        if not parameter.requires_grad:
            continue
        module, _, kind = name.rpartition(".")
        shape, count = parts.get(module, ([], 0))
        parts[module] = (
            list(parameter.shape) if kind == "weight" else shape,
            count + parameter.numel(),
        )
    return parts


@pytest.mark.parametrize("switches", SHAPES, ids=str)
def test_parts_are_those_of_the_module(switches: dict[str, Any]) -> None:
    config = config_of(switches)
    told = {part.name: (part.shape, part.parameters) for part in parts_of(config, VOCAB)}
    assert told == real_parts(config)
    assert sum(count for _, count in told.values()) == config.parameter_count(VOCAB)


@pytest.mark.parametrize("switches", SHAPES, ids=str)
def test_without_a_vocabulary_only_the_embeddings_are_open(switches: dict[str, Any]) -> None:
    config = config_of(switches)
    known = {part.name: part for part in parts_of(config, VOCAB)}
    for part in parts_of(config, None):
        if "vocabulary" in part.shape:
            assert part.name in ("transformer.wte", "lm_head") and part.parameters == 0
        else:
            assert part == known[part.name]
