"""Preparing a corpus folder: text on disk, tokenizer, tokens, baselines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from gtt.config import DataConfig
from gtt.data import token_boundaries
from gtt.data.baselines import TokenFile, measure_baselines
from gtt.data.overlap import share_seen
from gtt.data.progress import Progress, Report
from gtt.data.reading import OpenedSource
from gtt.data.spool import Place, SpooledText, spool
from gtt.data.token_boundaries import END_OF_TEXT
from gtt.data.tokenizer_training import (
    load_pretrained_tokenizer,
    train_bpe_tokenizer,
    train_char_tokenizer,
)
from gtt.data.tokenizers import Tokenizer
from gtt.errors import BadInput, UnusableData

FEW = 40  # characters, of which no share gives two parts
BPE_BYTES = 50_000_000  # of the training part, from which a BPE tokenizer learns


def prepare(
    folder: Path,
    source: OpenedSource,
    config: DataConfig,
    sources_folder: Path | None,
    report: Report,
) -> dict[str, Any]:
    """Write `tokens.bin` and the tokenizer to an empty folder; returns the record about them.

    Raises `UnusableData` where the text is empty or too short, or the tokenizer does not cover it.
    """
    text = spool(source.read(report), folder, source.limit, report)
    _require_text(text)
    notes = list(text.notes)
    if len(text.marks):
        text = with_documents(text, _knows_marks(config, sources_folder), notes)
    split = split_place(text, config.validation_fraction, notes)
    tokenizer = _make_tokenizer(text, split, config, sources_folder, notes, report)
    train, validation = _write_tokens(folder / "tokens.bin", tokenizer, text, split, report)
    if min(train, validation) < 2:
        raise _too_short(text) if text.size.characters < FEW else _one_part(train, validation)
    tokenizer.save(folder)
    tokens = folder / "tokens.bin"
    per_token = (text.size.characters - split.characters) / validation
    parts = (
        TokenFile(tokens, tokenizer.dtype, 0, train),
        TokenFile(tokens, tokenizer.dtype, train, validation),
    )
    baselines = measure_baselines(
        *parts,
        tokenizer.vocab_size,
        None if source.entropy_rate is None else source.entropy_rate() * per_token,
        report,
    )
    text.path.unlink()
    text.ends_path.unlink()
    text.marks_path.unlink()
    return {
        "dtype": tokenizer.dtype.name,
        "vocab_size": tokenizer.vocab_size,
        "train_tokens": train,
        "validation_tokens": validation,
        "train_characters": split.characters,
        "validation_characters": text.size.characters - split.characters,
        "train_bytes": split.bytes,
        "validation_bytes": text.size.bytes - split.bytes,
        "baselines": asdict(baselines),
        "validation_seen": share_seen(*parts, (text.size.bytes - split.bytes) / validation),
        "notes": notes,
    }


def _knows_marks(config: DataConfig, sources_folder: Path | None) -> bool:
    """Whether `<|endoftext|>` is one token."""
    if config.tokenizer != "pretrained":
        return config.tokenizer == "bpe"
    name = config.pretrained_tokenizer
    return load_pretrained_tokenizer(name, sources_folder).end_of_text is not None


def with_documents(text: SpooledText, knows_marks: bool, notes: list[str]) -> SpooledText:
    """The text with its documents where `<|endoftext|>` ends them, if the tokenizer knows it.

    A note says so, or that the marks are text like any other.
    """
    if not len(text.marks):
        return text
    count = f"{len(text.marks):,} mark{'' if len(text.marks) == 1 else 's'} {END_OF_TEXT}"
    if not knows_marks:
        notes.append(
            f"The text has {count}, which this tokenizer spells out like any other text; with the "
            "bpe tokenizer or gpt2 each is one token and ends a document."
        )
        return text
    notes.append(f"The text has {count}: each is one token and ends a document.")
    ends = text.ends
    if not len(ends):
        ends = np.array([[text.size.characters, text.size.bytes]], np.int64)
    # One that stands at the end of a row, before the blank line after it, ends what the row ends.
    after = ends[np.minimum(np.searchsorted(ends[:, 0], text.marks[:, 0]), len(ends) - 1), 0]
    gap = len("\n\n") if len(text.ends) else 0
    within = text.marks[after - text.marks[:, 0] > gap]
    return replace(text, ends=np.unique(np.concatenate([ends, within]), axis=0))


def split_place(text: SpooledText, validation_fraction: float, notes: list[str]) -> Place:
    """Where validation begins: at `int((1 - fraction) * characters)`, or the nearest document.

    Where the documents are so few that the nearest boundary would halve or double the validation
    part, one is cut in two, and `notes` says so.
    """
    target = int((1 - validation_fraction) * text.size.characters)
    ends = text.ends[:-1]  # a boundary has a document on both sides
    if len(text.ends):
        if len(ends):
            after = int(np.searchsorted(ends[:, 0], target))
            neighbours = ends[max(0, after - 1) : after + 1]
            best = neighbours[int(np.abs(neighbours[:, 0] - target).argmin())]
            share = 1 - int(best[0]) / text.size.characters
            if validation_fraction / 2 <= share <= 2 * validation_fraction:
                return Place(int(best[0]), int(best[1]))
        notes.append("The text has few documents, so one was cut in two to split off validation.")
    return text.place_of_character(target)


def _make_tokenizer(
    text: SpooledText,
    split: Place,
    config: DataConfig,
    sources_folder: Path | None,
    notes: list[str],
    report: Report,
) -> Tokenizer:
    if config.tokenizer == "char":
        if len(text.alphabet) > 1000:
            notes.append(
                f"The text has {len(text.alphabet):,} different characters; the bpe tokenizer "
                "needs fewer tokens."
            )
        return train_char_tokenizer(text.alphabet)
    if config.tokenizer == "pretrained":
        tokenizer = load_pretrained_tokenizer(config.pretrained_tokenizer, sources_folder)
        unknown = tokenizer.unknown_characters(text.alphabet)
        if unknown:
            raise UnusableData(
                f"The tokenizer {config.pretrained_tokenizer!r} does not know "
                f"{', '.join(map(repr, unknown[:5]))} of this text: choose a byte-level one such "
                "as 'gpt2', or the char or bpe tokenizer.",
                field="data.pretrained_tokenizer",
            )
        return tokenizer
    end = min(split.bytes, BPE_BYTES)
    if end < split.bytes:
        notes.append(f"The tokenizer was trained on the first {end / 1e6:.0f} MB of the text.")
    tokenizer = train_bpe_tokenizer(
        _counted(text, end, report), config.vocab_size, report, has_marks=len(text.marks) > 0
    )
    if tokenizer.vocab_size < config.vocab_size:
        notes.append(
            f"The text gave {tokenizer.vocab_size:,} tokens, not {config.vocab_size:,}: no more "
            "pairs occur twice."
        )
    return tokenizer


def _counted(text: SpooledText, end: int, report: Report) -> Iterator[str]:
    bytes_read = 0
    for chunk in token_boundaries.in_chunks(text.chunks(0, end)):
        yield chunk
        bytes_read += len(chunk.encode("utf-8"))
        report(Progress("training the tokenizer", bytes_read, end, "bytes"))


def _write_tokens(
    path: Path, tokenizer: Tokenizer, text: SpooledText, split: Place, report: Report
) -> tuple[int, int]:
    """Token counts of the two parts; no token spans the split."""
    counts = [0, 0]
    characters_read = 0
    parts = ((0, split.bytes), (split.bytes, text.size.bytes))
    with path.open("wb") as file:
        for part, (start, end) in enumerate(parts):
            for chunk in token_boundaries.in_chunks(text.chunks(start, end)):
                try:
                    ids = tokenizer.encode_array(chunk)
                except BadInput as error:
                    raise UnusableData(error.message, field="data.tokenizer") from None
                ids.tofile(file)
                counts[part] += len(ids)
                characters_read += len(chunk)
                report(Progress("tokenising", characters_read, text.size.characters, "characters"))
    return counts[0], counts[1]


def _require_text(text: SpooledText) -> None:
    if not text.alphabet.strip():
        raise UnusableData(
            "There is no text in this source, only blanks: give one with words in it."
            if text.alphabet
            else "There is no text in this source: give one with text in it.",
            field="data.source",
        )
    if text.size.characters < 4:
        raise _too_short(text)


def _one_part(train: int, validation: int) -> UnusableData:
    """For a share that leaves one of the parts without two tokens."""
    part, change = ("training", "lower") if train < validation else ("validation", "raise")
    return UnusableData(
        f"The {part} part has {min(train, validation)} tokens of {train + validation:,}: {change} "
        "data.validation_fraction, for example to 0.1.",
        field="data.validation_fraction",
    )


def _too_short(text: SpooledText) -> UnusableData:
    count = text.size.characters
    return UnusableData(
        f"The text has {count} character{'s' if count != 1 else ''}, too few to split into a "
        "training and a validation part: give a longer one, best a few thousand words.",
        field="data.source",
    )
