"""The settings of the text."""

from __future__ import annotations

from typing import Literal

from gtt.settings import Settings, Slider, setting


class DataConfig(Settings):
    """Which text, how much of it, and how it becomes tokens."""

    source: str = setting(
        "tales",
        label="Text",
        concept="data_source",
        part="source",
        min_length=1,
        max_length=4096,
    )
    tokenizer: Literal["char", "bpe", "pretrained"] = setting(
        "char", label="Tokenizer", concept="tokenizer", part="reading"
    )
    vocab_size: int = setting(
        512,
        label="Vocabulary",
        concept="vocab_size",
        part="reading",
        unit="tokens",
        slider=Slider(256, 8192, 64),
        ge=256,
        le=200_000,
    )
    pretrained_tokenizer: str = setting(
        "gpt2",
        label="Pretrained tokenizer",
        concept="pretrained_tokenizer",
        part="reading",
        min_length=1,
        max_length=4096,
    )
    max_megabytes: float | None = setting(
        None,
        label="Text to use at most",
        concept="max_megabytes",
        part="reading",
        unit="MB",
        slider=Slider(0.1, 20, 0.1),
        gt=0,
        le=100_000,
    )
    validation_fraction: float = setting(
        0.1,
        label="Validation part",
        concept="validation_fraction",
        part="reading",
        slider=Slider(0.05, 0.3, 0.01),
        gt=0,
        lt=1,
    )
    column: str | None = setting(
        None, label="Column", concept="column", part="reading", min_length=1, max_length=256
    )
    seed: int = setting(0, label="Data seed", concept="data_seed", part="reading", ge=0, lt=2**32)
