"""The settings of the model."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from gtt.config.parameters import parameter_parts
from gtt.settings import Settings, Slider, setting

NARROWEST, WIDEST = 4, 8192  # embedding width
MOST_HEADS = 64


class ModelConfig(Settings):
    """The shape of the decoder, and the switches a learner can throw."""

    n_layers: int = setting(
        2, label="Layers", concept="n_layers", part="shape", slider=Slider(1, 12, 1), ge=1, le=64
    )
    n_heads: int = setting(
        4,
        label="Attention heads",
        concept="n_heads",
        part="shape",
        slider=Slider(1, 16, 1),
        ge=1,
        le=MOST_HEADS,
    )
    n_embed: int = setting(
        128,
        label="Embedding width",
        concept="n_embed",
        part="shape",
        slider=Slider(64, 1024, 32),
        ge=NARROWEST,
        le=WIDEST,
    )
    block_size: int = setting(
        128,
        label="Block size",
        concept="block_size",
        part="shape",
        unit="tokens",
        slider=Slider(32, 512, 16),
        ge=4,
        le=8192,
    )
    dropout: float = setting(
        0.0,
        label="Dropout",
        concept="dropout",
        part="shape",
        slider=Slider(0, 0.5, 0.05),
        ge=0,
        le=0.9,
    )
    mlp_ratio: float = setting(
        4.0,
        label="MLP width over embedding width",
        concept="mlp_ratio",
        part="shape",
        slider=Slider(1, 8, 0.5),
        ge=0.25,
        le=16,
    )
    norm_position: Literal["pre", "post", "none"] = setting(
        "pre", label="Layer norm", concept="norm_position", part="switches"
    )
    residual: bool = setting(
        True, label="Residual connections", concept="residual", part="switches"
    )
    position: Literal["learned", "sinusoidal", "none"] = setting(
        "learned", label="Positions", concept="position", part="switches"
    )
    activation: Literal["gelu", "relu", "silu"] = setting(
        "gelu", label="Activation", concept="activation", part="switches"
    )
    tie_embeddings: bool = setting(
        True, label="Tie input and output embeddings", concept="tie_embeddings", part="switches"
    )
    bias: bool = setting(True, label="Biases", concept="bias", part="switches")
    attention: Literal["fused", "separate_heads"] = setting(
        "fused", label="Attention code", concept="attention", part="switches"
    )

    @model_validator(mode="after")
    def _heads_divide_width(self) -> ModelConfig:
        if self.n_embed % self.n_heads:
            widths = self._widths_that_fit()
            raise PydanticCustomError(
                "heads_divide_width",
                "n_embed {n_embed} is not divisible by {n_heads} heads: try {widths}",
                {
                    "n_embed": self.n_embed,
                    "n_heads": self.n_heads,
                    "widths": " or ".join(map(str, widths)),
                    "field": "n_embed",
                    "ways": [("n_embed", width) for width in widths]
                    + [("n_heads", heads) for heads in self._heads_that_fit()],
                },
            )
        return self

    def _widths_that_fit(self) -> list[int]:
        """The multiples of the number of heads on both sides of the width, within its limits."""
        below = self.n_embed - self.n_embed % self.n_heads
        return [
            width
            for width in (below, below + self.n_heads)
            if max(NARROWEST, self.n_heads) <= width <= WIDEST
        ]

    def _heads_that_fit(self) -> list[int]:
        """The divisors of the width on both sides of the number of heads, within its limits."""
        fitting = [n for n in range(1, MOST_HEADS + 1) if self.n_embed % n == 0]
        below = [n for n in fitting if n < self.n_heads]
        above = [n for n in fitting if n > self.n_heads]
        return below[-1:] + above[:1]

    @property
    def head_size(self) -> int:
        """Width of one head's queries, keys and values."""
        return self.n_embed // self.n_heads

    @property
    def mlp_width(self) -> int:
        """Width of the hidden layer of each MLP."""
        return max(1, round(self.mlp_ratio * self.n_embed))

    def parameter_count(self, vocab_size: int) -> int:
        """Trainable numbers in the model, tied weights counted once.

        Raises `BadInput` for settings whose weights are not counted.
        """
        return sum(part.parameters for part in parameter_parts(self, vocab_size))
