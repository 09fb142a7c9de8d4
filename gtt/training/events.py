"""What a training run says while it goes: small frozen records of plain values.

An event is written to the journal as one JSON line, `{"seq", "time", "type", "step", …}`, with the
class name as its type. `StepFinished` alone stays out of the journal: it is the moment between two
steps at which whoever pulls the trainer may stop.

A metric is declared here, on its field, and nowhere else. The fields of one moment have a class of
their own, `StepMetrics` and the like, since the view of a run has them too. A number that is not
finite stands as null in the journal, so each may be None; one that older journals lack is None by
default.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Annotated, Any, Literal

from gtt.training.metrics import Metric, metrics_of

NATS = "nats per token"

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
class StepMetrics:
    """Means over the steps since the last log point.

    `seconds` counts training time since the start of the run, resumed parts added up.
    `memory_bytes` is what the process holds, on a GPU the most it held there; None where it cannot
    be told.
    """

    loss: Annotated[
        float | None, Metric("Training loss", "loss", unit=NATS, terminal="loss {:.3f}")
    ]
    learning_rate: Annotated[
        float | None,
        Metric(
            "Learning rate now",
            "current_learning_rate",
            form="digits",
            small_chart=20,
            caption="Learning rate",
        ),
    ]
    gradient_norm: Annotated[float | None, Metric("Gradient norm", "gradient_norm", small_chart=30)]
    tokens_per_second: Annotated[
        float | None,
        Metric(
            "Speed",
            "tokens_per_second",
            unit="tokens per second",
            form="whole",
            small_chart=50,
            caption="Tokens per second",
            terminal="{:,.0f} tok/s",
        ),
    ]
    tokens: Annotated[
        int | None,
        Metric("Tokens seen", "tokens_seen", unit="tokens", form="whole", curve=False),
    ]
    epoch: Annotated[float | None, Metric("Epoch", "num_epochs", curve=False)]
    seconds: Annotated[
        float | None,
        Metric("Time elapsed", "elapsed", unit="seconds", curve=False, tracked=False),
    ]
    memory_bytes: Annotated[
        int | None,
        Metric(
            "Peak memory",
            "peak_memory",
            unit="bytes",
            form="bytes",
            small_chart=60,
            caption="Memory",
        ),
    ] = field(default=None, kw_only=True)


@dataclass(frozen=True)
class StepLogged(StepMetrics, Event):
    """What was measured over the steps since the last log point."""


@dataclass(frozen=True)
class EvaluationMetrics:
    """The loss on fixed windows of the validation part, and what it comes to.

    `task_score` is the share of valid sentences or exact answers, None where the source has no
    such measure or it was not taken at this step, as in the early evaluations, which only draw the
    curve and save nothing.
    """

    validation_loss: Annotated[
        float | None,
        Metric("Validation loss", "validation_loss", unit=NATS, terminal="validation loss {:.4f}"),
    ]
    perplexity: Annotated[float | None, Metric("Perplexity", "perplexity", curve=False)]
    bits_per_byte: Annotated[
        float | None,
        Metric(
            "Bits per byte",
            "bits_per_byte",
            unit="bits per byte",
            curve=False,
            terminal="{:.3f} bits per byte",
        ),
    ]
    task_score: Annotated[
        float | None,
        Metric(
            "Task score",
            "task_score",
            unit="share that is right",
            form="share",
            sparse=True,
            small_chart=10,
            caption="Exam",
            terminal="task score {:.0%}",
        ),
    ]


@dataclass(frozen=True)
class Evaluated(EvaluationMetrics, Event):
    """What an evaluation measured, and whether its loss is the best so far."""

    best: bool


@dataclass(frozen=True)
class Sampled(Event):
    """Text drawn from a fixed prompt with a fixed seed, so that samples compare over time."""

    prompt: str
    text: str


@dataclass(frozen=True)
class SnapshotMetrics:
    """What a snapshot comes to in one number: of the ratios of all parts their median."""

    update_to_weight: Annotated[
        float | None,
        Metric(
            "Update to weight ratio",
            "update_to_weight_ratio",
            form="digits",
            sparse=True,
            small_chart=40,
            caption="Update over weight",
        ),
    ] = field(default=None, kw_only=True)


@dataclass(frozen=True)
class Snapshotted(SnapshotMetrics, Event):
    """Attention, activation and gradient statistics; the arrays lie in `path`.

    `path` is relative to the run folder, a safetensors file. `statistics` holds per part of the
    model what a table shows: `activation_scale`, `dead_units`, `gradient_norm`, `update_to_weight`.
    """

    path: str
    statistics: dict[str, dict[str, float]]


def median_update(statistics: Mapping[str, Mapping[str, float]]) -> float | None:
    """Of the ratios of update to weight of all parts of a snapshot their median; None without."""
    ratios = [
        part["update_to_weight"] for part in statistics.values() if "update_to_weight" in part
    ]
    return median(ratios) if ratios else None


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

# By the type of an event what it measures, and every metric by its name.
MEASURED: dict[str, dict[str, Metric]] = {
    type_: metrics for type_, event in EVENTS.items() if (metrics := metrics_of(event))
}
METRICS: dict[str, Metric] = {
    name: metric for metrics in MEASURED.values() for name, metric in metrics.items()
}
