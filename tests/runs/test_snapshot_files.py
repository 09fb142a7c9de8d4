"""A snapshot is read without torch, whole or in part, and a damaged one says so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from gtt.errors import UnusableRun
from gtt.runs.snapshot_files import read_snapshot
from gtt.training.snapshots import write_snapshot


@pytest.fixture
def attention() -> torch.Tensor:
    """Causal weights of 2 layers with 3 heads over 10 tokens."""
    scores = torch.randn(2, 3, 10, 10, generator=torch.Generator().manual_seed(0))
    mask = torch.ones(10, 10).tril() == 0
    return scores.masked_fill(mask, -torch.inf).softmax(-1)


def test_what_is_written_is_read(tmp_path: Path, attention: torch.Tensor) -> None:
    path, texts = tmp_path / "snapshots" / "one.safetensors", [f" {n}<b>\n" for n in range(10)]
    repeated = attention[:, :, :6, :6]
    write_snapshot(path, attention, repeated, torch.arange(10), texts)
    whole, part = read_snapshot(path, 64), read_snapshot(path, 4)
    np.testing.assert_allclose(whole.attention, attention.numpy(), atol=1e-3)  # kept as fp16
    assert whole.repeated is not None
    np.testing.assert_allclose(whole.repeated, repeated.numpy(), atol=1e-3)
    assert whole.texts == texts and part.texts == texts[:4]
    np.testing.assert_array_equal(part.attention, whole.attention[:, :, :4, :4])
    np.testing.assert_allclose(part.attention.sum(-1), 1, atol=2e-3)


@pytest.mark.parametrize("content", [None, b"", b"not tensors", b"\xff" * 100])
def test_a_damaged_or_missing_file_says_so(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "step-00000001.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UnusableRun, match="cannot be read"):
        read_snapshot(path, 10)
