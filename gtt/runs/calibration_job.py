"""Timing steps of small models, in the process that works with models for every visitor."""

from __future__ import annotations

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

SECONDS = 0.15  # for one shape in one precision
FEWEST, MOST = 3, 20  # steps of it


def calibrate(threads: int) -> Generator[str, None, dict[str, Any]]:
    """Times a step of each of `SHAPES`, one in each turn: `{"auto", "timed"}`, a second or so.

    Timed are those precisions that are fast here. The best of a few steps counts: what else the
    machine does makes a step slower, never faster.
    """
    auto = "bf16" if cpu_is_fast_in_bf16() else "fp32"
    timed = []
    for precision in dict.fromkeys((auto, "fp32")):
        for number, config in enumerate(SHAPES):
            with computing_with(threads):
                seconds = best_seconds(config, precision)
            timed.append({"shape": number, "precision": precision, "seconds": seconds})
            yield ""
    return {"auto": auto, "timed": timed}


def best_seconds(
    config: RunConfig, precision: str, clock: Callable[[], float] = time.perf_counter
) -> float:
    """The time of the fastest of some training steps, the first of which does not count."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = GPT(config.model, VOCABULARY)
        shape = (config.training.batch_size, config.model.block_size)
        tokens = torch.randint(VOCABULARY, shape)  # (B, T)
        optimizers = build_optimizers(model, config.training)
        seconds: list[float] = []
        began = clock()
        while len(seconds) <= FEWEST or (len(seconds) <= MOST and clock() - began < SECONDS):
            step_began = clock()
            for optimizer in optimizers:
                optimizer.zero_grad()
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
                loss = next_token_loss(model(tokens), tokens)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), config.training.grad_clip)
            for optimizer in optimizers:
                optimizer.step()
            seconds.append(clock() - step_began)
    return min(seconds[1:])


@contextmanager
def computing_with(threads: int) -> Generator[None, None, None]:
    """As many threads as a training has, for the length of a `with` block."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
