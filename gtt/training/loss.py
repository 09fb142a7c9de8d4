"""What training works out the gradients of."""

from __future__ import annotations

from torch import Tensor, nn

from gtt.model.gpt import GPT, next_token_loss


class NextTokenLoss(nn.Module):
    """Model and loss in one module: what Accelerate wraps, so that the model itself stays plain."""

    def __init__(self, model: GPT) -> None:
        super().__init__()
        self.model = model

    def forward(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """The mean loss in nats of predicting `targets` (B, T) from `inputs` (B, T)."""
        return next_token_loss(self.model(inputs), targets)
