"""What training sums up between two log points."""

from __future__ import annotations

import torch


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
