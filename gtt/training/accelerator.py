"""Setting up Accelerate: devices, precision, accumulation, trackers."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, PartialState
from accelerate.utils import gather_object

from gtt.config import RunConfig, TrainingConfig
from gtt.errors import BadInput
from gtt.training.tracking import NO_TRACKER, refuse_missing_tracker
from gtt.training.variables import hide_from_accelerate, is_on, refuse_foreign, whole_number

MIXED_PRECISION = {"fp32": "no", "bf16": "bf16", "fp16": "fp16"}


def new_accelerator(config: RunConfig, folder: Path) -> Accelerator:
    """An Accelerator for one run.

    Accelerate keeps its precision in process-wide state; a run that was here before in this process
    must not decide it for this one, so that state is made anew. Raises `BadInput` for a precision
    that the device lacks or a tracker that is not installed.
    """
    AcceleratorState._reset_state()
    refuse_foreign()
    precision = choose_precision(config.training, process_state().device)
    tracker = config.training.track
    refuse_missing_tracker(tracker)
    if config.training.compile and process_state().device.type == "cpu":
        refuse_missing_compiler()
    try:
        return Accelerator(
            cpu=trains_on_cpu(),
            mixed_precision=MIXED_PRECISION[precision],
            gradient_accumulation_steps=config.training.grad_accumulation_steps,
            log_with=None if tracker == NO_TRACKER else tracker,
            project_dir=folder,
        )
    except ValueError as error:
        raise BadInput(f"This machine cannot run these settings: {error}.") from None


def memory_in_use(device: torch.device) -> int | None:
    """Bytes that this process holds: of main memory, or the most that it held of the GPU's."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    try:
        return int(psutil.Process().memory_info().rss)
    except psutil.Error:
        return None


def process_state() -> PartialState:
    """This process among those of the run."""
    # The others wait while the main process prepares a large text or writes a large checkpoint.
    hide_from_accelerate()
    return PartialState(cpu=trains_on_cpu(), timeout=timedelta(hours=12))


@contextmanager
def refusing_together() -> Iterator[None]:
    """What one process refuses inside with a `BadInput`, all refuse, in the same words.

    Otherwise it would leave alone, and the others would fail while they wait for it. All processes
    have to come here; none may wait for another inside.
    """
    refused: BadInput | None = None
    try:
        yield
    except BadInput as error:
        refused = error
    if process_state().num_processes > 1:
        messages = gather_object([None if refused is None else refused.message])
        words = next((message for message in messages if message is not None), None)
        if refused is None and words is not None:
            refused = BadInput(words)
    if refused is not None:
        raise refused


def trains_on_cpu() -> bool:
    """Whether Accelerate has to be told to stay on the CPU.

    Its own launcher tells it, and so do several processes without a GPU, which it would otherwise
    each take for a run of its own.
    """
    if is_on("ACCELERATE_USE_CPU"):
        return True
    several = (whole_number("WORLD_SIZE") or 1) > 1
    return several and not torch.cuda.is_available()


def refuse_missing_compiler() -> None:
    """Raises `BadInput` where torch.compile would fail for want of a C++ compiler."""
    if not any(shutil.which(name) for name in (os.environ.get("CXX", "g++"), "g++", "clang++")):
        raise BadInput(
            "torch.compile needs a C++ compiler on a CPU: install g++, or set training.compile to "
            "false.",
            field="training.compile",
        )


def choose_precision(config: TrainingConfig, device: torch.device) -> str:
    """`fp32`, `bf16` or `fp16`: what was asked for, or for `auto` the fastest that is safe here.

    Scaled fp16 gradients are unscaled once per step, for one optimizer; Muon brings a second one.
    """
    if config.precision == "fp16" and device.type == "cpu":
        raise BadInput(
            "fp16 needs a GPU: set training.precision to auto, bf16 or fp32.",
            field="training.precision",
        )
    if config.precision == "fp16" and config.optimizer == "muon":
        raise BadInput(
            "fp16 and Muon do not go together: set training.precision to bf16 or fp32, or "
            "training.optimizer to adamw.",
            field="training.precision",
        )
    if config.precision != "auto":
        return config.precision
    if device.type == "cuda":
        if torch.cuda.is_bf16_supported(including_emulation=False):
            return "bf16"
        return "fp32" if config.optimizer == "muon" else "fp16"
    if device.type == "cpu" and cpu_is_fast_in_bf16():
        return "bf16"
    return "fp32"


def cpu_is_fast_in_bf16() -> bool:
    """Whether this processor multiplies bf16 matrices in hardware.

    Asked of PyTorch where it can tell (x86 with AVX-512 or AMX); elsewhere the answer is no, since
    bf16 in software is slower than fp32.
    """
    supported = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    tiles = getattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    return bool(supported() or tiles())


def precision_of(accelerator: Accelerator) -> str:
    """The precision in our words: `fp32`, `bf16` or `fp16`."""
    return next(name for name, its in MIXED_PRECISION.items() if its == accelerator.mixed_precision)


ARITHMETIC = 2  # raise it where a change here makes the losses of a run differ: 2 since kernels.py


def surroundings(accelerator: Accelerator) -> dict[str, Any]:
    """What beside the settings decides the exact bits of a loss."""
    return {
        "precision": precision_of(accelerator),
        "device": accelerator.device.type,
        "processes": accelerator.num_processes,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "arithmetic": ARITHMETIC,
    }
