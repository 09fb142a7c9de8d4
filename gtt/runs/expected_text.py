"""What is known, before a run, of its text in tokens."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gtt.config import DataConfig
from gtt.data.corpus_records import counts_made_with
from gtt.runs.limits import expected_vocabulary


@dataclass(frozen=True)
class Text:
    """What the text of a run will be in tokens; `assumed` where only the settings tell."""

    vocab_size: int
    assumed: bool
    train_tokens: int | None


def text_of(config: DataConfig, corpora: Path) -> Text:
    """The text of these settings: as it was prepared, or what can be said without reading it."""
    counts = counts_made_with(config, corpora)
    if counts is not None:
        return Text(counts.vocab_size, False, counts.train_tokens)
    return Text(*expected_vocabulary(config), None)
