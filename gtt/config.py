"""What a run is: four frozen groups of settings and the run configuration that holds them.

Each setting is described once, on its field: default, hard limits (what validation enforces),
slider range (what the page offers), label, unit, and the concept that explains it. The page, the
REST schema, the terminal and the reference read it from there with `describe_settings`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from gtt.errors import InvalidSetting
from gtt.settings import (
    Name,
    Settings,
    Slider,
    choices_of,
    kind_of,
    parse,
    read_value,
    setting,
)

NARROWEST, WIDEST = 4, 8192  # embedding width
MOST_HEADS = 64
LONGEST_PROMPT, LONGEST_STOP = 4000, 100  # characters


class DataConfig(Settings):
    """Which text, how much of it, and how it becomes tokens."""

    source: str = setting(
        "tales",
        label="Text",
        concept="data_source",
        min_length=1,
        max_length=4096,
    )
    column: str | None = setting(
        None, label="Column", concept="column", min_length=1, max_length=256
    )
    max_megabytes: float | None = setting(
        None,
        label="Text to use at most",
        concept="max_megabytes",
        unit="MB",
        slider=Slider(0.1, 20, 0.1),
        gt=0,
        le=100_000,
    )
    tokenizer: Literal["char", "bpe", "pretrained"] = setting(
        "char", label="Tokenizer", concept="tokenizer"
    )
    vocab_size: int = setting(
        512,
        label="Vocabulary",
        concept="vocab_size",
        unit="tokens",
        slider=Slider(256, 8192, 64),
        ge=256,
        le=200_000,
    )
    pretrained_tokenizer: str = setting(
        "gpt2",
        label="Pretrained tokenizer",
        concept="pretrained_tokenizer",
        min_length=1,
        max_length=4096,
    )
    validation_fraction: float = setting(
        0.1,
        label="Validation part",
        concept="validation_fraction",
        slider=Slider(0.05, 0.3, 0.01),
        gt=0,
        lt=1,
    )
    seed: int = setting(0, label="Data seed", concept="data_seed", ge=0, lt=2**32)


class ModelConfig(Settings):
    """The shape of the decoder, and the switches a learner can throw."""

    n_layers: int = setting(
        2, label="Layers", concept="n_layers", slider=Slider(1, 12, 1), ge=1, le=64
    )
    n_heads: int = setting(
        4, label="Attention heads", concept="n_heads", slider=Slider(1, 16, 1), ge=1, le=MOST_HEADS
    )
    n_embed: int = setting(
        128,
        label="Embedding width",
        concept="n_embed",
        slider=Slider(64, 1024, 32),
        ge=NARROWEST,
        le=WIDEST,
    )
    block_size: int = setting(
        128,
        label="Block size",
        concept="block_size",
        unit="tokens",
        slider=Slider(32, 512, 16),
        ge=4,
        le=8192,
    )
    dropout: float = setting(
        0.0, label="Dropout", concept="dropout", slider=Slider(0, 0.5, 0.05), ge=0, le=0.9
    )
    attention: Literal["fused", "separate_heads"] = setting(
        "fused", label="Attention code", concept="attention"
    )
    norm_position: Literal["pre", "post", "none"] = setting(
        "pre", label="Layer norm", concept="norm_position"
    )
    residual: bool = setting(True, label="Residual connections", concept="residual")
    position: Literal["learned", "sinusoidal", "none"] = setting(
        "learned", label="Positions", concept="position"
    )
    activation: Literal["gelu", "relu", "silu"] = setting(
        "gelu", label="Activation", concept="activation"
    )
    mlp_ratio: float = setting(
        4.0,
        label="MLP width over embedding width",
        concept="mlp_ratio",
        slider=Slider(1, 8, 0.5),
        ge=0.25,
        le=16,
    )
    tie_embeddings: bool = setting(
        True, label="Tie input and output embeddings", concept="tie_embeddings"
    )
    bias: bool = setting(True, label="Biases", concept="bias")

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
        """Trainable numbers in the model, tied weights counted once."""
        width, hidden = self.n_embed, self.mlp_width
        bias = 1 if self.bias else 0
        norm = (1 + bias) * width
        attention = 4 * width * width + bias * 4 * width
        mlp = 2 * width * hidden + bias * (hidden + width)
        norms_per_block = 0 if self.norm_position == "none" else 2
        final_norm = norm if self.norm_position == "pre" else 0
        positions = self.block_size * width if self.position == "learned" else 0
        unembedding = 0 if self.tie_embeddings else vocab_size * width
        return (
            vocab_size * width
            + positions
            + self.n_layers * (attention + mlp + norms_per_block * norm)
            + final_norm
            + unembedding
        )


class TrainingConfig(Settings):
    """How long, how fast, with which optimizer, and how often to look."""

    batch_size: int = setting(
        32,
        label="Batch size",
        concept="batch_size",
        unit="sequences per process",
        slider=Slider(4, 128, 4),
        ge=1,
        le=4096,
    )
    cross_documents: bool = setting(
        True, label="Windows cross documents", concept="cross_documents"
    )
    learning_rate: float = setting(
        3e-4,
        label="Learning rate",
        concept="learning_rate",
        slider=Slider(1e-5, 1e-3, None, True),
        gt=0,
        le=1,
    )
    num_epochs: int = setting(
        10,
        label="Epochs",
        concept="num_epochs",
        unit="passes over the training part",
        slider=Slider(1, 100, 1),
        ge=1,
        le=100_000,
    )
    max_steps: int | None = setting(
        None,
        label="Steps",
        concept="max_steps",
        unit="optimizer steps (instead of epochs)",
        slider=Slider(100, 20_000, 100),
        ge=1,
        le=100_000_000,
    )
    max_minutes: float | None = setting(
        None,
        label="Time limit",
        concept="max_minutes",
        unit="minutes",
        slider=Slider(0.5, 120, 0.5),
        gt=0,
        le=1_000_000,
    )
    grad_accumulation_steps: int = setting(
        1,
        label="Gradient accumulation",
        concept="grad_accumulation_steps",
        unit="batches per step",
        slider=Slider(1, 16, 1),
        ge=1,
        le=1024,
    )
    warmup_steps: int = setting(
        100,
        label="Warm-up",
        concept="warmup_steps",
        unit="steps",
        slider=Slider(0, 1000, 10),
        ge=0,
        le=10_000_000,
    )
    lr_scheduler: Literal["cosine", "linear", "constant"] = setting(
        "cosine", label="Schedule", concept="lr_scheduler"
    )
    min_lr_ratio: float = setting(
        0.1,
        label="Final over peak learning rate",
        concept="min_lr_ratio",
        slider=Slider(0, 1, 0.05),
        ge=0,
        le=1,
    )
    optimizer: Literal["adamw", "muon"] = setting("adamw", label="Optimizer", concept="optimizer")
    muon_learning_rate: float = setting(
        0.02,
        label="Learning rate of Muon",
        concept="muon_learning_rate",
        slider=Slider(1e-3, 0.1, None, True),
        gt=0,
        le=1,
    )
    weight_decay: float = setting(
        0.1, label="Weight decay", concept="weight_decay", slider=Slider(0, 0.5, 0.01), ge=0, le=10
    )
    beta1: float = setting(
        0.9, label="First momentum", concept="beta1", slider=Slider(0.5, 0.99, 0.01), ge=0, lt=1
    )
    beta2: float = setting(
        0.99,
        label="Second momentum",
        concept="beta2",
        slider=Slider(0.9, 0.999, 0.001),
        ge=0,
        lt=1,
    )
    grad_clip: float = setting(
        1.0,
        label="Gradient clipping",
        concept="grad_clip",
        unit="norm (0 is off)",
        slider=Slider(0, 5, 0.1),
        ge=0,
        le=1e6,
    )
    precision: Literal["auto", "fp32", "bf16", "fp16"] = setting(
        "auto", label="Precision", concept="precision"
    )
    compile: bool = setting(False, label="torch.compile", concept="compile")
    seed: int = setting(1337, label="Seed", concept="seed", ge=0, lt=2**32)
    log_every: int = setting(
        10,
        label="Log every",
        concept="log_every",
        unit="steps",
        slider=Slider(1, 100, 1),
        ge=1,
        le=1_000_000,
    )
    eval_every: int = setting(
        250,
        label="Evaluate every",
        concept="eval_every",
        unit="steps",
        slider=Slider(10, 1000, 10),
        ge=1,
        le=10_000_000,
    )
    eval_windows: int = setting(
        64,
        label="Windows per evaluation",
        concept="eval_windows",
        unit="windows of one block",
        slider=Slider(8, 512, 8),
        ge=1,
        le=100_000,
    )
    checkpoint_every: int = setting(
        500,
        label="Checkpoint every",
        concept="checkpoint_every",
        unit="steps",
        slider=Slider(50, 5000, 50),
        ge=1,
        le=10_000_000,
    )
    snapshots: bool = setting(True, label="Snapshots for replay", concept="snapshots")
    track: Literal["none", "tensorboard", "trackio", "wandb"] = setting(
        "none", label="Tracker", concept="track"
    )


class GenerationConfig(Settings):
    """How text is drawn from the model's odds."""

    prompt: str = setting(
        "\n", label="Prompt", concept="prompt", min_length=1, max_length=LONGEST_PROMPT
    )
    max_new_tokens: int = setting(
        200,
        label="Length",
        concept="max_new_tokens",
        unit="tokens",
        slider=Slider(10, 1000, 10),
        ge=1,
        le=1_000_000,
    )
    temperature: float = setting(
        0.8,
        label="Temperature",
        concept="temperature",
        slider=Slider(0.1, 2, 0.05),
        ge=0,
        le=100,
    )
    top_k: int = setting(
        0,
        label="Top-k",
        concept="top_k",
        unit="tokens (0 is off)",
        slider=Slider(0, 100, 1),
        ge=0,
        le=1_000_000,
    )
    top_p: float = setting(
        1.0, label="Top-p", concept="top_p", slider=Slider(0, 1, 0.01), ge=0, le=1
    )
    repetition_penalty: float = setting(
        1.0,
        label="Repetition penalty",
        concept="repetition_penalty",
        unit="(1 is off)",
        slider=Slider(1, 2, 0.05),
        ge=0.1,
        le=10,
    )
    num_beams: int = setting(
        1,
        label="Beams",
        concept="num_beams",
        unit="(1 is off)",
        slider=Slider(1, 8, 1),
        ge=1,
        le=16,
    )
    stop: tuple[Annotated[str, Field(max_length=LONGEST_STOP)], ...] = setting(
        (), label="Stop strings", concept="stop", max_length=16
    )
    seed: int | None = setting(None, label="Sampling seed", concept="sampling_seed", ge=0, lt=2**32)


GROUPS: dict[str, type[Settings]] = {
    "data": DataConfig,
    "model": ModelConfig,
    "training": TrainingConfig,
    "generation": GenerationConfig,
}


class RunConfig(Settings):
    """Everything that decides what a run does. Two runs with equal configurations are equal."""

    name: Name = Field("run", title="Name of the run")
    data: DataConfig = Field(default_factory=DataConfig)
    model: ModelConfig = Field(default_factory=ModelConfig)
    training: TrainingConfig = Field(default_factory=TrainingConfig)
    generation: GenerationConfig = Field(default_factory=GenerationConfig)

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> RunConfig:
        """Builds a configuration from nested plain values.

        Raises `InvalidSetting`, whose sentence names the setting and a way out.
        """
        return parse(cls, values)

    @classmethod
    def recorded(cls, values: Mapping[str, Any]) -> RunConfig:
        """As `parse`, of what an older version wrote down, which took longer texts.

        Of a long prompt its end is kept, which is what a model reads of it.
        """
        generation = values.get("generation") if isinstance(values, Mapping) else None
        if not isinstance(generation, Mapping):
            return parse(cls, values)
        prompt, stop = generation.get("prompt"), generation.get("stop")
        shortened = dict(generation)
        if isinstance(prompt, str):
            shortened["prompt"] = prompt[-LONGEST_PROMPT:]
        if isinstance(stop, (list, tuple)):
            shortened["stop"] = [
                one[:LONGEST_STOP] if isinstance(one, str) else one for one in stop
            ]
        return parse(cls, {**values, "generation": shortened})

    def updated(self, changes: Mapping[str, Any], *, strict: bool = False) -> RunConfig:
        """A copy with a partial, nested update: `{"model": {"n_layers": 4}}` changes one thing.

        `strict` as in `gtt.settings.parse`. Raises `InvalidSetting` where a key is unknown or the
        result does not hold together.
        """
        merged = self.model_dump()
        for key, value in changes.items():
            if isinstance(value, Mapping) and isinstance(merged.get(key), dict):
                merged[key] = {**merged[key], **value}
            else:
                merged[key] = value
        return parse(RunConfig, merged, strict=strict)

    def with_assignments(self, assignments: list[str]) -> RunConfig:
        """A copy with settings given as text, `training.max_steps=200`, as the terminal takes them.

        Raises `InvalidSetting`.
        """
        changes: dict[str, Any] = {}
        for assignment in assignments:
            key, equals, text = assignment.partition("=")
            group, dot, name = key.strip().partition(".")
            if not equals or (not dot and group != "name"):
                raise InvalidSetting(
                    f"{assignment!r} is not a setting: write GROUP.NAME=VALUE, "
                    "for example training.max_steps=200."
                )
            if not text.strip():
                raise InvalidSetting(
                    f"{key.strip()} is given no value: write {key.strip()}=VALUE, or none to unset "
                    "it.",
                    field=key.strip(),
                )
            if not dot:
                changes[group] = text
                continue
            if group not in GROUPS:
                keys = [f"{one}.{field}" for one in GROUPS for field in GROUPS[one].model_fields]
                alike = [one for one in keys if one.partition(".")[2] in (group, name)]
                known = (
                    alike or difflib.get_close_matches(key.strip()[:100], keys, n=1) or list(GROUPS)
                )
                raise InvalidSetting(
                    f"There is no group of settings {group[:60]!r}: did you mean {known[0]!r}? "
                    "`python -m gtt settings` lists them all.",
                    field=group,
                )
            changes.setdefault(group, {})[name] = read_value(GROUPS[group], name, text)
        return self.updated(changes)


@dataclass(frozen=True)
class SettingDescription:
    """One setting as the page, the terminal and the reference show it."""

    group: str
    name: str
    label: str
    concept: str
    unit: str | None
    default: Any
    kind: str
    choices: tuple[str, ...] | None
    limits: dict[str, float]
    slider: Slider | None

    @property
    def key(self) -> str:
        """Dotted name, `model.n_layers`."""
        return f"{self.group}.{self.name}"


def describe_settings() -> Iterator[SettingDescription]:
    """Every setting of every group, in the order in which they are declared."""
    for group, model in GROUPS.items():
        for name, field in model.model_fields.items():
            extra = field.json_schema_extra
            assert isinstance(extra, dict), f"{group}.{name} was not declared with setting()"
            slider = extra["slider"]
            limits = {
                limit: getattr(rule, limit)
                for rule in field.metadata
                for limit in ("gt", "ge", "lt", "le")
                if getattr(rule, limit, None) is not None
            }
            yield SettingDescription(
                group=group,
                name=name,
                label=str(field.title),
                concept=str(extra["concept"]),
                unit=None if extra["unit"] is None else str(extra["unit"]),
                default=field.default,
                kind=kind_of(field.annotation),
                choices=choices_of(field.annotation),
                limits=limits,
                slider=Slider(**slider) if isinstance(slider, dict) else None,  # type: ignore[arg-type]
            )


def size_name(parameters: int) -> str:
    """How many parameters, to one figure after the point."""
    if parameters < 100_000:
        return f"{parameters / 1e3:.0f} k"
    return f"{parameters / 1e6:.1f} M" if parameters < 1e9 else f"{parameters / 1e9:.1f} B"
