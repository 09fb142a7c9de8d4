"""The settings of writing."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gtt.settings import Settings, Slider, setting

LONGEST_PROMPT, LONGEST_STOP = 4000, 100  # characters


class GenerationConfig(Settings):
    """How text is drawn from the model's odds."""

    prompt: str = setting(
        "\n",
        label="Prompt",
        concept="prompt",
        part="prompt",
        min_length=1,
        max_length=LONGEST_PROMPT,
    )
    max_new_tokens: int = setting(
        200,
        label="Length",
        concept="max_new_tokens",
        part="drawing",
        unit="tokens",
        slider=Slider(10, 1000, 10),
        ge=1,
        le=1_000_000,
    )
    temperature: float = setting(
        0.8,
        label="Temperature",
        concept="temperature",
        part="drawing",
        slider=Slider(0.1, 2, 0.05),
        ge=0,
        le=100,
    )
    top_k: int = setting(
        0,
        label="Top-k",
        concept="top_k",
        part="drawing",
        unit="tokens (0 is off)",
        slider=Slider(0, 100, 1),
        ge=0,
        le=1_000_000,
    )
    top_p: float = setting(
        1.0, label="Top-p", concept="top_p", part="drawing", slider=Slider(0, 1, 0.01), ge=0, le=1
    )
    repetition_penalty: float = setting(
        1.0,
        label="Repetition penalty",
        concept="repetition_penalty",
        part="drawing",
        unit="(1 is off)",
        slider=Slider(1, 2, 0.05),
        ge=0.1,
        le=10,
    )
    num_beams: int = setting(
        1,
        label="Beams",
        concept="num_beams",
        part="drawing",
        unit="(1 is off)",
        slider=Slider(1, 8, 1),
        ge=1,
        le=16,
    )
    stop: tuple[Annotated[str, Field(max_length=LONGEST_STOP)], ...] = setting(
        (),
        label="Stop strings",
        concept="stop",
        off_page="a person stops a text with a button, and scripts name where it ends",
        max_length=16,
    )
    seed: int | None = setting(
        None, label="Sampling seed", concept="sampling_seed", part="drawing", ge=0, lt=2**32
    )
