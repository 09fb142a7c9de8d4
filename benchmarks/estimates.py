"""What is estimated before a run against what its steps then take on this machine.

    python benchmarks/estimates.py --steps 30 --rounds 2 quickstart beginner intermediate

The machine is measured as the server does it, by the process that works with models; the steps are
those of the trainer, in processes of their own (`gtt.bench`), in turns with the measurement. For
each recipe and round: seconds per step and peak memory, estimated and measured, and their ratio.
"""

from __future__ import annotations

import argparse
import asyncio
import time

import here  # noqa: F401 - before gtt, which it makes known

from gtt.bench import SIZES, measure_in_process
from gtt.config import RunConfig
from gtt.inference.client import Inference
from gtt.inference.questions import CalibrateJob
from gtt.recipes import load_recipe
from gtt.runs.calibration import Calibration, calibration_from, worker_threads
from gtt.runs.estimates import Machine, estimate
from gtt.runs.home import Home


def main() -> None:
    """Prints a line per recipe and round."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--steps", type=int, default=30, help="steps that are timed, the median")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("recipes", nargs="*", default=["quickstart", "beginner", "intermediate"])
    options = parser.parse_args()
    columns = ["recipe", "round", "ms per step, estimated", "measured", "ratio"]
    columns += ["MB, estimated", "measured", "GFLOP/s"]
    print(f"| {' | '.join(columns)} |")
    print(f"| {' | '.join(['---'] * len(columns))} |")
    for number in range(1, options.rounds + 1):
        for recipe in options.recipes:
            print(row(recipe, number, options.steps), flush=True)


def row(recipe: str, number: int, steps: int) -> str:
    """One recipe: the machine measured afresh, the estimate, and the steps."""
    calibration = calibrated()
    machine = Machine("cpu", calibration.auto, 0, calibration)
    config = load_recipe(recipe).config
    if recipe in SIZES:  # as `gtt.bench` trains them
        config = config.updated({"data": {"source": "tales", "max_megabytes": 1.0}})
    vocab_size = vocabulary_of(config)
    told = estimate(config, vocab_size, None, machine)
    measured = measure_in_process(recipe, "auto", steps)
    assert told.seconds_per_step is not None
    took = told.tokens_per_step / measured["tokens_per_second"]
    cells = (
        f"`{recipe}`",
        f"{number}",
        f"{1e3 * told.seconds_per_step:.0f}",
        f"{1e3 * took:.0f}",
        f"{told.seconds_per_step / took:.2f}",
        f"{told.memory_bytes / 1e6:.0f}",
        f"{measured['megabytes']:.0f}",
        f"{told.operations.total / took / 1e9:.0f}",
    )
    return f"| {' | '.join(cells)} |"


def calibrated() -> Calibration:
    """The machine, measured in the process that works with models."""
    threads = worker_threads(slots=1)
    inference = Inference()
    try:
        answer = asyncio.run(inference.ask(CalibrateJob(threads)))
    finally:
        inference.close()
    return calibration_from(answer, threads, time.time())


def vocabulary_of(config: RunConfig) -> int:
    """The tokens that the text of a run has."""
    from gtt.data.corpus import build_corpus

    home = Home.from_environment()
    return build_corpus(config.data, home.corpora, sources_folder=home.sources).vocab_size


if __name__ == "__main__":
    main()
