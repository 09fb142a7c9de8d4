"""Following one token through a forward pass: the actual vectors, with the arithmetic worked out.

Shapes: C embedding width, H heads, D = C / H head size, T tokens read.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from gtt.interpret.path_steps import Spot, Step, StepWriter, length, share_of
from gtt.interpret.probing import activations_of
from gtt.interpret.written_arithmetic import dot, equal, factor, plus, shown
from gtt.model.gpt import GPT
from gtt.support import ANY, Support

LIKELIEST = 10  # tokens in the final odds
LARGE = 10  # logarithm of a sum above which it is left as that

supports = Support(
    "The way of a token cannot be worked out for model.{}: look at its attention instead.",
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


@dataclass(frozen=True)
class Path:
    """A token's way through one layer, and the growth of its residual stream through all.

    `stream` holds (probe point, Euclidean length of the stream there).
    """

    steps: tuple[Step, ...]
    stream: tuple[tuple[str, float], ...]


@torch.inference_mode()
def follow(
    model: GPT, ids: Sequence[int], place: int, layer: int, spot: Spot | None = None
) -> Path:
    """How token number `place` of `ids` (T,) goes from its embedding by `layer` to the odds.

    Each step works out its largest number (scores and weights head 0's largest, the mask a masked
    one), and the step that `spot` names works out that one. Raises `BadInput` with the field
    `row` or `column` where a `spot` of this path is outside its rows, and without one for a model
    whose arithmetic is not known here.
    """
    supports.require(model.config)
    logits, kept = activations_of(model, torch.tensor([list(ids)]), lambda name: True)
    at = {name: activation[0] for name, activation in kept.items()}
    walk = _Walk(model, at, place, layer, spot)
    steps = [
        *walk.embedding(ids[place]),
        *walk.attention(),
        *walk.mlp(),
        *walk.odds(logits[0, place]),
    ]
    stream = [(name, at[name]) for name in at if name == "embed" or ".resid_" in name]
    return Path(tuple(steps), tuple((name, length(x[place])) for name, x in stream))


@torch.inference_mode()
def head_writes(model: GPT, layer: int, z: Tensor) -> Tensor:
    """What each head adds to the stream, (H, C), from what it read, `z` (H, D); no bias yet."""
    return torch.einsum("hd,hdc->hc", z, _output_rows(model, layer))


def _output_rows(model: GPT, layer: int) -> Tensor:
    """W_O as each head has it, (H, D, C): rows h D to (h + 1) D of the matrix are head h's."""
    block: Any = model.transformer.h[layer]
    rows: Tensor = block.attn.c_proj.weight.unflatten(0, (model.config.n_heads, -1))
    return rows


class _Walk(StepWriter):
    """The steps of one path, part by part of the model."""

    def embedding(self, id: int) -> Iterator[Step]:
        token = self.model.transformer.wte.weight[id]
        x = self.at["embed"][self.place]
        yield self.step(
            "wte",
            "The token's own vector",
            "x = W_E[token]",
            f"row {id} of {self.model.vocab_size:,}; its length is {length(token):.2f}",
            "width",
            token,
            lambda r, n: equal(f"W_E[{id}, {n}]", float(token[n])),
        )
        if self.config.position == "none":
            yield self.step(
                "embed",
                "The residual stream begins",
                "x = W_E[token]",
                f"the stream has length {length(x):.2f}",
                "width",
                x,
                lambda r, n: equal(shown(float(token[n])), float(x[n])),
            )
            return
        position = self.model.transformer.wpe.weight[self.place]
        yield self.step(
            "wpe",
            "The vector of its place",
            "p = W_P[place]",
            f"row {self.place} of {self.config.block_size}; its length is {length(position):.2f}",
            "width",
            position,
            lambda r, n: equal(f"W_P[{self.place}, {n}]", float(position[n])),
        )
        yield self.step(
            "embed",
            "Both together: the residual stream begins",
            "x = W_E[token] + W_P[place]",
            f"the stream has length {length(x):.2f}",
            "width",
            x,
            lambda r, n: equal(
                f"{shown(float(token[n]))} + {factor(float(position[n]))}", float(x[n])
            ),
        )

    def attention(self) -> Iterator[Step]:
        name, place = f"h.{self.layer}.attn", self.place
        before = self.at["embed" if self.layer == 0 else f"h.{self.layer - 1}.resid_post"][place]
        x = before
        if self.config.norm_position == "pre":
            yield self.norm(self.block.ln_1, f"h.{self.layer}.ln_1", before)
            x = self.block.ln_1(before)
        yield from self._queries_keys_values(x)
        q, k, v = (self.at[f"{name}.{what}"] for what in "qkv")  # (H, T, D)
        yield from self._weights(q, k)
        z = self.at[f"{name}.z"][:, place]  # (H, D)
        weights = self.at[f"{name}.weights"][:, place]  # (H, T)
        places = [f"place {j}" for j in range(weights.shape[1])]
        most = int(weights[0].argmax())
        yield self.step(
            f"{name}.z",
            "What each head reads",
            "z = Σ a · v",
            f"head 0 reads {float(weights[0, most]):.0%} from place {most}",
            "head",
            z,
            lambda h, n: equal(
                dot(weights[h, : place + 1], v[h, : place + 1, n], places), float(z[h, n])
            ),
        )
        yield from self._output(before, z)

    def _queries_keys_values(self, x: Tensor) -> Iterator[Step]:
        asks = "what it looks for", "what it offers to be found by", "what it hands over when found"
        words = "query", "key", "value"
        W, b = self.block.attn.c_attn.weight, self.block.attn.c_attn.bias  # (C, 3C), (3C,)
        for part, (symbol, word, about) in enumerate(zip("qkv", words, asks, strict=True)):
            vectors = self.at[f"h.{self.layer}.attn.{symbol}"][:, self.place]  # (H, D)
            heads, size = vectors.shape

            def work(h: int, n: int, part: int = part, vectors: Tensor = vectors) -> str:
                column = part * len(x) + h * vectors.shape[1] + n
                return equal(plus(dot(x, W[:, column]), b, column), float(vectors[h, n]))

            yield self.step(
                f"h.{self.layer}.attn.{symbol}",
                f"Each head's {word}: {about}",
                f"{symbol} = x W_{symbol.upper()}{self.bias}",
                f"{heads} heads with {size} numbers each",
                "head",
                vectors,
                work,
            )

    def _weights(self, q: Tensor, k: Tensor) -> Iterator[Step]:
        """From the fit of the query (H, T, D) with every key (H, T, D) to shares of attention."""
        name, place, size = f"h.{self.layer}.attn", self.place, q.shape[-1]
        fits = (q[:, place, None] * k).sum(-1) / math.sqrt(size)  # (H, T), the future included
        best = 0, int(fits[0, : place + 1].argmax())
        yield self.step(
            f"{name}.scores.before",
            "How well the query fits every key",
            "s = q · k / √D",
            f"D = {size}; the higher, the better the key of a place fits",
            "tokens",
            fits,
            lambda h, j: equal(f"({dot(q[h, place], k[h, j])}) / √{size}", float(fits[h, j])),
            best,
        )
        masked = self.at[f"{name}.scores"][:, place]
        future = masked.shape[-1] - place - 1
        yield self.step(
            f"{name}.scores",
            "The future is masked",
            "s = −∞ where the key comes later",
            f"{future} of {masked.shape[-1]} places lie in the future"
            if future
            else "nothing is later",
            "tokens",
            masked,
            lambda h, j: (
                f"place {j} comes later than place {place}: −∞"
                if j > place
                else f"place {j} is not later than place {place}: "
                f"{shown(float(masked[h, j]))} stays"
            ),
            (0, place + 1) if future else best,
        )
        weights = self.at[f"{name}.weights"][:, place]

        def work(h: int, j: int) -> str:
            if j > place:
                return equal("exp(−∞)", 0.0)
            seen = masked[h, : place + 1].double()
            spread = float(seen.logsumexp(-1))
            if spread > LARGE:  # the same, without a number that nobody can read
                return equal(share_of(float(seen[j]), spread), float(weights[h, j]))
            return equal(
                f"exp({shown(float(seen[j]))}) / {shown(math.exp(spread))}", float(weights[h, j])
            )

        yield self.step(
            f"{name}.weights",
            "Scores become shares of attention",
            "a = exp(s) / Σ exp(s)",
            f"the shares of the {place + 1} places that it sees add up to 1",
            "tokens",
            weights,
            work,
            best,
        )

    def _output(self, before: Tensor, z: Tensor) -> Iterator[Step]:
        """What the heads write, and the stream with it."""
        name = f"h.{self.layer}.attn"
        rows = _output_rows(self.model, self.layer)
        writes = head_writes(self.model, self.layer, z)  # (H, C)
        lengths = writes.norm(dim=-1)
        loudest = int(lengths.argmax())
        yield self.step(
            f"{name}.writes",
            "What each head writes",
            "w = z W_O, each head with its own rows of W_O",
            f"head {loudest} writes most: a vector of length {float(lengths[loudest]):.2f}",
            "width",
            writes,
            lambda h, n: equal(dot(z[h], rows[h, :, n]), float(writes[h, n])),
        )
        out, bias = self.at[f"{name}.out"][self.place], self.block.attn.c_proj.bias
        yield self.step(
            f"{name}.out",
            "Attention's word",
            f"Σ w{self.bias}",
            f"a vector of length {length(out):.2f}",
            "width",
            out,
            lambda r, n: equal(
                plus(" + ".join(factor(float(w)) for w in writes[:, n]), bias, n), float(out[n])
            ),
        )
        yield self.joined(f"h.{self.layer}.resid_mid", before, out, "attention", "ln_1")

    def mlp(self) -> Iterator[Step]:
        name = f"h.{self.layer}.mlp"
        x = before = self.at[f"h.{self.layer}.resid_mid"][self.place]
        if self.config.norm_position == "pre":
            yield self.norm(self.block.ln_2, f"h.{self.layer}.ln_2", before)
            x = self.block.ln_2(before)
        hidden, active = self.at[f"{name}.pre"][self.place], self.at[f"{name}.post"][self.place]
        widen, narrow = self.block.mlp.c_fc, self.block.mlp.c_proj
        yield self.step(
            f"{name}.pre",
            "The MLP widens it",
            f"u = x W_1{self.bias}",
            f"{len(x)} numbers become {len(hidden)}",
            "hidden",
            hidden,
            lambda r, n: equal(plus(dot(x, widen.weight[:, n]), widen.bias, n), float(hidden[n])),
        )
        yield self.step(
            f"{name}.post",
            "Units switch on",
            f"g = {self.config.activation}(u)",
            f"{int((active > 0.1).sum())} of {len(active)} units are clearly on",
            "hidden",
            active,
            lambda r, n: equal(
                f"{self.config.activation}({shown(float(hidden[n]))})", float(active[n])
            ),
        )
        out = self.at[f"{name}.out"][self.place]
        yield self.step(
            f"{name}.out",
            "The MLP's word",
            f"g W_2{self.bias}",
            f"{len(active)} numbers become {len(out)} again; a vector of length {length(out):.2f}",
            "width",
            out,
            lambda r, n: equal(
                plus(dot(active, narrow.weight[:, n]), narrow.bias, n), float(out[n])
            ),
        )
        yield self.joined(f"h.{self.layer}.resid_post", before, out, "the MLP", "ln_2")

    def odds(self, logits: Tensor) -> Iterator[Step]:
        last = self.at[f"h.{self.config.n_layers - 1}.resid_post"][self.place]
        if self.config.norm_position == "pre":
            yield self.norm(self.model.transformer.ln_f, "final", last)
        x, W = self.at["final"][self.place], self.model.lm_head.weight  # (C,), (V, C)
        odds = logits.double().softmax(-1)
        likeliest = odds.topk(min(LIKELIEST, len(odds)))
        ids = tuple(likeliest.indices.tolist())
        spread = float(logits.double().logsumexp(-1))

        def work(r: int, n: int) -> str:
            logit = equal(dot(x, W[ids[n]]), float(logits[ids[n]]))
            share = equal(share_of(float(logits[ids[n]]), spread), float(odds[ids[n]]))
            return f"logit {logit}; odds {share}"

        yield self.step(
            "logits",
            "Which token comes next",
            "p = exp(logit) / Σ exp(logit), logit = x · W_U[token]",
            f"ln Σ exp(logit) = {shown(spread)} over {len(odds):,} tokens",
            "candidates",
            likeliest.values,
            work,
            ids=ids,
        )
