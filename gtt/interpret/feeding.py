"""Finds the earlier heads on which an induction head depends, by ablation of each of them."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

import numpy.typing as npt
from torch import Tensor

from gtt.interpret.ablation import Head
from gtt.interpret.attention import weights_without
from gtt.interpret.heads import Feeder, feeders_of, induction_scores
from gtt.model.gpt import GPT


def feeding_heads(
    model: GPT, tokens: Tensor, inducing: Sequence[Head]
) -> Generator[str, None, dict[Head, list[Feeder]]]:
    """For each induction head above the first layer the earlier heads that it depends on.

    `tokens` (B, 2 period) are random ones said twice. Each earlier head is switched off once; after
    each there is a yield, so that others have their turn.
    """
    layers = sorted({layer for layer, _ in inducing if layer > 0})
    if not layers:
        return {}
    period = tokens.shape[1] // 2

    def scores(off: Sequence[Head] = ()) -> npt.NDArray[Any]:
        weights = weights_without(model, tokens, layers, off)  # (B, layers, H, T, T)
        B, _, H = weights.shape[:3]
        of_each = induction_scores(weights.flatten(0, 2).numpy(), period).reshape(B, len(layers), H)
        mean: npt.NDArray[Any] = of_each.mean(0)  # (layers, H)
        return mean

    whole, without = scores(), {}
    for layer in range(max(layers)):
        for head in range(model.config.n_heads):
            without[layer, head] = scores([(layer, head)])
            yield ""
    feeders = {}
    for layer, head in inducing:
        if layer > 0:
            at = layers.index(layer), head
            earlier = {
                earlier_head: float(of[at])
                for earlier_head, of in without.items()
                if earlier_head[0] < layer
            }
            feeders[layer, head] = feeders_of(float(whole[at]), earlier)
    return feeders
