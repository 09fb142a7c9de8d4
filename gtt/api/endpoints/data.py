"""Texts: sources, uploads, what is in them, and what tokenizers make of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from gtt.api.api_errors import NotFound
from gtt.api.schemas import (
    ComparedTokenizers,
    CompareTokenizers,
    Datasets,
    Deleted,
    LearnMerges,
    ListDatasets,
    Merges,
    OfSource,
    OfUpload,
    SourceInfo,
    TextPreview,
    Token,
    Tokenize,
    Tokens,
    Upload,
    UploadInfo,
)
from gtt.api.service import Caller
from gtt.api.table import endpoint
from gtt.api.uploads import Upload as Uploaded
from gtt.api.visitors import check_source, check_tokenizer
from gtt.config import RunConfig
from gtt.data.fetch import find_by_name
from gtt.data.sources import SOURCES, UPLOAD, Source, describe_sources
from gtt.errors import UnusableRun
from gtt.inference.pipe import Result
from gtt.inference.questions import CompareJob, MergesJob, PreviewJob, TokenizeJob


@endpoint("GET", "/api/datasets", rate="read", tag="data")
def datasets(caller: Caller, request: ListDatasets) -> Datasets:
    """The built-in sources, and the texts on the desk, page by page."""
    uploads = caller.desk.uploads.list()
    if request.before is not None:
        ids = [upload.id for upload in uploads]
        if request.before not in ids:
            raise NotFound("There is no such text on this desk to go on from.", field="before")
        uploads = uploads[ids.index(request.before) + 1 :]
    page = uploads[: request.limit]
    return Datasets(
        sources=[
            SourceInfo(**source.describe(), is_here=_is_here(source, caller.service.home.sources))
            for source in describe_sources()
        ],
        uploads=[_info(upload) for upload in page],
        next=page[-1].id if len(uploads) > len(page) else None,
    )


def _is_here(source: Source, folder: Path | None) -> bool:
    return source.offline or find_by_name(source.copies, folder) is not None


@endpoint("POST", "/api/datasets/upload", rate="upload", tag="data", status=201, takes_file=True)
async def upload(caller: Caller, request: Upload, chunks: AsyncIterable[bytes]) -> UploadInfo:
    """Brings a text to the desk: the file as the body, or as a form field named `file`.

    UTF-8 text, .csv, .tsv, .json, .jsonl or .parquet; archives are not unpacked.
    """
    return _info(await caller.desk.uploads.save_async(request.name, chunks))


@endpoint("GET", "/api/datasets/preview", rate="tokenize", tag="data")
async def preview(caller: Caller, request: OfSource) -> TextPreview:
    """What a text is: counts, frequent tokens, the two parts. Nothing is fetched for it."""
    config = _config_of(caller, request)
    answer = await caller.ask(PreviewJob(**_about(caller, config)))
    values = {**answer, "title": _title(caller, config)}
    return TextPreview(source=config.data.source, tokenizer=config.data.tokenizer, **values)


@endpoint("DELETE", "/api/datasets/{upload_id}", rate="write", tag="data")
def delete_upload(caller: Caller, request: OfUpload) -> Deleted:
    """Takes a text off the desk; runs that were trained on it stay as they are."""
    caller.desk.uploads.delete(request.upload_id)
    return Deleted(deleted=request.upload_id, undo_seconds=None)


@endpoint("POST", "/api/tokenize", rate="tokenize", tag="data")
async def tokenize(caller: Caller, request: Tokenize) -> Tokens:
    """A text as tokens: with the tokenizer of a run, else with one made for this very text."""
    checkpoint = None
    if request.run_id is not None:
        try:
            checkpoint = str(caller.run(request.run_id).folder.checkpoints.newest())
        except UnusableRun:
            raise NotFound(
                "This run has saved no checkpoint yet: wait for the first one.", field="run_id"
            ) from None
    answer = await caller.ask(
        TokenizeJob(
            text=request.text,
            tokenizer=request.tokenizer,
            vocab_size=request.vocab_size,
            checkpoint=checkpoint,
        )
    )
    return await asyncio.to_thread(_tokens, answer)  # tens of thousands: others go on meanwhile


@endpoint("POST", "/api/tokenize/compare", rate="tokenize", tag="data")
async def compare_tokenizers(caller: Caller, request: CompareTokenizers) -> ComparedTokenizers:
    """A sentence as characters, as byte pairs learned from the text, and as GPT-2 reads it."""
    config = _config_of(caller, request)
    job = CompareJob(**_about(caller, config), text=request.text)
    answer = await caller.ask(job)
    return ComparedTokenizers(
        source=config.data.source,
        title=_title(caller, config),
        tokenizer=config.data.tokenizer,
        characters=len(request.text),
        bytes=len(request.text.encode("utf-8")),
        **answer,
    )


@endpoint("POST", "/api/tokenize/merges", rate="tokenize", tag="data")
async def merges(caller: Caller, request: LearnMerges) -> Merges:
    """How byte-pair encoding, learned from the text, joins the bytes of a sentence step by step."""
    config = _config_of(caller, request)
    job = MergesJob(**_about(caller, config), text=request.text)
    answer = await caller.ask(job)
    return Merges(source=config.data.source, title=_title(caller, config), **answer)


def _tokens(answer: Result) -> Tokens:
    return Tokens(**{**answer, "tokens": [Token(**token) for token in answer["tokens"]]})


def _info(upload: Uploaded) -> UploadInfo:
    created = datetime.fromtimestamp(upload.created, timezone.utc)
    return UploadInfo(
        id=upload.id,
        name=upload.name,
        bytes=upload.bytes,
        created=created.isoformat(timespec="seconds"),
        source=UPLOAD + upload.id,
    )


def _config_of(caller: Caller, request: OfSource) -> RunConfig:
    """The draft with what the request names, as a run on this server would take its text."""
    data_changes = request.model_dump(exclude={"text"}, exclude_none=True)
    if request.source is not None:
        data_changes.setdefault("column", None)  # the draft's is a column of the draft's own table
    config = caller.draft.updated({"data": data_changes})
    limits = caller.limits
    check_source(config, caller)
    check_tokenizer(config, limits)
    is_ours = config.data.source.strip().lower() in SOURCES
    if config.data.max_megabytes is None and not is_ours and limits.for_strangers:
        return config.updated({"data": {"max_megabytes": limits.max_upload_mb}})
    return config


def _about(caller: Caller, config: RunConfig) -> dict[str, Any]:
    """What every job about a text is told."""
    home = caller.service.home
    return {
        "data": config.data.model_dump(mode="json"),
        "corpora": str(home.corpora),
        "downloads": str(home.path / "downloads"),
        "sources": None if home.sources is None else str(home.sources),
        "uploads": str(caller.desk.uploads.folder),
    }


def _title(caller: Caller, config: RunConfig) -> str:
    """What a person calls the text."""
    name = config.data.source.strip()
    if name.startswith(UPLOAD):
        return caller.desk.uploads.get(name[len(UPLOAD) :]).name
    source = SOURCES.get(name.lower())
    return name if source is None else source.title
