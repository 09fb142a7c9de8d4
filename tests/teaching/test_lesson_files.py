"""Lesson files: those that come with the app, and the sentences for those that are malformed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest
from small_lessons import HEAD, TRAIN, written

from gtt.errors import BadInput
from gtt.teaching.lesson import FOLDER, Place, lesson_of, lessons, read_lesson, read_lessons

ROOT = Path(__file__).parents[2]


def test_every_lesson_that_comes_with_the_app_is_read_in_its_order() -> None:
    found = read_lessons(FOLDER)
    assert len(found) == len(list(FOLDER.glob("*.yaml"))) >= 6
    assert [lesson.order for lesson in found.values()] == sorted(
        lesson.order for lesson in found.values()
    )
    assert list(found) == list(lessons())


@pytest.mark.parametrize("name", sorted(lessons()))
def test_each_lesson_asks_before_it_tells_and_takes_ten_minutes_at_most(name: str) -> None:
    lesson = lesson_of(name)
    assert lesson.minutes <= 10
    assert any(step.predict for step in lesson.steps)
    assert any(step.start for step in lesson.steps), "nothing is trained"
    for step in lesson.steps:
        assert step.explain, f"{step.id} explains nothing"


def test_the_page_knows_every_place_that_a_lesson_can_point_at() -> None:
    script = (ROOT / "gtt/web/lib/places.js").read_text(encoding="utf-8")
    table = script[script.index("PLACES = {") : script.index("};")]
    known = set(re.findall(r'^  "?([a-z.]+)"?: \[', table, re.M))
    assert known == set(get_args(Place))


def test_what_a_lesson_needs_is_another_lesson_by_its_title() -> None:
    titles = {lesson.title for lesson in lessons().values()}
    for lesson in lessons().values():
        for need in lesson.needs:
            if need.startswith("Lesson: "):
                assert need.removeprefix("Lesson: ").rstrip(".") in titles, lesson.name


ASK = """\
  - id: ask
    title: Ask
    text: Think.
    predict:
      kind: choice
      question: Which?
      options:
        - { text: This, right: true, because: It is. }
        - { text: That, because: It is not. }
"""
FAULTS = {
    "no_yaml": (HEAD + "  - id: [", "small.yaml, line 5: this is no YAML"),
    "no_keys": ("just words", "small.yaml is no lesson"),
    "unknown_key": (HEAD + ASK.replace("question:", "qestion:"), "line 10: steps.1.predict"),
    "near_key": (HEAD + ASK.replace("question:", "qestion:"), "did you mean 'question'"),
    "missing_key": (HEAD.replace("minutes: 1\n", "") + ASK, "the key 'minutes' is missing"),
    "no_right_option": (HEAD + ASK.replace("right: true, ", ""), "line 8: steps.1.predict"),
    "unknown_kind": (
        HEAD + ASK.replace("kind: choice", "kind: guess"),
        "'kind' must be one of 'choice'",
    ),
    "no_kind": (HEAD + ASK.replace("      kind: choice\n", ""), "the key 'kind' is missing"),
    "unknown_recipe": (
        HEAD + TRAIN.replace("quickstart", "quikstart"),
        "did you mean 'quickstart'",
    ),
    "unknown_setting": (HEAD + TRAIN.replace("max_steps", "max_step"), "'max_steps'"),
    "impossible_setting": (HEAD + TRAIN.replace(": 20", ": -3"), "-3 is not allowed"),
    "run_that_nobody_starts": (
        HEAD + ASK + "    show: { kind: samples, run: second }\n",
        "it needs a run 'second', which no step before starts",
    ),
    "unknown_fact": (HEAD + TRAIN.replace("first.loss", "first.los"), "did you mean 'loss'"),
    "fact_of_no_run": (HEAD + TRAIN.replace("{first.loss", "{second.loss"), "'second'"),
    "stray_brace": (HEAD + TRAIN.replace("{first.loss}", "{first.loss"), "is no fact"),
    "unknown_condition": (
        HEAD + TRAIN.replace("has_ended", "is_over"),
        "'that' must be one of 'has_ended'",
    ),
    "two_steps_of_one_id": (HEAD + ASK + ASK, "line 14: steps.2.id: two steps have the id 'ask'"),
    "unknown_place": (HEAD + ASK + "    point: moon\n", "line 14: steps.1.point"),
    "empty_range": (
        HEAD + ASK[: ASK.index("      kind")] + "      { kind: number, question: How many, low: 2, "
        "high: 1, answer: 1, within: 1, because: So. }\n",
        "`low` must be below `high`",
    ),
    "impossible_writing": (
        HEAD + TRAIN + "    show: { kind: writing, run: first, ways: [{ label: Write, settings: "
        "{ temperatur: 0 } }] }\n",
        "did you mean 'temperature'",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_malformed_lesson_is_refused_with_its_line(tmp_path: Path, fault: str) -> None:
    text, sentence = FAULTS[fault]
    path = tmp_path / "small.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput) as refusal:
        read_lesson(path)
    assert sentence in refusal.value.message, refusal.value.message
    assert "\n" not in refusal.value.message


def test_bytes_that_are_no_text_and_a_file_that_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_bytes(b"title: \xff")
    with pytest.raises(BadInput, match="is not UTF-8"):
        read_lesson(path)
    with pytest.raises(BadInput, match="cannot be read"):
        read_lesson(tmp_path / "none.yaml")


def test_an_unknown_lesson_or_step_is_answered_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="noise_to_words"):
        lesson_of("noise_to_word")
    with pytest.raises(BadInput, match="'train'"):
        written(tmp_path, TRAIN).step("trian")
