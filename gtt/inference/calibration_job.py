"""Times training steps of small models, in the process that runs models for every visitor."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import psutil
import torch

from gtt.config import RunConfig
from gtt.model.gpt import GPT, next_token_loss
from gtt.runs.calibration import SHAPES, VOCABULARY
from gtt.training.accelerator import cpu_is_fast_in_bf16
from gtt.training.optimizers import build_optimizers

ROUNDS = 3  # over all shapes, so that a busy moment does not spoil all steps of one shape
SECONDS = 0.03  # for one shape in one round, one step at least

ENOUGH = 0.8  # of a core for each thread: with less, other programs slow the steps down

Clock = Callable[[], float]
# Some systems count the processor's time in steps of 16 ms, which is longer than one of ours.
IS_FINE = time.get_clock_info("process_time").resolution <= 1e-4
PROCESSOR: Clock | None = time.process_time if IS_FINE else None


def calibrate(
    threads: int, clock: Clock = time.perf_counter
) -> Generator[str, None, dict[str, Any]]:
    """Times steps of each of `SHAPES` in turns, a second or two: `{"auto", "busy", "timed"}`.

    Timed are those precisions that are fast here. The best step counts: what else the machine does
    makes a step slower, never faster; and none takes longer than the processor works for it. `busy`
    tells that other programs left too little of the processor meanwhile.
    """
    cores_left = watched_cores()
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
    return {"auto": auto, "busy": cores_left() < ENOUGH * threads, "timed": timed}


def watched_cores(
    busy: Clock | None = None, own: Clock = time.process_time, clock: Clock = time.monotonic
) -> Callable[[], float]:
    """A function that tells how many cores other programs have left free since this call.

    `busy` gives the seconds that all cores together have worked, `own` those for this process.
    """
    busy = busy or cores_at_work
    began, own_began, busy_began = clock(), own(), busy()

    def cores_left() -> float:
        passed = max(1e-6, clock() - began)
        busy_of_others = (busy() - busy_began) - (own() - own_began)
        return (os.cpu_count() or 1) - max(0.0, busy_of_others) / passed

    return cores_left


def cores_at_work() -> float:
    """Seconds that all cores together have worked, or were taken by another virtual machine."""
    times = psutil.cpu_times()
    idle = times.idle + getattr(times, "iowait", 0.0)
    return float(sum(times[:8]) - idle)  # on Linux a guest's time counts as the user's already


def best_seconds(step: Callable[[], None], clock: Clock, processor: Clock | None = None) -> float:
    """The time of the fastest of as many steps as begin within `SECONDS`.

    Where other programs hold all cores none is fast. `processor` tells how long this process was at
    work, on all its threads together: on a free machine a step takes at most as long.
    """
    best, began, number = math.inf, clock(), 0
    processor_began = processor() if processor is not None else 0.0
    while True:
        step_began = clock()
        step()
        ended, number = clock(), number + 1
        best = min(best, ended - step_began)
        if ended - began >= SECONDS:
            break
    if processor is None:
        return best
    return min(best, (processor() - processor_began) / number)


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
