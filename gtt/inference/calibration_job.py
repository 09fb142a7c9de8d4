"""Timing steps of small models, in the process that works with models for every visitor."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import torch

from gtt.config import RunConfig
from gtt.model.gpt import GPT, next_token_loss
from gtt.runs.calibration import SHAPES, VOCABULARY
from gtt.training.accelerator import cpu_is_fast_in_bf16
from gtt.training.optimizers import build_optimizers

ROUNDS = 3  # over all shapes, so that a busy moment does not spoil all steps of one shape
SECONDS = 0.03  # for one shape in one round, one step at least

Clock = Callable[[], float]
# Some systems count the processor's time in steps of 16 ms, which is longer than one of ours.
IS_FINE = time.get_clock_info("process_time").resolution <= 1e-4
PROCESSOR: Clock | None = time.process_time if IS_FINE else None


def calibrate(
    threads: int, clock: Clock = time.perf_counter
) -> Generator[str, None, dict[str, Any]]:
    """Times steps of each of `SHAPES`, some in each turn: `{"auto", "timed"}`, a second or two.

    Timed are those precisions that are fast here. The best step counts: what else the machine does
    makes a step slower, never faster; and none takes longer than the processor works for it.
    """
    auto = "bf16" if cpu_is_fast_in_bf16() else "fp32"
    steps = {}
    for precision in dict.fromkeys((auto, "fp32")):
        for number, config in enumerate(SHAPES):
            with computing_with(threads):
                steps[number, precision] = prepared_step(config, precision)
            yield ""
    best = dict.fromkeys(steps, math.inf)
    for _ in range(ROUNDS):
        for key, step in steps.items():
            with computing_with(threads):
                best[key] = min(best[key], best_seconds(step, clock, PROCESSOR))
            yield ""
    timed = [
        {"shape": number, "precision": precision, "seconds": seconds}
        for (number, precision), seconds in best.items()
    ]
    return {"auto": auto, "timed": timed}


def best_seconds(step: Callable[[], None], clock: Clock, processor: Clock | None = None) -> float:
    """The time of the fastest of as many steps as begin within `SECONDS`.

    Where other programs hold all cores none is fast. `processor` tells how long this process was at
    work, on all its threads together: on a free machine a step takes at most as long.
    """
    best, began, number = math.inf, clock(), 0
    worked = processor() if processor is not None else 0.0
    while True:
        step_began = clock()
        step()
        ended, number = clock(), number + 1
        best = min(best, ended - step_began)
        if ended - began >= SECONDS:
            break
    if processor is None:
        return best
    return min(best, (processor() - worked) / number)


def prepared_step(config: RunConfig, precision: str) -> Callable[[], None]:
    """A training step of a small model, done once, so that what comes first is behind it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = GPT(config.model, VOCABULARY)
        shape = (config.training.batch_size, config.model.block_size)
        tokens = torch.randint(VOCABULARY, shape)  # (B, T)
    optimizers = build_optimizers(model, config.training)

    def step() -> None:
        for optimizer in optimizers:
            optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            loss = next_token_loss(model(tokens), tokens)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), config.training.grad_clip)
        for optimizer in optimizers:
            optimizer.step()

    step()
    return step


@contextmanager
def computing_with(threads: int) -> Generator[None, None, None]:
    """As many threads as a training has, for the length of a `with` block."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
