"""What others reached on the same text: recipes as they were measured, runs of the same desk."""

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
    config: RunConfig, steps: int, vocab_size: int | None, known: Iterable[Reference]
) -> Reference | None:
    """The one that got furthest of those on the same text, no larger, and no longer trained."""
    vocabulary = vocab_size or 0
    weights = config.model.parameter_count(vocabulary)
    tokens = steps * tokens_per_step(config)
    fair = [
        one
        for one in known
        if is_same_text(config.data, one.config.data)
        and one.steps <= AS_LONG * steps
        and one.tokens <= AS_LONG * tokens
        and one.config.model.parameter_count(vocabulary) <= AS_LARGE * weights
    ]
    return min(fair, key=lambda one: one.loss, default=None)


def is_same_text(one: DataConfig, other: DataConfig) -> bool:
    """Whether losses per token of the two can be compared: the same text in the same tokens."""
    same = one.source == other.source and one.tokenizer == other.tokenizer
    if one.tokenizer == "bpe":
        same = same and one.vocab_size == other.vocab_size
        same = same and one.max_megabytes == other.max_megabytes  # the text makes the tokens
    if one.tokenizer == "pretrained":
        same = same and one.pretrained_tokenizer == other.pretrained_tokenizer
    return same and one.column == other.column


def tokens_per_step(config: RunConfig) -> int:
    """Of one process."""
    training = config.training
    return training.batch_size * training.grad_accumulation_steps * config.model.block_size
