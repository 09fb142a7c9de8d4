"""How fast this machine trains, against a peer in the same run on the same machine.

The peer is `transformers`' GPT-2 of the same shape in a plain fp32 PyTorch loop. Each measurement
is a process of its own, and the variants take turns, so that a machine that slows down slows down
all of them. `benchmarks/nanogpt.py` does the same against a checkout of nanoGPT.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gtt.config import RunConfig
from gtt.errors import BadInput
from gtt.recipes import load_recipe

SIZES = ["beginner", "intermediate", "advanced"]
VARIANTS = {"auto": "GTT", "fp32": "GTT in fp32", "transformers": "transformers in fp32"}
WARM_UP = 3  # steps that are not counted


def bench(recipes: list[str] | None, steps: int, rounds: int, *, as_json: bool = False) -> int:
    """Prints tokens per second of each recipe and variant, medians over all rounds."""
    if steps < 1 or rounds < 1:
        raise BadInput("A measurement needs at least one step and one round.", field="steps")
    results = []
    for recipe in recipes or SIZES:
        load_recipe(recipe)  # an unknown name is refused before anything runs
        measured: dict[str, list[dict[str, float]]] = {variant: [] for variant in VARIANTS}
        for _ in range(rounds):
            for variant in VARIANTS:
                measured[variant].append(measure_in_process(recipe, variant, steps))
        result: dict[str, Any] = {"recipe": recipe}
        for variant, runs in measured.items():
            result[variant] = round(statistics.median(run["tokens_per_second"] for run in runs))
        result["ratio"] = round(result["auto"] / result["transformers"], 2)
        result["peak_megabytes"] = round(max(run["megabytes"] for run in measured["auto"]))
        results.append(result)
        if not as_json:
            speeds = ", ".join(f"{VARIANTS[v]} {result[v]:,} tokens/s" for v in VARIANTS)
            print(
                f"{recipe}: {speeds}; {result['ratio']:.2f} times transformers, "
                f"peak {result['peak_megabytes']:,} MB",
                flush=True,
            )
    if as_json:
        print(json.dumps(results))
    return 0


def measure_in_process(recipe: str, variant: str, steps: int) -> dict[str, float]:
    """Tokens per second and peak memory in MB of one variant, measured in a fresh process."""
    command = [sys.executable, "-m", "gtt.bench", recipe, variant, str(steps)]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    if process.returncode != 0:
        raise BadInput(f"Measuring {recipe} failed: {process.stderr.strip().splitlines()[-1]}")
    result: dict[str, float] = json.loads(process.stdout.splitlines()[-1])
    return result


def measure(recipe: str, variant: str, steps: int) -> dict[str, float]:
    """The measurement itself; the median step counts."""
    config = load_recipe(recipe).config.updated({"model": {"dropout": 0.0}})
    if recipe in SIZES:  # speed does not depend on the text, and Tales needs no network
        config = config.updated({"data": {"source": "tales", "max_megabytes": 1.0}})
    with tempfile.TemporaryDirectory() as folder:
        prepare = train_with_transformers if variant == "transformers" else train_with_gtt
        step, tokens = prepare(config, variant, Path(folder))
        times = []
        for number in range(WARM_UP + steps):
            began = time.perf_counter()
            step()
            if number >= WARM_UP:
                times.append(time.perf_counter() - began)
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "tokens_per_second": tokens / statistics.median(times),
        "megabytes": kilobytes * 1024 / 1e6 if sys.platform != "darwin" else kilobytes / 1e6,
    }


def train_with_gtt(
    config: RunConfig, precision: str, folder: Path
) -> tuple[Callable[[], None], int]:
    """The trainer's own step, and its tokens."""
    import torch

    from gtt.data.corpus import build_corpus
    from gtt.runs.home import Home
    from gtt.training.memory import keep_freed_memory, use_large_pages
    from gtt.training.trainer import Trainer

    keep_freed_memory()
    use_large_pages()
    home = Home.from_environment()
    config = config.updated({"training": {"precision": precision, "max_steps": 1_000_000}})
    corpus = build_corpus(config.data, home.corpora, sources_folder=home.sources)
    trainer = Trainer(config, corpus, folder)

    def step() -> None:
        trainer.train_step()
        if torch.cuda.is_available():
            torch.cuda.synchronize()

    return step, trainer.tokens_per_step


def train_with_transformers(
    config: RunConfig, variant: str, folder: Path
) -> tuple[Callable[[], None], int]:
    """The peer: the library's model, AdamW, clipping, random windows; nothing of ours."""
    import numpy as np
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    from gtt.data.corpus import build_corpus
    from gtt.model.export import export_config
    from gtt.runs.home import Home

    home = Home.from_environment()
    corpus = build_corpus(config.data, home.corpora, sources_folder=home.sources)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    settings = export_config(config.model, corpus.vocab_size)
    model = GPT2LMHeadModel(GPT2Config(**settings)).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.training.learning_rate)
    rows, length = config.training.batch_size, config.model.block_size
    random = np.random.default_rng(0)

    def step() -> None:
        starts = random.integers(len(corpus.train) - length, size=(rows, 1))
        window = corpus.train[starts + np.arange(length)].astype(np.int64)
        tokens = torch.from_numpy(window).to(device)
        model(tokens, labels=tokens).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if device == "cuda":
            torch.cuda.synchronize()

    return step, rows * length


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
