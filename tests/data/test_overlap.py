"""What stands in both parts is found, wherever it stands; what a language merely repeats is not."""

from __future__ import annotations

import random

import numpy as np
import pytest

from gtt.data import overlap
from gtt.data.overlap import share_seen
from gtt.data.tales import write_tales


def as_ids(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("ascii", "replace"), np.uint8).astype(np.uint16)


@pytest.fixture(scope="module")
def tales() -> np.ndarray:
    return as_ids("".join(write_tales(120_000, seed=3)))


def test_a_text_that_goes_round_is_all_seen(tales: np.ndarray) -> None:
    round_and_round = np.tile(tales[:5000], 30)
    assert share_seen(round_and_round[:130_000], round_and_round[130_000:], 1.0) == 1.0


def test_new_text_of_a_small_language_is_not(tales: np.ndarray) -> None:
    assert share_seen(tales[:100_000], tales[100_000:], 1.0) == 0.0


@pytest.mark.parametrize("chunk", [300, 4096, 1 << 20])
def test_the_share_is_right_however_it_is_read(
    tales: np.ndarray, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    """Half of the validation part is copied out of the training part, at an odd place."""
    monkeypatch.setattr(overlap, "_CHUNK", chunk)
    validation = np.concatenate([tales[7777:17_777], tales[100_000:110_000]])
    share = share_seen(tales[:90_000], validation, 1.0)
    assert share is not None and 0.45 <= share <= 0.5


def test_tokens_of_many_bytes_make_shorter_windows() -> None:
    draw = random.Random(2)
    ids = np.array([draw.randrange(8000) for _ in range(3000)], np.uint16)
    halves = np.concatenate([ids[500:750], ids[2000:2250]])
    share = share_seen(ids[:2000], halves, 4.0)
    assert share is not None and 0.3 < share < 0.5
    assert share_seen(ids[:2000], ids[100:400], 16.0) == 1.0
    assert share_seen(ids[:2000], ids[2000:], 16.0) == 0.0


def test_too_short_a_part_says_nothing() -> None:
    ids = np.zeros(1000, np.uint16)
    assert share_seen(ids, ids[:500], 1.0) is None
