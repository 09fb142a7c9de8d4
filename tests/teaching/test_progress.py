"""How far somebody got, on the disk: what was written comes back, damage costs only itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gtt.teaching.progress import PROGRESS, DeskProgress, LessonProgress, read_progress

BEGUN = "2026-01-01T12:00:00+00:00"


def whole() -> DeskProgress:
    first = LessonProgress(BEGUN).answered("a", 1).answered("b", (1.0, 2.5)).with_run("one", "r-1")
    return DeskProgress().changed("first", first.advanced(0, last=False))


def test_what_was_written_comes_back(tmp_path: Path) -> None:
    (tmp_path / PROGRESS).write_bytes(whole().as_bytes())
    assert read_progress(tmp_path) == whole()


def test_the_first_answer_stands() -> None:
    progress = LessonProgress(BEGUN).answered("a", 1)
    assert progress.answered("a", 0) == progress


def test_a_lesson_that_is_forgotten_is_not_taken_any_more() -> None:
    forgotten = whole().changed("first", None)
    assert forgotten == DeskProgress()
    other = whole().changed("second", LessonProgress(BEGUN))
    assert other.taken == "second" and other.changed("first", None).taken == "second"


@pytest.mark.parametrize(
    "content", ["", "[]", "{", '{"format": 2}', "null", '{"format": 1, "lessons": 3}']
)
def test_a_damaged_file_counts_as_not_written(tmp_path: Path, content: str) -> None:
    (tmp_path / PROGRESS).write_text(content)
    assert read_progress(tmp_path) == DeskProgress()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("step", -1),
        ("step", "two"),
        ("answers", 3),
        ("answers", {"a": "x"}),
        ("answers", {"a": float("nan")}),
        ("answers", {"a": []}),
        ("runs", {"one": 7}),
        ("runs", []),
        ("done", 5),
    ],
)
def test_a_damaged_part_costs_only_itself(tmp_path: Path, key: str, value: Any) -> None:
    values = json.loads(whole().as_bytes())
    values["lessons"]["first"][key] = value
    (tmp_path / PROGRESS).write_text(json.dumps(values))
    read = read_progress(tmp_path).lessons["first"]
    assert read.begun == BEGUN
    if key != "runs":
        assert read.runs == {"one": "r-1"}
