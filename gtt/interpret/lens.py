"""The logit lens: the predictions of a model after each of its layers.

The residual stream after every block goes through the final norm and the unembedding as if the
blocks above were not there (nostalgebraist 2020, "interpreting GPT: the logit lens"). After the
last block that is what the model says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from gtt.interpret.probing import activations_of
from gtt.model.gpt import GPT
from gtt.support import ANY, Support

supports = Support(
    "The logit lens cannot read out a model with model.{}: look at its attention instead.",
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


def logit_lens(
    model: GPT, ids: Sequence[int], places: Sequence[int] | None = None
) -> Iterator[tuple[str, Tensor]]:
    """For the embedding and then for each block: its name and its logits (T, V) over T tokens.

    With `places` those of these tokens alone.

    Names are probe points, `embed`, `h.0.resid_post`, …; the last logits are those of the model.
    """
    _, streams = activations_of(
        model,
        torch.tensor([list(ids)]),
        lambda name: name == "embed" or name.endswith(".resid_post"),
    )
    for name, stream in streams.items():
        residual = stream[0] if places is None else stream[0, list(places)]
        yield name, read_out(model, residual)


@torch.inference_mode()
def read_out(model: GPT, stream: Tensor) -> Tensor:
    """Logits (…, V) of a residual stream (…, C): the final norm, if the model has one, and W_U.

    Raises `BadInput` for a model whose end is not known here.
    """
    supports.require(model.config)
    if model.config.norm_position == "pre":
        stream = model.transformer.ln_f(stream)
    logits: Tensor = model.lm_head(stream)
    return logits
