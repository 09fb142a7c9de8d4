"""Maps each question about a model to the function of `gtt.interpret` that answers it."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import asdict
from functools import singledispatch
from typing import Any

from gtt.config import ModelConfig
from gtt.inference.interpretability_heads import ablation, attention, habits
from gtt.inference.interpretability_text import copies, following, lens, next_token, reading
from gtt.inference.loaded import Loaded
from gtt.inference.pipe import Result
from gtt.inference.questions import DrawingJob
from gtt.interpret.architecture import draw
from gtt.settings import parse

Answer = Result | Generator[str, None, Result]


@singledispatch
def look(job: Any, loaded: Loaded) -> Answer:
    """The answer to a question about a checkpoint, at once or step by step; raises `BadInput`."""
    raise TypeError(job)


for answer in (next_token, attention, habits, ablation, reading, lens, following, copies):
    look.register(answer)


def drawing(job: DrawingJob) -> Result:
    """The graph of a model that needs no checkpoint."""
    drawn = draw(parse(ModelConfig, job.model), job.vocab_size, job.batch, job.tokens)
    return {
        **{key: value for key, value in asdict(drawn).items() if key != "source"},
        "source": [
            {"line": line, "first": first, "code": code}
            for line, (first, code) in drawn.source.items()
        ],
    }
