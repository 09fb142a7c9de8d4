"""Lessons as data: a file of `gtt/lessons`, read and checked, so that a teacher writes no code.

Every step is predict, do, see, explain: a question before anything is shown, a run to start, what
it has to reach, and then the explanation with the learner's own numbers. `docs/lessons.md` shows
how to write one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from gtt.config import GenerationConfig, RunConfig
from gtt.errors import BadInput, InvalidSetting
from gtt.recipes import load_recipe, recipe_names
from gtt.settings import nearest, parse
from gtt.teaching.conditions import Condition
from gtt.teaching.facts import names_in, unknown_fact

FOLDER = Path(__file__).resolve().parent.parent / "lessons"

# Where a lesson can point; `gtt/web/lib/places.js` knows what each is on the page.
Place = Literal[
    "recipes",
    "start",
    "data.source",
    "data.tokens",
    "model.drawing",
    "model.follow",
    "training.curves",
    "training.samples",
    "training.findings",
    "training.compare",
    "generation.write",
    "attention.maps",
]

Id = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
Text = Annotated[str, Field(min_length=1, max_length=4000)]
Line = Annotated[str, Field(min_length=1, max_length=300)]


class LessonPart(BaseModel):
    """Base of what a lesson consists of: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Option(LessonPart):
    """One answer to choose, and what there is to say to whoever chose it."""

    text: Line
    right: bool = False
    because: Text


class ChoicePrediction(LessonPart):
    """A question with answers to choose from."""

    kind: Literal["choice"]
    question: Text
    options: tuple[Option, ...] = Field(min_length=2, max_length=8)

    @model_validator(mode="after")
    def _has_a_right_one(self) -> ChoicePrediction:
        if not any(option.right for option in self.options):
            raise ValueError("no option is marked `right: true`")
        return self


class NumberPrediction(LessonPart):
    """A question for a number from `low` to `high`.

    `answer` is a number, or a fact of a run that is known later, as `first.validation_loss`; what
    lies within `within` of it is right.
    """

    kind: Literal["number"]
    question: Text
    low: float
    high: float
    unit: str = Field("", max_length=40)
    answer: float | str
    within: float = Field(gt=0)
    because: Text

    @model_validator(mode="after")
    def _has_a_range(self) -> NumberPrediction:
        if self.low >= self.high:
            raise ValueError("`low` must be below `high`")
        if isinstance(self.answer, (int, float)) and not self.low <= self.answer <= self.high:
            raise ValueError("`answer` lies outside of `low` to `high`")
        return self


class CurvePrediction(LessonPart):
    """A curve to sketch before the run has drawn it: `points` values at even steps.

    It is right where it lies within `within` nats of the run's curve on average.
    """

    kind: Literal["curve"]
    question: Text
    run: Id
    curve: Literal["loss", "validation_loss"]
    points: int = Field(6, ge=3, le=12)
    low: float
    high: float
    within: float = Field(gt=0)
    because: Text


Prediction = Annotated[
    ChoicePrediction | NumberPrediction | CurvePrediction, Field(discriminator="kind")
]


class Start(LessonPart):
    """A run to start: the lesson calls it `run`, its settings are a recipe's with changes."""

    run: Id
    recipe: str
    settings: dict[str, Any] = Field(default_factory=dict)
    label: Line = "Start the run"

    @property
    def changes(self) -> dict[str, dict[str, Any]]:
        """The changed settings by group."""
        groups: dict[str, dict[str, Any]] = {}
        for setting, value in self.settings.items():
            group, _, name = setting.partition(".")
            groups.setdefault(group, {})[name] = value
        return groups

    def config(self) -> RunConfig:
        """What is trained; raises `BadInput`."""
        return load_recipe(self.recipe).config.updated(self.changes)


class ShowSamples(LessonPart):
    """What the model wrote at some steps of its training."""

    kind: Literal["samples"]
    run: Id


class ShowCurves(LessonPart):
    """The loss of some runs in one chart, with the lines of the first one's text."""

    kind: Literal["curves"]
    runs: tuple[Id, ...] = Field(min_length=1, max_length=6)
    curve: Literal["loss", "validation_loss"] = "validation_loss"
    lines: tuple[Literal["uniform", "unigram", "bigram", "floor"], ...] = ()


class Writing(LessonPart):
    """Settings to write with, and the words on their button."""

    label: Line
    settings: dict[str, Any] = Field(default_factory=dict)


class ShowWriting(LessonPart):
    """Buttons that let a model write, each with settings of its own."""

    kind: Literal["writing"]
    run: Id
    prompt: str = Field("", max_length=500)
    max_new_tokens: int = Field(80, ge=1, le=400)
    ways: tuple[Writing, ...] = Field(min_length=1, max_length=6)


class ShowTokens(LessonPart):
    """A text of the learner's cut into the tokens of some runs."""

    kind: Literal["tokens"]
    runs: tuple[Id, ...] = Field(min_length=1, max_length=4)
    text: Line


Show = Annotated[ShowSamples | ShowCurves | ShowWriting | ShowTokens, Field(discriminator="kind")]


class Step(LessonPart):
    """One step: what to read, to predict, to do and to reach, and what explains it."""

    id: Id
    title: Line
    text: Text
    predict: Prediction | None = None
    start: Start | None = None
    show: Show | None = None
    point: Place | None = None
    until: tuple[Condition, ...] = ()
    explain: Text | None = None

    def runs(self) -> Iterator[str]:
        """The names of the runs that the step needs, apart from one that it starts."""
        for condition in self.until:
            yield from condition.runs()
        if isinstance(self.predict, CurvePrediction):
            yield self.predict.run
        if isinstance(self.predict, NumberPrediction) and isinstance(self.predict.answer, str):
            yield from names_in("{" + self.predict.answer + "}")
        if isinstance(self.show, (ShowSamples, ShowWriting)):
            yield self.show.run
        elif self.show is not None:
            yield from self.show.runs

    def texts(self) -> Iterator[str]:
        """Every text in which facts may stand."""
        yield self.text
        yield self.explain or ""
        if isinstance(self.predict, ChoicePrediction):
            yield self.predict.question
            for option in self.predict.options:
                yield from (option.text, option.because)
        elif self.predict is not None:
            yield from (self.predict.question, self.predict.because)


class Lesson(LessonPart):
    """One lesson file. `order` is its place in the list, `minutes` what it takes."""

    name: Id
    title: Line
    order: int = Field(1000, ge=0, le=1000)
    minutes: int = Field(ge=1, le=60)
    about: Text
    needs: tuple[Line, ...] = ()
    steps: tuple[Step, ...] = Field(min_length=1, max_length=30)

    @model_validator(mode="after")
    def _holds_together(self) -> Lesson:
        """Runs are started before they are needed, and every fact is one."""
        started: set[str] = set()
        ids: set[str] = set()
        for number, step in enumerate(self.steps):
            if step.id in ids:
                raise Misplaced(("steps", number, "id"), f"two steps have the id {step.id!r}")
            ids.add(step.id)
            if step.start is not None:
                self._check_start(number, step.start)
                started.add(step.start.run)
            bindable = {run for condition in step.until for run in condition.runs()}
            later = {one.start.run for one in self.steps[number + 1 :] if one.start is not None}
            predicted = isinstance(step.predict, (NumberPrediction, CurvePrediction))
            for run in step.runs():
                if run not in started | bindable and not (predicted and run in later):
                    raise Misplaced(
                        ("steps", number), f"it needs a run {run!r}, which no step before starts"
                    )
            started |= bindable
            for text in step.texts():
                self._check_facts(number, text, started | (later if predicted else set()))
            self._check_answer(number, step)
            self._check_writing(number, step)
        return self

    def _check_start(self, number: int, start: Start) -> None:
        if start.recipe not in recipe_names():
            message = nearest("recipe", start.recipe, recipe_names())
            raise Misplaced(("steps", number, "start", "recipe"), message)
        try:
            start.config()
        except InvalidSetting as error:
            raise Misplaced(("steps", number, "start", "settings"), error.message) from None

    def _check_facts(self, number: int, text: str, runs: set[str]) -> None:
        fault = unknown_fact(text, runs)
        if fault is not None:
            raise Misplaced(("steps", number), fault)

    def _check_answer(self, number: int, step: Step) -> None:
        predict = step.predict
        if isinstance(predict, NumberPrediction) and isinstance(predict.answer, str):
            fault = unknown_fact("{" + predict.answer + "}", None)
            if fault is not None:
                raise Misplaced(("steps", number, "predict", "answer"), fault)

    def _check_writing(self, number: int, step: Step) -> None:
        if isinstance(step.show, ShowWriting):
            for way, writing in enumerate(step.show.ways):
                try:
                    parse(GenerationConfig, writing.settings)
                except InvalidSetting as error:
                    place = ("steps", number, "show", "ways", way, "settings")
                    raise Misplaced(place, error.message) from None

    def step(self, id: str) -> tuple[int, Step]:
        """A step and its place; raises `BadInput` with the nearest id."""
        for number, step in enumerate(self.steps):
            if step.id == id:
                return number, step
        raise BadInput(nearest("step", id, [step.id for step in self.steps]), field="step")


class Misplaced(ValueError):
    """A fault of a lesson at a place in its file."""

    def __init__(self, place: tuple[str | int, ...], message: str) -> None:
        super().__init__(message)
        self.place = place


@cache
def lessons() -> Mapping[str, Lesson]:
    """Every lesson by name, in their order; raises `BadInput` at the first malformed one."""
    return read_lessons(FOLDER)


def lesson_of(name: str) -> Lesson:
    """A lesson; raises `BadInput` with the nearest name."""
    if name not in lessons():
        raise BadInput(nearest("lesson", name, list(lessons())), field="lesson")
    return lessons()[name]


def read_lessons(folder: Path) -> dict[str, Lesson]:
    """The lessons of a folder's `*.yaml` files, by name, in their order."""
    read = [read_lesson(path) for path in sorted(folder.glob("*.yaml"))]
    return {lesson.name: lesson for lesson in sorted(read, key=lambda lesson: lesson.order)}


def read_lesson(path: Path) -> Lesson:
    """One lesson file; raises `BadInput`, whose sentence names the file and the line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        values = yaml.safe_load(text)
    except OSError as error:
        raise BadInput(f"{path.name} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise BadInput(f"{path.name} is not UTF-8 text: save it in that encoding.") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f", line {mark.line + 1}" if mark else ""
        raise BadInput(f"{path.name}{where}: this is no YAML: {error.problem}.") from None
    if not isinstance(values, dict) or node is None:
        raise BadInput(f"{path.name} is no lesson: it must hold title, minutes, about and steps.")
    try:
        return Lesson.model_validate({**values, "name": path.stem})
    except ValidationError as error:
        # An unknown key shows twice, as unknown and as missing: the unknown one says more.
        fault = min(error.errors(), key=lambda fault: fault["type"] != "extra_forbidden")
        cause = fault.get("ctx", {}).get("error")
        place = cause.place if isinstance(cause, Misplaced) else fault["loc"]
        where, line = _place_in(node, place)
        raise BadInput(
            f"{path.name}, line {line}{': ' + where if where else ''}: {_sentence(fault)}"
        ) from None


def _place_in(node: yaml.Node, place: tuple[str | int, ...]) -> tuple[str, int]:
    """The dotted path and the line of a place, as far as the file has it.

    Names of kinds, which pydantic puts into the path of a union, are no keys and are passed over.
    """
    path: list[str] = []
    line = node.start_mark.line
    for part in place:
        if isinstance(node, yaml.MappingNode):
            pair = next((pair for pair in node.value if pair[0].value == part), None)
            if pair is None:
                continue
            line, node = pair[0].start_mark.line, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            if part >= len(node.value):
                continue
            node = node.value[part]
            line = node.start_mark.line
        else:
            continue
        path.append(str(part + 1) if isinstance(part, int) else part)
    return ".".join(path), line + 1


def _sentence(fault: ErrorDetails) -> str:
    """What is wrong, in one sentence."""
    kind, key = fault["type"], str(fault["loc"][-1]) if fault["loc"] else ""
    if kind == "extra_forbidden":
        return f"there is no key {key!r} here:{_near_key(fault)}"
    if kind == "missing":
        return f"the key {key!r} is missing."
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        about = fault["ctx"]
        return (
            f"{about['discriminator']} must be one of {about['expected_tags']}."
            if kind == "union_tag_invalid"
            else f"the key {about['discriminator']} is missing, which says what this is."
        )
    message = re.sub(r"^Value error, ", "", fault["msg"]).rstrip(".")
    return f"{message[0].lower()}{message[1:]}."


def _near_key(fault: ErrorDetails) -> str:
    """The nearest key that the same part has, or all that it has."""
    fields = list(_part_at(fault["loc"][:-1]).model_fields)
    return nearest("key", str(fault["loc"][-1]), fields).partition(":")[2]


def _part_at(place: tuple[str | int, ...]) -> type[BaseModel]:
    """The part of a lesson that a path of keys, places in lists and kinds leads to."""
    parts: list[type[BaseModel]] = [Lesson]
    for key in place:
        if isinstance(key, int):
            continue
        field = next((part.model_fields[key] for part in parts if key in part.model_fields), None)
        parts = (
            _parts_in(field.annotation)
            if field
            else [part for part in parts if key in _kinds_of(part)]
        )
    return parts[0] if parts else Lesson


def _parts_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [part for inner in get_args(annotation) for part in _parts_in(inner)]


def _kinds_of(part: type[BaseModel]) -> tuple[str, ...]:
    """What says of a part in a file which of several it is."""
    tag = part.model_fields.get("kind") or part.model_fields.get("that")
    return get_args(tag.annotation) if tag is not None else ()
