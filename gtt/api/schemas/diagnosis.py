"""The diagnosis of a run: findings and fixes."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from gtt.api.schemas.base import Response
from gtt.interpret.findings import Kind, Weight


class FindingFix(Response):
    """Settings to train again with."""

    label: str = Field(description="What a button for it says.")
    changes: dict[str, dict[str, Any]] = Field(
        description="What differs from the run's settings, as `restart_run` takes it."
    )


class FindingInfo(Response):
    """One thing that a run shows, with its numbers and, where there is one, a fix."""

    kind: Kind
    title: str
    sentence: str = Field(description="What is seen and what it means, in plain words.")
    evidence: str = Field(description="The numbers behind it.")
    weight: Weight
    concept: str = Field(description="The id of the explanation that goes further.")
    about: str = Field(description="That explanation, in paragraphs.")
    since_step: int | None = Field(description="Where it began, as far as can be told.")
    fix: FindingFix | None


class Diagnosis(Response):
    """The findings about a run up to a step, warnings first."""

    run_id: str
    step: int
    findings: list[FindingInfo]
