"""Reading a text with a model: how likely each of its tokens was, and what was likelier."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gtt.interpret.probing import activations_of
from gtt.model.gpt import GPT


@dataclass(frozen=True)
class TokenReading:
    """One token as the model saw it coming from those before it.

    `odds` is the probability it was given, `rank` its place among all tokens, from 1, `surprise`
    -ln of the odds in nats, `entropy` the surprise to be expected there, and `alternatives` the
    likeliest tokens with their odds. All None for a token that nothing stands before.
    """

    id: int
    odds: float | None = None
    rank: int | None = None
    surprise: float | None = None
    entropy: float | None = None
    alternatives: tuple[tuple[int, float], ...] = ()


def logits_before(model: GPT, ids: Sequence[int]) -> Iterator[tuple[int, Tensor]]:
    """For each token but the first: its place, and the logits (V,) from which it was to be told.

    A text longer than a block is read in windows that overlap by half, so that a token of the
    later ones is told from at least half a block.
    """
    block = model.config.block_size
    first_new, start = 1, 0
    while first_new < len(ids):
        window = list(ids[start : start + block])
        logits, _ = activations_of(model, torch.tensor([window]), lambda name: False)
        end = min(len(ids), start + block + 1)
        for place in range(first_new, end):
            yield place, logits[0, place - 1 - start].float()
        first_new = end
        start = end - 1 - block // 2


def each_token(model: GPT, ids: Sequence[int], alternatives: int = 8) -> Iterator[TokenReading]:
    """Every token of a text in order with its odds; `alternatives` likeliest ones for each.

    Raises `FloatingPointError` where the odds are not numbers, as after a diverged training.
    """
    if ids:
        yield TokenReading(ids[0])
    for place, logits in logits_before(model, ids):
        log_odds = logits.double().log_softmax(-1)
        if not bool(log_odds.isfinite().all()):
            raise FloatingPointError("the odds of a token are not numbers")
        own = log_odds[ids[place]]
        likeliest = log_odds.topk(min(alternatives, len(log_odds)))
        yield TokenReading(
            id=ids[place],
            odds=float(own.exp()),
            rank=1 + int((log_odds > own).sum()),
            surprise=float(-own),
            entropy=float(torch.special.entr(log_odds.exp()).sum()),
            alternatives=tuple(
                (int(id), math.exp(value)) for value, id in zip(*map(Tensor.tolist, likeliest))
            ),
        )


def mean_surprise(readings: Sequence[TokenReading]) -> float | None:
    """Nats per token over those that had something before them; its exponential is perplexity."""
    surprises = [reading.surprise for reading in readings if reading.surprise is not None]
    return math.fsum(surprises) / len(surprises) if surprises else None
