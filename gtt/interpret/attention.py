"""What each head looks at while a model reads a text."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from gtt.interpret.ablation import Head, without_heads
from gtt.interpret.probing import activations_of
from gtt.model.gpt import GPT


class AttentionMaps(NamedTuple):
    """Both (layers, H, T, T), query by key: `scores` are -inf and `weights` 0 for the future."""

    scores: Tensor
    weights: Tensor


def attention_maps(model: GPT, ids: Sequence[int], layers: Sequence[int]) -> AttentionMaps:
    """Scores q·k / sqrt(D) and their softmax, of these layers, over T tokens, at most a block.

    Equal to what `transformers` returns with eager attention and `output_attentions=True`.
    """
    if not layers:
        nothing = torch.empty(0, model.config.n_heads, len(ids), len(ids))
        return AttentionMaps(nothing, nothing)
    names = [f"h.{layer}.attn.{field}" for field in AttentionMaps._fields for layer in layers]
    _, activations = activations_of(model, torch.tensor([list(ids)]), set(names).__contains__)
    stacked = torch.stack([activations[name][0] for name in names])  # (2 layers, H, T, T)
    return AttentionMaps(*stacked.split(len(layers)))


def weights_without(
    model: GPT, tokens: Tensor, layers: Sequence[int], off: Collection[Head] = ()
) -> Tensor:
    """Weights (B, layers, H, T, T) over `tokens` (B, T) with these heads switched off."""
    names = [f"h.{layer}.attn.weights" for layer in layers]
    _, activations = activations_of(model, tokens, set(names).__contains__, without_heads(off))
    return torch.stack([activations[name] for name in names], dim=1)
