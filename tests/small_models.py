"""Small random models of every shape, and the same ones in `transformers`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import GPT2LMHeadModel

from gtt.config import GenerationConfig, ModelConfig
from gtt.model.export import save_model
from gtt.model.gpt import GPT

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
