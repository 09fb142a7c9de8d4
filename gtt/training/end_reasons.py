"""How a run ends, in the words that its last event says it with."""

from __future__ import annotations

import math

from gtt.config import TrainingConfig
from gtt.training.evaluation import Measured


def completed(total_steps: int, measured: Measured | None) -> str:
    """After the last step."""
    loss = f", validation loss {measured.loss:.3f}" if measured else ""
    return f"Finished all {total_steps:,} steps{loss}."


def stopped(step: int, total_steps: int) -> str:
    """Where somebody asked for it."""
    return f"Stopped at step {step:,} of {total_steps:,}; it can be resumed from there."


def out_of_time(step: int, total_steps: int, config: TrainingConfig) -> str:
    """Where the run's own limit, or that of the server, is reached."""
    limit = "" if config.max_minutes is None else f" of {config.max_minutes:g} minutes"
    return (
        f"The time limit{limit} ended the run at step {step:,} of {total_steps:,}: raise "
        f"training.max_minutes and resume, or set training.max_steps to {step} so that the "
        "schedule ends in time."
    )


def divergence(
    step: int, loss: float, norm: float, uniform: float, scaled: bool, config: TrainingConfig
) -> str | None:
    """A sentence if training has blown up, with what to change; else None.

    It has where the loss is no number or above three times the loss of guessing (`uniform`), or
    where the gradient is no number. `scaled` gradients, those of fp16, may overflow: their step is
    skipped, which is no fault.
    """
    finite = math.isfinite(loss) and (scaled or math.isfinite(norm))
    if finite and loss <= 3 * uniform:
        return None
    symptom = f"the loss rose to {loss:.1f}" if finite else "the loss is no longer a number"
    rate = "muon_learning_rate" if config.optimizer == "muon" else "learning_rate"
    return (
        f"Training diverged at step {step:,}: {symptom}. Lower training.{rate} (now "
        f"{getattr(config, rate):g}) to a third or lengthen training.warmup_steps (now "
        f"{config.warmup_steps})"
    )
