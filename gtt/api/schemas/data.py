"""Texts and tokens."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gtt.api.schemas.base import AN_UPLOAD, ID, MAX_TEXT, Request, Response

UPLOAD_ID = r"^[A-Za-z0-9_-]{8,64}$"


class Tokenize(Request):
    """A text to cut into tokens."""

    text: str = Field(
        min_length=1, max_length=MAX_TEXT, description="Any text.", examples=["to be or not"]
    )
    run_id: str | None = Field(
        None, pattern=ID, description="With the tokenizer of this run; left out, one of its own."
    )
    tokenizer: Literal["char", "bpe"] = Field(
        "bpe", description="Without a run: what to train on this very text."
    )
    vocab_size: int = Field(512, ge=256, le=8192, description="Without a run: tokens of BPE.")


class Upload(Request):
    """The name of a text; the text itself is the body."""

    name: str = Field(
        "text.txt",
        min_length=1,
        max_length=255,
        description="The file's name, for its ending: .txt .md .csv .tsv .json .jsonl .parquet",
        examples=["tales.txt"],
    )


class OfUpload(Request):
    """One text that was uploaded."""

    upload_id: str = Field(pattern=UPLOAD_ID, description="Its id.", examples=[AN_UPLOAD])


class ListDatasets(Request):
    """One page of the desk's texts, the newest first, beside the built-in sources."""

    limit: int = Field(100, ge=1, le=200, description="Texts on one page.")
    before: str | None = Field(
        None,
        pattern=UPLOAD_ID,
        description="The last id of a text on the page before this one.",
        examples=[AN_UPLOAD],
    )


class Token(Response):
    """One token."""

    id: int
    text: str


class Tokens(Response):
    """A text as tokens."""

    tokens: list[Token]
    count: int
    characters: int
    characters_per_token: float
    vocab_size: int
    unknown: list[str] = Field(description="Characters that the tokenizer does not know.")


class SourceInfo(Response):
    """A source of text."""

    name: str
    title: str
    description: str
    licence: str
    megabytes: float | None
    offline: bool
    citation: str
    url: str | None
    is_here: bool = Field(description="A copy lies on this machine; nothing has to be fetched.")


class UploadInfo(Response):
    """A text that was uploaded. Train on it with `data.source` set to `source`."""

    id: str
    name: str
    bytes: int
    created: str
    source: str


class Datasets(Response):
    """Built-in sources and one page of the desk's own texts."""

    sources: list[SourceInfo]
    uploads: list[UploadInfo]
    next: str | None = Field(description="What to send as `before` for the next page.")
