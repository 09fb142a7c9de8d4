"""The records of the prepared corpora: which there are, and what each was made of.

`corpora/<fingerprint>/corpus.json` is looked up here and nowhere else. No tokens are read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from gtt.config import DataConfig
from gtt.plain_files import read_plain_text

RECORD = "corpus.json"
FORMAT_VERSION = 1  # of the record and of tokens.bin; part of the fingerprint
LOOKED_AT = 500  # corpora, the newest, among which one is looked for

Record = dict[str, Any]


class Counts(NamedTuple):
    """Counts of a corpus: tokens in the vocabulary, and tokens for training."""

    vocab_size: int
    train_tokens: int


def read_record(place: Path) -> Record | None:
    """The record of the corpus in a folder; None where there is none, or it is damaged."""
    try:
        record = json.loads(read_plain_text(place / RECORD))
        return dict(record) if record["format"] == FORMAT_VERSION else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def newest_records(corpora: Path, most: int = LOOKED_AT) -> Iterator[Record]:
    """The records of the newest corpora, the newest first."""
    places = sorted(corpora.glob(f"[!.]*/{RECORD}"), key=_changed, reverse=True)
    for path in places[:most]:
        record = read_record(path.parent)
        if record is not None:
            yield record


def counts_made_with(config: DataConfig, corpora: Path) -> Counts | None:
    """The counts of a corpus that was made with the same settings, if there is one.

    Whether its source has changed since is not looked at.
    """
    settings = _decisive(config.model_dump(mode="json"))
    for record in newest_records(corpora):
        try:
            if _decisive(record["settings"]) == settings:
                counts = Counts(int(record["vocab_size"]), int(record["train_tokens"]))
                return counts if min(counts) > 0 else None
        except (KeyError, TypeError, ValueError, OverflowError):
            continue
    return None


def _decisive(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings of a text without those that do not matter for its tokenizer."""
    decisive = dict(settings)
    if decisive.get("tokenizer") != "bpe":
        decisive.pop("vocab_size", None)
    if decisive.get("tokenizer") != "pretrained":
        decisive.pop("pretrained_tokenizer", None)
    return decisive


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
