"""Reading one more token of one sequence, in as few steps as it takes.

`GPT.forward` is written to be read and to train. When a small model writes, a token costs it about
a hundred calls into torch, each with microseconds of its own, and that is most of the time. This is
the same arithmetic for a batch of one sequence and one token, on the weights as they are: no
dropout, no reshaping, no module in between. Tests hold it against `GPT.forward`.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from gtt.model.gpt import GPT, KeyValueCache


class Decoder:
    """Reads token after token of one sequence behind a cache that `GPT.forward` may have filled.

    It keeps the model's own tensors, so it stays right while these are changed in place. Looking
    one up in a module costs as much as a small operation on it, so that is done once.
    """

    def __init__(self, model: GPT) -> None:
        config, body = model.config, model.transformer
        self.width = (config.n_embed,)
        self.heads, self.head_size = config.n_heads, config.n_embed // config.n_heads
        self.scale = 1 / math.sqrt(self.head_size)
        self.residual = config.residual
        self.pre, self.post = config.norm_position == "pre", config.norm_position == "post"
        self.tokens = body.wte.weight
        self.positions = body.wpe.weight if config.position != "none" else None
        self.blocks = [_parts_of(block) for block in body.h]
        self.final_norm = _norm_of(body, "ln_f")
        self.unembed = model.lm_head

    @torch.inference_mode()
    def read(self, token: Tensor, cache: KeyValueCache) -> Tensor:
        """Logits (1, V) of what follows `token` (1,), which goes into the cache (batch 1)."""
        place = cache.length
        x = self.tokens[token]  # (1, C)
        if self.positions is not None:
            x = x + self.positions[place]
        for layer, (norm_1, qkv, out, norm_2, fc, activation, proj) in enumerate(self.blocks):
            keys, values = cache.keys[layer][0], cache.values[layer][0]  # (H, block size, D)
            q, k, v = self._affine(self._norm(norm_1, x) if self.pre else x, *qkv).view(
                3, self.heads, 1, self.head_size
            )
            keys[:, place : place + 1] = k
            values[:, place : place + 1] = v
            scores = torch.bmm(q, keys[:, : place + 1].mT)  # (H, 1, T)
            weights = scores.mul_(self.scale).softmax(-1)
            z = torch.bmm(weights, values[:, : place + 1]).view(1, -1)  # heads side by side
            x = self._joined(x, z, *out)
            x = self._norm(norm_1, x) if self.post else x

            hidden = activation(self._affine(self._norm(norm_2, x) if self.pre else x, *fc))
            x = self._joined(x, hidden, *proj)
            x = self._norm(norm_2, x) if self.post else x
        cache.length = place + 1
        if self.pre:
            x = self._norm(self.final_norm, x)
        logits: Tensor = self.unembed(x)
        return logits

    def _joined(self, x: Tensor, part: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """The stream (1, C) with what a part (1, …) writes through its projection."""
        if not self.residual:
            return self._affine(part, weight, bias)
        return torch.addmm(x if bias is None else x + bias, part, weight)

    def _affine(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return x @ weight if bias is None else torch.addmm(bias, x, weight)

    def _norm(self, norm: Any, x: Tensor) -> Tensor:
        return torch.layer_norm(x, self.width, *norm)


def _parts_of(block: Any) -> tuple[Any, ...]:
    """What a block computes with: norms as (weight, bias, epsilon), linear maps as (W, b)."""
    attention, mlp = block.attn, block.mlp
    return (
        _norm_of(block, "ln_1"),
        (attention.c_attn.weight, attention.c_attn.bias),
        (attention.c_proj.weight, attention.c_proj.bias),
        _norm_of(block, "ln_2"),
        (mlp.c_fc.weight, mlp.c_fc.bias),
        mlp.activation,
        (mlp.c_proj.weight, mlp.c_proj.bias),
    )


def _norm_of(module: Any, name: str) -> Any:
    norm = getattr(module, name, None)
    return None if norm is None else (norm.weight, norm.bias, norm.eps)
