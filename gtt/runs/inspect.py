"""Reading a run: evaluate it, write with it, find its checkpoints. The run stays as it is."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gtt.config import GenerationConfig
from gtt.data.corpus import build_corpus, reopen_corpus
from gtt.data.tokenizers import Tokenizer
from gtt.errors import UnusableRun
from gtt.model.export import load_model
from gtt.model.sampling import NOT_NUMBERS, generate_text
from gtt.runs.folder import RunFolder
from gtt.runs.home import Home
from gtt.settings import parse
from gtt.training.evaluation import evaluate_all, sit_exam

EXAM_QUESTIONS = 64


def checkpoint_of(folder: Path, which: str = "best") -> Path:
    """The `best` or `latest` checkpoint of a run, or that of a step.

    Raises `UnusableRun`, for a folder that is no run as well, and `BadInput` for other words.
    """
    run = RunFolder(folder)
    run.about()
    return run.checkpoints.chosen(which)


def evaluate_run(folder: Path, home: Home, which: str = "best") -> dict[str, Any]:
    """Loss over the whole validation part, in nats per token, with all that goes beside it."""
    config = RunFolder(folder).config()
    model, about = load_model(checkpoint_of(folder, which))
    existing = reopen_corpus(config.data, home.corpora, str(about.get("fingerprint")))
    corpus = existing or build_corpus(config.data, home.corpora, sources_folder=home.sources)
    if corpus.fingerprint != about.get("fingerprint"):
        raise UnusableRun(
            f"{folder} was trained on other data than {corpus.source_title!r} gives now: bring "
            "the text back to evaluate the run."
        )
    measured = evaluate_all(model, corpus, cross_documents=config.training.cross_documents)
    if not math.isfinite(measured.loss):
        raise UnusableRun(NOT_NUMBERS)
    score = None
    if corpus.exam is not None:
        score = sit_exam(
            model, corpus, config.generation, questions=EXAM_QUESTIONS, seed=config.training.seed
        )
    return {
        "step": about.get("step"),
        "validation_loss": measured.loss,
        "perplexity": measured.perplexity,
        "bits_per_byte": measured.bits_per_byte,
        "tokens": measured.tokens,
        "task_score": score,
        "baselines": asdict(corpus.baselines),
    }


def generate_from_run(
    folder: Path, changes: Mapping[str, Any], which: str = "best"
) -> Iterator[str]:
    """The prompt, then the continuation piece by piece; `changes` override the run's settings."""
    config = RunFolder(folder).config()
    settings = parse(GenerationConfig, {**config.generation.model_dump(), **changes})
    checkpoint = checkpoint_of(folder, which)
    model, _ = load_model(checkpoint)
    tokenizer = Tokenizer.load(checkpoint)
    if "prompt" not in changes and tokenizer.unknown_characters(settings.prompt):
        settings = settings.model_copy(update={"prompt": tokenizer.decode([0])})
    pieces = generate_text(model, tokenizer, settings)
    yield settings.prompt
    try:
        yield from pieces
    except FloatingPointError:
        raise UnusableRun(NOT_NUMBERS) from None
