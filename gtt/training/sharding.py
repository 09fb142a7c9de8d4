"""A model shared out over processes: weights, gradients and moments that one device cannot hold.

Each process keeps its part of every weight and puts a block together just before it is needed
(Rajbhandari et al. 2020, "ZeRO", stage 3; Zhao et al. 2023, "PyTorch FSDP"), here with PyTorch's
`fully_shard`. What looks at a model, saves it or resumes it goes on seeing a plain `GPT`: a whole
copy stands beside the shards and takes their values when something is due.
"""

from __future__ import annotations

import copy
import sys
from typing import TYPE_CHECKING, TypeGuard

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from gtt.config import TrainingConfig
from gtt.errors import BadInput
from gtt.model.gpt import GPT
from gtt.training.variables import asks_for_shards

if TYPE_CHECKING:
    from torch.distributed.tensor import DTensor

# What shares a model out takes half a second to load, for which who only reads a model has no use:
# it is imported where the sharing out begins.
TENSORS = "torch.distributed.tensor"


class Shards:
    """A copy of `model` that is shared out over all processes, and the way between the two.

    `shared` is what trains, with its norms, ties and names; `model` holds the values of the last
    `gather`. All processes have to come to each call.
    """

    def __init__(self, model: GPT) -> None:
        self.model = model
        self.shared: GPT = copy.deepcopy(model)

    def share_out(self, loss_module: nn.Module, accelerator: Accelerator) -> nn.Module:
        """Shares out the blocks, each by itself, and then the rest of what gives the loss."""
        from torch.distributed.device_mesh import init_device_mesh
        from torch.distributed.fsdp import fully_shard

        mesh = init_device_mesh(accelerator.device.type, (accelerator.num_processes,))
        for block in self.shared.transformer.h:
            fully_shard(block, mesh=mesh)
        fully_shard(loss_module, mesh=mesh)
        # As in evaluation Accelerate adds the precision alone: what a step exchanges is here.
        module: nn.Module = accelerator.prepare_model(
            loss_module, device_placement=False, evaluation_mode=True
        )
        return module

    @torch.no_grad()
    def gather(self, *, gradients: bool) -> None:
        """Copies the values of all parts, and on demand the gradients, to the whole model."""
        shared = dict(self.shared.named_parameters())
        for name, weight in self.model.named_parameters():
            weight.copy_(whole(shared[name]))
            gradient = shared[name].grad
            weight.grad = whole(gradient) if gradients and gradient is not None else None

    @torch.no_grad()
    def scatter(self) -> None:
        """Copies the values of the whole model, which are the same everywhere, to the parts."""
        shared = dict(self.shared.named_parameters())
        for name, weight in self.model.named_parameters():
            shared[name].copy_(like(shared[name], weight.detach()))


def is_shared_out(value: Tensor) -> TypeGuard[DTensor]:
    """Whether each process holds but its part of a tensor; none is where nothing was shared out."""
    module = sys.modules.get(TENSORS)
    return module is not None and isinstance(value, module.DTensor)


def whole(value: Tensor) -> Tensor:
    """A tensor that is shared out, put together in every process; any other as it is."""
    return value.full_tensor() if is_shared_out(value) else value


def like(sample: Tensor, value: Tensor) -> Tensor:
    """`value`, of which every process holds the whole, shared out as `sample` is."""
    if not is_shared_out(sample) or value.shape != sample.shape:
        return value
    from torch.distributed.tensor import distribute_tensor

    return distribute_tensor(value, sample.device_mesh, sample.placements, src_data_rank=None)


def moments_of(
    model: nn.Module, optimizers: list[torch.optim.Optimizer], *, keep: bool
) -> dict[str, Tensor]:
    """What the optimizers remember of each weight, whole and in main memory, as `weight/moment`.

    All processes put them together; who does not `keep` them lets go of each at once.
    """
    names: dict[Tensor, str] = {weight: name for name, weight in model.named_parameters()}
    moments = {}
    for optimizer in optimizers:
        for parameter, state in optimizer.state.items():
            for key, value in state.items():
                tensor = whole(value.detach())
                if keep:
                    moments[f"{names[parameter]}/{key}"] = tensor.cpu().contiguous()
    return moments


def shards_model(accelerator: Accelerator, config: TrainingConfig) -> bool:
    """Whether the launcher asked for FSDP, and there are several processes to share out to.

    Raises `BadInput` for fp16, whose scaled gradients are not shared out.
    """
    if not asks_for_shards() or accelerator.num_processes == 1:
        return False
    if config.precision == "fp16":
        raise BadInput(
            "fp16 and FSDP do not go together: set training.precision to bf16 or fp32, or launch "
            "without FSDP.",
            field="training.precision",
        )
    return True


def shared_out(processes: int) -> str:
    """What the run says of itself."""
    return (
        f"Weights, gradients and moments are shared out over {processes} processes (FSDP); each "
        "also holds the weights as a whole, to look at them and to save them."
    )
