"""The journal of a run: events, curves, checkpoints."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from gtt.api.schemas.base import MAX_POINTS, OfMaybeRun, OfRun, Response
from gtt.api.schemas.runs import RunStatus, Sample


class ReadEvents(OfRun):
    """The journal of a run from a cursor on."""

    after: int = Field(0, ge=0, le=2**53, description="Only events with a larger `seq`.")
    limit: int = Field(1000, ge=1, le=5000, description="Events at most.")


class ReadMetrics(OfMaybeRun):
    """The curves of a run."""

    points: int = Field(
        1000, ge=10, le=MAX_POINTS, description="Points per curve; of more, minima and maxima stay."
    )
    after_step: int = Field(
        -1, ge=-1, le=2**53, description="Only points after this step.", examples=[100]
    )


class WatchRun(OfMaybeRun):
    """Where a watcher stands: what it has seen of a run."""

    after: int = Field(0, ge=0, le=2**53, description="The `cursor` of the answer before.")
    resumes: int = Field(0, ge=0, le=2**53, description="The `resumes` of the answer before.")


class OfCheckpoint(OfRun):
    """One checkpoint of a run."""

    step: int = Field(
        ge=0, le=10**8, description="The step of a checkpoint that is kept.", examples=[100]
    )


class CheckpointInfo(Response):
    """A checkpoint that is kept."""

    step: int
    best: bool
    bytes: int


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
    snapshots: list[int] = Field(description="Steps whose inside can be looked at.")
    schedule: list[tuple[int, float]] = Field(description="The learning rate as planned.")


class Checkpoints(Response):
    """The checkpoints that are kept."""

    checkpoints: list[CheckpointInfo]
