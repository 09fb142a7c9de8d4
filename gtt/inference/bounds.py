"""How many tokens and windows a question reads, from the shape of the model; without torch."""

from __future__ import annotations

import math

from gtt.config import ModelConfig

READ_TOKENS = 4096  # of a text that is read token by token
FOLLOWED_TOKENS = 48
ATTENTION_TOKENS = 256
ATTENTION_WEIGHTS = 2**19  # of all heads together: 4 MB on their way to the page
PACKED_WEIGHTS = 2**22  # likewise, as two bytes each
HABIT_TEXTS = 8
REPEATED_TEXTS = 16
REPEATED_TOKENS = 24  # in each of them, at most
FEEDING_TEXTS = 8  # of them, for what each induction head depends on
FEEDING_SECONDS = 20.0  # by price, for all of that
HABIT_WEIGHTS = 2**25  # of all heads together, in one text
ABLATION_WINDOWS = 16
ABLATION_WEIGHTS = 2**31  # of all heads together, in all windows: some twenty seconds of one core
SNAPSHOT_TOKENS = 64  # of which a snapshot keeps the attention
SNAPSHOT_WEIGHTS = 2**20  # of all heads together, in one answer
SNAPSHOTS = 60  # in a history of heads
HISTORY_WEIGHTS = 2**26  # of all heads together, in all of them


def snapshot_tokens(model: ModelConfig) -> int:
    """Tokens of a snapshot whose attention fits into an answer."""
    return max(2, math.isqrt(SNAPSHOT_WEIGHTS // (model.n_layers * model.n_heads)))


def snapshots(model: ModelConfig) -> int:
    """How many snapshots a history of heads looks at, two at least."""
    weights = model.n_layers * model.n_heads * SNAPSHOT_TOKENS**2
    return max(2, min(SNAPSHOTS, HISTORY_WEIGHTS // weights))


def attention_tokens(model: ModelConfig, layers: int, heads: int, *, packed: bool) -> int:
    """The last tokens of a text whose attention fits into an answer."""
    budget = PACKED_WEIGHTS * 2 if packed else ATTENTION_WEIGHTS
    fitting = math.isqrt(budget // max(1, layers * heads))
    return max(1, min(ATTENTION_TOKENS, model.block_size, fitting))


def reading_windows(tokens: int, block: int) -> list[int]:
    """The lengths of the windows in which `gtt.interpret.surprise` reads so many tokens."""
    lengths, start, tokens_read = [min(tokens, block)], 0, min(tokens, block + 1)
    while tokens_read < tokens:
        start = tokens_read - 1 - block // 2
        lengths.append(min(block, tokens - start))
        tokens_read = min(tokens, start + block + 1)
    return lengths


def habit_tokens(model: ModelConfig) -> int:
    """Tokens of each text on which habits are measured."""
    fitting = math.isqrt(HABIT_WEIGHTS // (model.n_layers * model.n_heads))
    return min(ATTENTION_TOKENS, model.block_size, max(16, fitting))


def ablation_tokens(model: ModelConfig) -> int:
    """Tokens of a text, and of each window, that are read with and without some heads."""
    fitting = math.isqrt(ABLATION_WEIGHTS // (4 * model.n_layers * model.n_heads))
    return min(model.block_size, max(16, fitting))


def ablation_windows(model: ModelConfig) -> int:
    """How many windows of the validation part, one at least."""
    weights = model.n_layers * model.n_heads * ablation_tokens(model) ** 2
    return max(1, min(ABLATION_WINDOWS, ABLATION_WEIGHTS // (2 * weights)))
