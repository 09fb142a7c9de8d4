"""How many parameters a model has, and where they are, from its settings alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gtt.support import ANY, Support

if TYPE_CHECKING:
    from gtt.config.model import ModelConfig

supports = Support(
    "The parameters of a model with model.{} are not counted: leave that setting as it was.",
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
class ParameterPart:
    """Trainable numbers of one kind; `per_block` where every block has as many."""

    name: str
    label: str
    parameters: int
    per_block: int | None = None


def parameter_parts(model: ModelConfig, vocab_size: int) -> tuple[ParameterPart, ...]:
    """The trainable numbers of a model by what they are for, tied weights counted once.

    Raises `BadInput` for settings whose weights are not counted here.
    """
    supports.require(model, field="model")
    width, hidden, layers = model.n_embed, model.mlp_width, model.n_layers
    bias = 1 if model.bias else 0
    norm = (1 + bias) * width
    attention = 4 * width * (width + bias)
    mlp = 2 * width * hidden + bias * (hidden + width)
    norms = 0 if model.norm_position == "none" else 2 * norm
    final = norm if model.norm_position == "pre" else 0
    positions = model.block_size * width if model.position == "learned" else 0
    unembedding = 0 if model.tie_embeddings else vocab_size * width
    return (
        ParameterPart("token_embedding", "Token embedding", vocab_size * width),
        ParameterPart("positions", "Positions", positions),
        ParameterPart("attention", "Attention", layers * attention, attention),
        ParameterPart("mlp", "MLP", layers * mlp, mlp),
        ParameterPart("norms", "Layer norms", layers * norms + final, norms),
        ParameterPart("unembedding", "Unembedding", unembedding),
    )


def size_name(parameters: int) -> str:
    """How many parameters: whole thousands, or millions to one figure after the point.

    Halves are rounded up, as `size` of `gtt/web/lib/format.js` does; both are tested with
    `tests/model_sizes.json`.
    """
    if parameters < 99_500:
        return f"{(parameters + 500) // 1000} k"
    unit, letter = (10**6, "M") if parameters < 999_950_000 else (10**9, "B")
    tenths = (10 * parameters + unit // 2) // unit
    return f"{tenths // 10}.{tenths % 10} {letter}"
