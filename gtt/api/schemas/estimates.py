"""Estimates of a run: parameters, memory, operations, time."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gtt.api.schemas.base import OfDraftOrRun, Response


class EstimateRun(OfDraftOrRun):
    """What a run, or the desk's draft, will take."""

    measure: bool = Field(
        False,
        description="Time a few small models on this machine first, if its speed is not known: "
        "that takes some seconds, and is done only while nothing trains.",
        examples=[True],
    )


class ParameterCount(Response):
    """The parameters of one kind."""

    name: str
    label: str
    parameters: int
    per_block: int | None = Field(description="Of each block, where every block has as many.")


class MemoryShare(Response):
    """What one kind of thing takes of the memory."""

    name: str
    label: str
    bytes: int


class RunEstimate(Response):
    """What a run will take. Everything here is estimated, except parameters of a known vocabulary.

    Times are null where nothing was measured on this machine yet, and the time of all steps also
    where their number is not known before the text is read.
    """

    is_estimate: Literal[True]
    vocab_size: int
    vocabulary_is_assumed: bool = Field(description="The text decides, and was not read yet.")
    parameters: int
    parameter_parts: list[ParameterCount]
    memory_bytes: int = Field(description="Of the process at the fullest moment of training.")
    memory_parts: list[MemoryShare]
    operations_per_step: int = Field(description="Floating-point operations.")
    tokens_per_step: int
    precision: str
    seconds_per_step: float | None
    tokens_per_second: float | None
    steps: int | None
    seconds: float | None = Field(description="Of all steps and evaluations.")
    basis: str = Field(description="What the times rest on, as a sentence.")
    measurable: bool = Field(description="Whether asking with `measure` would measure the machine.")
    provisional: bool = Field(
        description="Whether other programs were at work when the machine was measured: ask again "
        "with `measure` in half a minute."
    )
    notes: list[str] = Field(description="What to know before starting, as sentences.")
