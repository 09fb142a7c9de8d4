"""Following one token through a forward pass: the actual vectors, with the arithmetic in words.

Shapes: C embedding width, H heads, D = C / H head size, T tokens read.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from gtt.interpret.probing import activations_of
from gtt.model.gpt import GPT

LIKELIEST = 10  # tokens in the final odds


@dataclass(frozen=True)
class Step:
    """One thing that happens to the token.

    `name` is the probe point, or a module that works between two of them. `rows` are the numbers,
    one row where there is one vector, H where each head has its own; -inf is a masked place.
    `columns` says what the numbers of a row are: `width` of the stream, `head` size, `tokens` read,
    `hidden` units, `candidates` for the next token (whose ids stand in `ids`). `numbers` is the
    formula with this token's numbers in it.
    """

    name: str
    title: str
    formula: str
    numbers: str
    columns: str
    rows: list[list[float]]
    ids: tuple[int, ...] = ()


@dataclass(frozen=True)
class Path:
    """A token's way through one layer, and the growth of its residual stream through all.

    `stream` holds (probe point, Euclidean length of the stream there).
    """

    steps: tuple[Step, ...]
    stream: tuple[tuple[str, float], ...]


def follow(model: GPT, ids: Sequence[int], place: int, layer: int) -> Path:
    """How token number `place` of `ids` (T,) goes from its embedding by `layer` to the odds."""
    tokens = torch.tensor([list(ids)])
    logits, kept = activations_of(model, tokens, lambda name: True)
    at = {name: activation[0] for name, activation in kept.items()}
    steps = [
        *_embedding(model, ids[place], place, at),
        *_attention(model, place, layer, at),
        *_mlp(model, place, layer, at),
        *_odds(model, place, logits[0, place], at),
    ]
    stream = [(name, at[name]) for name in at if name == "embed" or ".resid_" in name]
    return Path(tuple(steps), tuple((name, _length(x[place])) for name, x in stream))


def _embedding(model: GPT, id: int, place: int, at: dict[str, Tensor]) -> Iterator[Step]:
    token = model.transformer.wte.weight[id]
    yield Step(
        "wte",
        "The token's own vector",
        "x = W_E[token]",
        f"row {id} of {model.vocab_size:,}; its length is {_length(token):.2f}",
        "width",
        _rows(token),
    )
    if model.config.position != "none":
        position = model.transformer.wpe.weight[place]
        yield Step(
            "wpe",
            "The vector of its place",
            "p = W_P[place]",
            f"row {place} of {model.config.block_size}; its length is {_length(position):.2f}",
            "width",
            _rows(position),
        )
    x = at["embed"][place]
    yield Step(
        "embed",
        "Both together: the residual stream begins",
        "x = W_E[token] + W_P[place]" if model.config.position != "none" else "x = W_E[token]",
        f"the stream has length {_length(x):.2f}",
        "width",
        _rows(x),
    )


def _attention(model: GPT, place: int, layer: int, at: dict[str, Tensor]) -> Iterator[Step]:
    block: Any = model.transformer.h[layer]
    name = f"h.{layer}.attn"
    before = at["embed" if layer == 0 else f"h.{layer - 1}.resid_post"][place]
    if model.config.norm_position == "pre":
        yield _norm(block.ln_1, f"h.{layer}.ln_1", before)
    q, k, v = (at[f"{name}.{what}"] for what in "qkv")  # (H, T, D)
    asks = "what it looks for", "what it offers to be found by", "what it hands over when found"
    for symbol, vectors, about in zip("qkv", (q, k, v), asks):
        yield Step(
            f"{name}.{symbol}",
            f"Each head's { {'q': 'query', 'k': 'key', 'v': 'value'}[symbol] }: {about}",
            f"{symbol} = x W_{symbol.upper()}" + _bias(model),
            f"{len(q)} heads with {q.shape[-1]} numbers each",
            "head",
            vectors[:, place].tolist(),
        )
    root = math.sqrt(q.shape[-1])
    unmasked = (q[:, place, None] * k).sum(-1) / root  # (H, T), the future included
    best = int(unmasked[0, : place + 1].argmax())
    product = float(unmasked[0, best]) * root
    yield Step(
        f"{name}.scores.before",
        "How well the query fits every key",
        "s = q · k / √D",
        f"head 0, place {best}: {product:.2f} / √{q.shape[-1]} = {product / root:.2f}",
        "tokens",
        unmasked.tolist(),
    )
    masked = at[f"{name}.scores"][:, place]
    future = masked.shape[-1] - place - 1
    yield Step(
        f"{name}.scores",
        "The future is masked",
        "s = −∞ where the key comes later",
        f"{future} of {masked.shape[-1]} places lie in the future"
        if future
        else "nothing is later",
        "tokens",
        masked.tolist(),
    )
    weights = at[f"{name}.weights"][:, place]
    total = float(masked[0, : place + 1].double().exp().sum())
    yield Step(
        f"{name}.weights",
        "Scores become shares of attention",
        "a = exp(s) / Σ exp(s)",
        f"head 0, place {best}: exp({float(masked[0, best]):.2f}) / {total:.2f} = "
        f"{float(weights[0, best]):.3f}",
        "tokens",
        weights.tolist(),
    )
    z = at[f"{name}.z"][:, place]  # (H, D)
    yield Step(
        f"{name}.z",
        "What each head reads",
        "z = Σ a · v",
        f"head 0 reads {float(weights[0, best]):.0%} from place {best}",
        "head",
        z.tolist(),
    )
    writes = head_writes(model, layer, z)  # (H, C)
    lengths = writes.norm(dim=-1)
    loudest = int(lengths.argmax())
    yield Step(
        f"{name}.writes",
        "What each head writes",
        "w = z W_O, each head with its own rows of W_O",
        f"head {loudest} writes most: a vector of length {float(lengths[loudest]):.2f}",
        "width",
        writes.tolist(),
    )
    yield _sum(f"{name}.out", "Attention's word", "Σ w" + _bias(model), at, place)
    yield _joined(model, f"h.{layer}.resid_mid", before, at, place, "attention")


def _mlp(model: GPT, place: int, layer: int, at: dict[str, Tensor]) -> Iterator[Step]:
    block: Any = model.transformer.h[layer]
    name = f"h.{layer}.mlp"
    before = at[f"h.{layer}.resid_mid"][place]
    if model.config.norm_position == "pre":
        yield _norm(block.ln_2, f"h.{layer}.ln_2", before)
    hidden, active = at[f"{name}.pre"][place], at[f"{name}.post"][place]
    yield Step(
        f"{name}.pre",
        "The MLP widens it",
        "u = x W_1" + _bias(model),
        f"{len(before)} numbers become {len(hidden)}",
        "hidden",
        _rows(hidden),
    )
    strongest = int(active.abs().argmax())
    yield Step(
        f"{name}.post",
        "Units switch on",
        f"g = {model.config.activation}(u)",
        f"{int((active > 0.1).sum())} of {len(active)} units are clearly on; unit {strongest}: "
        f"{model.config.activation}({float(hidden[strongest]):.2f}) = "
        f"{float(active[strongest]):.2f}",
        "hidden",
        _rows(active),
    )
    yield _sum(f"{name}.out", "The MLP's word", "g W_2" + _bias(model), at, place)
    yield _joined(model, f"h.{layer}.resid_post", before, at, place, "the MLP")


def _odds(model: GPT, place: int, logits: Tensor, at: dict[str, Tensor]) -> Iterator[Step]:
    last = at[f"h.{model.config.n_layers - 1}.resid_post"][place]
    if model.config.norm_position == "pre":
        yield _norm(model.transformer.ln_f, "final", last)
    odds = logits.double().softmax(-1)
    likeliest = odds.topk(min(LIKELIEST, len(odds)))
    ids = tuple(likeliest.indices.tolist())
    top = ids[0]
    spread = float(logits.double().logsumexp(-1))
    yield Step(
        "logits",
        "Which token comes next",
        "p = exp(logit) / Σ exp(logit), logit = x · W_U[token]",
        f"token {top}: exp({float(logits[top]):.2f} − {spread:.2f}) = {float(odds[top]):.3f}",
        "candidates",
        _rows(likeliest.values),
        ids,
    )


@torch.inference_mode()
def head_writes(model: GPT, layer: int, z: Tensor) -> Tensor:
    """What each head adds to the stream, (H, C), from what it read, `z` (H, D); no bias yet."""
    block: Any = model.transformer.h[layer]
    W: Tensor = block.attn.c_proj.weight  # (C, C), rows h D to (h + 1) D are head h's
    return torch.einsum("hd,hdc->hc", z, W.unflatten(0, z.shape))


@torch.inference_mode()
def _norm(norm: Any, name: str, x: Tensor) -> Step:
    mean, deviation = float(x.mean()), float(x.std(unbiased=False))
    return Step(
        name,
        "Layer norm: to mean 0 and spread 1, then a learned scale",
        "(x − μ) / σ · γ" + (" + β" if norm.bias is not None else ""),
        f"μ = {mean:.3f}, σ = {deviation:.3f}",
        "width",
        _rows(norm(x)),
    )


def _sum(name: str, title: str, formula: str, at: dict[str, Tensor], place: int) -> Step:
    out = at[name][place]
    numbers = f"a vector of length {_length(out):.2f}"
    return Step(name, title, formula, numbers, "width", _rows(out))


def _joined(
    model: GPT, name: str, before: Tensor, at: dict[str, Tensor], place: int, what: str
) -> Step:
    after = at[name][place]
    formula = f"x + {what}" if model.config.residual else f"{what} alone: no residual path"
    if model.config.norm_position == "post":
        formula = f"norm({formula})"
    return Step(
        name,
        "Added to the residual stream" if model.config.residual else "It replaces the stream",
        f"x = {formula}",
        f"the stream's length goes from {_length(before):.2f} to {_length(after):.2f}",
        "width",
        _rows(after),
    )


def _bias(model: GPT) -> str:
    return " + b" if model.config.bias else ""


def _length(x: Tensor) -> float:
    return float(x.detach().norm())


def _rows(x: Tensor) -> list[list[float]]:
    return [x.detach().tolist()]
