"""What questions are told to cost beside what they take: `python benchmarks/prices.py`.

Every kind of question about a model, asked of the shapes of two recipes and of the deepest legal
ones, loaded from its folder and in one thread, as the processes for models work. What is taken is
the time of the processor, which others on the machine change little. Weights are random; time does
not depend on what a model has learned. Prints one JSON object, and ends with 1 where a question of
more than a tenth of a second takes 1.5 times its price, or its price is 1.5 times what it takes.
The price of habits is that of a model whose heads all do induction: here all of them count as such.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"  # read when NumPy is imported

import here  # noqa: F401 - before gtt, which it makes known
import numpy as np
import torch

from gtt.config import GenerationConfig, ModelConfig
from gtt.data.tokenizer_training import train_char_tokenizer
from gtt.inference import interpretability_heads
from gtt.inference.loaded import LoadedCheckpoints
from gtt.inference.model_jobs import work_on
from gtt.inference.prices import price_of
from gtt.inference.questions import (
    AblationJob,
    AttentionJob,
    DrawingJob,
    FollowJob,
    GenerateJob,
    HabitsJob,
    LensJob,
    NextTokenJob,
    ReadingJob,
)
from gtt.model.export import save_model
from gtt.model.gpt import GPT
from gtt.recipes import load_recipe

WANTED_RATIO = 1.5
TOO_SHORT = 0.1  # seconds, of which a price need not be right: it takes turns in any case
LONGEST = 60.0  # by price, of what is asked: more is refused
LETTERS = 66
TOKENS = 20_000  # of the text that looks compare with
DEEPEST = {"n_layers": 64, "n_heads": 64, "n_embed": 64, "block_size": 1024}
SHAPES: dict[str, ModelConfig] = {
    "quickstart": load_recipe("quickstart").config.model,
    "advanced": load_recipe("advanced").config.model,
    "deepest": ModelConfig(**DEEPEST),
    "deepest, separate heads": ModelConfig(**DEEPEST, attention="separate_heads"),
    "wide": ModelConfig(n_layers=12, n_heads=12, n_embed=768, block_size=1024),
}


def checkpoint(folder: Path, model: ModelConfig) -> str:
    """An untrained model of a shape, with a text of random letters as its corpus."""
    torch.manual_seed(0)
    tokenizer = train_char_tokenizer("".join(map(chr, range(48, 48 + LETTERS))))
    name = "prices"
    place = folder / "model"
    place.mkdir(parents=True)
    gpt = GPT(model, tokenizer.vocab_size).eval()
    save_model(gpt, place, GenerationConfig(), {"fingerprint": name})
    tokenizer.save(place)
    corpus = folder / "corpora" / name
    corpus.mkdir(parents=True)
    ids = np.random.default_rng(0).integers(0, LETTERS, TOKENS).astype("<u2")
    ids.tofile(corpus / "tokens.bin")
    record = {"format": 1, "fingerprint": name, "dtype": "<u2", "train_tokens": TOKENS // 2}
    (corpus / "corpus.json").write_text(json.dumps(record))
    return str(place)


def questions(place: str, model: ModelConfig) -> dict[str, Any]:
    """One of each kind, with a text of 1,500 tokens where there is one."""
    text, corpora = "abcdefghijklmno" * 100, str(Path(place).parent / "corpora")
    block = model.block_size
    return {
        "next_token": NextTokenJob(place, text),
        "read": ReadingJob(place, text),
        "read of 4,000": ReadingJob(place, text[:1000] * 4),
        "lens": LensJob(place, text),
        "follow": FollowJob(place, text),
        "attention": AttentionJob(place, text),
        "attention, packed": AttentionJob(place, text, packed=True),
        "heads": HabitsJob(place, corpora),
        "ablate": AblationJob(place, text, [(0, 0)], corpora),
        "generate 200": GenerateJob(place, {"prompt": "abc", "max_new_tokens": 200}),
        "generate beyond a block": GenerateJob(
            place, {"prompt": text[:block], "max_new_tokens": block // 2}
        ),
        "16 beams": GenerateJob(
            place, {"prompt": "abc", "max_new_tokens": 100, "num_beams": 16, "temperature": 1}
        ),
        "drawing": DrawingJob(model.model_dump(), LETTERS, 4, block),
    }


def taken(job: Any) -> float:
    """Seconds of a processor from the job to its answer, the checkpoint loaded on the way."""
    began = time.process_time()
    for _ in work_on(job, LoadedCheckpoints(0)):
        pass
    return time.process_time() - began


def measured(asked: dict[str, Any], rounds: int) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, job in asked.items():
        price = price_of(job)
        assert price is not None
        if price.seconds > LONGEST:
            yield name, {"told_s": round(price.seconds, 3), "taken_s": None, "ratio": None}
            continue
        seconds = min(taken(job) for _ in range(1 if price.seconds > 3 else rounds))
        yield (
            name,
            {
                "told_s": round(price.seconds, 3),
                "taken_s": round(seconds, 3),
                "ratio": round(price.seconds / seconds, 2),
            },
        )


def is_off(told: dict[str, Any]) -> bool:
    """Whether a price is not what the question took."""
    if told["taken_s"] is None or max(told["told_s"], told["taken_s"]) < TOO_SHORT:
        return False
    return not 1 / WANTED_RATIO <= told["ratio"] <= WANTED_RATIO


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--shapes", help="by name, separated by semicolons; left out, all")
    parser.add_argument("--only", help="questions by name, separated by semicolons")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    interpretability_heads.is_inducing = lambda *_: True  # type: ignore[attr-defined]
    names = options.shapes.split(";") if options.shapes else list(SHAPES)
    report: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            place = checkpoint(Path(folder) / name, SHAPES[name])
            asked = questions(place, SHAPES[name])
            if options.only:
                asked = {one: asked[one] for one in options.only.split(";")}
            report[name] = {}
            for question, told in measured(asked, options.rounds):
                report[name][question] = told
                print(f"{name}: {question}: {json.dumps(told)}", file=sys.stderr, flush=True)
    off = [f"{name}: {one}" for name in report for one in report[name] if is_off(report[name][one])]
    print(json.dumps({"questions": report, "missed": off}, indent=2))
    return 1 if off else 0


if __name__ == "__main__":
    sys.exit(main())
