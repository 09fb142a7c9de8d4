"""Training speed against nanoGPT's own loop, in turns on the same machine.

    git clone https://github.com/karpathy/nanoGPT
    python benchmarks/nanogpt.py --nanogpt nanoGPT

runs the checkout's `train.py` in fp32 on the CPU at the shapes of the three sizes (dropout 0, Tiny
Shakespeare, character tokens), and GTT's trainer at the same shapes, and prints tokens per second
and their ratio. Nothing is written into the checkout.
"""

from __future__ import annotations

import argparse
import json
import pickle
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import here  # noqa: F401 - before gtt, which it makes known

from gtt.bench import SIZES, WARM_UP, measure_in_process
from gtt.config import RunConfig
from gtt.data.corpus import Corpus, build_corpus
from gtt.recipes import load_recipe
from gtt.runs.home import Home


def main() -> None:
    """Alternates the two and prints a line per size and, last, everything as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--nanogpt", type=Path, required=True, metavar="DIR")
    parser.add_argument("--recipe", action="append", choices=SIZES)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    home = Home.from_environment()
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for recipe in options.recipe or SIZES:
            config = load_recipe(recipe).config
            corpus = build_corpus(config.data, home.corpora, sources_folder=home.sources)
            checkout = lay_out(options.nanogpt, Path(folder) / recipe, corpus)
            theirs, ours = [], []
            for _ in range(options.rounds):
                theirs.append(train_nanogpt(checkout, config, options.steps))
                ours.append(measure_in_process(recipe, "auto", options.steps)["tokens_per_second"])
            ratios = [our / their for our, their in zip(ours, theirs)]
            result: dict[str, Any] = {
                "recipe": recipe,
                "nanogpt": round(statistics.median(theirs)),
                "gtt": round(statistics.median(ours)),
                "ratio": round(statistics.median(ratios), 2),
                "ratios": [round(ratio, 2) for ratio in ratios],
            }
            results.append(result)
            print(
                f"{recipe}: nanoGPT {result['nanogpt']:,} tokens/s, GTT {result['gtt']:,}, ratio "
                f"{result['ratio']} ({', '.join(map(str, result['ratios']))})",
                flush=True,
            )
    print(json.dumps(results))


def lay_out(checkout: Path, place: Path, corpus: Corpus) -> Path:
    """A copy of nanoGPT's three files with the corpus in the form it reads."""
    place.mkdir(parents=True)
    for name in ("train.py", "model.py", "configurator.py"):
        shutil.copyfile(checkout / name, place / name)
    data = place / "data" / "bench"
    data.mkdir(parents=True)
    corpus.train.astype("uint16").tofile(data / "train.bin")
    corpus.validation.astype("uint16").tofile(data / "val.bin")
    (data / "meta.pkl").write_bytes(pickle.dumps({"vocab_size": corpus.vocab_size}))
    return place


def train_nanogpt(checkout: Path, config: RunConfig, steps: int) -> float:
    """Tokens per second of `train.py`, by the median of the step times that it prints."""
    model, training = config.model, config.training
    settings = {
        "device": "cpu",
        "dtype": "float32",
        "compile": False,
        "wandb_log": False,
        "dataset": "bench",
        "gradient_accumulation_steps": 1,
        "eval_iters": 1,
        "eval_interval": 1_000_000,
        "log_interval": 1,
        "max_iters": WARM_UP + steps,
        "n_layer": model.n_layers,
        "n_head": model.n_heads,
        "n_embd": model.n_embed,
        "block_size": model.block_size,
        "batch_size": training.batch_size,
        "dropout": 0.0,
        "bias": model.bias,
    }
    command = [sys.executable, "train.py", *(f"--{key}={value}" for key, value in settings.items())]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=True)
    times = [
        float(found) for found in re.findall(r"^iter \d+:.* time ([\d.]+)ms", done.stdout, re.M)
    ]
    seconds = statistics.median(times[WARM_UP:]) / 1000
    return training.batch_size * model.block_size / seconds


if __name__ == "__main__":
    main()
