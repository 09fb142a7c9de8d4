"""The inside of the model at one step: attention, activations, gradients, updates."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from gtt.atomic_files import replacing
from gtt.model.gpt import GPT
from gtt.model.sampling import evaluating

ATTENTION_TOKENS = 64  # longest text whose attention is kept: 64 x 64 numbers per head
DEAD_BELOW = 1e-2  # a hidden unit is dead if no token of the probe text drives it above this

Statistics = dict[str, dict[str, float]]


def part_of(parameter_name: str) -> str:
    """The part of the model a weight belongs to: `wte`, `wpe`, `h.0.attn`, `h.0.mlp`, `ln_f`, …

    The norms of a block count to the part they feed.
    """
    name = parameter_name.removeprefix("transformer.")
    pieces = name.split(".")
    if pieces[0] != "h":
        return pieces[0]
    inner = {"ln_1": "attn", "ln_2": "mlp"}.get(pieces[2], pieces[2])
    return f"h.{pieces[1]}.{inner}"


def copy_weights(model: nn.Module) -> dict[str, Tensor]:
    """The weights as they are now, to compare with after an update."""
    return {name: weight.detach().clone() for name, weight in model.named_parameters()}


@torch.no_grad()
def weight_statistics(model: nn.Module, before: dict[str, Tensor] | None) -> Statistics:
    """Per part: `gradient_norm`, and with the weights before the update `update_to_weight`.

    Norms are Euclidean over all weights of the part; the ratio is |after - before| / |before|.
    """
    gradients: dict[str, Tensor] = {}
    updates: dict[str, Tensor] = {}
    weights: dict[str, Tensor] = {}
    for name, weight in model.named_parameters():
        part = part_of(name)
        if weight.grad is not None:
            gradients[part] = gradients.get(part, 0) + weight.grad.float().square().sum()
        if before is not None:
            updates[part] = updates.get(part, 0) + (weight - before[name]).float().square().sum()
            weights[part] = weights.get(part, 0) + before[name].float().square().sum()
    statistics: Statistics = {}
    for part, squared in gradients.items():
        statistics.setdefault(part, {})["gradient_norm"] = float(squared.sqrt())
    for part, squared in updates.items():
        if weights[part] > 0:
            statistics.setdefault(part, {})["update_to_weight"] = float(
                (squared / weights[part]).sqrt()
            )
    return statistics


@torch.no_grad()
def activation_statistics(model: GPT, tokens: Tensor) -> tuple[Statistics, Tensor]:
    """Per part `activation_scale` (and `dead_units` of each MLP) over `tokens` (B, T), and the
    attention weights of the first row, (layers, H, T', T') with T' at most 64.

    The scale is the root mean square of what the part writes; dead units are the share of hidden
    units that stay near zero on every token.
    """
    statistics: Statistics = {}
    attention: list[Tensor] = []

    def observe(name: str, activation: Tensor) -> Tensor:
        if (
            name == "embed"
            or name.endswith((".attn.out", ".mlp.out", ".resid_post"))
            or name == "final"
        ):
            part = name.removesuffix(".out")
            scale = activation.float().square().mean().sqrt()
            statistics.setdefault(part, {})["activation_scale"] = float(scale)
        elif name.endswith(".mlp.post"):
            largest = activation.float().abs().amax(dim=(0, 1))  # (hidden,)
            dead = float((largest < DEAD_BELOW).float().mean())
            statistics.setdefault(name.removesuffix(".post"), {})["dead_units"] = dead
        elif name.endswith(".attn.weights"):
            length = min(ATTENTION_TOKENS, activation.shape[-1])
            attention.append(activation[0, :, :length, :length].float().cpu())
        return activation

    with evaluating(model):
        model(tokens, probe=observe)
    return statistics, torch.stack(attention)


@torch.no_grad()
def attention_on(model: GPT, tokens: Tensor) -> Tensor:
    """Attention weights (layers, H, T, T) on `tokens` (B, T), averaged over the B texts."""
    attention: list[Tensor] = []

    def observe(name: str, activation: Tensor) -> Tensor:
        if name.endswith(".attn.weights"):
            attention.append(activation.float().mean(0).cpu())
        return activation

    with evaluating(model):
        model(tokens, probe=observe)
    return torch.stack(attention)


def merged(*parts: Statistics) -> Statistics:
    """The statistics of each part side by side."""
    whole: Statistics = {}
    for statistics in parts:
        for part, values in statistics.items():
            whole.setdefault(part, {}).update(values)
    return whole


def write_snapshot(
    path: Path, attention: Tensor, repeated: Tensor, tokens: Tensor, texts: list[str]
) -> None:
    """Writes attention (layers, H, T, T), as fp16, and the tokens (T,) it is about.

    Their texts go along as metadata, so that a snapshot can be shown without its tokenizer.
    `repeated` is the attention on random tokens said twice (layers, H, 2P, 2P).
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = {
        "attention": attention.half(),
        "repeated": repeated.half(),
        "tokens": tokens.to(torch.int32),
    }
    with replacing(path) as beside:
        save_file(arrays, beside, metadata={"texts": json.dumps(texts)})
