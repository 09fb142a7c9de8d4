"""Reads the folder of a checkpoint as far as that is possible without torch."""

from __future__ import annotations

from pathlib import Path

from gtt.data.tokenizers import Tokenizer
from gtt.errors import UnusableData, UnusableRun

GONE = "That checkpoint is no longer there."


def stamp_of(checkpoint: str) -> tuple[int, int]:
    """What tells the weights on disk from others; raises `UnusableRun` where they are gone."""
    try:
        status = Path(checkpoint, "model.safetensors").stat()
    except OSError:
        raise UnusableRun(GONE, field="checkpoint") from None
    return status.st_mtime_ns, status.st_size


def load_tokenizer(checkpoint: str) -> Tokenizer:
    """The tokenizer of a checkpoint folder; raises `UnusableRun`."""
    try:
        return Tokenizer.load(Path(checkpoint))
    except UnusableData as error:
        raise unusable(error.message, checkpoint) from None


def unusable(message: str, checkpoint: str) -> UnusableRun:
    """The error without the path; where the folder was deleted meanwhile, it says so."""
    stamp_of(checkpoint)
    place = str(Path(checkpoint))
    sentence = message.replace(f"{place}/", "").replace(place, "This checkpoint")
    return UnusableRun(sentence, field="checkpoint")
