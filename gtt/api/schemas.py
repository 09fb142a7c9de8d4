"""What goes in and what comes out: one model per request and response, for every surface.

Requests are strict: an unknown key is refused with the nearest known one, numbers are finite and
within limits, and a partial update changes what it names. Responses are plain values.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.fields import FieldInfo

from gtt.config import GROUPS, RunConfig
from gtt.settings import Name, Settings

MAX_TEXT = 20_000  # characters of a prompt or of a text to tokenize
MAX_POINTS = 10_000
ID = r"^[A-Za-z0-9-]{1,100}$"
# Text without lone surrogates; pydantic refuses those by itself.


def _optional(model: type[Settings], name: str) -> type[Settings]:
    """The same settings, each of which may be left out: a partial update."""
    fields: dict[str, Any] = {}
    for key, field in model.model_fields.items():
        inner = _optional_group(field, key)
        fields[key] = inner
    return create_model(name, __base__=Settings, __doc__=model.__doc__, **fields)


def _optional_group(field: FieldInfo, key: str) -> tuple[Any, Any]:
    annotation: Any = field.annotation
    if key in GROUPS:
        return CHANGES[key], Field(default=None, title=field.title)
    extra = field.json_schema_extra
    copy = FieldInfo.merge_field_infos(field, default=None, json_schema_extra=extra)
    return annotation, copy


CHANGES = {
    group: _optional(model, f"{model.__name__.removesuffix('Config')}Changes")
    for group, model in GROUPS.items()
}
ConfigChanges = _optional(RunConfig, "ConfigChanges")


class Request(Settings):
    """Base of all requests."""


class Nothing(Request):
    """A request that needs to say nothing."""


class OfRun(Request):
    """A request about one run."""

    run_id: str = Field(pattern=ID, description="The id of a run on the caller's desk.")


class OfMaybeRun(Request):
    """A request about one run, or about the desk's current one."""

    run_id: str | None = Field(
        None, pattern=ID, description="A run of the caller's desk; left out, its current one."
    )


class SetConfig(Request):
    """A partial update of the desk's draft, or a recipe to begin it anew from."""

    recipe: str | None = Field(
        None, max_length=100, description="Begin from this recipe instead of the present draft."
    )
    config: ConfigChanges | None = Field(  # type: ignore[valid-type]
        None, description="Settings to change; what is left out stays as it is."
    )


class CreateRun(Request):
    """A new run from a recipe, or from the desk's draft, with changes."""

    recipe: str | None = Field(
        None,
        max_length=100,
        description="A recipe's name; left out, the desk's draft is trained.",
        examples=["quickstart"],
    )
    config: ConfigChanges | None = Field(  # type: ignore[valid-type]
        None,
        description="Settings that differ from it.",
        examples=[{"training": {"max_steps": 200}}],
    )
    name: Name | None = Field(None, description="A name of your own.")
    idempotency_key: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        description="The same key again returns the run that it made before. Over REST also as "
        "the header Idempotency-Key.",
    )


class Train(Request):
    """Start a run as `CreateRun` does, or stop the desk's current one."""

    action: Literal["start", "stop"] = Field("start", description="What to do.")
    recipe: str | None = Field(None, max_length=100, description="As for a new run.")
    config: ConfigChanges | None = Field(  # type: ignore[valid-type]
        None, description="As for a new run."
    )


class RenameRun(OfRun):
    """Another name for a run."""

    name: Name = Field(description="The new name.")


class ResumeRun(OfRun):
    """Going on with a run, perhaps with other settings of training or generation."""

    config: ConfigChanges | None = Field(  # type: ignore[valid-type]
        None,
        description="Changes to training or generation; the model and the data stay.",
        examples=[{"training": {"max_steps": 2000}}],
    )


class RestartRun(OfRun):
    """A new run with the settings of an old one, changed."""

    config: ConfigChanges | None = Field(  # type: ignore[valid-type]
        None, description="What differs from the old run."
    )


class ListRuns(Request):
    """One page of the desk's runs, the newest first."""

    limit: int = Field(50, ge=1, le=200, description="Runs on one page.")
    before: str | None = Field(
        None, pattern=ID, description="The last run id of the page before this one."
    )


class ReadEvents(OfRun):
    """The journal of a run from a cursor on."""

    after: int = Field(0, ge=0, le=2**53, description="Only events with a larger `seq`.")
    limit: int = Field(1000, ge=1, le=5000, description="Events at most.")


class ReadMetrics(OfMaybeRun):
    """The curves of a run."""

    points: int = Field(
        1000, ge=10, le=MAX_POINTS, description="Points per curve; of more, minima and maxima stay."
    )
    after_step: int = Field(-1, ge=-1, le=2**53, description="Only points after this step.")


class WatchRun(OfMaybeRun):
    """Where a watcher stands: what it has seen of a run."""

    after: int = Field(0, ge=0, le=2**53, description="The `cursor` of the answer before.")
    resumes: int = Field(0, ge=0, le=2**53, description="The `resumes` of the answer before.")


class OfCheckpoint(OfRun):
    """One checkpoint of a run."""

    step: int = Field(ge=0, le=10**8, description="The step of a checkpoint that is kept.")


class Inside(OfMaybeRun):
    """A look into a checkpoint."""

    checkpoint: str = Field(
        "best",
        pattern=r"^(best|latest|\d{1,9})$",
        description="`best`, `latest`, or the step of one that is kept.",
    )


class Generate(Inside):
    """Text to go on from, and how to draw. What is left out is as the run has it."""

    prompt: str | None = Field(
        None, min_length=1, max_length=MAX_TEXT, description="Text to go on from."
    )
    max_new_tokens: int | None = Field(None, ge=1, le=2000, description="Tokens to draw.")
    temperature: float | None = Field(
        None, ge=0, le=100, description="0 takes the likeliest token each time."
    )
    top_k: int | None = Field(None, ge=0, le=1_000_000, description="Only the k likeliest; 0: all.")
    top_p: float | None = Field(None, ge=0, le=1, description="Only the likeliest up to this sum.")
    stop: list[str] | None = Field(
        None, max_length=16, description="The text ends before the first of these."
    )
    seed: int | None = Field(None, ge=0, lt=2**32, description="The same seed, the same text.")


class NextToken(Inside):
    """The odds of what comes after a text."""

    text: str = Field(min_length=1, max_length=MAX_TEXT, description="What was read so far.")
    temperature: float = Field(1.0, ge=0, le=100, description="As for generation.")
    top_k: int = Field(0, ge=0, le=1_000_000, description="As for generation.")
    top_p: float = Field(1.0, ge=0, le=1, description="As for generation.")
    count: int = Field(20, ge=1, le=200, description="Tokens to list, the likeliest first.")


class CaptureAttention(Inside):
    """What each head looks at while the model reads a text."""

    text: str = Field(min_length=1, max_length=MAX_TEXT, description="At most 256 tokens are read.")
    layers: list[int] | None = Field(
        None, max_length=64, description="Layers to return, from 0; left out, all."
    )


class Tokenize(Request):
    """A text to cut into tokens."""

    text: str = Field(min_length=1, max_length=MAX_TEXT, description="Any text.")
    run_id: str | None = Field(
        None, pattern=ID, description="With the tokenizer of this run; left out, one of its own."
    )
    tokenizer: Literal["char", "bpe"] = Field(
        "bpe", description="Without a run: what to train on this very text."
    )
    vocab_size: int = Field(512, ge=256, le=8192, description="Without a run: tokens of BPE.")


class LrSchedule(OfMaybeRun):
    """The learning rate over a run that is planned or done."""

    total_steps: int | None = Field(
        None, ge=1, le=10**8, description="Where the settings count epochs: steps to assume."
    )
    points: int = Field(200, ge=2, le=MAX_POINTS, description="Points of the curve.")


class Upload(Request):
    """The name of a text; the text itself is the body."""

    name: str = Field(
        "text.txt",
        min_length=1,
        max_length=255,
        description="The file's name, for its ending: .txt .md .csv .json .jsonl .parquet",
    )


class OfUpload(Request):
    """One text that was uploaded."""

    upload_id: str = Field(pattern=r"^[A-Za-z0-9_-]{8,64}$", description="Its id.")


# ------------------------------------------------------------------------------ responses


class Response(BaseModel):
    """Base of all responses."""

    model_config = ConfigDict(extra="forbid")


class ErrorDetail(Response):
    """What is wrong: a code for programs, the field at fault, a sentence for people."""

    code: str
    field: str | None
    message: str


class ErrorResponse(Response):
    """The answer to a request that is refused."""

    error: ErrorDetail


class ConfigResponse(Response):
    """The draft on the caller's desk."""

    config: RunConfig
    parameters: int | None = Field(
        description="Parameters of the model; null where the vocabulary is not known beforehand."
    )


class Place(Response):
    """A place in the queue."""

    place: int = Field(description="1 is the next to start.")
    wait_seconds: float = Field(description="Until it starts, as far as can be told.")


class Sample(Response):
    """Text that the model wrote while it was trained."""

    step: int
    prompt: str
    text: str


class CheckpointInfo(Response):
    """A checkpoint that is kept."""

    step: int
    best: bool
    bytes: int


class RunInfo(Response):
    """A run as lists show it."""

    id: str
    name: str
    state: Literal[
        "queued",
        "preparing",
        "running",
        "stopping",
        "completed",
        "stopped",
        "out_of_time",
        "diverged",
        "failed",
        "interrupted",
    ]
    message: str | None = Field(description="How it ended, in a sentence.")
    created: str
    recipe: str = Field(description="The name in its configuration.")
    step: int
    total_steps: int | None
    loss: float | None
    validation_loss: float | None
    best_validation_loss: float | None
    resumable: bool
    queue: Place | None


class RunStatus(RunInfo):
    """A run with everything that moves. Losses in nats per token, times in seconds."""

    seq: int = Field(description="The cursor: the `seq` of the last event in this.")
    stage: str | None = Field(description="What is being prepared.")
    fraction: float | None = Field(description="How far that is, from 0 to 1.")
    parameters: int | None
    vocab_size: int | None
    tokens_per_step: int | None
    train_tokens: int | None
    validation_tokens: int | None
    baselines: dict[str, float | None] | None
    bytes_per_token: float | None
    precision: str | None
    device: str | None
    learning_rate: float | None
    gradient_norm: float | None
    tokens_per_second: float | None
    tokens: int | None
    epoch: float | None
    seconds: float | None
    eta_seconds: float | None
    perplexity: float | None
    bits_per_byte: float | None
    task_score: float | None
    best_step: int | None
    sample: Sample | None
    notes: list[str]


class StatusResponse(Response):
    """The desk's current run, or null."""

    run: RunStatus | None


class RunResponse(Response):
    """One run with its configuration."""

    run: RunStatus
    config: RunConfig


class RunsPage(Response):
    """One page of runs."""

    runs: list[RunInfo]
    next: str | None = Field(description="What to send as `before` for the next page.")


class Deleted(Response):
    """Something is gone, or will be."""

    deleted: str
    undo_seconds: float | None = Field(description="For how long it can be brought back.")


class EventsPage(Response):
    """Events in their order."""

    events: list[dict[str, Any]]
    last: int = Field(description="The `seq` to go on from.")
    state: str


class Curve(Response):
    """Columns of equal length."""

    steps: list[int]
    values: list[float | None]


class Metrics(Response):
    """The curves of a run, thinned by minimum and maximum where they are long."""

    run_id: str
    seq: int
    state: str
    curves: dict[str, Curve]
    baselines: dict[str, float | None] | None


class Watch(Response):
    """A run and what is new of it. Curves and schedule are pairs of step and value."""

    run: RunStatus | None
    cursor: int = Field(description="What to send as `after` next time.")
    resumes: int
    fresh: bool = Field(description="Whether the curves are whole and replace what was sent.")
    curves: dict[str, list[tuple[int, float]]]
    samples: list[Sample]
    schedule: list[tuple[int, float]] = Field(description="The learning rate as planned.")


class Checkpoints(Response):
    """The checkpoints that are kept."""

    checkpoints: list[CheckpointInfo]


class Text(Response):
    """A text and how it was drawn."""

    run_id: str
    prompt: str
    text: str
    tokens: int
    seconds: float
    tokens_per_second: float
    seed: int | None


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


class Attention(Response):
    """Weights by layer, head, query and key; each row sums to 1."""

    run_id: str
    tokens: list[str]
    ids: list[int]
    cut: int
    layers: list[int]
    weights: list[list[list[list[float]]]]


class Part(Response):
    """One part of the model."""

    name: str
    kind: str
    shape: list[int | str]
    parameters: int = Field(description="0 where the vocabulary is not known beforehand.")


class Architecture(Response):
    """The model part by part, in the order in which data flow."""

    config: dict[str, Any]
    vocab_size: int | None
    parameters: int | None
    parts: list[Part]


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


class Schedule(Response):
    """The learning rate over the steps."""

    total_steps: int
    assumed: bool = Field(description="Whether `total_steps` is a guess: epochs of unread text.")
    steps: list[int]
    learning_rates: list[float]


class RecipeInfo(Response):
    """A recipe and what it reached where it was measured."""

    name: str
    title: str
    summary: str
    audience: str
    config: RunConfig
    measured: dict[str, Any] | None


class Recipes(Response):
    """All recipes."""

    recipes: list[RecipeInfo]


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


class UploadInfo(Response):
    """A text that was uploaded. Train on it with `data.source` set to `source`."""

    id: str
    name: str
    bytes: int
    created: str
    source: str


class Datasets(Response):
    """Built-in sources and the desk's own texts."""

    sources: list[SourceInfo]
    uploads: list[UploadInfo]


class SettingInfo(Response):
    """One setting as a form shows it."""

    key: str
    label: str
    kind: str
    unit: str | None
    default: Any
    choices: list[str] | None
    limits: dict[str, float]
    slider: dict[str, Any] | None
    tip: str
    body: str


class SettingsResponse(Response):
    """Every setting, with its explanation."""

    settings: list[SettingInfo]


class Health(Response):
    """The server answers."""

    status: Literal["ok"]


class Stats(Response):
    """What the server is busy with; nothing about anybody."""

    slots: int
    runs: dict[str, int]
    waiting: int
    workspaces: int
    spare_is_warm: bool
    server_bytes: int
    worker_bytes: int
    inference: dict[str, Any]
    disk_bytes: int
    uptime_seconds: float
