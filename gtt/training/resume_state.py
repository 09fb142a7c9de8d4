"""What a checkpoint keeps beside the weights so that training goes on exactly where it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from gtt.errors import UnusableRun
from gtt.plain_files import read_plain_text, require_plain
from gtt.training.checkpoints import resume_part
from gtt.training.running_means import PendingLog
from gtt.training.sharding import like

RESUME_FORMAT = 1
COUNTERS: dict[str, tuple[type, ...]] = {  # and the kinds that they may be of
    "step": (int,),
    "seconds": (int, float),
    "elapsed": (int, float),
    "best_loss": (int, float, type(None)),
    "pending": (dict,),
    "surroundings": (dict,),
    "config": (dict,),
}


def write_resume_state(
    folder: Path,
    moments: dict[str, Tensor],
    random_states: list[dict[str, Tensor]],
    counters: dict[str, Any],
) -> None:
    """Writes what a checkpoint needs beside the weights for training to go on exactly."""
    save_file(moments, folder / "optimizer.safetensors")
    for rank, states in enumerate(random_states):
        save_file(states, folder / f"random-{rank:05d}.safetensors")
    counters = {"format": RESUME_FORMAT, "processes": len(random_states), **counters}
    (folder / "state.json").write_text(json.dumps(counters, indent=2) + "\n", encoding="utf-8")


def read_resume_state(
    checkpoint: Path, model: nn.Module, optimizers: list[Optimizer], rank: int
) -> tuple[dict[str, Any], dict[str, Tensor] | None]:
    """Fills the optimizers' moments; returns the counters and this process's random states.

    The random states are None where the run had fewer processes. Raises `UnusableRun`.
    """
    folder = resume_part(checkpoint)
    try:
        counters = json.loads(read_plain_text(folder / "state.json"))
        if int(counters["format"]) > RESUME_FORMAT:
            raise UnusableRun(f"{folder} was written by a newer version of GTT: update GTT.")
        for name, kinds in COUNTERS.items():
            if not isinstance(counters[name], kinds):
                raise TypeError(f"{name} is {counters[name]!r}")
        PendingLog(torch.device("cpu")).restore(counters["pending"])
        require_plain(folder / "optimizer.safetensors")
        moments = load_file(folder / "optimizer.safetensors")
        random_file = folder / f"random-{rank:05d}.safetensors"
        random_states = load_file(random_file) if random_file.is_file() else None
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        reason = f"it lacks {error}" if isinstance(error, KeyError) else error
        raise UnusableRun(
            f"{folder} cannot be read ({reason}): remove that folder, and the run goes on from an "
            "earlier checkpoint or from its start."
        ) from None
    parameters = dict(model.named_parameters())
    owner = {
        parameter: optimizer
        for optimizer in optimizers
        for group in optimizer.param_groups
        for parameter in group["params"]
    }
    for key, value in moments.items():
        name, _, state_name = key.rpartition("/")
        parameter = parameters.get(name)
        if parameter is None or (value.dim() and value.shape != parameter.shape):
            raise UnusableRun(f"{folder} does not fit the model ({key}).")
        # AdamW counts its steps on the CPU unless it is fused on a GPU; it moves what it needs.
        device = parameter.device
        owner[parameter].state[parameter][state_name] = like(parameter, value.to(device))
    return counters, random_states


def random_state(device: torch.device) -> dict[str, Tensor]:
    """The states of the random generators that training draws from in this process."""
    states = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    return states


def restore_random_state(states: dict[str, Tensor], device: torch.device) -> None:
    """Sets the generators back to `random_state`."""
    torch.set_rng_state(states["cpu"])
    if "cuda" in states and device.type == "cuda":
        torch.cuda.set_rng_state(states["cuda"], device)
