"""The draft, the recipes, the settings, the schedule."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from gtt.api.schemas.base import MAX_POINTS, SCREEN, OfDraftOrRun, Request, Response
from gtt.api.schemas.changes import ConfigChanges
from gtt.config import RunConfig
from gtt.recipes import MeasuredRun
from gtt.settings import Part


class SetConfig(Request):
    """A partial update of the desk's draft, or a recipe to begin it anew from."""

    recipe: str | None = Field(
        None, max_length=100, description="Begin from this recipe instead of the present draft."
    )
    config: ConfigChanges | None = Field(  # type: ignore[valid-type]
        None,
        description="Settings to change; what is left out stays as it is.",
        examples=[{"model": {"n_layers": 4}}],
    )
    screen: dict[str, Any] | None = SCREEN


class LrSchedule(OfDraftOrRun):
    """The learning rate over a run that is planned or done."""

    total_steps: int | None = Field(
        None,
        ge=1,
        le=10**8,
        description="Where the settings count epochs: steps to assume.",
        examples=[1000],
    )
    points: int = Field(200, ge=2, le=MAX_POINTS, description="Points of the curve.")


class ConfigResponse(Response):
    """The draft on the caller's desk."""

    config: RunConfig
    parameters: int | None = Field(
        description="Parameters of the model; null where the vocabulary is not known beforehand."
    )
    recipe: str = Field(description="The recipe it was begun from.")
    changed: list[str] = Field(description="The settings that are not as in the recipe.")
    link: str = Field(description="What stands in the address of a page that shows this draft.")


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
    measured: MeasuredRun | None
    seconds_here: float | None = Field(
        description="What it will take on this machine, where its speed was measured."
    )
    order: int = Field(description="Its place in lists, the smallest first.")
    needs: Literal["gpu"] | None = Field(description="What a machine has to have for it.")
    lacks_gpu: bool = Field(description="It needs a GPU, and this machine has none.")


class Recipes(Response):
    """All recipes."""

    recipes: list[RecipeInfo]


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
    part: Part | None = Field(description="The part of the page on which it stands.")
    tip: str
    body: str


class SettingsResponse(Response):
    """Every setting, with its explanation."""

    settings: list[SettingInfo]
