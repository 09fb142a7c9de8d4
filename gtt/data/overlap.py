"""How much of the validation part stands word for word in the training part."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gtt.data.baselines import Tokens

WINDOWS = 64  # of the validation part that are looked for
BYTES = 256  # of such a window, about: longer than what a language repeats by itself
LEAST = 16  # tokens of a window
READ = 16_000_000  # tokens of the training part that are looked through

_CHUNK = 1 << 20
_BASE = 0x9E3779B97F4A7C15  # odd, so that no power of it is 0 modulo 2^64
_MASK = (1 << 64) - 1

Hashes = npt.NDArray[np.uint64]


def share_seen(train: Tokens, validation: Tokens, bytes_per_token: float) -> float | None:
    """The share of validation windows, evenly spread, that also occur in the training part (N,).

    A window is a power of two of tokens, about 256 bytes. None where the validation part (M,) is
    too short for four of them.
    """
    length = LEAST
    while 1.5 * length * bytes_per_token < BYTES:
        length *= 2
    if len(validation) < 4 * length:
        return None
    starts = np.unique(np.linspace(0, len(validation) - length, WINDOWS).astype(int)).tolist()
    hashes = np.concatenate(
        [_hashes(validation[start : start + length], length) for start in starts]
    )
    missing = np.unique(hashes)
    for start in range(0, min(len(train), READ), _CHUNK):
        chunk = train[start : start + _CHUNK + length - 1]
        if len(chunk) >= length:
            missing = missing[~np.isin(missing, _hashes(chunk, length))]
    return float(np.mean(~np.isin(hashes, missing)))


def _hashes(tokens: npt.NDArray[Any], length: int) -> Hashes:
    """A hash (N - length + 1,) of each `length` tokens in a row, a power of two.

    A polynomial modulo 2^64 (Karp and Rabin 1987), of stretches that double.
    """
    hashes: Hashes = tokens.astype(np.uint64) + np.uint64(1)
    covered = 1
    while covered < length:
        shift = np.uint64(pow(_BASE, covered, _MASK + 1))
        hashes = hashes[:-covered] * shift + hashes[covered:]
        covered *= 2
    return hashes
