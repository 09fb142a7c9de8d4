"""The inputs of an estimate that the machine gives: what it is, and its speed."""

from __future__ import annotations

from pathlib import Path
from statistics import quantiles

import psutil

from gtt.api.service import Caller
from gtt.recipes import Recipe
from gtt.runs import calibration
from gtt.runs.estimates import Machine, TrainedRun, estimate
from gtt.runs.expected_text import text_of
from gtt.runs.managed_run import ManagedRun
from gtt.runs.processes import gpu_count

LOOKED_AT = 20  # runs, the newest, whose speed is looked at
FEWEST_POINTS = 2  # of the speed of a run; the first holds what every start waits for
FLAGS = ("avx512_bf16", "amx_bf16")  # of a processor that multiplies bf16 in hardware


def machine_of(caller: Caller, threads: int) -> Machine:
    """This machine: its calibration, if there is one, and how fast the caller's runs went."""
    known_speed = calibration.load(caller.service.home.path, threads)
    runs = [run for run in map(_trained, caller.runs()[:LOOKED_AT]) if run is not None]
    if gpu_count():
        auto = next((run.precision for run in runs if run.device == "cuda"), "bf16")
        return Machine("cuda", auto, 0, None, runs)
    auto = known_speed.auto if known_speed is not None else _auto_precision()
    return Machine("cpu", auto, int(psutil.virtual_memory().total), known_speed, runs)


def seconds_of(recipe: Recipe, machine: Machine, corpora: Path) -> float | None:
    """How long a recipe takes on a machine, None where too little of that was measured.

    What it took elsewhere is scaled by how fast its steps would be here. A run alone, perhaps on a
    busy machine, is no measure for all recipes: the processor has to be measured.
    """
    if machine.device == "cpu" and machine.calibration is None:
        return None
    text = text_of(recipe.config.data, corpora)
    own_estimate = estimate(recipe.config, text.vocab_size, text.train_tokens, machine)
    if own_estimate.tokens_per_second is None or recipe.measured is None:
        return own_estimate.seconds
    measured = recipe.measured
    return measured.seconds * measured.tokens_per_second / own_estimate.tokens_per_second


def _trained(run: ManagedRun) -> TrainedRun | None:
    """How fast a run of one process went where nothing held it up, None where that is not known."""
    view = run.view()
    speeds = [value for _, value in run.reader.curve("tokens_per_second", 50) if value > 0]
    if len(speeds) < FEWEST_POINTS or view.processes not in (None, 1):
        return None
    if view.vocab_size is None or view.precision is None or view.started_at is None:
        return None
    return TrainedRun(
        config=run.config,
        vocab_size=view.vocab_size,
        precision=view.precision,
        device=(view.device or "cpu").partition(":")[0],
        tokens_per_second=quantiles(speeds[1:], n=4)[2] if len(speeds) > 2 else speeds[-1],
        day=calibration.day_of(view.updated_at or view.started_at),
    )


def _auto_precision() -> str:
    """What `auto` will stand for on this processor, before a process with torch has told."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:  # not Linux
        return "fp32"
    return "bf16" if any(flag in flags for flag in FLAGS) else "fp32"
