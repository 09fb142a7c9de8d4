"""The head that feeds an induction head is found, in a model that was made by hand to have both."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import torch

from gtt.config import ModelConfig
from gtt.data.repeats import repeated_tokens
from gtt.interpret.feeding import feeding_heads
from gtt.interpret.heads import Feeder, feeders_of
from gtt.model.gpt import GPT

V, T = 12, 12  # tokens of the vocabulary, places
SHARP = 400.0
PREVIOUS, INDUCTION = (0, 1), (1, 0)


def made_by_hand() -> GPT:
    """The stream is token (V), place (T), token before (V): one of each 1, all others 0.

    Head 0.1 looks one place back and writes what stands there as the token before. Head 1.0 looks
    where the token before is the present one. Nothing else does anything.
    """
    config = ModelConfig(
        n_layers=2,
        n_heads=2,
        n_embed=2 * V + T,
        block_size=T,
        norm_position="none",
        dropout=0.0,
        tie_embeddings=False,
    )
    model = GPT(config, vocab_size=V)
    C, D = config.n_embed, config.n_embed // config.n_heads
    token, place, before = slice(0, V), slice(V, V + T), slice(V + T, C)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        model.transformer.wte.weight[:, token] = torch.eye(V)
        model.transformer.wpe.weight[:, place] = torch.eye(T)
        attention = [block.attn for block in model.transformer.h]
        back = attention[0].c_attn.weight  # (C, 3C): queries, keys, values, each by head
        back[place, D : D + T] = SHARP * torch.eye(T)
        back[place, C + D : C + D + T] = torch.roll(torch.eye(T), 1, dims=1)
        back[token, 2 * C + D : 2 * C + D + V] = torch.eye(V)
        attention[0].c_proj.weight[D : D + V, before] = torch.eye(V)
        search = attention[1].c_attn.weight
        search[token, :V] = SHARP * torch.eye(V)
        search[before, C : C + V] = torch.eye(V)
    return model.eval()


def result_of(steps: Generator[str, None, Any]) -> Any:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def test_the_head_that_looks_one_back_feeds_the_one_that_searches() -> None:
    texts = torch.from_numpy(repeated_tokens(torch.arange(V).numpy(), T // 2, count=4))
    found = result_of(feeding_heads(made_by_hand(), texts, [INDUCTION]))
    (feeder,) = found[INDUCTION]  # and head 0.0, which does nothing, is not among them
    assert (feeder.layer, feeder.head) == PREVIOUS
    assert feeder.without < 0.2


def test_a_head_of_the_first_layer_has_nothing_before_it() -> None:
    texts = torch.zeros((1, 4), dtype=torch.int64)
    assert result_of(feeding_heads(made_by_hand(), texts, [(0, 1)])) == {}


def test_only_what_is_missed_is_named_and_the_most_needed_first() -> None:
    without = {(0, 0): 0.79, (0, 1): 0.1, (0, 2): 0.61, (1, 0): 0.3}
    assert feeders_of(0.8, without) == [Feeder(0, 1, 0.1), Feeder(1, 0, 0.3)]
