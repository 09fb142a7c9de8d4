"""References for a run: measured recipes and other runs of the desk on the same text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from gtt.config import DataConfig, RunConfig
from gtt.recipes import Recipe, load_recipes

AS_LONG = 1.15  # times the steps and tokens of a run: what took more is no fair comparison
AS_LARGE = 1.5  # times its weights


@dataclass(frozen=True)
class Reference:
    """A finished run to be held against: `title` as in a sentence, its validation `loss`."""

    title: str
    config: RunConfig
    steps: int
    loss: float

    @property
    def tokens(self) -> int:
        return self.steps * tokens_per_step(self.config)


@cache
def known_recipes() -> tuple[Recipe, ...]:
    """The recipes, read once."""
    return tuple(load_recipes())


@cache
def recipe_references() -> tuple[Reference, ...]:
    """Every length at which a recipe was measured."""
    return tuple(
        Reference(f"the recipe {recipe.name}", recipe.config, steps, loss)
        for recipe in known_recipes()
        if recipe.measured is not None
        for steps, loss in recipe.measured.by_steps.items()
    )


def fair_reference(
    config: RunConfig, steps: int, vocab_size: int | None, references: Iterable[Reference]
) -> Reference | None:
    """The one that got furthest of those on the same text, no larger, and no longer trained."""
    vocabulary = vocab_size or 0
    weights = config.model.parameter_count(vocabulary)
    tokens = steps * tokens_per_step(config)
    fair = [
        candidate
        for candidate in references
        if is_same_text(config.data, candidate.config.data)
        and candidate.steps <= AS_LONG * steps
        and candidate.tokens <= AS_LONG * tokens
        and candidate.config.model.parameter_count(vocabulary) <= AS_LARGE * weights
    ]
    return min(fair, key=lambda candidate: candidate.loss, default=None)


def is_same_text(data: DataConfig, other: DataConfig) -> bool:
    """Whether losses per token of the two can be compared: the same text in the same tokens."""
    same = data.source == other.source and data.tokenizer == other.tokenizer
    if data.tokenizer == "bpe":
        same = same and data.vocab_size == other.vocab_size
        same = same and data.max_megabytes == other.max_megabytes  # the text makes the tokens
    if data.tokenizer == "pretrained":
        same = same and data.pretrained_tokenizer == other.pretrained_tokenizer
    return same and data.column == other.column


def tokens_per_step(config: RunConfig) -> int:
    """Of one process."""
    training = config.training
    return training.batch_size * training.grad_accumulation_steps * config.model.block_size
