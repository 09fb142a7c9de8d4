"""The preview of a text, and a sentence as several tokenizers cut it."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from gtt.api.schemas.base import SENTENCE, Request, Response

MAX_COMPARED = 2000  # characters of a sentence that three tokenizers cut
MAX_MERGED = 500  # characters of a sentence that is followed merge by merge
MAX_SOURCE, MAX_COLUMN = 400, 100  # characters: together they fit into an address


class OfSource(Request):
    """Which text, and how it becomes tokens; what is left out is as the draft has it."""

    source: str | None = Field(
        None,
        min_length=1,
        max_length=MAX_SOURCE,
        description="A built-in source, an upload of this desk, or owner/name on the Hub.",
        examples=["tales"],
    )
    column: str | None = Field(
        None,
        min_length=1,
        max_length=MAX_COLUMN,
        description="Of a table, the column with the text.",
        examples=["text"],
    )
    max_megabytes: float | None = Field(
        None,
        gt=0,
        le=100_000,
        description="How much of the text is used at most, in MB.",
        examples=[1.0],
    )
    tokenizer: Literal["char", "bpe", "pretrained"] | None = Field(
        None, description="What cuts the text into tokens.", examples=["bpe"]
    )
    vocab_size: int | None = Field(
        None, ge=256, le=200_000, description="Tokens of BPE.", examples=[512]
    )
    validation_fraction: float | None = Field(
        None, gt=0, lt=1, description="The share that is kept apart for validation.", examples=[0.1]
    )


class CompareTokenizers(OfSource):
    """A sentence to cut in three ways."""

    example: ClassVar = {"source": "tales", "text": SENTENCE}

    text: str = Field(min_length=1, max_length=MAX_COMPARED, description="Any sentence.")


class LearnMerges(OfSource):
    """A sentence to follow through the merges of byte-pair encoding."""

    example: ClassVar = {"source": "tales", "text": SENTENCE}

    text: str = Field(min_length=1, max_length=MAX_MERGED, description="Any sentence.")


class ShownToken(Response):
    r"""One token; bytes that are no whole character read `\xe2\x82`, and `whole` is false then."""

    id: int | None = Field(description="None where the tokenizer does not know the character.")
    text: str
    whole: bool


class TokenCount(ShownToken):
    """How often a token occurs."""

    count: int


class TextPart(Response):
    """The size of a part of the text; null where it is not known yet."""

    characters: int | None
    bytes: int | None
    tokens: int | None


class ExamInfo(Response):
    """What a model is examined in while it trains on this text."""

    metric: str = Field(description="What the score is a share of.")
    questions: list[str] = Field(description="A few of them, none of which is in the text.")
    answers: list[str | None] = Field(description="The right one, null where many are right.")


class TextPreview(Response):
    """A text with its numbers; null is what is not known yet."""

    source: str
    title: str
    tokenizer: str
    counted: Literal["corpus", "whole", "beginning", "nothing"] = Field(
        description="Of what the counts are: of the corpus that a run prepared, of the whole text, "
        "of its beginning, or of nothing since the text is not on this machine yet."
    )
    said: str = Field(description="What is missing, in a sentence; empty where nothing is.")
    total_bytes: int | None = Field(description="Of the whole text, about.")
    characters: int | None
    bytes: int | None
    lines: int | None
    documents: int | None
    tokens: int | None
    distinct_tokens: int | None
    vocab_size: int | None
    frequent: list[TokenCount] = Field(description="The tokens that occur most.")
    beginning: str
    train: TextPart
    validation: TextPart
    before_cut: str = Field(description="The last of the training part.")
    after_cut: str = Field(description="The first of the validation part.")
    exam: ExamInfo | None
    notes: list[str] = Field(description="What was chosen or left out.")


class TokenizerWay(Response):
    """A sentence as one tokenizer cuts it."""

    name: Literal["char", "bpe", "gpt2"]
    said: str = Field(description="Why it cannot be had; empty where it can.")
    tokens: list[ShownToken]
    count: int
    characters_per_token: float | None
    vocab_size: int | None
    unknown: list[str] = Field(description="Characters that the tokenizer does not know.")


class ComparedTokenizers(Response):
    """One sentence cut in three ways.

    By the characters of the text, by byte pairs that the text teaches, and by GPT-2's 50,257
    tokens.
    """

    source: str
    title: str
    tokenizer: str = Field(description="The one that the settings choose.")
    characters: int
    bytes: int
    ways: list[TokenizerWay]


class MergeStep(Response):
    """One merge that joins tokens of the sentence.

    `number` counts the merges learned from the text, `count` says how often the pair stood there
    when it was chosen; `places` are those of the joined tokens in the sentence afterwards.
    """

    number: int
    first: ShownToken
    second: ShownToken
    merged: ShownToken
    count: int
    places: list[int]


class Merges(Response):
    """A sentence from its bytes to its tokens; merges that do nothing to it are left out."""

    source: str
    title: str
    start: list[ShownToken]
    steps: list[MergeStep]
    learned: int = Field(description="Merges learned from the text.")
    vocab_size: int
