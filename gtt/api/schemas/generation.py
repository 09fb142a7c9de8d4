"""Questions to a trained model."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from gtt.api.schemas.base import MAX_TEXT, OfMaybeRun, OfRun, Response
from gtt.config import LONGEST_STOP
from gtt.exports.formats import FORMATS, FormatName, WeightsName
from gtt.training.checkpoints import WHICH


class Inside(OfMaybeRun):
    """A look into a checkpoint."""

    checkpoint: str = Field(
        "best",
        pattern=WHICH,
        description="`best`, `latest`, or the step of one that is kept.",
    )

    def question(self) -> dict[str, Any]:
        """What is asked about the checkpoint, as a job takes it."""
        return self.model_dump(exclude={"run_id", "checkpoint"})


class TakeHome(OfRun):
    """A run in a format to take home."""

    format: FormatName = Field(description=f"One of {', '.join(FORMATS)}.", examples=["pocket"])
    checkpoint: str = Field(
        "best",
        pattern=WHICH,
        description="`best`, `latest`, or the step of one that is kept.",
    )
    weights: WeightsName = Field(
        "auto",
        description="Of the pocket model: `fp16`, with which it writes what the model writes but "
        "where two tokens are about equally likely, or `int8`, half as large. `auto` takes `int8` "
        "where `fp16` would be too large a file.",
    )


class Generate(Inside):
    """Text to go on from, and how to draw. What is left out is as the run has it."""

    prompt: str | None = Field(
        None,
        min_length=1,
        max_length=MAX_TEXT,
        description="Text to go on from.",
        examples=["One day"],
    )
    prompt_ids: list[int] | None = Field(
        None,
        min_length=1,
        max_length=20_000,
        description="Token ids to go on from, instead of a prompt: exact where text is not.",
    )
    samples: int = Field(
        1, ge=1, le=4, description="Texts to draw side by side; the seed goes up by one for each."
    )
    max_new_tokens: int | None = Field(
        None, ge=1, le=2000, description="Tokens to draw.", examples=[100]
    )
    temperature: float | None = Field(
        None, ge=0, le=100, description="0 takes the likeliest token each time."
    )
    top_k: int | None = Field(None, ge=0, le=1_000_000, description="Only the k likeliest; 0: all.")
    top_p: float | None = Field(None, ge=0, le=1, description="Only the likeliest up to this sum.")
    repetition_penalty: float | None = Field(
        None, ge=0.1, le=10, description="Above 1, tokens that stand there already are less likely."
    )
    num_beams: int | None = Field(
        None, ge=1, le=16, description="Above 1, beam search: nothing is drawn at random."
    )
    stop: list[Annotated[str, Field(max_length=LONGEST_STOP)]] | None = Field(
        None, max_length=16, description="The text ends before the first of these."
    )
    seed: int | None = Field(
        None, ge=0, lt=2**32, description="The same seed, the same text.", examples=[1]
    )


class NextToken(Inside):
    """The odds of what comes after a text, or after token ids."""

    text: str | None = Field(
        None,
        min_length=1,
        max_length=MAX_TEXT,
        description="What was read so far; or give `ids`.",
        examples=["One day the "],
    )
    ids: list[int] | None = Field(
        None, min_length=1, max_length=20_000, description="Token ids; they go before `text`."
    )
    temperature: float = Field(1.0, ge=0, le=100, description="As for generation.")
    top_k: int = Field(0, ge=0, le=1_000_000, description="As for generation.")
    top_p: float = Field(1.0, ge=0, le=1, description="As for generation.")
    repetition_penalty: float = Field(1.0, ge=0.1, le=10, description="As for generation.")
    count: int = Field(20, ge=1, le=200, description="Tokens to list, the likeliest first.")
    packed: bool = Field(False, description="Also all logits, as base64 of 32-bit floats.")


class CaptureAttention(Inside):
    """What each head looks at while the model reads a text."""

    text: str = Field(
        min_length=1,
        max_length=MAX_TEXT,
        description="At most 256 tokens are read.",
        examples=["One day the king"],
    )
    layers: list[int] | None = Field(
        None, max_length=64, description="Layers to return, from 0; left out, all.", examples=[[0]]
    )
    heads: list[int] | None = Field(
        None, max_length=64, description="Heads to return, from 0; left out, all."
    )
    scores: bool = Field(False, description="Also the scores before the softmax.")
    packed: bool = Field(
        False,
        description="The weights as base64 of 16-bit integers instead, 65535 for 1: of each layer "
        "and head the rows of the lower triangle.",
    )


class ReadSnapshot(OfRun):
    """The inside of a model at a step of its training."""

    step: int = Field(
        ge=0, le=10**8, description="The newest snapshot up to this step is shown.", examples=[100]
    )
    tokens: int = Field(24, ge=1, le=64, description="Tokens whose attention is shown.")


class DrawnText(Response):
    """One of the texts; `ids` are those of prompt and text, once it is whole."""

    text: str
    ids: list[int]
    seed: int | None


class Text(Response):
    """A text and how it was drawn; `samples` are all of those that were asked for, it the first."""

    run_id: str
    prompt: str
    text: str
    tokens: int
    seconds: float
    tokens_per_second: float
    seed: int | None
    samples: list[DrawnText]


class TokenOdds(Response):
    """One token that may come next. `odds` are the model's, `kept` those after the settings."""

    id: int
    text: str
    odds: float
    kept: float


class NextTokens(Response):
    """The likeliest next tokens."""

    run_id: str
    tokens: list[TokenOdds]
    entropy: float = Field(description="Of the model's odds, in nats.")
    context_tokens: int
    cut: int = Field(description="Tokens dropped on the left: the model reads one block.")
    ids: list[int] = Field(description="The tokens of the text.")
    logits: str | None = Field(description="All of them, little-endian, where `packed` asks.")


class Attention(Response):
    """Weights by layer, head, query and key; each row sums to 1.

    `expected` are query and key where the text of a task leaves only one place to look at.
    """

    run_id: str
    tokens: list[str]
    ids: list[int]
    cut: int
    layers: list[int]
    heads: list[int]
    weights: list[list[list[list[float]]]] | None
    scores: list[list[list[list[float | None]]]] | None
    packed: str | None
    expected: list[list[int]]


class SnapshotInfo(Response):
    """The inside of a model at a step: attention over validation text, figures per part.

    `weights` by layer, head, query and key; each row sums to 1. `statistics` per part: the
    scale of what it writes (root mean square), the share of dead units, the norm of its gradient,
    the update over the weights.
    """

    run_id: str
    step: int
    tokens: list[str]
    weights: list[list[list[list[float]]]]
    statistics: dict[str, dict[str, float]]
    steps: list[int] = Field(description="Steps of all snapshots that the run has.")
