"""Checkpoints in memory: those used least recently make room for others.

Everything is loaded from safetensors and JSON; no code of a checkpoint folder is ever run.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from gtt.data.tokenizers import Tokenizer
from gtt.errors import UnusableRun
from gtt.inference.stored import load_tokenizer, stamp_of, unusable
from gtt.model.export import load_model
from gtt.model.gpt import GPT


@dataclass(frozen=True)
class Loaded:
    """A checkpoint in memory; `stamp` tells whether its weights are still those on disk."""

    model: GPT
    tokenizer: Tokenizer
    stamp: tuple[int, int]
    bytes: int


class LoadedCheckpoints:
    """Checkpoints by folder.

    `most_bytes` bounds the weights of those that are kept. A larger checkpoint is loaded for its
    job alone, and one that a job works with lives on until the job ends.
    """

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self._kept: OrderedDict[str, Loaded] = OrderedDict()

    def get(self, checkpoint: str) -> Loaded:
        """The checkpoint of a folder; raises `UnusableRun`."""
        stamp = stamp_of(checkpoint)
        kept = self._kept.pop(checkpoint, None)
        if kept is None or kept.stamp != stamp:
            kept = _load(checkpoint, stamp)
        if kept.bytes <= self.most_bytes:
            self._kept[checkpoint] = kept
            while self._bytes() > self.most_bytes:
                self._kept.popitem(last=False)
        return kept

    def clear(self) -> None:
        """Lets go of all of them."""
        self._kept.clear()

    def stats(self) -> dict[str, int]:
        """How many are kept, and the bytes of their weights."""
        return {"checkpoints": len(self._kept), "checkpoint_bytes": self._bytes()}

    def _bytes(self) -> int:
        return sum(kept.bytes for kept in self._kept.values())


def _load(checkpoint: str, stamp: tuple[int, int]) -> Loaded:
    try:
        model, _ = load_model(Path(checkpoint))
    except UnusableRun as error:
        raise unusable(error.message, checkpoint) from None
    size = sum(weight.numel() * weight.element_size() for weight in model.parameters())
    return Loaded(model, load_tokenizer(checkpoint), stamp, size)
