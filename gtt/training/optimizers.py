"""AdamW with decay groups, and Muon for the matrices inside the blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import AdamW, Optimizer

from gtt.config import TrainingConfig
from gtt.model.gpt import GPT
from gtt.support import ANY, Support
from gtt.training.sharding import like, whole

# Of a model it is known which matrices are several side by side.
supports = Support(
    "Muon does not know the matrices of a model with model.{}: set training.optimizer to adamw.",
    n_layers=ANY,
    n_heads=ANY,
    n_embed=ANY,
    block_size=ANY,
    dropout=ANY,
    attention=("fused", "separate_heads"),
    norm_position=("pre", "post", "none"),
    residual=(True, False),
    position=("learned", "sinusoidal", "none"),
    activation=("gelu", "relu", "silu"),
    mlp_ratio=ANY,
    tie_embeddings=(True, False),
    bias=(True, False),
)


class Muon(Optimizer):
    """Momentum whose direction is orthogonalised: every singular value of the update is near 1.

    Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks". For matrices
    (in, out) only. `groups` are parameter groups; `parts` 3 in one says that its matrices are three
    side by side, as queries, keys and values (C, 3C) are, each orthogonalised by itself. A matrix
    that is shared out over processes is put together for it in each of them.
    """

    def __init__(
        self,
        groups: Iterable[dict[str, Any]],
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
    ) -> None:
        defaults = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "parts": 1}
        super().__init__(groups, defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One update of every matrix that has a gradient."""
        loss = closure() if closure else None
        for group in self.param_groups:
            pieces: dict[torch.Size, list[tuple[Tensor, Tensor]]] = {}
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if not state:
                    state["momentum_buffer"] = torch.zeros_like(weight)
                state["momentum_buffer"].lerp_(weight.grad, 1 - group["momentum"])
                update = weight.grad.lerp(state["momentum_buffer"], group["momentum"])  # Nesterov
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                for part, direction in zip(
                    weight.chunk(group["parts"], dim=1), whole(update).chunk(group["parts"], dim=1)
                ):
                    pieces.setdefault(part.shape, []).append((part, direction))
            for (inputs, outputs), same_shape in pieces.items():
                directions = orthogonalise(torch.stack([update for _, update in same_shape]))
                scale = max(1.0, outputs / inputs) ** 0.5
                for (part, _), direction in zip(same_shape, directions):
                    part.add_(like(part, direction), alpha=-group["lr"] * scale)
        return loss


def orthogonalise(matrices: Tensor, steps: int = 5) -> Tensor:
    """The nearest semi-orthogonal matrices to (N, rows, columns), roughly.

    Five Newton-Schulz steps with the quintic coefficients of Jordan et al. 2024, which bring all
    singular values between about 0.7 and 1.2 using matrix products alone.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrices.bfloat16() if matrices.is_cuda else matrices
    tall = x.shape[-2] > x.shape[-1]
    if tall:
        x = x.mT
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        gram = x @ x.mT  # (N, rows, rows)
        x = a * x + (b * gram + c * gram @ gram) @ x
    orthogonal: Tensor = (x.mT if tall else x).to(matrices.dtype)
    return orthogonal


def build_optimizers(model: GPT, config: TrainingConfig) -> list[Optimizer]:
    """One optimizer, or two with Muon; each group's `peak_lr` is what the schedule scales.

    Matrices and embeddings decay, norms and biases do not. Frozen weights are left out. Raises
    `BadInput` for a model whose matrices Muon does not know.
    """
    if config.optimizer == "muon":
        supports.require(model.config, field="training.optimizer")
    trainable = {name: p for name, p in model.named_parameters() if p.requires_grad}
    of_muon = {
        name: p
        for name, p in trainable.items()
        if config.optimizer == "muon" and p.dim() == 2 and ".h." in f".{name}"
    }
    of_adamw = [p for name, p in trainable.items() if name not in of_muon]
    groups: list[dict[str, Any]] = [
        {"params": [p for p in of_adamw if p.dim() >= 2], "weight_decay": config.weight_decay},
        {"params": [p for p in of_adamw if p.dim() < 2], "weight_decay": 0.0},
    ]
    optimizers: list[Optimizer] = [
        AdamW(
            [group for group in groups if group["params"]],
            lr=config.learning_rate,
            betas=(config.beta1, config.beta2),
            fused=of_adamw[0].device.type in ("cpu", "cuda"),
        )
    ]
    if of_muon:
        optimizers.append(
            Muon(
                [
                    {"params": [p for n, p in of_muon.items() if "c_attn" in n], "parts": 3},
                    {"params": [p for n, p in of_muon.items() if "c_attn" not in n]},
                ],
                config.muon_learning_rate,
                weight_decay=config.weight_decay,
            )
        )
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["peak_lr"] = group["lr"]
    return optimizers


def set_learning_rate(optimizers: Iterable[Optimizer], factor: float) -> None:
    """Sets every group to `factor` times its peak."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group["peak_lr"] * factor
