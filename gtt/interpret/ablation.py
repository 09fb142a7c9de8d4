"""Ablation: switches attention heads off and measures the difference."""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import Tensor

from gtt.interpret.probing import activations_of
from gtt.model.gpt import GPT, Probe

Head = tuple[int, int]  # layer and head, both from 0


def without_heads(heads: Collection[Head]) -> Probe:
    """A probe that silences heads: what they read, `z` (B, H, T, D), becomes 0.

    The same as setting rows h·D to (h + 1)·D of the layer's output projection to 0.
    """
    off: dict[str, list[int]] = {}
    for layer, head in heads:
        off.setdefault(f"h.{layer}.attn.z", []).append(head)

    def silence(name: str, activation: Tensor) -> Tensor:
        if name not in off:
            return activation
        silenced = activation.clone()
        silenced[:, off[name]] = 0
        return silenced

    return silence


def logits_without(model: GPT, tokens: Tensor, heads: Collection[Head]) -> Tensor:
    """Logits (B, T, V) over `tokens` (B, T) with these heads switched off, with all if none are."""
    logits, _ = activations_of(model, tokens, lambda name: False, without_heads(heads))
    return logits


def loss_without(model: GPT, tokens: Tensor, targets: Tensor, heads: Collection[Head]) -> float:
    """Mean loss in nats per token over windows (B, T) without these heads, with all if none are."""
    logits = logits_without(model, tokens, heads).float()
    return float(torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten()))
