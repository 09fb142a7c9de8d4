"""Small random models of every shape, and the same ones in `transformers`."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any, get_args

import torch
from transformers import GPT2LMHeadModel

from gtt.config import GenerationConfig, ModelConfig
from gtt.model.export import save_model
from gtt.model.gpt import GPT
from gtt.settings import choices_of

VOCAB = 50
SHAPES: list[dict[str, Any]] = [
    {},
    {"bias": False},
    {"tie_embeddings": False},
    {"position": "sinusoidal"},
    {"position": "none"},
    {"activation": "relu", "mlp_ratio": 2.5},
    {"activation": "silu", "n_layers": 1},
    {"attention": "separate_heads"},
    {"norm_position": "post"},
    {"norm_position": "none", "bias": False},
    {"residual": False, "tie_embeddings": False},
]

# Numbers that every setting of the model is tried with; of choices and switches it is all.
NUMBERS: dict[str, tuple[float, ...]] = {
    "n_layers": (1, 3),
    "n_heads": (1, 2, 8),
    "n_embed": (8, 24, 40),
    "block_size": (8, 20),
    "dropout": (0.0, 0.3),
    "mlp_ratio": (0.25, 1.0, 2.7, 8.0),
}


def values_of(name: str) -> tuple[Any, ...]:
    """The values with which a setting of the model is tried; a new one is either plain or missing.

    Raises KeyError for a number that nobody has thought of.
    """
    annotation = ModelConfig.model_fields[name].annotation
    if annotation is bool:
        return (True, False)
    return get_args(annotation) if choices_of(annotation) else NUMBERS[name]


def every_value() -> list[dict[str, Any]]:
    """Every value of every setting of the model, one at a time."""
    names = list(ModelConfig.model_fields)
    return [{name: value} for name in names for value in values_of(name)]


def combinations(count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Settings of the model that are all drawn at once."""
    random, found = Random(seed), []
    while len(found) < count:
        drawn = {name: random.choice(values_of(name)) for name in ModelConfig.model_fields}
        if drawn["n_embed"] % drawn["n_heads"] == 0:
            found.append(drawn)
    return found


def random_model(spread: float = 0.2, **switches: Any) -> GPT:
    """3 layers, 4 heads; weights wide enough that a difference would show."""
    torch.manual_seed(0)
    config = ModelConfig(
        **{"n_layers": 3, "n_embed": 32, "n_heads": 4, "block_size": 32} | switches
    )
    model = GPT(config, VOCAB).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.normal_(std=spread)
    return model


def random_ids(length: int, seed: int = 1) -> list[int]:
    generator = torch.Generator().manual_seed(seed)
    return [int(id) for id in torch.randint(VOCAB, (length,), generator=generator)]


def in_transformers(model: GPT, folder: Path) -> GPT2LMHeadModel:
    """The export, with the attention that shows its weights."""
    save_model(model, folder, GenerationConfig(), {})
    return GPT2LMHeadModel.from_pretrained(folder, attn_implementation="eager").eval()
