"""Checks the values of a question about a model, and turns answers into plain values."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gtt.data.corpus import parts_of
from gtt.data.tokenizers import Tokenizer
from gtt.errors import BadInput
from gtt.inference.loaded import Loaded
from gtt.model.export import read_about


def encode(tokenizer: Tokenizer, text: str, name: str) -> list[int]:
    """The tokens of a text, at least one; raises `BadInput` with the field `name`."""
    try:
        ids = tokenizer.encode(text)
    except BadInput as error:
        raise BadInput(error.message, field=name) from None
    if not ids:
        raise BadInput(f"The {name} is empty: give at least one character.", field=name)
    return ids


def checked_ids(tokenizer: Tokenizer, ids: Sequence[int], name: str) -> list[int]:
    """Ids that the tokenizer has, at least one; raises `BadInput` with the field `name`."""
    if not ids or not all(0 <= id < tokenizer.vocab_size for id in ids):
        raise BadInput(
            f"{name} must be token numbers from 0 to {tokenizer.vocab_size - 1}, at least one.",
            field=name,
        )
    return list(ids)


def given_ids(loaded: Loaded, ids: list[int] | None, text: str) -> list[int]:
    """The ids that were given, checked, else the tokens of the text."""
    if ids is not None:
        return checked_ids(loaded.tokenizer, ids, "ids")
    return encode(loaded.tokenizer, text, "text")


def last_ids(loaded: Loaded, text: str, most: int) -> tuple[list[int], int]:
    """The last tokens of a text, `most` of them, and how many were cut off on the left."""
    ids = encode(loaded.tokenizer, text, "text")
    return ids[-most:], max(0, len(ids) - most)


def numbers_asked(numbers: list[int] | None, count: int, noun: str, field: str) -> list[int]:
    """The layers or heads of a request, or all; raises `BadInput` for one that does not exist."""
    for number in numbers or ():
        if not 0 <= number < count:
            raise BadInput(
                f"There is no {noun} {number}: they go from 0 to {count - 1}.", field=field
            )
    return list(range(count)) if numbers is None else list(numbers)


def corpus_of(checkpoint: str, corpora: str) -> tuple[npt.NDArray[Any], npt.NDArray[Any]] | None:
    """The training and validation tokens of the text of a checkpoint, None where they are gone."""
    fingerprint = read_about(Path(checkpoint)).get("fingerprint")
    return parts_of(Path(corpora), fingerprint) if isinstance(fingerprint, str) else None


class TokenTexts(dict[int, str]):
    """Tokens as text, each looked up once."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        super().__init__()
        self._tokenizer = tokenizer

    def __missing__(self, id: int) -> str:
        self[id] = text = self._tokenizer.token_text(id)
        return text


def plain(value: float) -> float | None:
    """A number as JSON has it, with about six digits."""
    return float(f"{value:.6g}") if math.isfinite(value) else None


def as_base64(numbers: npt.NDArray[Any], dtype: str) -> str:
    """Numbers of any shape, as `dtype` and in the order of C."""
    return base64.b64encode(np.ascontiguousarray(numbers.astype(dtype)).tobytes()).decode("ascii")
