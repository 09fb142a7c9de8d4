"""Random tokens, repeated once: a text in which only the repetition can be predicted."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gtt.data.tokenizers import Tokenizer

LONGEST_PERIOD = 12  # tokens that are said twice: about a short sentence, or a line of a task


def sayable_tokens(tokenizer: Tokenizer, text: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The distinct tokens of `text` (N,), as (V,), that are more than white space.

    All of them where there is no such token.
    """
    distinct = np.unique(text).astype(np.int64)
    visible = [id for id in distinct.tolist() if tokenizer.token_text(id).strip()]
    return np.array(visible, dtype=np.int64) if visible else distinct


def repeated_tokens(
    vocabulary: npt.NDArray[Any], period: int, count: int, seed: int = 0
) -> npt.NDArray[Any]:
    """`count` texts (count, 2 period) of random tokens said twice, drawn from `vocabulary` (V,).

    Within a text the tokens differ, so that only one place matches; so `period` is at most V.
    """
    random = np.random.default_rng(seed)
    once = np.stack([random.permutation(vocabulary)[:period] for _ in range(count)])
    return np.concatenate([once, once], axis=1)
