"""The tokenised corpus: built once per fingerprint, memory-mapped, split, with its baselines."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gtt.config import DataConfig
from gtt.data.baselines import Baselines
from gtt.data.corpus_records import FORMAT_VERSION, RECORD, read_record
from gtt.data.exams import Exam
from gtt.data.preparation import prepare
from gtt.data.progress import Progress, ignore
from gtt.data.reading import OpenedSource, open_source
from gtt.data.sources import Resolved, is_there, local_path, resolve_source
from gtt.data.text_files import TABLE_SUFFIXES
from gtt.data.tokenizers import Tokenizer
from gtt.errors import GTTError, InvalidSetting, UnusableData, Way, unwritable

__all__ = ["Baselines", "Corpus", "Progress", "build_corpus"]

TOKENIZER_VERSION = 2  # of byte pairs: marks between documents are tokens since 2

_ABANDONED = 24 * 3600  # seconds after which an unfinished build is swept away


@dataclass(frozen=True)
class Corpus:
    """Token ids on disk, the first part for training and the rest for validation.

    `train` and `validation` are (N,) and (M,) uint16 or uint32, memory-mapped and read-only.
    `bytes_per_token` and `characters_per_token` are those of the validation part: a loss in nats
    per token divided by `bytes_per_token` ln 2 is bits per byte. `notes` says what was chosen or
    left out. `exam` is set where the source can be examined beyond its loss. `validation_seen` is
    the share of the validation part that stands word for word in the training part, where known.
    """

    fingerprint: str
    folder: Path
    tokenizer: Tokenizer
    train: npt.NDArray[Any]
    validation: npt.NDArray[Any]
    bytes_per_token: float
    characters_per_token: float
    baselines: Baselines
    source_name: str
    source_title: str
    notes: tuple[str, ...]
    exam: Exam | None
    validation_seen: float | None = None

    @property
    def vocab_size(self) -> int:
        return self.tokenizer.vocab_size

    def boundary(self, *, crossed: bool) -> int | None:
        """The token that ends a document, where windows must not cross it.

        Raises `InvalidSetting` where the text has no document that ends with a token.
        """
        if crossed:
            return None
        mark = self.tokenizer.end_of_text
        if mark is None or not (self.train == mark).any():
            raise InvalidSetting(
                f"Windows cannot end with a document here: {self.source_title} has no "
                "<|endoftext|> that its tokenizer knows as a token. Let windows cross documents, "
                "or take a text with such marks and the bpe tokenizer or gpt2.",
                field="training.cross_documents",
                ways=(Way("training.cross_documents", True, "Let windows cross documents"),),
            )
        return mark

    def require_windows(self, block_size: int) -> None:
        """Raises `UnusableData` unless each part holds one block and the token after it."""
        need = block_size + 1
        train, validation = len(self.train), len(self.validation)
        if min(train, validation) >= need:
            return
        shorter = min(train, validation)
        ways = ["give more text"]
        if shorter > 4:
            ways.append(f"choose model.block_size {shorter - 1} or less")
        if train + validation < need:
            raise UnusableData(
                f"The corpus has {train + validation:,} tokens, fewer than one block of "
                f"{block_size} and the token after it: {_either(ways)}.",
                field="model.block_size",
            )
        if train < need:
            raise UnusableData(
                f"The training part has {train:,} tokens, fewer than one block of {block_size} and "
                f"the token after it: {_either(ways)}.",
                field="model.block_size",
            )
        share = need / (train + validation)
        if share <= 0.5:
            ways.append(f"raise data.validation_fraction to {np.ceil(share * 100) / 100:.2f}")
        raise UnusableData(
            f"The validation part has {validation:,} tokens, less than one window of "
            f"{block_size} and the token after it: {_either(ways)}.",
            field="data.validation_fraction",
        )


def _either(ways: list[str]) -> str:
    """`a`, `a or b`, `a, b or c`."""
    return " or ".join([", ".join(ways[:-1]), ways[-1]] if ways[1:] else ways)


def build_corpus(
    config: DataConfig,
    corpora: Path,
    *,
    sources_folder: Path | None = None,
    uploads: Path | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Corpus:
    """The corpus of these settings, from `corpora/<fingerprint>/` or prepared into it.

    `sources_folder` (default: the environment's GTT_SOURCES) is searched before the network;
    `uploads` is where a source named `upload:ID` lies.
    Downloads are kept in `downloads` beside `corpora`. A source of documents is split at the
    boundary nearest to the fraction, a plain text exactly at `int((1 - validation_fraction) *
    characters)`; no token spans the split. "\\r\\n" becomes "\\n". Memory stays far below the size
    of the text. Raises `UnusableData` with a way out; what was prepared before is never touched.
    """
    report = progress or ignore
    resolved = resolve_source(config.source, uploads)
    folder = sources_folder or _environment_folder()
    source = open_source(resolved, config, corpora.parent / "downloads", folder)
    fingerprint = fingerprint_of(source, config)
    place = corpora / fingerprint
    corpus = _load(place, resolved, config)
    if corpus is not None:
        return corpus
    try:
        corpora.mkdir(parents=True, exist_ok=True)
        _sweep(corpora)
        building = Path(tempfile.mkdtemp(dir=corpora, prefix=f".building-{fingerprint}-"))
        try:
            record = {
                "format": FORMAT_VERSION,
                "fingerprint": fingerprint,
                "settings": config.model_dump(),
                "identity": source.identity,
                **prepare(building, source, config, folder, report),
            }
            text = json.dumps(record, indent=2, ensure_ascii=False)
            (building / RECORD).write_text(text, encoding="utf-8")
            _publish(building, place)
        finally:
            shutil.rmtree(building, ignore_errors=True)
    except OSError as error:
        raise UnusableData(
            unwritable(corpora, error, "point GTT_HOME at a folder that you may write to")
        ) from error
    corpus = _load(place, resolved, config)
    if corpus is None:
        raise UnusableData(f"The corpus in {place} was changed while it was written: try again.")
    return corpus


def reopen_corpus(
    config: DataConfig, corpora: Path, fingerprint: str, uploads: Path | None = None
) -> Corpus | None:
    """The corpus with that fingerprint, or None where it is not there any more.

    The source itself is not looked at: a run can go on after its file was moved or changed.
    """
    try:
        resolved = resolve_source(config.source, uploads)
    except UnusableData:  # a file that has gone
        resolved = Resolved("file", config.source, Path(config.source).name)
    return _load(corpora / fingerprint, resolved, config)


def parts_of(corpora: Path, fingerprint: str) -> tuple[npt.NDArray[Any], npt.NDArray[Any]] | None:
    """The training and the validation tokens of a corpus, memory-mapped; None where it is gone."""
    place = corpora / fingerprint
    record = read_record(place)
    if record is None or record.get("fingerprint") != fingerprint:
        return None
    try:
        tokens = np.memmap(place / "tokens.bin", np.dtype(record["dtype"]), "r")
        train = int(record["train_tokens"])
        return tokens[:train], tokens[train:]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _environment_folder() -> Path | None:
    folder = os.environ.get("GTT_SOURCES")
    return Path(folder).expanduser() if folder else None


def fingerprint_of(source: OpenedSource, config: DataConfig) -> str:
    """16 hexadecimal digits of a SHA-256 over what decides the tokens, and nothing else."""
    tokenizer: dict[str, Any] = {"kind": config.tokenizer}
    if config.tokenizer != "char":
        tokenizer["version"] = TOKENIZER_VERSION
    if config.tokenizer == "bpe":
        tokenizer["vocab_size"] = config.vocab_size
    if config.tokenizer == "pretrained":
        tokenizer["name"] = config.pretrained_tokenizer
        local = local_path(config.pretrained_tokenizer)
        file = local / "tokenizer.json" if is_there(local) and local.is_dir() else local
        if is_there(file) and file.is_file():
            tokenizer["name"] = hashlib.sha256(file.read_bytes()).hexdigest()
    decisive = {
        "format": FORMAT_VERSION,
        "source": source.identity,
        "limit": source.limit,
        "tokenizer": tokenizer,
        "validation_fraction": config.validation_fraction,
    }
    text = json.dumps(decisive, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:16]


def _load(place: Path, resolved: Resolved, config: DataConfig) -> Corpus | None:
    """The corpus in a folder, or None where there is none or it is damaged."""
    record = read_record(place)
    if record is None:
        return None
    try:
        tokens = np.memmap(place / "tokens.bin", np.dtype(record["dtype"]), "r")
        train, validation = record["train_tokens"], record["validation_tokens"]
        if len(tokens) != train + validation:
            return None
        return Corpus(
            fingerprint=record["fingerprint"],
            folder=place,
            tokenizer=Tokenizer.load(place),
            train=tokens[:train],
            validation=tokens[train:],
            bytes_per_token=record["validation_bytes"] / validation,
            characters_per_token=record["validation_characters"] / validation,
            baselines=Baselines(**record["baselines"]),
            source_name=resolved.name,
            source_title=resolved.title,
            notes=(*record["notes"], *_unused(config, resolved)),
            exam=resolved.source.exam() if resolved.source is not None else None,
            validation_seen=record.get("validation_seen"),
        )
    except (OSError, ValueError, KeyError, TypeError, GTTError):
        return None


def _unused(config: DataConfig, resolved: Resolved) -> list[str]:
    """A note on a column that is named where the text has none; equal texts share a corpus."""
    if config.column is None or resolved.kind == "hub":
        return []
    if resolved.path is not None and resolved.path.suffix.lower() in TABLE_SUFFIXES:
        return []
    return [f"data.column {config.column!r} was not used: {resolved.title} has no columns."]


def _publish(building: Path, place: Path) -> None:
    """Rename a finished folder to its place; where another process was faster, its work stays."""
    os.chmod(building, 0o755)
    try:
        os.rename(building, place)
    except OSError:
        if not place.is_dir():
            raise
        if (place / RECORD).is_file() and _is_whole(place):
            return
        damaged = place.with_name(f".building-{place.name}-damaged-{os.getpid()}")
        os.rename(place, damaged)
        os.rename(building, place)
        shutil.rmtree(damaged, ignore_errors=True)


def _is_whole(place: Path) -> bool:
    record = read_record(place)
    if record is None:
        return False
    try:
        size = np.dtype(record["dtype"]).itemsize
        expected = size * (record["train_tokens"] + record["validation_tokens"])
        Tokenizer.load(place)
        return bool((place / "tokens.bin").stat().st_size == expected)
    except (OSError, ValueError, KeyError, TypeError, GTTError):
        return False


def _sweep(corpora: Path) -> None:
    """Remove what builds that were killed left behind a day ago or longer."""
    for leftover in corpora.glob(".building-*"):
        try:
            if time.time() - leftover.stat().st_mtime > _ABANDONED:
                shutil.rmtree(leftover, ignore_errors=True)
        except OSError:
            continue
