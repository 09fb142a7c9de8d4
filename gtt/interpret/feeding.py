"""Which earlier head feeds an induction head: what is left of its score without each of them."""

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

    whole, left = scores(), {}
    for layer in range(max(layers)):
        for head in range(model.config.n_heads):
            left[layer, head] = scores([(layer, head)])
            yield ""
    found = {}
    for layer, head in inducing:
        if layer > 0:
            at = layers.index(layer), head
            earlier = {one: float(of[at]) for one, of in left.items() if one[0] < layer}
            found[layer, head] = feeders_of(float(whole[at]), earlier)
    return found
