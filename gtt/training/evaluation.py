"""How good the model is: loss on validation windows, and the source's own exam."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch

from gtt.config import GenerationConfig
from gtt.data.corpus import Corpus
from gtt.model.gpt import GPT, next_token_loss
from gtt.model.sampling import complete, evaluating, seeded
from gtt.training.batches import all_windows


@dataclass(frozen=True)
class Measured:
    """A loss in nats per token and what follows from it."""

    loss: float
    tokens: int
    bytes_per_token: float

    @property
    def perplexity(self) -> float:
        """exp(loss): among how many equally likely tokens the model hesitates, so to speak."""
        return math.exp(min(self.loss, 700.0))

    @property
    def bits_per_byte(self) -> float:
        """The loss in bits, per byte of text: comparable across tokenizers."""
        return self.loss / math.log(2) / self.bytes_per_token


@torch.no_grad()
def summed_loss(
    model: GPT,
    tokens: np.ndarray,
    windows: Sequence[tuple[int, int]],
    batch_tokens: int = 16_384,
    autocast: AbstractContextManager[None] | None = None,
) -> tuple[float, int]:
    """Sum of the losses in nats over all predictions in `windows`, and their number.

    A window is a start in `tokens` (N,) and a length T; its T + 1 tokens give T predictions.
    """
    device = next(model.parameters()).device
    losses: list[torch.Tensor] = []  # on the device, so that nothing waits between batches
    counts: list[int] = []
    by_length: dict[int, list[int]] = {}
    for start, length in windows:
        by_length.setdefault(length, []).append(start)
    with evaluating(model), autocast or nullcontext():
        for length, starts in by_length.items():
            rows = max(1, batch_tokens // length)
            for first in range(0, len(starts), rows):
                at = np.array(starts[first : first + rows])
                batch = tokens[at[:, None] + np.arange(length + 1)].astype(np.int64)
                window = torch.from_numpy(batch).to(device)  # (rows, length + 1)
                loss = next_token_loss(model(window[:, :-1]), window[:, 1:])
                losses.append(loss.float())
                counts.append(len(at) * length)
    means = torch.stack(losses).tolist()
    return math.fsum(mean * count for mean, count in zip(means, counts)), sum(counts)


def evaluate_all(model: GPT, corpus: Corpus, *, cross_documents: bool = True) -> Measured:
    """The loss over the whole validation part, every token after the first predicted once."""
    mark = corpus.boundary(crossed=cross_documents)
    windows = all_windows(corpus.validation, model.config.block_size, mark)
    total, count = summed_loss(model, corpus.validation, windows)
    return Measured(total / count, count, corpus.bytes_per_token)


def sit_exam(
    model: GPT, corpus: Corpus, generation: GenerationConfig, *, questions: int, seed: int
) -> float:
    """The share of valid sentences or exact answers, 0 to 1, by the exam of the data source.

    Answers are drawn with the run's own temperature, top-k and top-p, or greedily where the exam
    asks for that, from a random generator of their own. The corpus must have an exam.
    """
    exam = corpus.exam
    assert exam is not None
    prompts = exam.questions(questions, seed)
    # A greedy answer must not be cut short; of sampled text, about as much as asked for will do.
    per_token = 1.0 if exam.greedy else max(1.0, corpus.characters_per_token)
    settings = generation.model_copy(
        update={
            "max_new_tokens": math.ceil(exam.answer_characters / per_token),
            "stop": exam.stop,
            "num_beams": 1,
            "repetition_penalty": 1.0,  # an answer may have to say a thing twice
            **({"temperature": 0.0} if exam.greedy else {}),
        }
    )
    generator = seeded(seed, next(model.parameters()).device)
    return exam.score(prompts, complete(model, corpus.tokenizer, prompts, settings, generator))
