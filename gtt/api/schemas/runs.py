"""Runs: creating, listing, reading, stopping and resuming them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from gtt.api.schemas.base import ID, RUN_ID, SCREEN, OfRun, Request, Response
from gtt.api.schemas.changes import ConfigChanges
from gtt.config import RunConfig
from gtt.runs.hub_job import Stage
from gtt.runs.managed_run import State
from gtt.settings import Name
from gtt.training.events import EvaluationMetrics, SnapshotMetrics, StepMetrics

IdempotencyKey = Annotated[
    str | None,
    Field(
        min_length=1,
        max_length=200,
        description="The same key again returns the run that it made before. Over REST also as "
        "the header Idempotency-Key.",
    ),
]


JOB_TOKEN = Field(
    None,
    max_length=10_000,
    description="A token of the Hub that may run jobs and write to your repositories. It is kept "
    "nowhere. Left out, whoever is signed in with `hf auth login` on their own computer is meant.",
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
    name: Name | None = Field(
        None,
        description="A name of your own; left out, the run is named for its text, its tokenizer "
        "and its size.",
    )
    screen: dict[str, Any] | None = SCREEN
    idempotency_key: IdempotencyKey = None


class RunOnHub(Request):
    """A new run as `CreateRun` makes it, on a machine of the Hub that its user pays for."""

    recipe: str | None = Field(None, max_length=100, description="As for a new run.")
    config: ConfigChanges | None = Field(  # type: ignore[valid-type]
        None, description="As for a new run."
    )
    name: Name | None = Field(None, description="As for a new run.")

    flavor: str = Field(
        max_length=100, description="A machine, by its name.", examples=["t4-small"]
    )
    minutes: float = Field(
        gt=0,
        le=100_000,
        description="The time limit, installation included: what is trained by then is saved.",
        examples=[30],
    )
    at_most: float = Field(
        ge=0,
        le=1_000_000,
        description="The dollars that you agree to pay; refused where the machine may cost more in "
        "its time limit.",
        examples=[0.2],
    )
    repo: str | None = Field(
        None,
        max_length=200,
        description="USER/NAME of a new private repository for what goes there and comes back; "
        "left out, one is made.",
        examples=["anna/gtt-first-job"],
    )
    token: str | None = JOB_TOKEN
    idempotency_key: IdempotencyKey = None


class Train(Request):
    """Start a run as `CreateRun` does, or stop the desk's current one."""

    action: Literal["start", "stop"] = Field("start", description="What to do.", examples=["start"])
    recipe: str | None = Field(None, max_length=100, description="As for a new run.")
    config: ConfigChanges | None = Field(  # type: ignore[valid-type]
        None, description="As for a new run."
    )
    idempotency_key: IdempotencyKey = None


class RenameRun(OfRun):
    """Another name for a run."""

    name: Name = Field(description="The new name.", examples=["wider"])


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
        None,
        description="What differs from the old run.",
        examples=[{"training": {"learning_rate": 0.001}}],
    )
    idempotency_key: IdempotencyKey = None


class ListRuns(Request):
    """One page of the desk's runs, the newest first."""

    limit: int = Field(50, ge=1, le=200, description="Runs on one page.")
    before: str | None = Field(
        None,
        pattern=ID,
        description="The last run id of the page before this one.",
        examples=[RUN_ID],
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


class JobInfo(Response):
    """The machine of the Hub that a run trains or trained on."""

    stage: Stage = Field(
        description="`lost` is a job that nobody follows and that may go on; `over` costs nothing "
        "further."
    )
    flavor: str
    title: str
    dollars_per_hour: float
    minutes: float = Field(description="The time limit.")
    dollars: float = Field(description="What it has cost so far, nearly.")
    dollars_at_most: float
    url: str | None = Field(description="The job on the Hub.")
    repo: str | None = Field(description="Where what it trains is kept on the Hub.")
    message: str | None = Field(description="What is to be said of it, in a sentence.")


class Restarted(Response):
    """The run that another was restarted from, with the name that it had then."""

    id: str
    name: str


class RunInfo(Response):
    """A run as lists show it."""

    id: str
    name: str
    state: State
    message: str | None = Field(description="How it ended, in a sentence.")
    created: str
    recipe: str = Field(
        description="The recipe that its settings were begun from, or are nearest to."
    )
    changed: list[str] = Field(description="The settings that are not as in that recipe.")
    restarted_from: Restarted | None = Field(description="The run that it was restarted from.")
    text: str = Field(description="What a person calls the text it is trained on.")
    tokenizer: str = Field(description="How the text becomes tokens, in words.")
    parameters: int = Field(
        description="Trainable numbers; nearly, until the text has been read for the first time."
    )
    step: int
    total_steps: int | None
    loss: float | None
    validation_loss: float | None
    best_validation_loss: float | None
    resumable: bool
    queue: Place | None
    job: JobInfo | None = Field(description="Where it trains, if that is not this computer.")


class RunStatus(RunInfo, SnapshotMetrics, EvaluationMetrics, StepMetrics):
    """A run with everything that moves, the newest value of each metric among it.

    Losses in nats per token, times in seconds.
    """

    seq: int = Field(description="The cursor: the `seq` of the last event in this.")
    stage: str | None = Field(description="What is being prepared.")
    fraction: float | None = Field(description="How far that is, from 0 to 1.")
    vocab_size: int | None
    tokens_per_step: int | None
    train_tokens: int | None
    validation_tokens: int | None
    baselines: dict[str, float | None] | None
    bytes_per_token: float | None
    precision: str | None
    device: str | None
    eta_seconds: float | None
    exam: str | None = Field(
        description="What the task score is a share of, `valid sentences` or `exact answers`; null "
        "where the text has no exam."
    )
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
