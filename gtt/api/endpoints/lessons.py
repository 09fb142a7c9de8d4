"""Lessons: taken one step at a time, each held against the learner's own runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import permutations
from typing import Literal

from gtt.api.api_errors import Conflict
from gtt.api.endpoints.runs import begin_run
from gtt.api.schemas import (
    AnswerLesson,
    Deleted,
    LessonCondition,
    LessonCurve,
    LessonInfo,
    LessonOutcome,
    LessonPrediction,
    LessonResponse,
    LessonRun,
    LessonRunOutcome,
    Lessons,
    LessonSample,
    LessonShow,
    LessonStart,
    LessonStep,
    LessonSummaries,
    LessonSummary,
    LessonWriting,
    Nothing,
    OfLesson,
    OfLessonStep,
)
from gtt.api.service import Caller
from gtt.api.table import endpoint
from gtt.runs.managed_run import ACTIVE, ManagedRun
from gtt.runs.naming import free_name
from gtt.teaching.facts import RunFacts, fill, value_of
from gtt.teaching.lesson import (
    ChoicePrediction,
    CurvePrediction,
    Lesson,
    Prediction,
    Show,
    ShowCurves,
    ShowSamples,
    ShowTokens,
    ShowWriting,
    Step,
    lesson_of,
    lessons,
)
from gtt.teaching.marking import check_answer, mark
from gtt.teaching.progress import (
    PROGRESS,
    Answer,
    DeskProgress,
    LessonProgress,
    now,
    read_progress,
)

MOST_CANDIDATES = 12  # of the desk's newest runs that may be the one a step waits for

Awaited = Literal["answer", "start", "conditions"] | None


@endpoint("GET", "/api/lessons", rate="read", tag="lessons", name="lessons")
def list_lessons(caller: Caller, request: Nothing) -> Lessons:
    """The lessons in their order, and how far the desk got in each."""
    kept = read_progress(caller.desk.folder)
    infos = [_info(lesson, kept.lessons.get(lesson.name)) for lesson in lessons().values()]
    begun = {info.name for info in infos if info.state == "begun"}
    return Lessons(lessons=infos, taken=kept.taken if kept.taken in begun else None)


@endpoint("GET", "/api/lessons/{lesson}", rate="watch", tag="lessons", name="lesson")
def read_lesson(caller: Caller, request: OfLesson) -> LessonResponse:
    """A lesson as it stands: the steps behind with what came of them, and the one that is open."""
    lesson = lesson_of(request.lesson)
    progress = read_progress(caller.desk.folder).lessons.get(lesson.name)
    return _response(caller, lesson, progress or LessonProgress(begun=now()))


@endpoint("POST", "/api/lessons/{lesson}/answer", rate="write", tag="lessons")
def answer_lesson(caller: Caller, request: AnswerLesson) -> LessonResponse:
    """Keeps the prediction of a step; the first one stands."""
    lesson = lesson_of(request.lesson)
    number, step = lesson.step(request.step)
    if step.predict is None:
        raise Conflict("This step asks for no prediction.", field="step")
    answer = check_answer(step.predict, request.answer)
    with caller.desk.lock:
        progress = _open(caller, lesson, number).answered(step.id, answer)
        _keep(caller, lesson, progress)
    return _response(caller, lesson, progress)


@endpoint("POST", "/api/lessons/{lesson}/run", rate="create", status=201, tag="lessons")
def start_lesson_run(caller: Caller, request: OfLessonStep) -> LessonResponse:
    """Starts the run of a step. One that is at work or has come to its end is not started again."""
    lesson = lesson_of(request.lesson)
    number, step = lesson.step(request.step)
    if step.start is None:
        raise Conflict("This step starts no run.", field="step")
    with caller.desk.lock:
        progress = _open(caller, lesson, number)
        if step.predict is not None and step.id not in progress.answers:
            raise Conflict("Predict first: the run shows what is right.", field="step")
        if _can_start(caller, progress.runs.get(step.start.run)):
            taken = {run.name for run in caller.runs()}
            words = f"{lesson.name}, {step.start.run}".replace("_", " ")
            name = free_name(words, taken)
            run = begin_run(caller, step.start.config(), name, None)
            progress = progress.with_run(step.start.run, run.id)
            _keep(caller, lesson, progress)
    return _response(caller, lesson, progress)


@endpoint("POST", "/api/lessons/{lesson}/next", rate="write", tag="lessons")
def advance_lesson(caller: Caller, request: OfLessonStep) -> LessonResponse:
    """Goes on to the next step; refused while something of this one is left to do."""
    lesson = lesson_of(request.lesson)
    number, step = lesson.step(request.step)
    with caller.desk.lock:
        progress = _open(caller, lesson, number)
        bound = _bound(caller, lesson, progress, step)
        if number >= progress.step:
            awaited = _awaited(caller, step, progress, _facts(caller, bound))
            if awaited is not None:
                raise Conflict(_LEFT[awaited], field="step")
        for name, run_id in bound.items():
            progress = progress.with_run(name, run_id)
        progress = progress.advanced(number, last=number == len(lesson.steps) - 1)
        _keep(caller, lesson, progress)
    return _response(caller, lesson, progress)


@endpoint("DELETE", "/api/lessons/{lesson}", rate="write", tag="lessons")
def forget_lesson(caller: Caller, request: OfLesson) -> Deleted:
    """Forgets how far the desk got in a lesson, to take it again; its runs stay."""
    lesson = lesson_of(request.lesson)
    _keep(caller, lesson, None)
    return Deleted(deleted=lesson.name, undo_seconds=None)


@endpoint("GET", "/api/lesson_summary", rate="read", tag="lessons")
def lesson_summary(caller: Caller, request: Nothing) -> LessonSummaries:
    """What was predicted, what came of it and which runs were trained, lesson by lesson."""
    kept = read_progress(caller.desk.folder).lessons
    return LessonSummaries(
        lessons=[
            _summary(caller, lesson, kept[lesson.name])
            for lesson in lessons().values()
            if lesson.name in kept
        ]
    )


_LEFT = {
    "answer": "Predict first: then the next step opens.",
    "start": "Start the run of this step first.",
    "conditions": "This step waits for something that is not reached yet.",
}


def _info(lesson: Lesson, progress: LessonProgress | None) -> LessonInfo:
    state: Literal["new", "begun", "done"] = "new"
    if progress is not None and (progress.step or progress.answers or progress.runs):
        state = "done" if progress.done else "begun"
    return LessonInfo(
        name=lesson.name,
        title=lesson.title,
        minutes=lesson.minutes,
        about=" ".join(lesson.about.split()),
        needs=list(lesson.needs),
        steps=len(lesson.steps),
        step=min(progress.step, len(lesson.steps)) if progress else 0,
        state=state,
    )


def _open(caller: Caller, lesson: Lesson, number: int) -> LessonProgress:
    """The desk's progress, in which a step must be open; raises `Conflict` for one to come."""
    progress = read_progress(caller.desk.folder).lessons.get(lesson.name)
    progress = progress or LessonProgress(begun=now())
    if number > progress.step:
        title = lesson.steps[min(progress.step, len(lesson.steps) - 1)].title
        raise Conflict(f"This step is not open yet: “{title}” comes first.", field="step")
    return progress


def _keep(caller: Caller, lesson: Lesson, progress: LessonProgress | None) -> None:
    with caller.desk.lock:
        kept: DeskProgress = read_progress(caller.desk.folder)
        changed = kept.changed(lesson.name, progress)
        if changed != kept:
            caller.desk.write_file(PROGRESS, changed.as_bytes())


# ------------------------------------------------------------------ runs of a lesson


def _owned(caller: Caller, run_id: str) -> ManagedRun | None:
    run = caller.service.manager.get(run_id)
    return run if run is not None and caller.owns(run) else None


def _can_start(caller: Caller, run_id: str | None) -> bool:
    """Whether a step's run was never started, was deleted, or did not come to its end."""
    run = _owned(caller, run_id) if run_id else None
    return run is None or run.state() not in (*ACTIVE, "completed", "diverged")


def _facts(caller: Caller, runs: Mapping[str, str]) -> dict[str, RunFacts]:
    found = {name: _owned(caller, run_id) for name, run_id in runs.items()}
    return {name: RunFacts.of(run) for name, run in found.items() if run is not None}


def _bound(caller: Caller, lesson: Lesson, progress: LessonProgress, step: Step) -> dict[str, str]:
    """The runs by name, those included which a step waits for and no step starts.

    A learner starts those as they like: the newest that meet the step's conditions are meant.
    """
    bound = dict(progress.runs)
    started = {one.start.run for one in lesson.steps if one.start is not None}
    names = {name for condition in step.until for name in condition.runs()}
    free = sorted(names - started - set(bound))
    if not free:
        return bound
    candidates = [
        run
        for run in caller.runs()[:MOST_CANDIDATES]
        if run.created >= progress.begun and run.id not in bound.values()
    ]
    facts = {run.id: RunFacts.of(run) for run in candidates}
    known = _facts(caller, bound)
    for ids in permutations(facts, len(free)):
        tried = {**known, **{name: facts[id] for name, id in zip(free, ids, strict=True)}}
        if all(condition.standing(tried).met for condition in step.until):
            return {**bound, **dict(zip(free, ids, strict=True))}
    return bound


def _lesson_runs(caller: Caller, runs: Mapping[str, str]) -> Iterator[LessonRun]:
    for name, run_id in runs.items():
        run = _owned(caller, run_id)
        yield LessonRun(
            name=name,
            run_id=run_id,
            title=run.name if run else None,
            state=run.state() if run else None,
        )


# ------------------------------------------------------------------ steps


def _response(caller: Caller, lesson: Lesson, progress: LessonProgress) -> LessonResponse:
    last = min(progress.step, len(lesson.steps) - 1)
    bound = _bound(caller, lesson, progress, lesson.steps[last])
    facts = _facts(caller, bound)
    return LessonResponse(
        lesson=_info(lesson, progress),
        steps=[
            _step(caller, step, progress, bound, facts, number < progress.step)
            for number, step in enumerate(lesson.steps[: last + 1])
        ],
        titles=[step.title for step in lesson.steps],
        runs=list(_lesson_runs(caller, bound)),
    )


def _awaited(
    caller: Caller, step: Step, progress: LessonProgress, facts: Mapping[str, RunFacts]
) -> Awaited:
    """What of a step is to be done next."""
    if step.predict is not None and step.id not in progress.answers:
        return "answer"
    if step.start is not None and _can_start(caller, progress.runs.get(step.start.run)):
        return "start"
    if not all(condition.standing(facts).met for condition in step.until):
        return "conditions"
    return None


def _step(
    caller: Caller,
    step: Step,
    progress: LessonProgress,
    bound: Mapping[str, str],
    facts: Mapping[str, RunFacts],
    is_behind: bool,
) -> LessonStep:
    awaited = None if is_behind else _awaited(caller, step, progress, facts)
    is_told = awaited is None and step.explain is not None
    return LessonStep(
        id=step.id,
        title=step.title,
        text=fill(step.text, facts),
        predict=_prediction(step.predict, progress.answers.get(step.id), facts)
        if step.predict
        else None,
        start=LessonStart(
            run=step.start.run,
            label=step.start.label,
            can_start=_can_start(caller, progress.runs.get(step.start.run)),
        )
        if step.start
        else None,
        show=_show(caller, step, bound, facts) if awaited != "answer" else None,
        point=step.point,
        until=[
            LessonCondition(met=standing.met, text=standing.text)
            for standing in (condition.standing(facts) for condition in step.until)
        ],
        awaits=awaited,
        explain=fill(step.explain, facts) if is_told and step.explain else None,
    )


def _prediction(
    prediction: Prediction, answer: Answer | None, facts: Mapping[str, RunFacts]
) -> LessonPrediction:
    is_choice = isinstance(prediction, ChoicePrediction)
    marked = mark(prediction, answer, facts) if answer is not None else None
    right_option = None
    if isinstance(prediction, ChoicePrediction) and marked is not None:
        right_option = next(i for i, option in enumerate(prediction.options) if option.right)
    return LessonPrediction(
        kind=prediction.kind,
        question=fill(prediction.question, facts),
        options=[fill(option.text, facts) for option in prediction.options]
        if isinstance(prediction, ChoicePrediction)
        else [],
        low=None if isinstance(prediction, ChoicePrediction) else prediction.low,
        high=None if isinstance(prediction, ChoicePrediction) else prediction.high,
        unit="" if is_choice else getattr(prediction, "unit", "nats"),
        points=prediction.points if isinstance(prediction, CurvePrediction) else None,
        answer=list(answer) if isinstance(answer, tuple) else answer,
        mark=marked.mark if marked else None,
        because=marked.because if marked else None,
        right=marked.right if marked else None,
        right_option=right_option,
    )


def _show(
    caller: Caller, step: Step, bound: Mapping[str, str], facts: Mapping[str, RunFacts]
) -> LessonShow | None:
    show = step.show
    if show is None:
        return None
    names = (show.run,) if isinstance(show, (ShowSamples, ShowWriting)) else show.runs
    runs = {name: bound[name] for name in names if name in bound}
    lines: dict[str, float] = {}
    curves, samples = [], []
    if isinstance(show, ShowCurves):
        for line in show.lines:
            value = value_of(f"{show.runs[0]}.{line}", facts)
            if isinstance(value, float):
                lines[line] = value
        curves = [
            LessonCurve(run=name, points=facts[name].curves[show.curve])
            for name in runs
            if name in facts
        ]
    elif isinstance(show, ShowSamples) and show.run in facts:
        samples = [LessonSample(step=at, text=text) for at, text in facts[show.run].samples]
    return LessonShow(
        kind=show.kind,
        runs=list(_lesson_runs(caller, runs)),
        samples=samples,
        curves=curves,
        lines=lines,
        text=_shown_text(show),
        max_new_tokens=show.max_new_tokens if isinstance(show, ShowWriting) else 0,
        ways=[LessonWriting(label=way.label, settings=way.settings) for way in show.ways]
        if isinstance(show, ShowWriting)
        else [],
    )


def _shown_text(show: Show) -> str:
    if isinstance(show, ShowTokens):
        return show.text
    return show.prompt if isinstance(show, ShowWriting) else ""


# ------------------------------------------------------------------ what a teacher sees


def _summary(caller: Caller, lesson: Lesson, progress: LessonProgress) -> LessonSummary:
    facts = _facts(caller, progress.runs)
    outcomes = []
    for step in lesson.steps:
        answer = progress.answers.get(step.id)
        if step.predict is None or answer is None:
            continue
        marked = mark(step.predict, answer, facts)
        outcomes.append(
            LessonOutcome(
                step=step.title,
                question=fill(step.predict.question, facts),
                answer=_in_words(step.predict, answer, facts),
                right=marked.right,
                mark=marked.mark,
            )
        )
    return LessonSummary(
        lesson=_info(lesson, progress),
        begun_at=progress.begun,
        done_at=progress.done,
        predictions=outcomes,
        runs=[
            LessonRunOutcome(
                name=run.name,
                run_id=run.run_id,
                title=run.title,
                state=run.state,
                step=facts[run.name].view.step if run.name in facts else None,
                validation_loss=facts[run.name].view.validation_loss if run.name in facts else None,
            )
            for run in _lesson_runs(caller, progress.runs)
        ],
    )


def _in_words(prediction: Prediction, answer: Answer, facts: Mapping[str, RunFacts]) -> str:
    if isinstance(prediction, ChoicePrediction):
        assert isinstance(answer, (int, float))
        return fill(prediction.options[int(answer)].text, facts)
    if isinstance(answer, tuple):
        return ", ".join(f"{value:.2f}" for value in answer)
    return f"{answer:g} {getattr(prediction, 'unit', '')}".strip()
