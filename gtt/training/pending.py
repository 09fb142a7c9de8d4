"""What training sums up between two log points, and whether it has blown up."""

from __future__ import annotations

import math

import torch

from gtt.config import TrainingConfig


class PendingLog:
    """Sums since the last log point; losses and norms stay on the device until then."""

    def __init__(self, device: torch.device) -> None:
        self.loss = torch.zeros((), device=device)
        self.gradient_norm = torch.zeros((), device=device)
        self.steps = 0
        self.seconds = 0.0

    def as_values(self) -> dict[str, float]:
        """The sums as plain values, exact: an fp32 number survives as a JSON number."""
        return {
            "loss": float(self.loss),
            "gradient_norm": float(self.gradient_norm),
            "steps": self.steps,
            "seconds": self.seconds,
        }

    def restore(self, values: dict[str, float]) -> None:
        """Takes up sums saved by `as_values`."""
        self.loss.fill_(values["loss"])
        self.gradient_norm.fill_(values["gradient_norm"])
        self.steps, self.seconds = int(values["steps"]), values["seconds"]


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
    what = f"the loss rose to {loss:.1f}" if finite else "the loss is no longer a number"
    rate = "muon_learning_rate" if config.optimizer == "muon" else "learning_rate"
    return (
        f"Training diverged at step {step:,}: {what}. Lower training.{rate} (now "
        f"{getattr(config, rate):g}) to a third or lengthen training.warmup_steps (now "
        f"{config.warmup_steps})"
    )
