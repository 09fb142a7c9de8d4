"""Random tokens said twice: a text on which nothing but the repetition can be foreseen."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def repeated_tokens(
    vocabulary: npt.NDArray[Any], period: int, count: int, seed: int = 0
) -> npt.NDArray[Any]:
    """`count` texts (count, 2 period) of random tokens said twice, drawn from `vocabulary` (V,).

    Within a text the tokens differ, so that only one place matches; so `period` is at most V.
    """
    random = np.random.default_rng(seed)
    once = np.stack([random.permutation(vocabulary)[:period] for _ in range(count)])
    return np.concatenate([once, once], axis=1)
