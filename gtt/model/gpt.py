"""The GPT: a decoder-only transformer, whole, in one file that reads top to bottom.

    tokens -> embedding + position -> block, block, … -> norm -> unembedding -> logits
                                      each block: x + attention(norm(x)), then x + mlp(norm(x))

The weights carry GPT-2's names and GPT-2's layout (Radford et al. 2019), so a state dict of the
standard architecture loads in `transformers.GPT2LMHeadModel` unchanged. The file imports only
torch: a checkpoint of a model that GPT-2 cannot express takes this very file along.

Shapes: B sequences in the batch, T tokens in a sequence, C embedding width, H heads,
D = C / H head size, V vocabulary.

Probe points, for whoever looks inside: a probe is called with a dotted name and the activation, and
what it returns is used in its place, so it can observe or alter. In the order of the computation:

    embed                  (B, T, C)     token embedding plus position
    h.{i}.attn.q .k .v     (B, H, T, D)  queries, keys, values
    h.{i}.attn.scores      (B, H, T, T)  q·k / sqrt(D), future masked with -inf
    h.{i}.attn.weights     (B, H, T, T)  softmax of the scores: each row sums to 1
    h.{i}.attn.z           (B, H, T, D)  what each head read: weights @ v
    h.{i}.attn.out         (B, T, C)     what attention adds to the residual stream
    h.{i}.resid_mid        (B, T, C)     the stream after attention
    h.{i}.mlp.pre .post    (B, T, 4C)    hidden layer before and after the activation
    h.{i}.mlp.out          (B, T, C)     what the MLP adds
    h.{i}.resid_post       (B, T, C)     the stream after the block
    final                  (B, T, C)     what the unembedding reads
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Probe = Callable[[str, Tensor], Tensor]

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": lambda x: F.gelu(x, approximate="tanh"),  # GPT-2's GELU is the tanh form
    "relu": F.relu,
    "silu": F.silu,
}


class Linear(nn.Module):
    """x @ W + b, with W stored (in, out) as textbooks write it and GPT-2 keeps it."""

    def __init__(self, inputs: int, outputs: int, bias: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(inputs, outputs))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        W, b, rows = self.weight, self.bias, x.flatten(0, -2)  # (…, in) -> (N, in)
        out = rows @ W if b is None else torch.addmm(b, rows, W)  # (N, out)
        return out.view(*x.shape[:-1], -1)


class KeyValueCache:
    """Keys and values of the tokens read so far, so that each new token costs one position.

    Buffers of shape (B, H, block_size, D) per layer, filled from the left.
    """

    def __init__(self, model: GPT, batch: int) -> None:
        config, weight = model.config, model.transformer.wte.weight
        shape = (batch, config.n_heads, config.block_size, config.n_embed // config.n_heads)
        self.keys = [weight.new_empty(shape) for _ in range(config.n_layers)]
        self.values = [weight.new_empty(shape) for _ in range(config.n_layers)]
        self.length = 0

    def extend(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Stores k and v (B, H, T, D) behind what is there; returns all, (B, H, length + T, D)."""
        end = self.length + k.shape[2]
        self.keys[layer][:, :, self.length : end] = k
        self.values[layer][:, :, self.length : end] = v
        return self.keys[layer][:, :, :end], self.values[layer][:, :, :end]


class CausalSelfAttention(nn.Module):
    """Each token looks back at the tokens before it and at itself (Vaswani et al. 2017)."""

    def __init__(self, config: Any, layer: int) -> None:
        super().__init__()
        self.layer = layer
        self.n_heads = config.n_heads
        self.dropout = config.dropout
        self.separate_heads = config.attention == "separate_heads"
        self.c_attn = Linear(config.n_embed, 3 * config.n_embed, config.bias)
        self.c_proj = Linear(config.n_embed, config.n_embed, config.bias)

    def forward(
        self, x: Tensor, cache: KeyValueCache | None = None, probe: Probe | None = None
    ) -> Tensor:
        B, T, C = x.shape
        H, D = self.n_heads, C // self.n_heads
        qkv = self.c_attn(x).view(B, T, 3, H, D).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.reshape(3, B, H, T, D)  # three times (B, H, T, D)
        if cache is not None:
            k, v = cache.extend(self.layer, k, v)  # (B, H, T_all, D)
        if probe is not None:
            z = self.attend_in_the_open(q, k, v, probe)
        elif self.separate_heads:
            heads = [self.attend(q[:, h], k[:, h], v[:, h]) for h in range(H)]
            z = torch.stack(heads, dim=1)  # H times (B, T, D) -> (B, H, T, D)
        elif q.is_cuda and cache is None:
            dropout = self.dropout if self.training else 0.0
            z = F.scaled_dot_product_attention(q, k, v, dropout_p=dropout, is_causal=True)
        else:
            # On a CPU two batched products beat the fused kernel: docs/measurements.md.
            z = self.attend(q.flatten(0, 1), k.flatten(0, 1), v.flatten(0, 1)).view(B, H, T, D)
        z = z.transpose(1, 2).reshape(B, T, C)  # heads side by side again
        out = self.c_proj(z)
        if probe is not None:
            out = probe(f"h.{self.layer}.attn.out", out)
        return F.dropout(out, self.dropout, self.training)

    def attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """softmax(q·k / sqrt(D)) v, causal: q (N, T, D), k and v (N, T_all, D) to (N, T, D)."""
        weights = causal_scores(q, k).softmax(dim=-1)  # (N, T, T_all)
        return F.dropout(weights, self.dropout, self.training) @ v

    def attend_in_the_open(self, q: Tensor, k: Tensor, v: Tensor, probe: Probe) -> Tensor:
        """The same for all heads (B, H, …) with every intermediate shown to the probe."""
        name = f"h.{self.layer}.attn"
        q, k, v = probe(f"{name}.q", q), probe(f"{name}.k", k), probe(f"{name}.v", v)
        scores = causal_scores(q.flatten(0, 1), k.flatten(0, 1)).unflatten(0, q.shape[:2])
        weights = probe(f"{name}.scores", scores).softmax(dim=-1)
        weights = probe(f"{name}.weights", weights)  # (B, H, T, T)
        return probe(f"{name}.z", F.dropout(weights, self.dropout, self.training) @ v)


def causal_scores(q: Tensor, k: Tensor) -> Tensor:
    """q·k / sqrt(D) with -inf where a query would see the future.

    q (N, T, D), k (N, T_all, D), the queries being the last T of all; returns (N, T, T_all).
    """
    T, T_all, D = q.shape[1], k.shape[1], q.shape[2]
    if T == 1:  # the newest token may see all there is
        return (q / math.sqrt(D)) @ k.mT
    mask = q.new_full((T, T_all), float("-inf")).triu(T_all - T + 1)
    return torch.baddbmm(mask, q / math.sqrt(D), k.mT)


class MLP(nn.Module):
    """Two layers with an activation between, on each token alone."""

    def __init__(self, config: Any, layer: int) -> None:
        super().__init__()
        self.layer = layer
        hidden = max(1, round(config.mlp_ratio * config.n_embed))
        self.c_fc = Linear(config.n_embed, hidden, config.bias)
        self.c_proj = Linear(hidden, config.n_embed, config.bias)
        self.activation = ACTIVATIONS[config.activation]
        self.dropout = config.dropout

    def forward(self, x: Tensor, probe: Probe | None = None) -> Tensor:
        hidden = self.c_fc(x)  # (B, T, 4C)
        if probe is not None:
            hidden = probe(f"h.{self.layer}.mlp.pre", hidden)
        hidden = self.activation(hidden)
        if probe is not None:
            hidden = probe(f"h.{self.layer}.mlp.post", hidden)
        out = self.c_proj(hidden)  # (B, T, C)
        if probe is not None:
            out = probe(f"h.{self.layer}.mlp.out", out)
        return F.dropout(out, self.dropout, self.training)


class Block(nn.Module):
    """Attention, then MLP, each beside a residual path.

    `norm_position` says where the layer norm sits: before each part (GPT-2), after the addition
    (the first transformer; Xiong et al. 2020 compare the two), or nowhere.
    """

    def __init__(self, config: Any, layer: int) -> None:
        super().__init__()
        self.layer = layer
        self.norm_position = config.norm_position
        self.residual = config.residual
        self.attn = CausalSelfAttention(config, layer)
        self.mlp = MLP(config, layer)
        if self.norm_position != "none":
            self.ln_1 = nn.LayerNorm(config.n_embed, bias=config.bias)
            self.ln_2 = nn.LayerNorm(config.n_embed, bias=config.bias)

    def forward(
        self, x: Tensor, cache: KeyValueCache | None = None, probe: Probe | None = None
    ) -> Tensor:
        pre, post = self.norm_position == "pre", self.norm_position == "post"

        out = self.attn(self.ln_1(x) if pre else x, cache, probe)
        x = x + out if self.residual else out
        x = self.ln_1(x) if post else x
        if probe is not None:
            x = probe(f"h.{self.layer}.resid_mid", x)

        out = self.mlp(self.ln_2(x) if pre else x, probe)
        x = x + out if self.residual else out
        x = self.ln_2(x) if post else x
        if probe is not None:
            x = probe(f"h.{self.layer}.resid_post", x)
        return x


class Transformer(nn.Module):
    """The body: everything up to the unembedding, under GPT-2's prefix `transformer.`"""

    def __init__(self, config: Any, vocab_size: int) -> None:
        super().__init__()
        self.config = config
        self.wte = nn.Embedding(vocab_size, config.n_embed)
        if config.position != "none":
            self.wpe = nn.Embedding(config.block_size, config.n_embed)
        self.h = nn.ModuleList(Block(config, i) for i in range(config.n_layers))
        if config.norm_position == "pre":
            self.ln_f = nn.LayerNorm(config.n_embed, bias=config.bias)

    def forward(
        self, tokens: Tensor, cache: KeyValueCache | None = None, probe: Probe | None = None
    ) -> Tensor:
        start = cache.length if cache is not None else 0
        end = start + tokens.shape[1]
        x = self.wte(tokens)  # (B, T, C)
        if self.config.position != "none":
            x = x + self.wpe.weight[start:end]  # (T, C), the same for every sequence
        if probe is not None:
            x = probe("embed", x)
        if torch.is_autocast_enabled(x.device.type):  # keep the residual stream in bf16 as well
            x = x.to(torch.get_autocast_dtype(x.device.type))
        x = F.dropout(x, self.config.dropout, self.training)
        for block in self.h:
            x = block(x, cache, probe)
        if self.config.norm_position == "pre":
            x = self.ln_f(x)
        if cache is not None:
            cache.length = end
        return x if probe is None else probe("final", x)  # (B, T, C)


class GPT(nn.Module):
    """The model. `config` needs the attributes of `gtt.config.ModelConfig`.

    The random initialisation draws from torch's default generator: seed it first.
    """

    def __init__(self, config: Any, vocab_size: int) -> None:
        super().__init__()
        self.config = config
        self.vocab_size = vocab_size
        self.transformer = Transformer(config, vocab_size)
        self.lm_head = nn.Linear(config.n_embed, vocab_size, bias=False)  # its W is (V, C)
        if config.tie_embeddings:
            self.lm_head.weight = self.transformer.wte.weight
        self.initialise()

    @torch.no_grad()
    def initialise(self) -> None:
        """GPT-2's start: normal(0, 0.02), and what feeds the residual stream smaller with depth."""
        for name, parameter in self.named_parameters():
            if name.endswith("c_proj.weight"):
                nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * self.config.n_layers))
            elif parameter.dim() == 2:
                nn.init.normal_(parameter, std=0.02)
        if self.config.position == "sinusoidal":
            wpe = self.transformer.wpe
            wpe.weight.copy_(sinusoids(*wpe.weight.shape))
            wpe.weight.requires_grad_(False)

    def forward(
        self, tokens: Tensor, cache: KeyValueCache | None = None, probe: Probe | None = None
    ) -> Tensor:
        """Logits (B, T, V): at each position the log-odds, up to a constant, of the next token.

        `tokens` is (B, T). With a cache they follow those read before. T plus what the cache holds
        is at most the block size.
        """
        logits: Tensor = self.lm_head(self.transformer(tokens, cache, probe))
        return logits


def next_token_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean cross-entropy in nats, a scalar, of logits (B, T, V) against the true tokens (B, T)."""
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def sinusoids(length: int, width: int) -> Tensor:
    """Fixed position vectors (length, width): sines and cosines of falling frequency.

    Vaswani et al. 2017, section 3.5, scaled to the spread that learned positions start with.
    """
    position = torch.arange(length).unsqueeze(1)  # (length, 1)
    frequency = 10_000 ** (-torch.arange(0, width, 2) / width)  # (ceil(width / 2),)
    angles = position * frequency
    table = torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)[:, :width]
    return table * (0.02 * math.sqrt(2))
