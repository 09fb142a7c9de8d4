"""Lessons: the list, one with its steps, what the learner predicts and reaches."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from gtt.api.schemas.base import RUN_ID, Request, Response
from gtt.runs.managed_run import State
from gtt.teaching.marking import Mark

MOST_VALUES = 12  # of a sketched curve

LessonState = Literal["new", "begun", "done"]


class OfLesson(Request):
    """A request about one lesson."""

    lesson: str = Field(
        max_length=100,
        description="The lesson's name, as the list has it.",
        examples=["noise_to_words"],
    )


class OfLessonStep(OfLesson):
    """A request about one step of a lesson."""

    step: str = Field(max_length=100, description="The step's id.", examples=["before"])


class AnswerLesson(OfLessonStep):
    """A prediction: the place of an option, a number, or the values of a sketched curve."""

    answer: int | float | list[float] = Field(
        description="Counted from 0 where it is an option.", examples=[1]
    )


class LessonInfo(Response):
    """A lesson as lists show it, and how far the desk got."""

    name: str
    title: str
    minutes: int
    about: str
    needs: list[str]
    steps: int
    step: int = Field(description="How many of them lie behind.")
    state: LessonState


class Lessons(Response):
    """All lessons in their order."""

    lessons: list[LessonInfo]
    taken: str | None = Field(description="The lesson that the desk has open.")


class LessonRun(Response):
    """A run of a lesson. One that was deleted since has no state any more."""

    name: str = Field(description="What the lesson calls it.")
    run_id: str = Field(examples=[RUN_ID])
    title: str | None
    state: State | None


class LessonPrediction(Response):
    """A question, and the answer once it was given. What is right is told only then."""

    kind: Literal["choice", "number", "curve"]
    question: str
    options: list[str]
    low: float | None
    high: float | None
    unit: str
    points: int | None
    answer: int | float | list[float] | None
    mark: Mark | None
    because: str | None
    right: str | None = Field(description="What was right, in words.")
    right_option: int | None


class LessonStart(Response):
    """The run that a step starts."""

    run: str
    label: str
    can_start: bool = Field(description="Whether there is none yet, or none that got to its end.")


class LessonWriting(Response):
    """A way to let the model write: words for a button, and settings."""

    label: str
    settings: dict[str, Any]


class LessonSample(Response):
    """What a model wrote at a step of its training."""

    step: int
    text: str


class LessonCurve(Response):
    """A curve of one of the lesson's runs, as steps and values."""

    run: str
    points: list[tuple[int, float]]


class LessonShow(Response):
    """What a step shows on the learner's own runs."""

    kind: Literal["samples", "curves", "writing", "tokens"]
    runs: list[LessonRun]
    samples: list[LessonSample]
    curves: list[LessonCurve]
    lines: dict[str, float]
    text: str
    max_new_tokens: int
    ways: list[LessonWriting]


class LessonCondition(Response):
    """Something that a step waits for, and how it stands."""

    met: bool
    text: str


class LessonStep(Response):
    """One step. `explain` is told when it is done; `awaits` is what is to be done next."""

    id: str
    title: str
    text: str
    predict: LessonPrediction | None
    start: LessonStart | None
    show: LessonShow | None
    point: str | None
    until: list[LessonCondition]
    awaits: Literal["answer", "start", "conditions"] | None
    explain: str | None


class LessonResponse(Response):
    """A lesson as it stands on the desk: the steps behind, and the one that is open."""

    lesson: LessonInfo
    steps: list[LessonStep]
    titles: list[str] = Field(description="Of all steps, also of those to come.")
    runs: list[LessonRun]


class LessonOutcome(Response):
    """A prediction and what came of it, in words."""

    step: str
    question: str
    answer: str
    right: str | None
    mark: Mark


class LessonRunOutcome(Response):
    """A run of a lesson and what it reached."""

    name: str
    run_id: str
    title: str | None
    state: State | None
    step: int | None
    validation_loss: float | None


class LessonSummary(Response):
    """One lesson that was begun: predictions, outcomes, runs."""

    lesson: LessonInfo
    begun_at: str
    done_at: str | None
    predictions: list[LessonOutcome]
    runs: list[LessonRunOutcome]


class LessonSummaries(Response):
    """Everything that was begun on the desk, for the learner and for a teacher."""

    lessons: list[LessonSummary]
