"""Comparison of runs, and their downloads."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from gtt.api.schemas.base import ID, OTHER_RUN_ID, RUN_ID, OfRun, Request, Response

MOST_RUNS = 8
IDS = rf"{ID[:-1]}(,[A-Za-z0-9-]{{1,100}}){{0,{MOST_RUNS - 2}}}$"


def _truth(value: Any) -> Any:
    """True or false also as text, which is all that an address or a text field carries."""
    return {"true": True, "false": False}.get(value.lower(), value) if type(value) is str else value


Flag = Annotated[bool, Field(strict=True), BeforeValidator(_truth)]


class CompareRuns(Request):
    """Some runs of the desk, to be held against each other."""

    run_ids: list[Annotated[str, Field(pattern=ID)]] = Field(
        min_length=2,
        max_length=MOST_RUNS,
        description="The ids of 2 to 8 different runs on the caller's desk.",
        examples=[[RUN_ID, OTHER_RUN_ID]],
    )


class DrawFigure(OfRun):
    """The loss curves of a run as a picture. What is left out is as the description says."""

    format: Literal["svg", "png"] | None = Field(
        None, description="`svg`, or `png`.", examples=["svg"]
    )
    unit: Literal["loss", "perplexity", "bits"] | None = Field(
        None,
        description="`loss` in nats per token, `perplexity`, or `bits` per byte.",
        examples=["loss"],
    )
    log: Flag | None = Field(
        None, description="Whether the axis of losses is logarithmic.", examples=[True]
    )
    dark: Flag | None = Field(None, description="Whether it is for a dark page.", examples=[False])
    also: str | None = Field(
        None,
        pattern=IDS,
        description="Ids of up to seven other runs to lay over it, with commas between.",
        examples=[OTHER_RUN_ID],
    )


class RunFigures(Response):
    """What came of a run. Losses in nats per token, bits per byte at the best of them."""

    steps: int
    tokens: int | None
    seconds: float | None = Field(description="Of training, without evaluation.")
    tokens_per_second: float | None = Field(description="The mean over the run.")
    parameters: int | None
    loss: float | None
    validation_loss: float | None
    best_validation_loss: float | None
    best_step: int | None
    bits_per_byte: float | None
    task_score: float | None


class ComparedRun(Response):
    """One of the runs. Curves are pairs of step and value, thinned by minimum and maximum."""

    id: str
    name: str
    text: str = Field(description="What a person calls its text.")
    state: str
    loss: list[tuple[int, float]]
    validation_loss: list[tuple[int, float]]
    progress: list[tuple[int, int, float]] = Field(
        description="Steps, tokens and seconds of training at some moments, for other axes."
    )
    bytes_per_token: float | None
    figures: RunFigures


class SettingDifference(Response):
    """A setting that is not the same in all of the runs, with its value in each by id."""

    key: str
    label: str
    unit: str | None
    values: dict[str, Any]


class ComparedRuns(Response):
    """Runs held against each other, in the order in which they were asked for."""

    runs: list[ComparedRun]
    settings: list[SettingDifference]
    best: dict[str, list[str]] = Field(
        description="By figure the ids of the runs that did best in it, where that means something."
    )
    cautions: list[str] = Field(description="What to bear in mind when comparing, in sentences.")
