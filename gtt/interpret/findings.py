"""Findings, the parts of a diagnosis: sentence, evidence and, where there is one, a fix."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal[
    "diverged",
    "learning_rate_too_high",
    "learning_rate_too_low",
    "exploding_gradient",
    "overfitting",
    "memorising",
    "dead_units",
    "plateau",
    "under_trained",
    "near_floor",
    "healthy",
    "cut_short",
    "too_early",
    "architecture",
    "dropout_too_high",
    "no_order",
    "text_repeated",
    "parts_unlike",
    "behind",
    "unsettled",
    "not_yet",
    "unproven",
]
Weight = Literal["good", "note", "warning"]


@dataclass(frozen=True)
class Fix:
    """Settings to train again with. `label` is what the button says; `changes` are nested."""

    label: str
    changes: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Finding:
    """One thing that a run shows.

    `sentence` says in plain words what is seen and what it means, `evidence` the numbers behind
    it. `since_step` is where it began, None where that cannot be told. `concept` is the id of the
    explanation in `gtt/explanations` that goes further.
    """

    kind: Kind
    title: str
    sentence: str
    evidence: str
    weight: Weight
    concept: str
    since_step: int | None = None
    fix: Fix | None = None
