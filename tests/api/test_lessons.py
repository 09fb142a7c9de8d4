"""Taking lessons over the table of endpoints, with a worker that trains nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from managing import ending_workers
from small_lessons import offering
from waiting import until
from worker_standin import COMMAND

from gtt.api.api_errors import Conflict
from gtt.api.endpoints.lessons import (
    advance_lesson,
    answer_lesson,
    forget_lesson,
    lesson_summary,
    list_lessons,
    read_lesson,
    start_lesson_run,
)
from gtt.api.endpoints.runs import create_run, delete_run
from gtt.api.schemas import (
    AnswerLesson,
    CreateRun,
    LessonResponse,
    Nothing,
    OfLesson,
    OfLessonStep,
    OfRun,
)
from gtt.api.service import Caller, Service
from gtt.api.workspaces import new_key
from gtt.errors import BadInput
from gtt.runs.home import Home
from gtt.runs.limits import Limits
from gtt.settings import parse

LESSON = """\
title: A small lesson
minutes: 1
about: About it.
steps:
  - id: ask
    title: Ask
    text: Think.
    predict:
      kind: choice
      question: Which?
      options:
        - { text: This, right: true, because: It is. }
        - { text: That, because: It is not. }
    explain: So it is.
  - id: train
    title: Train
    text: Train it.
    predict:
      kind: number
      question: The loss?
      low: 0
      high: 9
      answer: first.loss
      within: 9
      because: "{first.loss}"
    start: { run: first, recipe: quickstart, settings: { training.max_steps: 20 } }
    until:
      - { that: has_ended, run: first }
    show: { kind: curves, runs: [first], curve: loss }
    explain: "It took {first.steps} steps."
  - id: own
    title: One of your own
    text: Another learning rate.
    until:
      - { that: differs_only_in, run: mine, other: first, settings: [training.learning_rate] }
      - { that: has_ended, run: mine }
    explain: "{mine.name} did."
"""


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    home = tmp_path / "home"
    with offering(tmp_path / "lessons", small=LESSON), ending_workers(home):
        made = Service(Home(home), Limits.for_space(), spare=False, worker=COMMAND)
        yield made
        made.close()


@pytest.fixture
def caller(service: Service) -> Caller:
    return service.caller(new_key())


def of(step: str) -> OfLessonStep:
    return OfLessonStep(lesson="small", step=step)


def answer(caller: Caller, step: str, value: Any) -> LessonResponse:
    request = parse(AnswerLesson, {"lesson": "small", "step": step, "answer": value}, strict=True)
    return answer_lesson(caller, request)


def read(caller: Caller) -> LessonResponse:
    return read_lesson(caller, OfLesson(lesson="small"))


def trained(caller: Caller) -> None:
    """The first two steps are taken, and the run of the second has ended."""
    answer(caller, "ask", 0)
    advance_lesson(caller, of("ask"))
    answer(caller, "train", 4.5)
    start_lesson_run(caller, of("train"))
    until(lambda: read(caller).steps[-1].awaits is None, 60)


def test_a_lesson_is_predict_do_see_explain(caller: Caller) -> None:
    first = read(caller)
    assert [step.id for step in first.steps] == ["ask"] and first.titles[1] == "Train"
    assert first.steps[0].awaits == "answer" and first.steps[0].explain is None
    assert first.steps[0].predict is not None and first.steps[0].predict.right is None
    with pytest.raises(Conflict, match="Predict first"):
        advance_lesson(caller, of("ask"))
    marked = answer(caller, "ask", 1).steps[0]
    assert marked.predict is not None and marked.explain == "So it is."
    assert (marked.predict.mark, marked.predict.right_option) == ("wrong", 0)
    assert marked.predict.because == "It is not."
    again = answer(caller, "ask", 0).steps[0].predict
    assert again is not None and again.answer == 1, "the first answer stands"
    second = advance_lesson(caller, of("ask")).steps[-1]
    assert second.id == "train" and second.awaits == "answer" and second.show is None
    with pytest.raises(Conflict, match="Predict first"):
        start_lesson_run(caller, of("train"))
    kept = answer(caller, "train", 4.5).steps[-1]
    assert kept.predict is not None and kept.predict.mark == "open" and kept.awaits == "start"
    with pytest.raises(Conflict, match="Start the run"):
        advance_lesson(caller, of("train"))
    started = start_lesson_run(caller, of("train"))
    assert started.runs[0].name == "first" and started.steps[-1].awaits == "conditions"
    assert start_lesson_run(caller, of("train")).runs == started.runs or read(caller).runs
    assert len(caller.runs()) == 1, "a second press starts no second run"
    until(lambda: read(caller).steps[-1].awaits is None, 60)
    done = read(caller).steps[-1]
    assert done.explain == "It took 20 steps." and all(one.met for one in done.until)
    assert done.predict is not None and done.predict.mark == "right"
    assert done.show is not None and done.show.curves[0].points


def test_a_run_that_the_learner_starts_is_found_by_what_it_must_be(caller: Caller) -> None:
    trained(caller)
    advance_lesson(caller, of("train"))
    assert read(caller).steps[-1].awaits == "conditions"
    base = {"recipe": "quickstart", "config": {"training": {"max_steps": 20, "batch_size": 8}}}
    create_run(caller, parse(CreateRun, base, strict=True))
    assert read(caller).steps[-1].awaits == "conditions", "that one differs in more"
    wanted = {"training": {"max_steps": 20, "learning_rate": 0.001}}
    create_run(caller, parse(CreateRun, {**base, "config": wanted, "name": "mine"}, strict=True))
    until(lambda: read(caller).steps[-1].awaits is None, 60)
    finished = advance_lesson(caller, of("own"))
    assert finished.lesson.state == "done"
    assert finished.steps[-1].explain == "mine did."
    assert {run.name: run.title for run in finished.runs}["mine"] == "mine"


def test_a_run_that_was_deleted_can_be_started_again(caller: Caller) -> None:
    trained(caller)
    delete_run(caller, OfRun(run_id=read(caller).runs[0].run_id))
    left = read(caller)
    assert left.runs[0].state is None and left.runs[0].title is None
    assert left.steps[-1].awaits == "start" and left.steps[-1].start is not None
    started = start_lesson_run(caller, of("train"))
    assert started.runs[0].state is not None
    until(lambda: read(caller).steps[-1].awaits is None, 60)


def test_what_was_done_stays_on_the_desk_and_nobody_else_sees_it(
    service: Service, caller: Caller, tmp_path: Path
) -> None:
    answer(caller, "ask", 0)
    advance_lesson(caller, of("ask"))
    listed = list_lessons(caller, Nothing())
    assert (listed.taken, listed.lessons[0].state, listed.lessons[0].step) == ("small", "begun", 1)
    other = list_lessons(service.caller(new_key()), Nothing())
    assert (other.taken, other.lessons[0].state) == (None, "new")
    owner = caller.desk.owner
    reopened = Service(Home(tmp_path / "other"), Limits.for_space(), spare=False, worker=COMMAND)
    try:
        os.makedirs(reopened.home.workspaces / owner)
        kept = service.home.workspaces / owner / "lessons.json"
        (reopened.home.workspaces / owner / "lessons.json").write_bytes(kept.read_bytes())
        assert reopened.workspaces._holds(owner), "a desk with lessons is kept as one with runs"
    finally:
        reopened.close()


def test_a_lesson_can_be_taken_again(caller: Caller) -> None:
    trained(caller)
    forget_lesson(caller, OfLesson(lesson="small"))
    anew = read(caller)
    assert anew.lesson.state == "new" and len(anew.steps) == 1 and not anew.runs
    assert len(caller.runs()) == 1, "its run stays"


def test_the_summary_lists_predictions_and_runs(caller: Caller) -> None:
    assert lesson_summary(caller, Nothing()).lessons == []
    trained(caller)
    (summary,) = lesson_summary(caller, Nothing()).lessons
    assert [one.mark for one in summary.predictions] == ["right", "right"]
    assert summary.predictions[0].answer == "This" and summary.predictions[1].answer == "4.5"
    assert summary.runs[0].step == 20 and summary.done_at is None


def test_what_cannot_be_is_refused_with_a_way_on(caller: Caller) -> None:
    with pytest.raises(BadInput, match="did you mean 'small'"):
        read_lesson(caller, OfLesson(lesson="smal"))
    with pytest.raises(BadInput, match="did you mean 'train'"):
        advance_lesson(caller, of("trein"))
    with pytest.raises(Conflict, match="“Ask” comes first"):
        start_lesson_run(caller, of("train"))
    with pytest.raises(Conflict, match="starts no run"):
        start_lesson_run(caller, of("ask"))
    with pytest.raises(BadInput, match="place of an option"):
        answer(caller, "ask", 7)
    assert list_lessons(caller, Nothing()).taken is None, "nothing was kept of all that"
