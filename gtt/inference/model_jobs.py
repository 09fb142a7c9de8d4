"""The jobs of the process for models: text, odds, attention, tokens, its own speed."""

from __future__ import annotations

import secrets
import time
from collections.abc import Generator

import torch

from gtt.config import GenerationConfig
from gtt.data.tokenizers import Tokenizer
from gtt.errors import BadInput, UnusableRun
from gtt.inference.calibration_job import calibrate
from gtt.inference.checked_values import checked_ids, encode
from gtt.inference.export_job import export_job
from gtt.inference.interpretability import drawing, look
from gtt.inference.loaded import Loaded, LoadedCheckpoints
from gtt.inference.pipe import Result
from gtt.inference.questions import (
    CalibrateJob,
    DrawingJob,
    ExportJob,
    GenerateJob,
    Job,
    OfReader,
)
from gtt.inference.text_jobs import work_on_text
from gtt.model.growing_text import GrowingText
from gtt.model.sampling import NOT_NUMBERS, continue_tokens, seeded
from gtt.settings import parse

LONGEST_STOP = 1000  # characters


def work_on(job: Job, checkpoints: LoadedCheckpoints) -> Generator[str, None, Result]:
    """Carries out a job step by step: pieces of text while it goes on, the result as its value.

    Each step of a generation reads one token, whether or not that shows any text yet. Raises
    `BadInput`.
    """
    if isinstance(job, OfReader):
        return (yield from work_on_text(job))
    if isinstance(job, CalibrateJob):
        return (yield from calibrate(job.threads))
    if isinstance(job, DrawingJob):
        return drawing(job)
    if isinstance(job, ExportJob):
        return export_job(job)
    loaded = checkpoints.get(job.checkpoint)
    if isinstance(job, GenerateJob):
        return (yield from generate(job, loaded))
    answer = look(job, loaded)
    return answer if isinstance(answer, dict) else (yield from answer)


def generate(job: GenerateJob, loaded: Loaded) -> Generator[str, None, Result]:
    """The continuation, token by token; joined, the same as `gtt.model.sampling.generate_text`."""
    settings = parse(GenerationConfig, job.settings)
    tokenizer = loaded.tokenizer
    if "prompt" not in job.settings and tokenizer.unknown_characters(settings.prompt):
        settings = settings.model_copy(update={"prompt": tokenizer.decode([0])})
    if any(len(stop) > LONGEST_STOP for stop in settings.stop):
        raise BadInput(f"A stop string has {LONGEST_STOP} characters at most.", field="stop")
    seed = secrets.randbelow(2**32) if settings.seed is None else settings.seed
    began = time.perf_counter()
    if job.prompt_ids is not None:
        ids = checked_ids(tokenizer, job.prompt_ids, "prompt_ids")
    else:
        ids = encode(tokenizer, settings.prompt, "prompt")
    growing = GrowingText(tokenizer, settings.stop)
    text: list[str] = []
    drawn: list[int] = []
    try:
        generator = seeded(seed, torch.device("cpu"))
        for token_ids in continue_tokens(loaded.model, ids, settings, generator):
            piece = ""
            for token in token_ids:
                if not growing.is_ended:
                    drawn.append(token)
                    piece += growing.add(token)
            text.append(piece)
            yield piece
            if growing.is_ended:
                break
    except FloatingPointError:
        raise UnusableRun(NOT_NUMBERS, field="checkpoint") from None
    text.append(growing.finish())
    yield text[-1]
    seconds = time.perf_counter() - began
    whole = "".join(text)
    return {
        "done": True,
        "prompt": tokenizer.decode(ids),
        "text": whole,
        "ids": ids + (_tokens_of(tokenizer, drawn, whole) if growing.is_ended else drawn),
        "tokens": len(drawn),
        "seconds": seconds,
        "tokens_per_second": len(drawn) / max(seconds, 1e-9),
        "seed": seed,
    }


def _tokens_of(tokenizer: Tokenizer, drawn: list[int], text: str) -> list[int]:
    """The drawn tokens that have a part in `text`, which ends before the stop string."""
    count = len(drawn)
    while count and len(tokenizer.decode(drawn[: count - 1])) >= len(text):
        count -= 1
    return drawn[:count]
