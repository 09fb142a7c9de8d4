"""Baselines against counting done the slow way, and against what is known."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from gtt.data import baselines
from gtt.data.baselines import measure_baselines


def _slow(train: list[int], validation: list[int], size: int) -> tuple[float, float]:
    single, pairs = Counter(train), Counter(pairwise(train))
    unigram = [(single[token] + 1) / (len(train) + size) for token in range(size)]
    loss = 0.0
    for first, second in pairwise(validation):
        seen = sum(count for (a, _), count in pairs.items() if a == first)
        distinct = sum(a == first for a, _ in pairs)
        if seen:
            together = pairs[first, second]
            loss -= math.log((together + distinct * unigram[second]) / (seen + distinct))
        else:
            loss -= math.log(unigram[second])
    mean = -sum(math.log(unigram[token]) for token in validation) / len(validation)
    return mean, loss / (len(validation) - 1)


@pytest.mark.parametrize("dense", [True, False])
@pytest.mark.parametrize(("chunk", "group"), [(1 << 22, 1 << 24), (7, 20)])
def test_both_ways_of_counting_agree_with_the_slow_one(
    dense: bool, chunk: int, group: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(baselines, "_DENSE", 100 if dense else 0)
    monkeypatch.setattr(baselines, "_CHUNK", chunk)
    monkeypatch.setattr(baselines, "_GROUP", group)
    random = np.random.default_rng(0)
    tokens = np.minimum(random.geometric(0.2, 700), 12).astype(np.uint16)
    train, validation = tokens[:500], tokens[500:]
    validation[50] = 13  # never seen in training, first and second of a pair
    unigram, bigram = _slow(train.tolist(), validation.tolist(), 15)
    measured = measure_baselines(train, validation, 15)
    assert measured.uniform == pytest.approx(math.log(15))
    assert measured.unigram == pytest.approx(unigram)
    assert measured.bigram == pytest.approx(bigram)
    assert measured.floor is None


def test_a_cycle_is_certain_after_one_token() -> None:
    tokens = np.tile(np.arange(5, dtype=np.uint32), 20_000)
    measured = measure_baselines(tokens[:90_000], tokens[90_000:], 5, floor=0.0)
    assert measured.unigram == pytest.approx(math.log(5), abs=1e-3)
    assert measured.bigram < 1e-3
    assert measured.floor == 0


def test_the_smallest_parts() -> None:
    tokens = np.array([0, 1], np.uint16)
    measured = measure_baselines(tokens, tokens, 70_000)
    assert all(map(math.isfinite, (measured.unigram, measured.bigram)))
