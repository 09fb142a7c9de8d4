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
from torch.nn import functional as F

from gtt.model.gpt import GPT, KeyValueCache


class Decoder:
    """Reads token after token of one sequence behind a cache that `GPT.forward` may have filled.

    It keeps the model's own tensors, so it stays right while these are changed in place.
    """

    def __init__(self, model: GPT) -> None:
        self.model, config = model, model.config
        self.width = (config.n_embed,)
        self.heads, self.head_size = config.n_heads, config.n_embed // config.n_heads
        self.blocks: list[Any] = list(model.transformer.h)
        self.pre, self.post = config.norm_position == "pre", config.norm_position == "post"

    @torch.inference_mode()
    def read(self, token: Tensor, cache: KeyValueCache) -> Tensor:
        """Logits (1, V) of what follows `token` (1,), which goes into the cache (batch 1)."""
        body = self.model.transformer
        place = cache.length
        x = body.wte.weight[token]  # (1, C)
        if self.model.config.position != "none":
            x = x + body.wpe.weight[place]
        for layer, block in enumerate(self.blocks):
            z = self._attend(block.attn, self._norm(block.ln_1, x) if self.pre else x, layer, cache)
            x = self._joined(x, z, block.attn.c_proj)
            x = self._norm(block.ln_1, x) if self.post else x

            hidden = _affine(self._norm(block.ln_2, x) if self.pre else x, block.mlp.c_fc)
            x = self._joined(x, block.mlp.activation(hidden), block.mlp.c_proj)
            x = self._norm(block.ln_2, x) if self.post else x
        cache.length = place + 1
        if self.pre:
            x = self._norm(body.ln_f, x)
        logits: Tensor = self.model.lm_head(x)
        return logits

    def _attend(self, attention: Any, x: Tensor, layer: int, cache: KeyValueCache) -> Tensor:
        """What the heads read, side by side: x (1, C) to (1, C)."""
        q, k, v = _affine(x, attention.c_attn).view(3, self.heads, 1, self.head_size).unbind()
        keys, values, end = cache.keys[layer][0], cache.values[layer][0], cache.length + 1
        keys[:, end - 1 : end] = k  # (H, block size, D)
        values[:, end - 1 : end] = v
        scores = torch.bmm(q, keys[:, :end].mT)  # (H, 1, T)
        weights = scores.mul_(1 / math.sqrt(self.head_size)).softmax(-1)
        return torch.bmm(weights, values[:, :end]).view(1, -1)

    def _joined(self, x: Tensor, part: Tensor, projection: Any) -> Tensor:
        """The stream (1, C) with what a part (1, …) writes through its projection."""
        if not self.model.config.residual:
            return _affine(part, projection)
        base = x if projection.bias is None else x + projection.bias
        return torch.addmm(base, part, projection.weight)

    def _norm(self, norm: Any, x: Tensor) -> Tensor:
        return F.layer_norm(x, self.width, norm.weight, norm.bias, norm.eps)


def _affine(x: Tensor, linear: Any) -> Tensor:
    if linear.bias is None:
        out: Tensor = x @ linear.weight
        return out
    return torch.addmm(linear.bias, x, linear.weight)
