"""Baselines for a loss: predictors without a network."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from gtt.data.progress import Progress, Report, ignore

Ids = npt.NDArray[np.unsignedinteger[Any]]

_DENSE = 1024  # tokens: up to here every pair has a cell of its own (8 MB)
_CHUNK = 1 << 20  # tokens
_GROUP = 1 << 24  # pairs that are sorted at once (128 MB)


class Tokens(Protocol):
    """Token ids that are looked at one stretch at a time: an array, or a `TokenFile`."""

    def __len__(self) -> int: ...

    def __getitem__(self, stretch: slice, /) -> Ids: ...


@dataclass(frozen=True)
class TokenFile:
    """`count` token ids from number `start` on in a file, read as they are asked for.

    A memory map would do, but its pages count as memory in use until the system wants them back.
    """

    path: Path
    dtype: np.dtype[np.unsignedinteger[Any]]
    start: int
    count: int

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, stretch: slice, /) -> Ids:
        first, last, _ = stretch.indices(self.count)
        offset = (self.start + first) * self.dtype.itemsize
        return np.fromfile(self.path, self.dtype, max(0, last - first), offset=offset)


@dataclass(frozen=True)
class Baselines:
    """Losses in nats per token on the validation part.

    `uniform` is ln V. `unigram` knows how often each token is, `bigram` how often it follows the
    one before; both learn from the training part only. `floor` is the entropy of the source, which
    no predictor beats in the long run, where it is known.
    """

    uniform: float
    unigram: float
    bigram: float
    floor: float | None


def measure_baselines(
    train: Tokens,
    validation: Tokens,
    vocab_size: int,
    floor: float | None = None,
    report: Report = ignore,
) -> Baselines:
    """Baselines of `validation`, (M,), after counting in `train`, (N,), both with ids below V.

    The unigram adds one to every count (Laplace). The bigram is interpolated with it as Witten and
    Bell do (1991; Chen and Goodman 1999): P(b|a) = (c(a,b) + t(a) P(b)) / (c(a) + t(a)), where t(a)
    counts the distinct tokens seen after a; after a token never seen it is the unigram. The first
    token of the validation part has none before it and is left out of the bigram's mean.
    """
    total = len(train) + len(validation)
    counts = np.zeros(vocab_size, np.int64)
    for chunk in _chunks(train):
        counts += np.bincount(chunk, minlength=vocab_size)
        report(Progress("baselines", int(counts.sum()) // 2, total, "tokens"))
    unigram = (counts + 1) / (len(train) + vocab_size)
    loss = 0.0
    for chunk in _chunks(validation):
        loss -= float(np.log(unigram)[chunk].sum())
    pairs = _dense_loss if vocab_size <= _DENSE else _sparse_loss
    halfway = Progress("baselines", total // 2, total, "tokens")
    bigram = pairs(train, validation, unigram, counts, lambda: report(halfway))
    report(Progress("baselines", total, total, "tokens"))
    return Baselines(
        uniform=math.log(vocab_size),
        unigram=loss / max(1, len(validation)),
        bigram=bigram / max(1, len(validation) - 1),
        floor=floor,
    )


def _dense_loss(
    train: Tokens,
    validation: Tokens,
    unigram: npt.NDArray[np.float64],
    counts: Any,
    beat: Callable[[], None],
) -> float:
    size = len(unigram)
    cells = np.zeros(size * size, np.int64)
    for first, second in _pairs(train):
        beat()
        keys = first.astype(np.int64) * size + second
        if keys.size < cells.size // 8:
            np.add.at(cells, keys, 1)
        else:
            cells += np.bincount(keys, minlength=size * size)
    table = cells.reshape(size, size)
    first_counts = table.sum(axis=1)  # (V,) as the first of a pair
    distinct = (table > 0).sum(axis=1)
    loss = 0.0
    for first, second in _pairs(validation):
        beat()
        loss += _loss(table[first, second], first_counts[first], distinct[first], unigram[second])
    return loss


def _sparse_loss(
    train: Tokens,
    validation: Tokens,
    unigram: npt.NDArray[np.float64],
    counts: Any,
    beat: Callable[[], None],
) -> float:
    """The same for large vocabularies: pairs are sorted, a range of first tokens at a time."""
    size = len(unigram)
    loss = 0.0
    for low, high in _groups(counts):
        keys = np.concatenate([np.empty(0, np.int64), *_keys(train, low, high, size, beat)])
        keys.sort()
        change = np.flatnonzero(np.diff(keys, prepend=-1))
        unique = keys[change]
        times = np.diff(change, append=len(keys))
        del keys, change
        owner = unique // size - low
        first_counts = np.bincount(owner, weights=times, minlength=high - low)
        distinct = np.bincount(owner, minlength=high - low)
        for pair_keys in _keys(validation, low, high, size, beat):
            first, second = pair_keys // size - low, pair_keys % size
            place = np.searchsorted(unique, pair_keys)
            place[place == len(unique)] = 0
            together = np.where(unique[place] == pair_keys, times[place], 0) if len(unique) else 0
            loss += _loss(together, first_counts[first], distinct[first], unigram[second])
    return loss


def _loss(
    together: Any, first_counts: Any, distinct: Any, unigram: npt.NDArray[np.float64]
) -> float:
    """Summed -ln P of pairs; all arguments (N,)."""
    has_occurred = first_counts > 0
    weight = np.where(has_occurred, distinct, 1)
    probability = (together + weight * unigram) / np.where(has_occurred, first_counts + weight, 1)
    return -float(np.log(probability).sum())


def _groups(counts: npt.NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Ranges of tokens that begin about `_GROUP` pairs each."""
    low = weight = 0
    for token, count in enumerate(counts.tolist()):
        if weight and weight + count > _GROUP:
            yield low, token
            low, weight = token, 0
        weight += count
    yield low, len(counts)


def _keys(
    tokens: Tokens, low: int, high: int, size: int, beat: Callable[[], None]
) -> Iterator[npt.NDArray[np.int64]]:
    for first, second in _pairs(tokens):
        beat()
        chosen = (first >= low) & (first < high)
        yield first[chosen].astype(np.int64) * size + second[chosen]


def _pairs(tokens: Tokens) -> Iterator[tuple[Ids, Ids]]:
    for chunk in _chunks(tokens, overlap=1):
        if len(chunk) > 1:
            yield chunk[:-1], chunk[1:]


def _chunks(tokens: Tokens, overlap: int = 0) -> Iterator[Ids]:
    for start in range(0, len(tokens), _CHUNK):
        yield tokens[start : start + _CHUNK + overlap]
