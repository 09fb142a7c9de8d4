"""Runs recipes as they are and prints what their `measured:` blocks and the record should say.

    python benchmarks/recipes.py --machine "2 vCPU AMD EPYC" quickstart beginner

For each recipe: a row for the table in `docs/measurements.md` and the YAML of the block. The
validation loss is that of the best checkpoint over the whole validation part.
"""

from __future__ import annotations

import argparse
import datetime
import json
import statistics
import subprocess
import sys
from typing import Any

import here  # noqa: F401 - before gtt, which it makes known


def main() -> None:
    """Measures the recipes one after the other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--machine", required=True, help="what it ran on, in a few words")
    parser.add_argument("recipes", nargs="+")
    options = parser.parse_args()
    for recipe in options.recipes:
        measured = measure(recipe, options.machine)
        steps, floor = measured.pop("steps"), measured.pop("floor")
        cells = [
            f"`{recipe}`",
            f"{measured['parameters']:,}",
            f"{steps:,}",
            f"{measured['seconds']:.0f}",
            f"{measured['tokens_per_second']:,}",
            f"{measured['validation_loss']:.4f}",
            "" if floor is None else f"{measured['validation_loss'] / floor:.3f}",
            "" if measured["task_score"] is None else f"{measured['task_score']:.1%}",
            measured["date"],
        ]
        print(f"| {' | '.join(cells)} |")
        print("measured:")
        for key, value in measured.items():
            if value is not None:
                print(f"  {key}: {value}")
        print(flush=True)


def measure(recipe: str, machine: str) -> dict[str, Any]:
    """Trains and evaluates one recipe in processes of their own."""
    lines = [json.loads(line) for line in gtt("train", "--recipe", recipe, "--json").splitlines()]
    result = json.loads(gtt("evaluate", lines[-1]["run_dir"], "--json"))
    speeds = [line["tokens_per_second"] for line in lines if line["type"] == "StepLogged"]
    return {
        "machine": machine,
        "date": datetime.date.today().isoformat(),
        "seconds": round(lines[-1]["seconds"], 1),
        "tokens_per_second": round(statistics.median(speeds)),
        "validation_loss": round(result["validation_loss"], 4),
        "parameters": lines[0]["parameters"],
        "task_score": None if result["task_score"] is None else round(result["task_score"], 3),
        "steps": lines[-1]["step"],
        "floor": result["baselines"]["floor"],
    }


def gtt(*arguments: str) -> str:
    """The standard output of one command."""
    command = [sys.executable, "-m", "gtt", *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


if __name__ == "__main__":
    main()
