"""How far somebody got in the lessons, as it is kept on their desk: `lessons.json`."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from gtt.plain_files import read_plain_text

PROGRESS = "lessons.json"
FORMAT = 1
MOST_ANSWERS = 100  # of one lesson that are read

Answer = int | float | tuple[float, ...]  # of a choice its place, of a curve its values


@dataclass(frozen=True)
class LessonProgress:
    """One lesson: the step that is open, what was predicted, and which runs belong to it.

    `step` is the number of steps that lie behind, `runs` the ids of runs by their names in the
    lesson, and the times are ISO 8601 in UTC.
    """

    begun: str
    step: int = 0
    answers: Mapping[str, Answer] = field(default_factory=dict)
    runs: Mapping[str, str] = field(default_factory=dict)
    done: str | None = None

    def answered(self, step: str, answer: Answer) -> LessonProgress:
        """With a prediction; the first one stands, so that nobody answers after having seen."""
        return (
            self if step in self.answers else replace(self, answers={**self.answers, step: answer})
        )

    def with_run(self, name: str, run_id: str) -> LessonProgress:
        """With a run that belongs to the lesson."""
        return replace(self, runs={**self.runs, name: run_id})

    def advanced(self, step: int, last: bool) -> LessonProgress:
        """With one more step behind; `last` ends the lesson."""
        done = now() if last and self.done is None else self.done
        return replace(self, step=max(self.step, step + 1), done=done)


@dataclass(frozen=True)
class DeskProgress:
    """The lessons that were begun on a desk, and the one that is open beside the other tabs."""

    lessons: Mapping[str, LessonProgress] = field(default_factory=dict)
    taken: str | None = None

    def changed(self, name: str, progress: LessonProgress | None) -> DeskProgress:
        """With one lesson as it is now, which is taken then; None forgets it."""
        others = {key: value for key, value in self.lessons.items() if key != name}
        if progress is None:
            return DeskProgress(others, None if self.taken == name else self.taken)
        return DeskProgress({**others, name: progress}, name)

    def as_bytes(self) -> bytes:
        """What `lessons.json` holds."""
        lessons = {name: asdict(progress) for name, progress in self.lessons.items()}
        values = {"format": FORMAT, "taken": self.taken, "lessons": lessons}
        return json.dumps(values, indent=1, ensure_ascii=False).encode()


def read_progress(folder: Path) -> DeskProgress:
    """What the folder of a desk says; what is damaged in it counts as not written."""
    try:
        values = json.loads(read_plain_text(folder / PROGRESS))
    except (OSError, ValueError, RecursionError):
        return DeskProgress()
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        return DeskProgress()
    entries = values.get("lessons")
    lessons = {
        str(name): progress
        for name, entry in (entries.items() if isinstance(entries, dict) else ())
        if (progress := _progress(entry)) is not None
    }
    taken = values.get("taken")
    return DeskProgress(lessons, taken if isinstance(taken, str) and taken in lessons else None)


def now() -> str:
    """The time, ISO 8601 in UTC."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def _progress(entry: Any) -> LessonProgress | None:
    """One entry, None where it is none."""
    if not isinstance(entry, dict) or not isinstance(entry.get("begun"), str):
        return None
    step, done = entry.get("step"), entry.get("done")
    answers, runs = entry.get("answers"), entry.get("runs")
    return LessonProgress(
        begun=entry["begun"],
        step=step if isinstance(step, int) and 0 <= step <= MOST_ANSWERS else 0,
        answers=_answers(answers if isinstance(answers, dict) else {}),
        runs={
            str(name): id
            for name, id in (runs.items() if isinstance(runs, dict) else ())
            if isinstance(id, str)
        },
        done=done if isinstance(done, str) else None,
    )


def _answers(entries: dict[str, Any]) -> dict[str, Answer]:
    answers: dict[str, Answer] = {}
    for step, answer in list(entries.items())[:MOST_ANSWERS]:
        values = answer if isinstance(answer, list) else [answer]
        if values and all(
            isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
            for value in values
        ):
            answers[step] = tuple(values) if isinstance(answer, list) else answer
    return answers
