"""The schedule and the batches are pure functions of the step."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtt.config import TrainingConfig
from gtt.recipes import Recipe, load_recipes
from gtt.training.batches import GAPS, WindowSampler, all_windows, evaluation_windows
from gtt.training.schedule import (
    is_early_evaluation,
    is_log_spaced,
    learning_rates,
    lr_factor,
    total_steps,
)


def test_warm_up_rises_to_the_peak_and_the_cosine_ends_at_the_minimum() -> None:
    config = TrainingConfig(learning_rate=1.0, warmup_steps=9, min_lr_ratio=0.1)
    rates = learning_rates(100, config)
    assert rates[:9] == pytest.approx([(step + 1) / 10 for step in range(9)])
    assert rates[9] == max(rates) == 1.0
    assert rates[-1] == pytest.approx(0.1)
    assert rates[54] == pytest.approx(0.55, abs=0.01)  # half way down at half time
    assert all(a >= b for a, b in pairwise(rates[9:]))


def test_linear_and_constant() -> None:
    linear = TrainingConfig(
        learning_rate=1.0, warmup_steps=0, lr_scheduler="linear", min_lr_ratio=0
    )
    assert learning_rates(5, linear) == pytest.approx([1, 0.75, 0.5, 0.25, 0])
    constant = linear.model_copy(update={"lr_scheduler": "constant"})
    assert learning_rates(5, constant) == [1] * 5


@given(st.integers(1, 50), st.integers(0, 200), st.sampled_from(["cosine", "linear", "constant"]))
def test_every_factor_is_a_usable_share_of_the_peak(total: int, warmup: int, kind: str) -> None:
    config = TrainingConfig(warmup_steps=warmup, lr_scheduler=kind, min_lr_ratio=0.2)  # type: ignore[arg-type]
    factors = [lr_factor(step, total, config) for step in range(total)]
    assert all(0 < factor <= 1 for factor in factors)
    assert max(factors) == pytest.approx(1) or total <= 2  # a short run still reaches its peak


def test_length_by_steps_or_by_passes() -> None:
    assert total_steps(1000, 100, TrainingConfig(num_epochs=3)) == 30
    assert total_steps(1000, 100, TrainingConfig(num_epochs=3, max_steps=7)) == 7
    assert total_steps(10, 100, TrainingConfig(num_epochs=1)) == 1


def test_log_spaced_steps_thin_out() -> None:
    steps = [step for step in range(1000) if is_log_spaced(step)]
    assert steps[:10] == [0, 1, 2, 4, 8, 12, 16, 24, 32, 48]
    assert len(steps) < 22


@pytest.mark.parametrize("recipe", load_recipes(), ids=lambda recipe: recipe.name)
def test_early_evaluations_of_every_recipe_are_there_and_cheap(recipe: Recipe) -> None:
    """At least five before the first regular one, for at most a tenth of the work until then."""
    training, block = recipe.config.training, recipe.config.model.block_size
    tokens = training.batch_size * training.grad_accumulation_steps * block
    early = [step for step in range(2000) if is_early_evaluation(step, tokens, training, block)]
    assert len(early) >= 5 and early[-1] < training.eval_every
    work = len(early) * training.eval_windows * block / 3
    assert work < 0.1 * training.eval_every * tokens


@given(st.integers(6, 400), st.integers(4, 40), st.integers(0, 5))
def test_an_epoch_reads_windows_that_do_not_overlap_and_shuffles_anew(
    tokens: int, block: int, seed: int
) -> None:
    if tokens <= block:
        return
    sampler = WindowSampler(np.arange(tokens), block, seed)
    seen = []
    for epoch in range(3):
        inputs, targets = sampler.sequences(epoch * sampler.windows, sampler.windows)
        assert inputs.shape == targets.shape == (sampler.windows, block)
        assert (targets == inputs + 1).all()
        assert inputs.min() >= 0 and targets.max() < tokens
        flat = inputs.flatten().tolist()
        assert len(set(flat)) == len(flat)
        assert tokens - len(flat) <= tokens / GAPS + 2 * block
        seen.append(flat)
    if sampler.windows > 4:
        assert seen[0] != seen[1] != seen[2]


@pytest.mark.parametrize(("line", "block"), [(20, 64), (16, 64), (18, 32)])
def test_lines_of_one_length_begin_anywhere_in_a_window(line: int, block: int) -> None:
    sampler = WindowSampler(np.arange(20_000), block, 0)
    inputs, _ = sampler.sequences(0, sampler.windows)
    phases = np.bincount(inputs[:, 0].numpy() % line, minlength=line)
    even = sampler.windows / line
    assert phases.min() > even / 3 and phases.max() < 3 * even


def test_sequences_do_not_depend_on_how_they_are_batched() -> None:
    tokens = np.random.default_rng(0).integers(0, 60, 500)
    whole = WindowSampler(tokens, 16, 1).sequences(0, 90)[0]
    other = WindowSampler(tokens, 16, 1)
    parts = [other.sequences(first, 6)[0] for first in range(0, 90, 6)]
    assert np.array_equal(whole, np.concatenate(parts))


def test_evaluation_windows_are_seeded_and_apart() -> None:
    tokens = np.arange(1000)
    windows = evaluation_windows(tokens, 16, 10, seed=3)
    assert windows == evaluation_windows(tokens, 16, 10, seed=3)
    assert windows != evaluation_windows(tokens, 16, 10, seed=4)
    assert len(windows) == 10 and len({start for start, _ in windows}) == 10
    assert all(start % 16 == 0 and start + 16 < 1000 for start, _ in windows)


@given(st.integers(2, 200), st.integers(1, 50))
def test_all_windows_predict_each_token_once(tokens: int, block: int) -> None:
    predicted = [
        start + 1 + offset
        for start, length in all_windows(np.arange(tokens), block)
        for offset in range(length)
    ]
    assert predicted == list(range(1, tokens))
