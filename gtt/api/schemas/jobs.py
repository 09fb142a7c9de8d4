"""Runs on machines of the Hugging Face Hub."""

from __future__ import annotations

from pydantic import Field

from gtt.api.schemas.base import OfRun, Response
from gtt.api.schemas.runs import JOB_TOKEN


class FollowJob(OfRun):
    """The job of a run, followed again."""

    token: str | None = JOB_TOKEN


class MachineInfo(Response):
    """A machine that the Hub lends."""

    name: str
    title: str
    cpu: str
    memory: str
    gpu: str | None
    dollars_per_hour: float


class Machines(Response):
    """The machines, the cheapest first, and what is proposed for the draft."""

    machines: list[MachineInfo]
    minutes: float = Field(description="A time limit for the draft, with room to spare.")
    seconds_here: float | None = Field(
        description="What the draft takes on this computer, where that can be told."
    )
    has_login: bool = Field(
        description="Whether this computer is signed in to the Hub for whoever uses it, so that no "
        "token is needed."
    )
