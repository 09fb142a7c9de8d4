"""Estimates for a run before it begins: parameters (exact), memory and time.

Nothing here needs torch, so the page can show them while a slider moves.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from gtt.config import ParameterPart, RunConfig, parameter_parts
from gtt.runs.calibration import TYPICAL, Calibration, Speed
from gtt.runs.costs import (
    MemoryPart,
    Operations,
    memory_by_part,
    operations_per_step,
    work_of_step,
)
from gtt.training.schedule import total_steps

NEARLY = 1.5  # a run is of nearly this shape if its width and its step differ by less, as factors
FAR = 4.0  # beyond which a measurement of the machine tells more than the run does
ALIKE = 1.2  # runs that are farther by less than this factor tell as much
BUSY = 2.5  # times slower than the measured machine: what a run is by its shape is at most 2
SURE = 1.3  # times slower, which a run may well be by its shape; beyond, it may have been held up


@dataclass(frozen=True)
class TrainedRun:
    """A run that was trained on this machine, and how fast."""

    config: RunConfig
    vocab_size: int
    precision: str
    device: str
    tokens_per_second: float
    day: str


@dataclass(frozen=True)
class Machine:
    """What is known of the machine that will train.

    `auto` is the precision that the setting `auto` stands for, `memory` what it has, in bytes.
    """

    device: Literal["cpu", "cuda"]
    auto: str
    memory: int
    calibration: Calibration | None = None
    runs: Sequence[TrainedRun] = ()


@dataclass(frozen=True)
class Estimate:
    """Parameters are exact for a known vocabulary; the rest is estimated.

    Times in seconds, None where nothing was measured; `seconds` is all of the training with its
    evaluations, without samples, snapshots and checkpoints. `basis` says what the times rest on,
    as a sentence.
    """

    parameters: int
    parameter_parts: tuple[ParameterPart, ...]
    memory_bytes: int
    memory_parts: tuple[MemoryPart, ...]
    operations: Operations
    tokens_per_step: int
    precision: str
    seconds_per_step: float | None
    tokens_per_second: float | None
    steps: int | None
    seconds: float | None
    basis: str
    notes: tuple[str, ...]


def estimate(
    config: RunConfig, vocab_size: int, train_tokens: int | None, machine: Machine
) -> Estimate:
    """The estimate for a run of one process on a machine."""
    model, training = config.model, config.training
    precision = machine.auto if training.precision == "auto" else training.precision
    memory = memory_by_part(config, vocab_size, precision, machine.device)
    memory_bytes = sum(part.bytes for part in memory)
    tokens = training.batch_size * training.grad_accumulation_steps * model.block_size
    steps = None
    if training.max_steps is not None or train_tokens is not None:
        steps = total_steps(train_tokens or 0, tokens, training)
    per_step, basis = seconds_per_step(config, vocab_size, precision, machine)
    evaluated = training.eval_windows * model.block_size
    seconds = None
    if per_step is not None and steps is not None:
        times = 1 + math.ceil(steps / training.eval_every)
        # Forward alone is a third of the work.
        seconds = per_step * (steps + times * evaluated / tokens / 3)
    return Estimate(
        parameters=model.parameter_count(vocab_size),
        parameter_parts=parameter_parts(model, vocab_size),
        memory_bytes=memory_bytes,
        memory_parts=memory,
        operations=operations_per_step(config, vocab_size),
        tokens_per_step=tokens,
        precision=precision,
        seconds_per_step=per_step,
        tokens_per_second=None if per_step is None else tokens / per_step,
        steps=steps,
        seconds=seconds,
        basis=basis,
        notes=_notes(config, memory_bytes, steps, seconds, machine),
    )


def seconds_per_step(
    config: RunConfig, vocab_size: int, precision: str, machine: Machine
) -> tuple[float | None, str]:
    """The time of a step, None where nothing tells it, and what it rests on as a sentence.

    The best source is a run of nearly this shape, then the calibration of the machine, then any
    run. The time of another shape is scaled by the cost of its step. Of several runs of the same
    distance the fastest counts; runs much slower than the calibration are left out, since other
    programs were at work. Where that is only likely, the geometric mean of both counts.
    """
    calibration = machine.calibration if machine.device == "cpu" else None
    speed = calibration.speed(precision) if calibration is not None else None
    proportions = speed or TYPICAL
    expected = proportions.seconds(work_of_step(config, vocab_size, precision, machine.device))
    compared = [
        (*_compared(config, expected, run, proportions), run)
        for run in machine.runs
        if (run.precision, run.device) == (precision, machine.device)
        and run.config.training.compile == config.training.compile
    ]
    calm = [comparison for comparison in compared if speed is None or comparison[1] < BUSY]
    nearest = min((comparison[0] for comparison in calm), default=math.inf)
    if calm and (nearest < FAR or speed is None):
        farthest = max(NEARLY, ALIKE * nearest)
        factor, distance, run = min(
            ((factor, distance, run) for distance, factor, run in calm if distance <= farthest),
            key=lambda comparison: comparison[:2],
        )
        doubt = ""
        if speed is not None and factor > SURE:
            factor = max(SURE, math.sqrt(factor))
            doubt = " Other programs may have held it up, so less is taken."
        shape = "nearly this shape" if distance < NEARLY else "another shape, brought to this one"
        return expected * factor, f"From a run of {shape} on this machine on {run.day}.{doubt}"
    if speed is not None and calibration is not None:
        without = ", without torch.compile" if config.training.compile else ""
        threads = "one thread" if calibration.threads == 1 else f"{calibration.threads} threads"
        slower = [comparison[1] for comparison in compared if comparison[0] < FAR]
        doubt = (
            " Other programs were at work meanwhile: it is measured again soon."
            if calibration.busy
            else ""
        )
        busy = f" Runs took {min(slower):.1f} times as long, on a busy machine." if slower else ""
        return expected, (
            f"From a two-second measurement of this machine ({calibration.name}, {threads}) on "
            f"{calibration.day}{without}.{doubt}{busy}"
        )
    return None, f"Time is not yet measured on this machine in {precision}."


def _compared(
    config: RunConfig, expected: float, run: TrainedRun, speed: Speed
) -> tuple[float, float]:
    """The distance of a run from a configuration, at least 1, and its time over the predicted."""
    model, training = run.config.model, run.config.training
    tokens = training.batch_size * training.grad_accumulation_steps * model.block_size
    took = tokens / run.tokens_per_second
    predicted = speed.seconds(work_of_step(run.config, run.vocab_size, run.precision, run.device))
    ratios = (predicted / expected, model.n_embed / config.model.n_embed)
    return max(max(ratio, 1 / ratio) for ratio in ratios), took / predicted


def _notes(
    config: RunConfig,
    memory: int,
    steps: int | None,
    seconds: float | None,
    machine: Machine,
) -> tuple[str, ...]:
    """What one should know before starting."""
    notes = []
    if machine.device == "cpu" and memory > machine.memory:
        notes.append(
            f"This needs more memory than the {machine.memory / 1e9:.2g} GB that this machine has: "
            "take a smaller batch, block or width."
        )
    limit = config.training.max_minutes
    if seconds is not None and steps is not None and limit is not None and seconds > 60 * limit:
        reached = int(steps * 60 * limit / seconds)
        notes.append(
            f"The time limit of {limit:g} minutes is likely to end this run near step {reached:,} "
            f"of {steps:,}."
        )
    return tuple(notes)
