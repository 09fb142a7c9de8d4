"""The settings of the training."""

from __future__ import annotations

from typing import Literal

from gtt.settings import Settings, Slider, setting


class TrainingConfig(Settings):
    """How long, how fast, with which optimizer, and how often to look."""

    max_steps: int | None = setting(
        None,
        label="Steps",
        concept="max_steps",
        part="common",
        unit="optimizer steps (instead of epochs)",
        slider=Slider(100, 20_000, 100),
        ge=1,
        le=100_000_000,
    )
    num_epochs: int = setting(
        10,
        label="Epochs",
        concept="num_epochs",
        part="common",
        unit="passes over the training part",
        slider=Slider(1, 100, 1),
        ge=1,
        le=100_000,
    )
    batch_size: int = setting(
        32,
        label="Batch size",
        concept="batch_size",
        part="common",
        unit="sequences per process",
        slider=Slider(4, 128, 4),
        ge=1,
        le=4096,
    )
    learning_rate: float = setting(
        3e-4,
        label="Learning rate",
        concept="learning_rate",
        part="common",
        slider=Slider(1e-5, 1e-3, None, True),
        gt=0,
        le=1,
    )
    optimizer: Literal["adamw", "muon"] = setting(
        "adamw", label="Optimizer", concept="optimizer", part="common"
    )
    muon_learning_rate: float = setting(
        0.02,
        label="Learning rate of Muon",
        concept="muon_learning_rate",
        part="schedule",
        slider=Slider(1e-3, 0.1, None, True),
        gt=0,
        le=1,
    )
    lr_scheduler: Literal["cosine", "linear", "constant"] = setting(
        "cosine", label="Schedule", concept="lr_scheduler", part="schedule"
    )
    warmup_steps: int = setting(
        100,
        label="Warm-up",
        concept="warmup_steps",
        part="schedule",
        unit="steps",
        slider=Slider(0, 1000, 10),
        ge=0,
        le=10_000_000,
    )
    min_lr_ratio: float = setting(
        0.1,
        label="Final over peak learning rate",
        concept="min_lr_ratio",
        part="schedule",
        slider=Slider(0, 1, 0.05),
        ge=0,
        le=1,
    )
    track: Literal["none", "tensorboard", "trackio", "wandb"] = setting(
        "none", label="Tracker", concept="track", part="tracking"
    )
    weight_decay: float = setting(
        0.1,
        label="Weight decay",
        concept="weight_decay",
        part="more",
        slider=Slider(0, 0.5, 0.01),
        ge=0,
        le=10,
    )
    grad_clip: float = setting(
        1.0,
        label="Gradient clipping",
        concept="grad_clip",
        part="more",
        unit="norm (0 is off)",
        slider=Slider(0, 5, 0.1),
        ge=0,
        le=1e6,
    )
    grad_accumulation_steps: int = setting(
        1,
        label="Gradient accumulation",
        concept="grad_accumulation_steps",
        part="more",
        unit="batches per step",
        slider=Slider(1, 16, 1),
        ge=1,
        le=1024,
    )
    beta1: float = setting(
        0.9,
        label="First momentum",
        concept="beta1",
        part="more",
        slider=Slider(0.5, 0.99, 0.01),
        ge=0,
        lt=1,
    )
    beta2: float = setting(
        0.99,
        label="Second momentum",
        concept="beta2",
        part="more",
        slider=Slider(0.9, 0.999, 0.001),
        ge=0,
        lt=1,
    )
    precision: Literal["auto", "fp32", "bf16", "fp16"] = setting(
        "auto", label="Precision", concept="precision", part="more"
    )
    compile: bool = setting(False, label="torch.compile", concept="compile", part="more")
    cross_documents: bool = setting(
        True, label="Windows cross documents", concept="cross_documents", part="more"
    )
    seed: int = setting(1337, label="Seed", concept="seed", part="more", ge=0, lt=2**32)
    max_minutes: float | None = setting(
        None,
        label="Time limit",
        concept="max_minutes",
        part="more",
        unit="minutes",
        slider=Slider(0.5, 120, 0.5),
        gt=0,
        le=1_000_000,
    )
    log_every: int = setting(
        10,
        label="Log every",
        concept="log_every",
        part="more",
        unit="steps",
        slider=Slider(1, 100, 1),
        ge=1,
        le=1_000_000,
    )
    eval_every: int = setting(
        250,
        label="Evaluate every",
        concept="eval_every",
        part="more",
        unit="steps",
        slider=Slider(10, 1000, 10),
        ge=1,
        le=10_000_000,
    )
    eval_windows: int = setting(
        64,
        label="Windows per evaluation",
        concept="eval_windows",
        part="more",
        unit="windows of one block",
        slider=Slider(8, 512, 8),
        ge=1,
        le=100_000,
    )
    checkpoint_every: int = setting(
        500,
        label="Checkpoint every",
        concept="checkpoint_every",
        part="more",
        unit="steps",
        slider=Slider(50, 5000, 50),
        ge=1,
        le=10_000_000,
    )
    snapshots: bool = setting(True, label="Snapshots for replay", concept="snapshots", part="more")
