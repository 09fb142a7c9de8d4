"""Lessons and facts for tests, as small as they can be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gtt.recipes import load_recipe
from gtt.runs.fold import Fold
from gtt.runs.managed_run import State
from gtt.teaching import lesson as lesson_module
from gtt.teaching.facts import RunFacts
from gtt.teaching.lesson import Lesson, read_lesson, read_lessons

HEAD = """\
title: A lesson
minutes: 1
about: About it.
steps:
"""
TRAIN = """\
  - id: train
    title: Train
    text: Train it.
    start: { run: first, recipe: quickstart, settings: { training.max_steps: 20 } }
    until:
      - { that: has_ended, run: first }
    explain: "From {first.first_loss} to {first.loss}."
"""


def written(folder: Path, steps: str, head: str = HEAD) -> Lesson:
    """A lesson of these steps, read from a file."""
    path = folder / "small.yaml"
    path.write_text(head + steps, encoding="utf-8")
    return read_lesson(path)


@contextmanager
def offering(folder: Path, **files: str) -> Iterator[None]:
    """The lessons of this process are these texts, by name, for the length of the block."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    before, lesson_module.FOLDER = lesson_module.FOLDER, folder
    lesson_module.lessons.cache_clear()
    try:
        assert list(read_lessons(folder)) == sorted(files)
        yield
    finally:
        lesson_module.FOLDER = before
        lesson_module.lessons.cache_clear()


def facts(
    *,
    losses: tuple[float, ...] = (6.9, 3.0),
    validation: tuple[float, ...] = (2.5,),
    state: State = "completed",
    name: str = "first",
    changes: dict[str, Any] | None = None,
    **baselines: float | None,
) -> RunFacts:
    """A run that has these losses, at steps 0, 10, 20 and so on, of 100 in all."""
    config = load_recipe("quickstart").config.updated(changes or {})
    lines = {"uniform": 6.93, "unigram": 5.0, "bigram": 3.5, "floor": 1.3, **baselines}
    records: list[dict[str, Any]] = [
        {
            "type": "RunStarted",
            "config": config.model_dump(mode="json"),
            "step": 0,
            "total_steps": 100,
            "parameters": 541312,
            "vocab_size": 1024,
            "baselines": lines,
            "bytes_per_token": 4.0,
        }
    ]
    curves: dict[str, list[tuple[int, float]]] = {"loss": [], "validation_loss": []}
    for place, loss in enumerate(losses):
        curves["loss"].append((10 * place, loss))
        records.append({"type": "StepLogged", "step": 10 * place, "loss": loss, "tokens": 4096})
    for place, loss in enumerate(validation, 1):
        curves["validation_loss"].append((10 * place, loss))
        records.append({"type": "Evaluated", "step": 10 * place, "validation_loss": loss})
    fold = Fold()
    for seq, record in enumerate(records, 1):
        fold.apply({"seq": seq, "time": float(seq), **record})
    return RunFacts(
        id=f"{name}-1",
        name=name,
        state=state,
        config=config,
        view=fold.view(),
        curves=curves,
        samples=((0, "xq"), (100, "One day")),
        snapshot=None,
    )
