"""Facts about a text before a model is trained on it: counts, the two parts, the exam.

Where a corpus was prepared with the same settings the numbers are its own, else those of the
beginning of the text, and `counted` says which.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from gtt.config import DataConfig
from gtt.data import token_boundaries
from gtt.data.corpus import Corpus
from gtt.data.excerpt import Excerpt, NotHere, Places, read_excerpt
from gtt.data.gpt2 import gpt2_tokenizer
from gtt.data.prepared import find_corpus
from gtt.data.sources import Resolved
from gtt.data.token_boundaries import END_OF_TEXT
from gtt.data.tokenizer_training import (
    GPT2_NAMES,
    load_pretrained_tokenizer,
    train_bpe_tokenizer,
    train_char_tokenizer,
)
from gtt.data.tokenizers import Tokenizer
from gtt.errors import UnusableData

FREQUENT = 24  # tokens that are listed
SHOWN = 1500  # characters of the beginning
AROUND = 300  # characters on each side of the cut
QUESTIONS = 3
TAUGHT = 200_000  # characters from which a tokenizer learns for a sentence

_AT_ONCE = 1 << 22  # tokens that are counted in one turn
_READ_AT_ONCE = 1 << 16  # characters that are cut into tokens in one turn
_TEXTS_AT_ONCE = 4096  # tokens whose text is looked at in one turn

Work = Generator[str, None, "Preview"]
"""Each step is a turn, as jobs of the process for models take them; the value is the result."""


@dataclass(frozen=True)
class TokenCount:
    """How often a token occurs; `whole` unless it is part of a character."""

    id: int
    text: str
    whole: bool
    count: int


@dataclass(frozen=True)
class Part:
    """The size of the training or the validation part, as far as it is known."""

    characters: int | None
    bytes: int | None
    tokens: int | None


@dataclass(frozen=True)
class ExamFacts:
    """The exam of a text: its metric, a few questions, and their right answers if there are any."""

    metric: str
    questions: tuple[str, ...]
    answers: tuple[str | None, ...]


@dataclass(frozen=True)
class Preview:
    """A text with its numbers; what is not known yet is None.

    `counted` names the text to which `characters`, `bytes`, `lines`, `tokens`, `distinct_tokens`
    and `frequent` belong: the prepared corpus, the whole text, its beginning, or nothing.
    `total_bytes` is the size of the whole text. `before_cut` and `after_cut` are the text on both
    sides of the place where validation begins.
    """

    counted: Literal["corpus", "whole", "beginning", "nothing"]
    said: str = ""
    total_bytes: int | None = None
    characters: int | None = None
    bytes: int | None = None
    lines: int | None = None
    documents: int | None = None
    tokens: int | None = None
    distinct_tokens: int | None = None
    vocab_size: int | None = None
    frequent: tuple[TokenCount, ...] = ()
    beginning: str = ""
    train: Part = field(default_factory=lambda: Part(None, None, None))
    validation: Part = field(default_factory=lambda: Part(None, None, None))
    before_cut: str = ""
    after_cut: str = ""
    exam: ExamFacts | None = None
    notes: tuple[str, ...] = ()


def preview(config: DataConfig, resolved: Resolved, places: Places, corpora: Path) -> Work:
    """Looks at a text without fetching or preparing it; raises `UnusableData`."""
    if corpus := find_corpus(config, resolved, places, corpora):
        return (yield from _of_corpus(corpus, resolved, config))
    try:
        excerpt = read_excerpt(resolved, config, places)
    except NotHere as missing:
        size = resolved.source.megabytes if resolved.source else None
        return Preview(
            "nothing", missing.message, total_bytes=int(size * 1e6) if size is not None else None
        )
    yield ""
    return (yield from _of_excerpt(excerpt, resolved, config, places))


def taught_text(config: DataConfig, resolved: Resolved, places: Places, corpora: Path) -> str:
    """The text on which a demonstration trains a tokenizer: the beginning of the training part.

    It comes from the prepared corpus where the text is not here; raises `NotHere` without one.
    """
    try:
        return read_excerpt(resolved, config, places).train[:TAUGHT]
    except NotHere:
        corpus = find_corpus(config, resolved, places, corpora)
        if corpus is None:
            raise
        return _text_of(corpus.tokenizer, corpus.train[:TAUGHT])[:TAUGHT]


@lru_cache(maxsize=8)
def char_tokenizer(text: str) -> Tokenizer:
    """The characters of a text."""
    return train_char_tokenizer(text)


@lru_cache(maxsize=8)
def bpe_tokenizer(text: str, vocab_size: int) -> Tokenizer:
    """Byte-level BPE learned from a text."""
    return train_bpe_tokenizer([text], vocab_size, has_marks=END_OF_TEXT in text)


def is_whole_text(tokenizer: Tokenizer, id: int) -> bool:
    """Whether a token is whole characters, not some bytes of one."""
    return tokenizer.decode([id]) == tokenizer.token_text(id)


def _of_corpus(corpus: Corpus, resolved: Resolved, config: DataConfig) -> Work:
    """The numbers of a prepared corpus, counted a few million tokens in a turn."""
    record = json.loads((corpus.folder / "corpus.json").read_text(encoding="utf-8"))
    counts = np.zeros(corpus.vocab_size, np.int64)
    for part in (corpus.train, corpus.validation):
        for start in range(0, len(part), _AT_ONCE):
            chunk = np.asarray(part[start : start + _AT_ONCE])
            counts += np.bincount(chunk, minlength=len(counts))
            yield ""
    breaks = 0  # every line break lies in one token
    for number, id in enumerate(np.flatnonzero(counts).tolist()):
        breaks += corpus.tokenizer.token_text(id).count("\n") * int(counts[id])
        if number % _TEXTS_AT_ONCE == _TEXTS_AT_ONCE - 1:
            yield ""
    last = corpus.tokenizer.token_text(int(corpus.validation[-1]))
    sizes = {
        name: Part(record[f"{name}_characters"], record[f"{name}_bytes"], record[f"{name}_tokens"])
        for name in ("train", "validation")
    }
    train, validation = sizes["train"], sizes["validation"]
    size = record["train_bytes"] + record["validation_bytes"]
    return Preview(
        "corpus",
        total_bytes=size,
        characters=record["train_characters"] + record["validation_characters"],
        bytes=size,
        lines=breaks + (not last.endswith("\n")),
        tokens=int(counts.sum()),
        distinct_tokens=int(np.count_nonzero(counts)),
        vocab_size=corpus.vocab_size,
        frequent=_frequent(corpus.tokenizer, counts),
        beginning=_text_of(corpus.tokenizer, corpus.train[:SHOWN])[:SHOWN],
        train=train,
        validation=validation,
        before_cut=_text_of(corpus.tokenizer, corpus.train[-AROUND:])[-AROUND:],
        after_cut=_text_of(corpus.tokenizer, corpus.validation[:AROUND])[:AROUND],
        exam=_exam(resolved, config),
        notes=corpus.notes,
    )


def _of_excerpt(excerpt: Excerpt, resolved: Resolved, config: DataConfig, places: Places) -> Work:
    """The numbers of what was read of a text, 64 kB of it in a turn."""
    text, at = excerpt.text, excerpt.validation_at
    if not text.strip():
        raise UnusableData(
            "There is no text in this source: give one with text in it.", field="data.source"
        )
    missing_sentence, tokenizer = "", None
    try:
        tokenizer = _tokenizer_of(excerpt, config, places)
    except NotHere as missing:
        missing_sentence = missing.message
    cut = len(text) if at is None else at
    counts, tokens = np.zeros(0, np.int64), [0, 0]
    if tokenizer is not None:
        counts = np.zeros(tokenizer.vocab_size, np.int64)
        for part, half in enumerate((text[:cut], text[cut:])):
            for piece in token_boundaries.cut(half, _READ_AT_ONCE):
                ids = tokenizer.encode_array(piece)
                counts += np.bincount(ids, minlength=len(counts))
                tokens[part] += len(ids)
                yield ""
    train, validation = _parts(excerpt, config, tokens if tokenizer is not None else None)
    return Preview(
        "whole" if excerpt.is_whole else "beginning",
        missing_sentence,
        total_bytes=excerpt.total_bytes,
        characters=len(text),
        bytes=len(text.encode("utf-8")),
        lines=text.count("\n") + (not text.endswith("\n")),
        documents=excerpt.documents or None,
        tokens=sum(tokens) if tokenizer is not None else None,
        distinct_tokens=int(np.count_nonzero(counts)) if tokenizer is not None else None,
        vocab_size=None if tokenizer is None else tokenizer.vocab_size,
        frequent=() if tokenizer is None else _frequent(tokenizer, counts),
        beginning=text[:SHOWN],
        train=train,
        validation=validation,
        before_cut="" if at is None else text[max(0, at - AROUND) : at],
        after_cut="" if at is None else text[at : at + AROUND],
        exam=_exam(resolved, config),
        notes=excerpt.notes,
    )


def _tokenizer_of(excerpt: Excerpt, config: DataConfig, places: Places) -> Tokenizer:
    """The tokenizer of these settings, learned from what is there; raises `NotHere`."""
    if config.tokenizer == "char":
        return char_tokenizer(excerpt.text)
    if config.tokenizer == "bpe":
        return bpe_tokenizer(excerpt.train, config.vocab_size)
    name = config.pretrained_tokenizer
    if name in GPT2_NAMES:
        return gpt2_tokenizer()
    folder, names = places.sources, (name, name.replace("/", "--"))
    if folder is None or not any((folder / name / "tokenizer.json").is_file() for name in names):
        raise NotHere(
            f"The tokenizer {name!r} is fetched once, when you train with it; its tokens are "
            "counted then.",
            field="data.pretrained_tokenizer",
        )
    return load_pretrained_tokenizer(name, folder)


def _parts(excerpt: Excerpt, config: DataConfig, tokens: list[int] | None) -> tuple[Part, Part]:
    """The two parts: exact where the whole text is here, else about as many bytes as asked for."""
    at = excerpt.validation_at
    if at is None:
        total, share = excerpt.total_bytes, config.validation_fraction
        if total is None:
            return Part(None, None, None), Part(None, None, None)
        for_validation = round(total * share)
        return Part(None, total - for_validation, None), Part(None, for_validation, None)
    train, validation = excerpt.text[:at], excerpt.text[at:]
    counts = tokens or (None, None)
    return (
        Part(len(train), len(train.encode("utf-8")), counts[0]),
        Part(len(validation), len(validation.encode("utf-8")), counts[1]),
    )


def _frequent(tokenizer: Tokenizer, counts: npt.NDArray[np.int64]) -> tuple[TokenCount, ...]:
    """The tokens that occur most, the lower id first where two occur as often."""
    order = np.argsort(-counts, kind="stable")[:FREQUENT].tolist()
    return tuple(
        TokenCount(id, tokenizer.token_text(id), is_whole_text(tokenizer, id), int(counts[id]))
        for id in order
        if counts[id]
    )


def _text_of(tokenizer: Tokenizer, ids: npt.NDArray[Any]) -> str:
    """The text of some tokens of a corpus, without characters that are cut at its ends."""
    return tokenizer.decode(ids).strip("\ufffd")


def _exam(resolved: Resolved, config: DataConfig) -> ExamFacts | None:
    source = resolved.source
    exam = source.exam() if source is not None else None
    if source is None or exam is None:
        return None
    drawn = (question.lstrip("\n") for question in exam.questions(4 * QUESTIONS, seed=0))
    questions = tuple(dict.fromkeys(drawn))[:QUESTIONS]
    answers = tuple(source.answer(question) for question in questions)
    return ExamFacts(exam.metric, questions, answers)
