"""Texts: sources, uploads, tokens."""

from __future__ import annotations

from collections.abc import AsyncIterable
from dataclasses import asdict
from datetime import datetime, timezone

from gtt.api.errors import NotFound
from gtt.api.schemas import (
    Datasets,
    Deleted,
    Nothing,
    OfUpload,
    SourceInfo,
    Token,
    Tokenize,
    Tokens,
    Upload,
    UploadInfo,
)
from gtt.api.service import Caller
from gtt.api.table import endpoint
from gtt.api.uploads import Upload as Uploaded
from gtt.data.sources import UPLOAD, describe_sources
from gtt.errors import UnusableRun
from gtt.runs.inference import TokenizeJob


@endpoint("GET", "/api/datasets", rate="read", tag="data")
def datasets(caller: Caller, request: Nothing) -> Datasets:
    """The built-in sources, and the texts on the desk."""
    return Datasets(
        sources=[SourceInfo(**asdict(source)) for source in describe_sources()],
        uploads=[_info(upload) for upload in caller.desk.uploads.list()],
    )


@endpoint("POST", "/api/datasets/upload", rate="upload", tag="data", status=201, takes_file=True)
async def upload(caller: Caller, request: Upload, chunks: AsyncIterable[bytes]) -> UploadInfo:
    """Brings a text to the desk: the file as the body, or as a form field named `file`.

    UTF-8 text, .csv, .json, .jsonl or .parquet; archives are not unpacked.
    """
    return _info(await caller.desk.uploads.save_async(request.name, chunks))


@endpoint("DELETE", "/api/datasets/{upload_id}", rate="write", tag="data")
def delete_upload(caller: Caller, request: OfUpload) -> Deleted:
    """Takes a text off the desk; runs that were trained on it stay as they are."""
    caller.desk.uploads.delete(request.upload_id)
    return Deleted(deleted=request.upload_id, undo_seconds=None)


@endpoint(
    "POST", "/api/tokenize", rate="tokenize", tag="data", examples=({"text": "to be or not"},)
)
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
    answer = await caller.service.inference.ask(
        TokenizeJob(
            text=request.text,
            tokenizer=request.tokenizer,
            vocab_size=request.vocab_size,
            checkpoint=checkpoint,
        )
    )
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
