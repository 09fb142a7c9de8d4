"""Reading a snapshot's arrays where torch is not loaded."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from gtt.errors import UnusableRun
from gtt.plain_files import require_plain


@dataclass(frozen=True)
class SnapshotArrays:
    """Attention weights (layers, H, T, T), each row summing to 1, and the T tokens as text.

    `repeated` is the mean attention (layers, H, 2P, 2P) on P random tokens said twice, None where
    the snapshot has none.
    """

    attention: np.ndarray
    texts: list[str]
    repeated: np.ndarray | None = None


def read_snapshot(path: Path, tokens: int) -> SnapshotArrays:
    """The first `tokens` of a snapshot; raises `UnusableRun` where it is gone or damaged.

    A row of the causal attention looks only at what stands before it, so the part that is read is
    complete in itself.
    """
    try:
        require_plain(path)
        with safe_open(path, framework="numpy") as file:
            stored = file.get_slice("attention")
            length = min(tokens, stored.get_shape()[-1])
            attention = stored[:, :, :length, :length]
            texts = json.loads((file.metadata() or {}).get("texts", "[]"))
            names = list(file.keys())
            repeated = file.get_tensor("repeated") if "repeated" in names else None
        if attention.ndim != 4 or not isinstance(texts, list):
            raise ValueError("it holds no attention")
    except (OSError, SafetensorError, ValueError, LookupError, TypeError, RecursionError) as error:
        raise UnusableRun(f"The snapshot {path.name} cannot be read ({error}).") from None
    return SnapshotArrays(
        attention.astype(np.float32),
        [str(text) for text in texts[:length]],
        None if repeated is None else repeated.astype(np.float32),
    )
