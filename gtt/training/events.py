"""What a training run says while it goes: small frozen records of plain values.

An event is written to the journal as one JSON line, `{"seq", "time", "type", "step", …}`, with the
class name as its type. `StepFinished` alone stays out of the journal: it is the moment between two
steps at which whoever pulls the trainer may stop.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

Reason = Literal["completed", "stopped", "out_of_time", "diverged", "failed"]


@dataclass(frozen=True)
class Event:
    """Base of all events. `step` counts finished optimizer steps."""

    step: int

    def as_json(self) -> dict[str, Any]:
        """The event as plain values, its type first."""
        return {"type": type(self).__name__, **dataclasses.asdict(self)}


@dataclass(frozen=True)
class PreparationProgressed(Event):
    """How far the text is on its way to tokens: `done` of `total` (None: unknown) in `unit`.

    Written by a worker process, at most twice a second, before the run starts.
    """

    stage: str
    done: int
    total: int | None
    unit: str


@dataclass(frozen=True)
class RunStarted(Event):
    """The first event of training; after a resume it comes again, with the step it goes on from.

    Losses after a resume replace those logged beyond that step. Baselines in nats per token.
    `validation_seen` is the share of the validation part that stands in the training part, too.
    """

    config: dict[str, Any]
    parameters: int
    vocab_size: int
    total_steps: int
    tokens_per_step: int
    steps_per_epoch: float
    train_tokens: int
    validation_tokens: int
    baselines: dict[str, float | None]
    bytes_per_token: float
    fingerprint: str
    precision: str
    device: str
    processes: int
    notes: tuple[str, ...] = ()
    validation_seen: float | None = None


@dataclass(frozen=True)
class StepFinished(Event):
    """One optimizer step is done. Not journaled."""


@dataclass(frozen=True)
class StepLogged(Event):
    """Means over the steps since the last log point. Loss in nats per token.

    `update_to_weight` is left out here: it is measured in snapshots. `seconds` counts training time
    since the start of the run, resumed parts added up. `memory_bytes` is what the process holds, on
    a GPU the most it held there; None where it cannot be told.
    """

    loss: float
    learning_rate: float
    gradient_norm: float
    tokens_per_second: float
    tokens: int
    epoch: float
    seconds: float
    memory_bytes: int | None = None


@dataclass(frozen=True)
class Evaluated(Event):
    """The loss on fixed windows of the validation part, in nats per token.

    `task_score` is the share of valid sentences or exact answers, None where the source has no
    such measure or it was not taken at this step, as in the early evaluations, which only draw the
    curve and save nothing.
    """

    validation_loss: float
    perplexity: float
    bits_per_byte: float
    task_score: float | None
    best: bool


@dataclass(frozen=True)
class Sampled(Event):
    """Text drawn from a fixed prompt with a fixed seed, so that samples compare over time."""

    prompt: str
    text: str


@dataclass(frozen=True)
class Snapshotted(Event):
    """Attention, activation and gradient statistics; the arrays lie in `path`.

    `path` is relative to the run folder, a safetensors file. `statistics` holds per part of the
    model what a table shows: `activation_scale`, `dead_units`, `gradient_norm`, `update_to_weight`.
    """

    path: str
    statistics: dict[str, dict[str, float]]


@dataclass(frozen=True)
class CheckpointSaved(Event):
    """A checkpoint folder is complete. `path` is relative to the run folder."""

    path: str
    best: bool


@dataclass(frozen=True)
class RunEnded(Event):
    """The last event, with a sentence a person understands."""

    reason: Reason
    message: str
    seconds: float


EVENTS: dict[str, type[Event]] = {
    event.__name__: event
    for event in (
        PreparationProgressed,
        RunStarted,
        StepLogged,
        Evaluated,
        Sampled,
        Snapshotted,
        CheckpointSaved,
        RunEnded,
    )
}
