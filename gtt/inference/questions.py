"""The jobs of the processes as plain values, without torch.

A `checkpoint` is the folder of one. `corpora` is where tokenised texts lie: that of the checkpoint
is looked up there by its fingerprint, and where it is gone the answer does without.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, get_args

from gtt.exports.formats import WeightsName


@dataclass(frozen=True)
class GenerateJob:
    """Text drawn from a model; `settings` as `GenerationConfig` takes them.

    It begins with the tokens `prompt_ids`, else with the prompt among the settings, else with the
    default one, or with the first token where the tokenizer does not know that. Pieces are
    `{"text"}`, the last is `{"done": True, "prompt", "text", "ids", "tokens", "seconds",
    "tokens_per_second", "seed"}` with the whole text and the ids of prompt and text.
    """

    checkpoint: str
    settings: dict[str, Any] = field(default_factory=dict)
    prompt_ids: list[int] | None = None


@dataclass(frozen=True)
class Look:
    """A question about a checkpoint that draws no text."""

    checkpoint: str


@dataclass(frozen=True)
class AttentionJob(Look):
    """Attention by layer, head, query and key, of the `layers` and `heads` asked for or of all.

    `{"tokens", "ids", "cut", "layers", "heads", "weights", "scores", "packed"}`. `scores`, where
    asked for, are those before the softmax, None for the future. `packed` has the weights instead
    as base64 of little-endian uint16, 65535 for 1: for each layer and head the rows of the lower
    triangle one behind the other. Read are the last 256 tokens, the last block, or as many as keep
    the answer at half a million weights, packed at four million; `cut` counts the others.
    """

    text: str
    layers: list[int] | None = None
    heads: list[int] | None = None
    scores: bool = False
    packed: bool = False


@dataclass(frozen=True)
class HabitsJob(Look):
    """The habits of every head: `{"heads", "chance", "measured_on", "tokens", "period"}`.

    `heads` by layer and head: the fields of `gtt.interpret.heads.Habits`, `name`, and for an
    induction head `fed_by`, the `gtt.interpret.heads.Feeder`s it depends on.
    """

    corpora: str


@dataclass(frozen=True)
class AblationJob(Look):
    """What a text and the validation part cost with heads switched off.

    `{"loss", "loss_without", "validation", "validation_without", "windows", "next"}`; `next` lists
    tokens with `odds` and `odds_without`, those first whose odds are largest in either.
    """

    text: str
    heads: list[tuple[int, int]]
    corpora: str
    count: int = 10


@dataclass(frozen=True)
class ReadingJob(Look):
    """The surprise of each token of a text, or of token ids, for the model.

    `{"tokens", "loss", "perplexity", "bits_per_byte"}`: the fields of `TokenReading`, `text`, and
    `alternatives` with `id`, `text` and `odds`.
    """

    text: str | None = None
    ids: list[int] | None = None
    alternatives: int = 8


@dataclass(frozen=True)
class LensJob(Look):
    """The logit lens (nostalgebraist 2020) after each of the last `positions` tokens.

    `{"tokens", "places", "layers", "cut"}`; each layer has `name` and, by place, its `count`
    likeliest tokens and `final_odds` and `final_rank`, of the token that the last layer says.
    """

    text: str
    positions: int = 24
    count: int = 5


@dataclass(frozen=True)
class FollowJob(Look):
    """One token's way through a layer: `{"tokens", "place", "layer", "steps", "stream", "cut"}`.

    `place` counts from 0, or backwards from -1, among the tokens that are read. Of the step named
    `step` the number at `row` and `column` is worked out, of the others their largest.
    """

    text: str
    place: int = -1
    layer: int = 0
    step: str = ""
    row: int = 0
    column: int = 0


@dataclass(frozen=True)
class CopiesJob(Look):
    """What of a text stands word for word in the training part: the fields of `Copies`.

    `{"runs", "words", "novel", "novel_in_validation", "training_words", "whole"}`; `whole` tells
    whether all of the training part could be looked through in the time there is.
    """

    text: str
    corpora: str


@dataclass(frozen=True)
class DrawingJob:
    """The graph of a model: `{"nodes", "edges", "missing", "missing_edges", "source"}`.

    `model` as `ModelConfig` takes it.
    """

    model: dict[str, Any]
    vocab_size: int
    batch: int
    tokens: int


@dataclass(frozen=True)
class NextTokenJob(Look):
    """The likeliest tokens after a text: `{"tokens", "entropy", "context_tokens", "cut", "ids"}`.

    Each token has `id`, `text`, `odds` as the model has them and `kept_odds` after temperature,
    top-k, top-p and repetition penalty. The entropy is in nats; `cut` counts tokens dropped on the
    left. With `packed`, `logits` are all of them, base64 of little-endian float32, and `ids` what
    was read.
    """

    text: str = ""
    ids: list[int] | None = None
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    repetition_penalty: float = 1.0
    count: int = 20
    packed: bool = False


@dataclass(frozen=True)
class TokenizeJob:
    """A text as tokens, by the tokenizer of a checkpoint or by one trained on this very text.

    `{"tokens", "count", "characters", "characters_per_token", "vocab_size", "unknown"}`.
    """

    text: str
    tokenizer: str = "bpe"
    vocab_size: int = 512
    checkpoint: str | None = None


@dataclass(frozen=True)
class OfText:
    """A question about a text to train on; `data` as `DataConfig` takes it, folders as paths."""

    data: dict[str, Any]
    corpora: str
    downloads: str
    sources: str | None
    uploads: str


@dataclass(frozen=True)
class PreviewJob(OfText):
    """What a text is, without fetching it: the fields of `gtt.data.preview.Preview`."""


@dataclass(frozen=True)
class CompareJob(OfText):
    """A sentence as characters, as byte pairs that the text teaches, and as GPT-2 reads it.

    `{"ways": [...]}`, each with `name`, `tokens` (`id`, `text`, `whole`), `count`,
    `characters_per_token`, `vocab_size`, `unknown`, and `said` where it cannot be had.
    """

    text: str = ""


@dataclass(frozen=True)
class MergesJob(OfText):
    """How the byte pairs that the text teaches join the bytes of a sentence, step by step.

    `{"start", "steps", "learned", "vocab_size"}`.
    """

    text: str = ""


@dataclass(frozen=True)
class FigureJob:
    """Loss curves of runs as a file: `{"file": base64}`, None where there is nothing to draw.

    `runs` has the fields of `gtt.interpret.figures.RunCurves`, the others are those of its figures.
    """

    runs: list[dict[str, Any]]
    baselines: dict[str, float | None] | None
    form: str
    unit: str
    log: bool
    dark: bool


@dataclass(frozen=True)
class ExportJob:
    """A run in one of the formats of `gtt.exports`, written to `out`: `{}`.

    Without a checkpoint it is of what the journal tells alone.
    """

    checkpoint: str | None
    run: str
    form: str
    out: str
    corpora: str
    weights: WeightsName = "auto"


@dataclass(frozen=True)
class CalibrateJob:
    """How fast this machine trains small models with so many threads: `{"auto", "timed"}`."""

    threads: int


Job = (
    GenerateJob
    | AttentionJob
    | HabitsJob
    | AblationJob
    | ReadingJob
    | LensJob
    | FollowJob
    | CopiesJob
    | DrawingJob
    | NextTokenJob
    | TokenizeJob
    | PreviewJob
    | CompareJob
    | MergesJob
    | CalibrateJob
    | ExportJob
    | FigureJob
)
OfReader = OfText | TokenizeJob | FigureJob
"""What needs no model: it goes to the processes that read."""
KINDS: dict[str, type[Job]] = {kind.__name__: kind for kind in get_args(Job)}
