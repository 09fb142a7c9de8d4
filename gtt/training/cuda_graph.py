"""A training step recorded once on a GPU and replayed: one launch in place of a thousand.

A step of a small model is a thousand small kernels, and a GPU finishes each sooner than Python can
ask for the next: on an H100 the step of a model of 11 million weights took 24 ms, of which the GPU
worked less than half (docs/measurements.md). A CUDA graph keeps the kernels with the places in
memory that they read and write, and starts all of them at once (Ng et al. 2021, "Accelerating
PyTorch with CUDA Graphs"). What changes from step to step lies in tensors that stay where they are:
the batch, the learning rates, the sums for the log. Dropout draws anew at each replay, from the
device's own generator, so a run resumes as before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from accelerate import Accelerator
from torch import Tensor

Batch = tuple[Tensor, Tensor]  # inputs and targets, both (B, T) int64

WARM_UP = 3  # steps that run as they are: libraries and optimizers set up what a graph must find


def can_record(accelerator: Accelerator) -> bool:
    """Whether a whole step can be replayed: on one GPU, where nothing has to be asked in between.

    Scaled fp16 gradients have the host decide after each step whether it counts, and several
    processes wait for each other.
    """
    return (
        accelerator.device.type == "cuda"
        and accelerator.num_processes == 1
        and accelerator.scaler is None
    )


class RecordedStep:
    """Runs `step` on the batches of each optimizer step, from the fourth time on by replay.

    `step` must do all its work on the device, and read and write the same tensors each time.
    """

    def __init__(self, step: Callable[[Sequence[Batch]], None]) -> None:
        self.step = step
        self.steps_run = 0
        self.graph: torch.cuda.CUDAGraph | None = None
        self.batches: list[Batch] = []  # where the graph reads
        self.stream = torch.cuda.Stream()

    def __call__(self, batches: Sequence[Batch]) -> None:
        """One step; `batches` lie in pinned memory or on the device."""
        if not self.batches:
            self.batches = [(inputs.cuda(), targets.cuda()) for inputs, targets in batches]
        for mine, new in zip(self.batches, batches, strict=True):
            for place, values in zip(mine, new, strict=True):
                place.copy_(values, non_blocking=True)
        if self.steps_run < WARM_UP:
            self._run_beside()
        else:
            if self.graph is None:
                self.graph = self._record()
            self.graph.replay()
        self.steps_run += 1

    def _run_beside(self) -> None:
        """The step as it is, on a stream of its own, as what will be recorded has to run once."""
        current = torch.cuda.current_stream()
        self.stream.wait_stream(current)
        with torch.cuda.stream(self.stream):
            self.step(self.batches)
        current.wait_stream(self.stream)

    def _record(self) -> torch.cuda.CUDAGraph:
        """The graph of one step. Recording runs nothing."""
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=self.stream, capture_error_mode="thread_local"):
            self.step(self.batches)
        return graph
