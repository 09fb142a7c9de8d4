"""Questions about the inside of a model: heads, readings, the logit lens, paths, copies."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from gtt.api.schemas.base import MAX_TEXT, SENTENCE, OfRun, Request, Response
from gtt.api.schemas.generation import Inside

MOST_IDS = 4096
MOST_OFF = 1024


class MeasureHeads(Inside):
    """What each head does by habit."""


class HeadHistory(OfRun):
    """How the habits of each head came to be."""


class HeadNumber(Request):
    """One head."""

    layer: int = Field(ge=0, le=1000, description="From 0.")
    head: int = Field(ge=0, le=1000, description="From 0.")


class Ablate(Inside):
    """What becomes of a text, and of the validation loss, with heads switched off."""

    text: str = Field(
        min_length=1, max_length=MAX_TEXT, description="What was read so far.", examples=[SENTENCE]
    )
    heads: list[HeadNumber] = Field(
        max_length=MOST_OFF,
        description="The heads to switch off, each a layer and a head from 0.",
        examples=[[{"layer": 0, "head": 1}]],
    )
    count: int = Field(10, ge=1, le=200, description="Next tokens to list.")

    def question(self) -> dict[str, Any]:
        return super().question() | {"heads": [(head.layer, head.head) for head in self.heads]}


class ReadText(Inside):
    """A text, or token ids, to be read token by token."""

    text: str | None = Field(
        None,
        min_length=1,
        max_length=MAX_TEXT,
        description="The text; or give `ids`.",
        examples=[SENTENCE],
    )
    ids: list[int] | None = Field(
        None, min_length=1, max_length=MOST_IDS, description="Token ids; they go before `text`."
    )
    alternatives: int = Field(8, ge=0, le=50, description="Likelier tokens to list for each.")


class LookThroughLayers(Inside):
    """What each layer would have said (the logit lens)."""

    text: str = Field(
        min_length=1, max_length=MAX_TEXT, description="What was read so far.", examples=[SENTENCE]
    )
    positions: int = Field(24, ge=1, le=64, description="Places to show, the last ones.")
    count: int = Field(5, ge=1, le=20, description="Tokens to list at each, the likeliest first.")


class FollowToken(Inside):
    """One token's way through a layer."""

    text: str = Field(
        min_length=1,
        max_length=MAX_TEXT,
        description="At most 48 tokens are read, the last ones.",
        examples=[SENTENCE],
    )
    place: int = Field(
        -1, ge=-4096, le=4096, description="Which token, from 0; negative: from the end."
    )
    layer: int = Field(0, ge=0, le=1000, description="Which layer, from 0.", examples=[0])
    step: str = Field(
        "", max_length=40, description="The name of a step, of which one number is worked out."
    )
    row: int = Field(0, ge=0, le=4096, description="In which of its rows that number stands.")
    column: int = Field(0, ge=0, le=1_000_000, description="In which column of that row.")


class FindCopies(Inside):
    """A text to look for in the training part."""

    text: str = Field(
        min_length=1,
        max_length=MAX_TEXT,
        description="Mostly a generated text.",
        examples=[SENTENCE],
    )


class PreferredToken(Response):
    """A token that a head looks at more than even attention would, wherever it stands."""

    id: int
    text: str
    share: float = Field(description="Of the head's attention.")
    even: float = Field(description="What even attention gives that token.")


class FeedingHead(Response):
    """An earlier head that an induction head depends on."""

    layer: int
    head: int
    without: float = Field(description="The induction score that is left with it switched off.")


class HeadHabits(Response):
    """One head's mean attention by place, from 0 to 1; null where that was not measured."""

    previous_token: float = Field(description="The token before.")
    first_token: float = Field(description="The first token of the text.")
    current_token: float = Field(description="The token itself.")
    same_token: float | None = Field(description="Earlier places that hold the same token.")
    induction: float | None = Field(
        description="The token after the last place that held this one, on random tokens said twice"
    )
    distance: float = Field(description="How far back it looks on average, in tokens.")
    half_within: float = Field(description="How many of the last tokens get half of it.")
    entropy: float = Field(description="How widely it spreads, in nats.")
    evenness: float = Field(description="That entropy over the greatest possible one.")
    name: str | None = Field(description="The habit that stands out, null where none does.")
    preferred: list[PreferredToken] = Field(
        [], description="Tokens it looks at, the most first; of a checkpoint, not of a snapshot."
    )
    fed_by: list[FeedingHead] | None = Field(
        None,
        description="Of an induction head of a checkpoint: the earlier heads without which it "
        "loses a quarter of its score or more, the most needed first.",
    )


class Heads(Response):
    """The habits of every head, by layer and head. `chance` is a head that looks evenly."""

    run_id: str
    heads: list[list[HeadHabits]]
    chance: HeadHabits
    measured_on: str = Field(description="`validation` text, or `random` tokens where it is gone.")
    tokens: int = Field(description="Length of the texts.")
    period: int | None = Field(description="Tokens that were said twice, for induction.")


class HeadsAtStep(Response):
    """The habits of every head at a step, on the first tokens of the validation part."""

    step: int
    heads: list[list[HeadHabits]]


class HeadsOverTime(Response):
    """How heads form: from the snapshots of a run."""

    run_id: str
    steps: list[HeadsAtStep]


class ChangedOdds(Response):
    """A token that may come next, with all heads and without some."""

    id: int
    text: str
    odds: float
    odds_without: float


class Ablation(Response):
    """Losses in nats per token, null where there was nothing to measure them on."""

    run_id: str
    loss: float | None = Field(description="Of the text.")
    loss_without: float | None
    validation: float | None = Field(description="Of windows from the validation part.")
    validation_without: float | None
    windows: int
    cut: int
    next: list[ChangedOdds]


class Alternative(Response):
    """A token and its odds."""

    id: int
    text: str
    odds: float


class TokenRead(Response):
    """One token as the model saw it coming; all null for the first, which nothing stands before."""

    id: int
    text: str
    odds: float | None
    rank: int | None = Field(description="1 is the likeliest.")
    surprise: float | None = Field(description="In nats.")
    entropy: float | None = Field(description="The surprise that was to be expected, in nats.")
    alternatives: list[Alternative]


class Reading(Response):
    """A text token by token, and the means over it."""

    run_id: str
    tokens: list[TokenRead]
    loss: float | None = Field(description="Nats per token.")
    perplexity: float | None
    bits_per_byte: float | None


class LayerSays(Response):
    """What a layer would have said, by place."""

    name: str
    likeliest: list[list[Alternative]]
    final_odds: list[float] = Field(description="Of the token that the last layer says.")
    final_rank: list[int]


class Lens(Response):
    """What each layer would have said; `places` are those of `tokens` after which it speaks."""

    run_id: str
    tokens: list[str]
    places: list[int]
    layers: list[LayerSays]
    cut: int


class PathStep(Response):
    """One thing that happens to the token; null is a masked place."""

    name: str
    title: str
    formula: str
    numbers: str
    columns: str = Field(description="`width`, `head`, `tokens`, `hidden` or `candidates`.")
    rows: list[list[float | None]]
    worked: str = Field(description="The formula with the numbers behind one of them.")
    row: int = Field(description="Where the number that is worked out stands.")
    column: int
    texts: list[str] = Field(description="Of the candidates.")


class StreamLength(Response):
    """How long the residual stream is at a probe point."""

    name: str
    length: float


class TokenPath(Response):
    """One token's way through a layer, and the length of its stream through all."""

    run_id: str
    tokens: list[str]
    place: int
    layer: int
    steps: list[PathStep]
    stream: list[StreamLength]
    cut: int


class CopiedRun(Response):
    """Words in a row that the training part has too, and what stands around them there."""

    start: int = Field(description="First character.")
    end: int
    words: int = Field(description="Its length in `unit`.")
    before: str
    same: str
    after: str


class CopyCheck(Response):
    """What of a text is word for word in the training part.

    Where a text does not separate its words, as in Chinese, characters are counted instead.
    """

    run_id: str
    unit: Literal["words", "characters"] = Field(description="What is counted.")
    shortest: int = Field(description="Of how many in a row runs are shown.")
    gram: int = Field(description="Shares are of so many in a row.")
    runs: list[CopiedRun] = Field(description="The longest first.")
    words: int
    novel: float | None = Field(description="Share that the training part does not have.")
    novel_in_validation: float | None = Field(description="The same of text that no model wrote.")
    training_words: int
    whole: bool = Field(description="Whether all of the training part could be looked through.")
