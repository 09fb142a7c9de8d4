"""Looking at a model in training: its loss, its score, a sample, its inside.

Looking changes nothing: dropout is off, and random draws come from generators of their own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import torch
from accelerate import Accelerator
from torch import Tensor

from gtt.config import GenerationConfig, RunConfig
from gtt.data.corpus import Corpus
from gtt.data.repeats import LONGEST_PERIOD, repeated_tokens, sayable_tokens
from gtt.errors import BadInput
from gtt.model.gpt import GPT
from gtt.model.sampling import generate_text
from gtt.training import events
from gtt.training.batches import evaluation_windows
from gtt.training.evaluation import Measured, sit_exam, summed_loss
from gtt.training.snapshots import (
    activation_statistics,
    attention_on,
    merged,
    weight_statistics,
    write_snapshot,
)
from gtt.training.tracking import Tracking

SAMPLE_TOKENS = 200
EXAM_QUESTIONS = 32
PROBE_WINDOWS = 8
PROBE_TOKENS = 128
REPEATED_TEXTS = 4  # of random tokens said twice, for telling which heads match by induction
DISTINCT_AMONG = 1 << 18  # validation tokens, whose kinds are drawn from


class Observer:
    """Evaluates, samples and takes snapshots of one model; remembers the best loss so far."""

    def __init__(
        self,
        model: GPT,
        config: RunConfig,
        corpus: Corpus,
        accelerator: Accelerator,
        tracking: Tracking,
        folder: Path,
        prompt: str,
    ) -> None:
        self.model, self.config, self.corpus = model, config, corpus
        self.accelerator, self.tracking = accelerator, tracking
        self.folder, self.prompt = folder, prompt
        self.best_loss = math.inf
        self.measured: Measured | None = None
        self.measured_step = -1
        self.windows = evaluation_windows(
            corpus.validation,
            config.model.block_size,
            config.training.eval_windows,
            config.training.seed,
            corpus.boundary(crossed=config.training.cross_documents),
        )
        vocabulary = sayable_tokens(corpus.tokenizer, corpus.validation[:DISTINCT_AMONG])
        period = min(config.model.block_size // 2, len(vocabulary), LONGEST_PERIOD)
        self.repeated = torch.from_numpy(repeated_tokens(vocabulary, period, REPEATED_TEXTS))

    def is_best(self, step: int) -> bool:
        """Whether the evaluation at `step` is the best so far; False where there was none."""
        return (
            self.measured is not None
            and self.measured_step == step
            and self.measured.loss == self.best_loss
        )

    def evaluate(self, step: int) -> events.Evaluated:
        """The loss on the evaluation windows, shared out over the processes, and the exam."""
        measured = self._measured(step)
        self.best_loss = min(self.best_loss, measured.loss)
        score = None
        if self.corpus.exam is not None and self.accelerator.is_main_process:
            score = sit_exam(
                self.model,
                self.corpus,
                self.config.generation,
                questions=EXAM_QUESTIONS,
                seed=self.config.training.seed,
            )
        return self._evaluated(step, measured, score, best=self.is_best(step) and step > 0)

    def measure(self, step: int) -> events.Evaluated:
        """The loss alone, for the curve: no exam, and no claim to be the best that is kept."""
        return self._evaluated(step, self._measured(step), None, best=False)

    def _measured(self, step: int) -> Measured:
        accelerator = self.accelerator
        mine = self.windows[accelerator.process_index :: accelerator.num_processes]
        total, count = summed_loss(
            self.model, self.corpus.validation, mine, autocast=accelerator.autocast()
        )
        sums = torch.tensor([total, count], dtype=torch.float32, device=accelerator.device)
        total, count = accelerator.reduce(sums, reduction="sum").tolist()
        self.measured = Measured(total / count, round(count), self.corpus.bytes_per_token)
        self.measured_step = step
        return self.measured

    def _evaluated(
        self, step: int, measured: Measured, score: float | None, *, best: bool
    ) -> events.Evaluated:
        evaluated = events.Evaluated(
            step=step,
            validation_loss=measured.loss,
            perplexity=measured.perplexity,
            bits_per_byte=measured.bits_per_byte,
            task_score=score,
            best=best,
        )
        self.tracking.tell(evaluated)
        return evaluated

    def sample(self, step: int) -> events.Sampled:
        """Text from the fixed prompt with the fixed seed; drawn in the main process alone."""
        text = ""
        if self.accelerator.is_main_process:
            settings = self.config.generation
            settings = settings.model_copy(
                update={
                    "prompt": self.prompt,
                    "max_new_tokens": min(settings.max_new_tokens, SAMPLE_TOKENS),
                    "seed": self.config.training.seed if settings.seed is None else settings.seed,
                }
            )
            text = "".join(generate_text(self.model, self.corpus.tokenizer, settings))
        return events.Sampled(step, self.prompt, text)

    def look_inside(self, step: int, before: dict[str, Tensor] | None) -> Iterator[events.Event]:
        """The snapshot of this step, if the run takes any."""
        if not self.config.training.snapshots or not self.accelerator.is_main_process:
            return
        length = min(PROBE_TOKENS, self.config.model.block_size)
        windows = self.windows[:PROBE_WINDOWS]
        rows = [self.corpus.validation[start : start + length] for start, _ in windows]
        tokens = torch.stack([torch.from_numpy(row.astype("int64")) for row in rows])
        activations, attention = activation_statistics(
            self.model, tokens.to(self.accelerator.device)
        )
        path = f"snapshots/step-{step:08d}.safetensors"
        token_ids = tokens[0, : attention.shape[-1]]
        texts = [self.corpus.tokenizer.token_text(int(id)) for id in token_ids]
        repeated = attention_on(self.model, self.repeated.to(self.accelerator.device))
        write_snapshot(self.folder / path, attention, repeated, token_ids, texts)
        statistics = merged(activations, weight_statistics(self.model, before))
        ratio = events.median_update(statistics)
        snapshot = events.Snapshotted(step, path, statistics, update_to_weight=ratio)
        self.tracking.tell(snapshot)
        yield snapshot


def usable_prompt(config: RunConfig, corpus: Corpus) -> str:
    """The prompt for samples; its default gives way to a character that the text does have."""
    prompt, tokenizer = config.generation.prompt, corpus.tokenizer
    if prompt == GenerationConfig().prompt and tokenizer.unknown_characters(prompt):
        return tokenizer.decode([int(corpus.train[0])])
    try:
        tokenizer.encode(prompt)
    except BadInput as error:
        raise BadInput(error.message, field="generation.prompt") from None
    return prompt
