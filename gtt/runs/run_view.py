"""What a run shows of itself: plain frozen values, folded from its journal."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from gtt.training.events import EvaluationMetrics, Reason, SnapshotMetrics, StepMetrics

Phase = Literal["waiting", "preparing", "training", "ended"]


@dataclass(frozen=True)
class Preparation:
    """How far the text is on its way to tokens: `done` of `total` in `unit`, None if unknown."""

    stage: str
    done: int
    total: int | None
    unit: str
    fraction: float | None


@dataclass(frozen=True)
class Sample:
    """Text that the model wrote at a step."""

    step: int
    prompt: str
    text: str


def spread_samples(samples: Sequence[Sample], most: int) -> Sequence[Sample]:
    """The first, the last, and evenly between, by their number: they lie at log-spaced steps."""
    if len(samples) <= most:
        return samples
    return [samples[round(place * (len(samples) - 1) / (most - 1))] for place in range(most)]


@dataclass(frozen=True)
class Snapshot:
    """The inside of the model at a step: statistics per part, arrays in the file at `path`.

    `path` is relative to the run folder; see `gtt.training.events.Snapshotted`.
    """

    step: int
    path: str
    statistics: dict[str, dict[str, float]]


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that was saved; `path` is relative to the run folder."""

    step: int
    path: str
    best: bool


@dataclass(frozen=True)
class Ended:
    """How the run ended."""

    reason: Reason
    message: str
    seconds: float | None
    step: int


@dataclass(frozen=True, kw_only=True)
class RunView(SnapshotMetrics, EvaluationMetrics, StepMetrics):
    """A run as its journal tells it up to record `seq`; what is not known yet is None.

    Of each metric it has the newest value. `started_at` and `updated_at` are the times of the first
    and the last record in seconds since 1970, `eta_seconds` is what remains from `updated_at` on.
    `checkpoints` holds the newest 50. After a resume only what lies up to its step counts. `damage`
    says what of the journal cannot be read. The values are shared between views: do not change
    them.
    """

    seq: int
    config: dict[str, Any] | None
    phase: Phase
    preparation: Preparation | None
    step: int
    total_steps: int | None
    parameters: int | None
    vocab_size: int | None
    tokens_per_step: int | None
    train_tokens: int | None
    validation_tokens: int | None
    baselines: dict[str, float | None] | None
    bytes_per_token: float | None
    validation_seen: float | None
    precision: str | None
    device: str | None
    processes: int | None
    notes: tuple[str, ...]
    best_validation_loss: float | None
    best_step: int | None
    sample: Sample | None
    checkpoints: tuple[Checkpoint, ...]
    ended: Ended | None
    started_at: float | None
    updated_at: float | None
    eta_seconds: float | None
    resumes: int
    damage: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The view as plain values."""
        return dataclasses.asdict(self)
