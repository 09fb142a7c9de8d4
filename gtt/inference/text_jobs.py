"""Jobs about texts: the preview, three tokenizers compared, merges; and figures of runs.

No torch is needed.
"""

from __future__ import annotations

import base64
from collections.abc import Generator
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from gtt.config import DataConfig
from gtt.data.excerpt import NotHere, Places
from gtt.data.gpt2 import gpt2_tokenizer
from gtt.data.merges import MergeTable, apply_merges, learning_merges, show_bytes, split_bytes
from gtt.data.preview import bpe_tokenizer, char_tokenizer, is_whole_text, preview, taught_text
from gtt.data.sources import resolve_source
from gtt.data.tokenizer_training import train_bpe_tokenizer, train_char_tokenizer
from gtt.data.tokenizers import Tokenizer
from gtt.errors import BadInput
from gtt.inference.pipe import Result
from gtt.inference.questions import (
    CompareJob,
    FigureJob,
    MergesJob,
    OfReader,
    PreviewJob,
    TokenizeJob,
)
from gtt.inference.stored import load_tokenizer
from gtt.settings import parse

Turns = Generator[str, None, Result]


def work_on_text(job: OfReader) -> Turns:
    """Carries out a job step by step, as `gtt.inference.model_jobs.work_on` does."""
    if isinstance(job, TokenizeJob):
        return tokenize(job)
    if isinstance(job, FigureJob):
        return figure(job)
    config = parse(DataConfig, job.data)
    uploads = Path(job.uploads)
    places = Places(Path(job.downloads), Path(job.sources) if job.sources else None, uploads)
    resolved, corpora = resolve_source(config.source, uploads), Path(job.corpora)
    if isinstance(job, PreviewJob):
        text_preview = yield from preview(config, resolved, places, corpora)
        return {"title": resolved.title, **asdict(text_preview)}
    if isinstance(job, MergesJob):
        text = taught_text(config, resolved, places, corpora)
        yield ""
        learning = _learning(text, config.vocab_size)
        while not learning.is_done:
            learning.go_on()
            yield ""
        return _merges(job.text, learning.table)
    assert isinstance(job, CompareJob)
    try:
        text, reason = taught_text(config, resolved, places, corpora), ""
    except NotHere as missing:
        text, reason = "", missing.message
    yield ""
    ways = [_cut_by("char", job.text, char_tokenizer(text)) if text else _not_cut("char", reason)]
    yield ""
    bpe = bpe_tokenizer(text, config.vocab_size) if text else None
    ways.append(_cut_by("bpe", job.text, bpe) if bpe else _not_cut("bpe", reason))
    yield ""
    ways.append(_cut_by("gpt2", job.text, gpt2_tokenizer()))
    return {"ways": ways}


class _Learning:
    """The merges of a text as far as they are learned; several jobs may take turns with one."""

    def __init__(self, text: str, vocab_size: int) -> None:
        self.table = MergeTable()
        self.is_done = False
        self._merging = learning_merges(text, vocab_size)

    def go_on(self) -> None:
        """Learns the next few."""
        table = next(self._merging, None)
        self.is_done = table is None
        self.table = table or self.table


@lru_cache(maxsize=8)
def _learning(text: str, vocab_size: int) -> _Learning:
    return _Learning(text, vocab_size)


def _cut_by(name: str, text: str, tokenizer: Tokenizer) -> Result:
    """A sentence as one tokenizer cuts it; a character that it does not know has no id."""
    unknown = tokenizer.unknown_characters(text)
    tokens: list[Result] = []
    for stretch, is_known in _stretches(text, set(unknown)):
        if is_known:
            tokens += [_token(tokenizer, id) for id in tokenizer.encode(stretch)]
        else:
            tokens += [{"id": None, "text": character, "whole": True} for character in stretch]
    count = sum(token["id"] is not None for token in tokens)
    covered = sum(character not in unknown for character in text)
    return {
        "name": name,
        "said": "",
        "tokens": tokens,
        "count": count,
        "characters_per_token": covered / count if count else 0.0,
        "vocab_size": tokenizer.vocab_size,
        "unknown": unknown,
    }


def _not_cut(name: str, reason: str) -> Result:
    nothing: dict[str, Any] = {"tokens": [], "count": 0, "unknown": []}
    figures: dict[str, Any] = {"characters_per_token": None, "vocab_size": None}
    return {"name": name, "said": reason, **nothing, **figures}


def _stretches(text: str, unknown: set[str]) -> list[tuple[str, bool]]:
    """The text cut where known characters end and unknown ones begin, and the other way round."""
    stretches: list[tuple[str, bool]] = []
    for character in text:
        is_known = character not in unknown
        if stretches and stretches[-1][1] == is_known:
            stretches[-1] = (stretches[-1][0] + character, is_known)
        else:
            stretches.append((character, is_known))
    return stretches


def _token(tokenizer: Tokenizer, id: int) -> Result:
    return {"id": id, "text": tokenizer.token_text(id), "whole": is_whole_text(tokenizer, id)}


def _merges(text: str, table: MergeTable) -> Result:
    """The bytes of a sentence, and each merge that joins some of them."""

    def token_bytes(id: int) -> Result:
        written, whole = show_bytes(table.tokens[id])
        return {"id": id, "text": written, "whole": whole}

    return {
        "start": [token_bytes(id) for word in split_bytes(text) for id in word],
        "steps": [
            {
                "number": step.number,
                "first": token_bytes(step.merge.first),
                "second": token_bytes(step.merge.second),
                "merged": token_bytes(step.merge.id),
                "count": step.merge.count,
                "places": list(step.places),
            }
            for step in apply_merges(text, table.merges)
        ],
        "learned": len(table.merges),
        "vocab_size": len(table.tokens),
    }


def figure(job: FigureJob) -> Result:
    """The curves as a file, if there are any."""
    from gtt.interpret.figures import NothingToDraw, RunCurves, drawn, loss_figure  # matplotlib

    curves = [RunCurves(**run) for run in job.runs]
    unit: Any = job.unit
    form: Any = job.form
    try:
        picture = loss_figure(curves, job.baselines, unit=unit, log=job.log, dark=job.dark)
        return {"file": base64.b64encode(drawn(picture, form)).decode()}
    except NothingToDraw:
        return {"file": None}


def tokenize(job: TokenizeJob) -> Result:
    """A text as tokens; characters that the tokenizer does not know are named and left out."""
    tokenizer = _tokenizer(job)
    unknown = tokenizer.unknown_characters(job.text)
    covered = job.text.translate(dict.fromkeys(map(ord, unknown)))
    ids = tokenizer.encode(covered)
    texts = {id: tokenizer.token_text(id) for id in set(ids)}
    return {
        "tokens": [{"id": id, "text": texts[id]} for id in ids],
        "count": len(ids),
        "characters": len(job.text),
        "characters_per_token": len(covered) / len(ids) if ids else 0.0,
        "vocab_size": tokenizer.vocab_size,
        "unknown": unknown,
    }


def _tokenizer(job: TokenizeJob) -> Tokenizer:
    if job.checkpoint is not None:
        return load_tokenizer(job.checkpoint)
    text = job.text.encode("utf-8", "ignore").decode("utf-8")  # without lone surrogates
    if not text:
        raise BadInput("The text is empty: give at least one character.", field="text")
    return (
        train_char_tokenizer(text)
        if job.tokenizer == "char"
        else train_bpe_tokenizer([text], job.vocab_size)
    )
