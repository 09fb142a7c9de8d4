"""What `docs/lessons.md` says is so."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from gtt.errors import BadInput
from gtt.teaching.conditions import Condition
from gtt.teaching.facts import FACTS
from gtt.teaching.lesson import Step, lessons, read_lesson

PAGE = (Path(__file__).parents[2] / "docs" / "lessons.md").read_text(encoding="utf-8")
EXAMPLE = PAGE.partition("```yaml\n")[2].partition("```")[0]


def first_columns(heading: str) -> list[list[str]]:
    """The names in the first column of the table with this heading."""
    table = PAGE.partition(f"| {heading} |")[2].partition("\n\n")[0]
    rows = [line.split("|")[1] for line in table.splitlines()[2:]]
    return [re.findall(r"`([a-z_]+)`", row) for row in rows]


def test_the_example_is_a_lesson(tmp_path: Path) -> None:
    path = tmp_path / "my_lesson.yaml"
    path.write_text(EXAMPLE, encoding="utf-8")
    assert read_lesson(path).steps[0].predict is not None


def test_the_sentence_for_a_fault_is_the_one_that_is_shown(tmp_path: Path) -> None:
    (shown,) = re.findall(r"^my_lesson\.yaml, line .*$", PAGE, re.M)
    path = tmp_path / "my_lesson.yaml"
    path.write_text(EXAMPLE.replace("question:", "qestion:"), encoding="utf-8")
    with pytest.raises(BadInput) as refusal:
        read_lesson(path)
    assert refusal.value.message == shown


def test_every_lesson_stands_in_the_table_with_its_minutes() -> None:
    rows = re.findall(r"^\| ([^|]+) \| (\d+) \|", PAGE, re.M)
    assert rows == [(lesson.title, str(lesson.minutes)) for lesson in lessons().values()]


def test_every_key_condition_and_fact_is_one() -> None:
    keys = {names[0] for names in first_columns("key")}
    assert keys == set(Step.model_fields) - {"id", "title", "text"}
    kinds = {
        kind
        for part in get_args(get_args(Condition)[0])
        for kind in get_args(part.model_fields["that"].annotation)
    }
    told = {name for names in first_columns("condition") for name in names}
    assert kinds <= told
    facts = PAGE.partition("is a number of the learner's run:")[2].partition("and any setting")[0]
    assert set(re.findall(r"`([a-z_]+)`", facts)) <= set(FACTS)
