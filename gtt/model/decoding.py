"""A fast forward pass for one token of one sequence, in NumPy.

`GPT.forward` is written to be read and to train. When a small model writes on a CPU, a token costs
it about a hundred calls into torch, and these cost more time than the arithmetic in them. This is
the same arithmetic for one sequence and one token in NumPy, whose calls are several times cheaper,
on the model's own memory: nothing is copied, and weights that change in place change here as well.
Tests hold it against `GPT.forward`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gtt.model.gpt import GPT, KeyValueCache
from gtt.support import ANY, Support

Vector = npt.NDArray[np.float32]

supports = Support(
    "The decoder for a CPU does not know model.{}: let the model read it.",
    n_layers=ANY,
    n_heads=ANY,
    n_embed=ANY,
    block_size=ANY,
    dropout=ANY,
    attention=("fused", "separate_heads"),
    norm_position=("pre", "post", "none"),
    residual=(True, False),
    position=("learned", "sinusoidal", "none"),
    activation=("gelu", "relu", "silu"),
    mlp_ratio=ANY,
    tie_embeddings=(True, False),
    bias=(True, False),
)


def gelu(x: Vector) -> Vector:
    """GPT-2's GELU, the tanh form, of (N,)."""
    inner = x * x
    inner *= 0.044715
    inner += 1
    inner *= x
    inner *= math.sqrt(2 / math.pi)
    np.tanh(inner, out=inner)
    inner += 1
    inner *= x
    inner *= 0.5
    return inner


def silu(x: Vector) -> Vector:
    """x times its logistic function, of (N,)."""
    with np.errstate(over="ignore"):  # exp(-x) of a very negative x: the result is 0 all the same
        out: Vector = x / (1 + np.exp(-x))
    return out


def relu(x: Vector) -> Vector:
    """The positive part of (N,)."""
    return np.maximum(x, 0)


ACTIVATIONS: dict[str, Callable[[Vector], Vector]] = {"gelu": gelu, "relu": relu, "silu": silu}


class Decoder:
    """Reads token after token of one sequence behind a cache that `GPT.forward` may have filled.

    The model is one that is supported, its weights are fp32 on the CPU, and the cache is for a
    batch of one. Raises `BadInput` for another model.
    """

    def __init__(self, model: GPT, cache: KeyValueCache) -> None:
        supports.require(model.config)
        config, body = model.config, model.transformer
        self.cache = cache
        self.heads, self.head_size = config.n_heads, config.n_embed // config.n_heads
        self.scale = np.float32(1 / math.sqrt(self.head_size))
        self.residual = config.residual
        self.pre, self.post = config.norm_position == "pre", config.norm_position == "post"
        self.activation = ACTIVATIONS[config.activation]
        self.tokens = _array(body.wte.weight)
        self.positions = _array(body.wpe.weight) if config.position != "none" else None
        self.blocks = [
            (
                _norm_of(block, "ln_1"),
                _linear_of(block.attn.c_attn),
                _linear_of(block.attn.c_proj),
                _norm_of(block, "ln_2"),
                _linear_of(block.mlp.c_fc),
                _linear_of(block.mlp.c_proj),
                keys[0].numpy(),  # (H, block size, D)
                values[0].numpy(),
            )
            for block, keys, values in zip(_blocks(model), cache.keys, cache.values)
        ]
        self.final_norm = _norm_of(body, "ln_f")
        self.unembed = model.lm_head

    @torch.inference_mode()
    def read(self, token: int) -> Tensor:
        """Logits (1, V) of what follows `token`, which goes into the cache."""
        place = self.cache.length
        x = self.tokens[token]  # (C,)
        if self.positions is not None:
            x = x + self.positions[place]
        for norm_1, qkv, out, norm_2, fc, proj, keys, values in self.blocks:
            y = _affine(_norm(x, *norm_1) if self.pre else x, *qkv)
            q, keys[:, place], values[:, place] = y.reshape(3, self.heads, self.head_size)
            y = _affine(self._attend(q, keys[:, : place + 1], values[:, : place + 1]), *out)
            x = x + y if self.residual else y
            x = _norm(x, *norm_1) if self.post else x

            y = self.activation(_affine(_norm(x, *norm_2) if self.pre else x, *fc))
            y = _affine(y, *proj)
            x = x + y if self.residual else y
            x = _norm(x, *norm_2) if self.post else x
        self.cache.length = place + 1
        if self.pre:
            x = _norm(x, *self.final_norm)
        logits: Tensor = self.unembed(torch.from_numpy(x)[None])
        return logits

    def _attend(self, q: Vector, keys: Vector, values: Vector) -> Vector:
        """What the heads read, side by side: q (H, D), keys and values (H, T, D), to (C,)."""
        scores = np.matmul(keys, (q * self.scale)[:, :, None])[:, :, 0]  # (H, T)
        scores -= scores.max(-1, keepdims=True)
        weights = np.exp(scores, out=scores)
        weights /= weights.sum(-1, keepdims=True)
        z: Vector = np.matmul(weights[:, None], values).reshape(-1)
        return z


def _norm(x: Vector, weight: Vector, bias: Vector | None, epsilon: float) -> Vector:
    """Layer norm of (C,)."""
    centred = x - x.sum() / np.float32(len(x))
    spread = math.sqrt(float(centred.dot(centred)) / len(x) + epsilon)
    scaled: Vector = centred * (weight / np.float32(spread))
    return scaled if bias is None else scaled + bias


def _affine(x: Vector, weight: Vector, bias: Vector | None) -> Vector:
    """x W + b of (in,), W being (in, out)."""
    out: Vector = x @ weight
    if bias is not None:
        out += bias
    return out


def _blocks(model: GPT) -> list[Any]:
    return list(model.transformer.h)


def _array(weight: Any) -> Vector:
    array: Vector = weight.detach().numpy()
    return array


def _linear_of(linear: Any) -> tuple[Vector, Vector | None]:
    return _array(linear.weight), None if linear.bias is None else _array(linear.bias)


def _norm_of(module: Any, name: str) -> Any:
    """Weight, bias and epsilon of a norm, None where the module has none of that name."""
    norm = getattr(module, name, None)
    if norm is None:
        return None
    return _array(norm.weight), None if norm.bias is None else _array(norm.bias), norm.eps
