"""A cache of checkpoints in memory, which drops those that were used least recently.

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
        self._loaded: OrderedDict[str, Loaded] = OrderedDict()

    def get(self, checkpoint: str) -> Loaded:
        """The checkpoint of a folder; raises `UnusableRun`."""
        stamp = stamp_of(checkpoint)
        loaded = self._loaded.pop(checkpoint, None)
        if loaded is None or loaded.stamp != stamp:
            loaded = _load(checkpoint, stamp)
        if loaded.bytes <= self.most_bytes:
            self._loaded[checkpoint] = loaded
            while self._bytes() > self.most_bytes:
                self._loaded.popitem(last=False)
        return loaded

    def clear(self) -> None:
        """Lets go of all of them."""
        self._loaded.clear()

    def stats(self) -> dict[str, int]:
        """How many are kept, and the bytes of their weights."""
        return {"checkpoints": len(self._loaded), "checkpoint_bytes": self._bytes()}

    def _bytes(self) -> int:
        return sum(loaded.bytes for loaded in self._loaded.values())


def _load(checkpoint: str, stamp: tuple[int, int]) -> Loaded:
    try:
        model, _ = load_model(Path(checkpoint))
    except UnusableRun as error:
        raise unusable(error.message, checkpoint) from None
    size = sum(weight.numel() * weight.element_size() for weight in model.parameters())
    return Loaded(model, load_tokenizer(checkpoint), stamp, size)
