"""Compares runs: the settings that differ, and the results."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from gtt.config import GROUPS, RunConfig
from gtt.runs.journal import Record
from gtt.runs.run_reader import RunReader, RunView

MOST_RUNS = 8
PROGRESS_POINTS = 24  # moments of a run whose step, tokens and seconds are looked up
AROUND = 12  # records that are read for one of them, in which a logged step should lie

# Two runs with one text have the same validation text only if all of these are equal.
_TEXT = ("source", "column", "max_megabytes", "validation_fraction", "seed")
# Which way is better. The loss on training text is not among them: a model that learns its text by
# heart has the lowest.
BETTER = {
    "validation_loss": min,
    "best_validation_loss": min,
    "bits_per_byte": min,
    "task_score": max,
    "tokens_per_second": max,
}
_PER_TOKEN = ("validation_loss", "best_validation_loss")
_ON_TEXT = (*_PER_TOKEN, "bits_per_byte", "task_score")

Progress = tuple[int, int, float]  # step, tokens, seconds


@dataclass(frozen=True)
class Difference:
    """A setting that is not the same in all runs; `values` in the order of the runs."""

    key: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Outcome:
    """What came of a run; what is not known is None.

    Losses in nats per token. `tokens_per_second` is the mean over the run, `seconds` its training
    time without evaluation, `bits_per_byte` belongs to the best validation loss.
    """

    steps: int
    tokens: int | None
    seconds: float | None
    tokens_per_second: float | None
    parameters: int | None
    loss: float | None
    validation_loss: float | None
    best_validation_loss: float | None
    best_step: int | None
    bits_per_byte: float | None
    task_score: float | None


def differences(configs: Sequence[RunConfig]) -> list[Difference]:
    """The settings that differ, by dotted key, in the order in which they are declared."""
    plain = [config.model_dump(mode="json") for config in configs]
    differing = []
    for group, model in GROUPS.items():
        for name in model.model_fields:
            values = tuple(values[group][name] for values in plain)
            if any(value != values[0] for value in values):
                differing.append(Difference(f"{group}.{name}", values))
    return differing


def outcome(view: RunView) -> Outcome:
    """What a run has come to so far."""
    best, width = view.best_validation_loss, view.bytes_per_token
    speed = view.tokens / view.seconds if view.tokens and view.seconds else None
    return Outcome(
        steps=view.step,
        tokens=view.tokens,
        seconds=view.seconds,
        tokens_per_second=speed,
        parameters=view.parameters,
        loss=view.loss,
        validation_loss=view.validation_loss,
        best_validation_loss=best,
        best_step=view.best_step,
        bits_per_byte=best / (width * math.log(2)) if best is not None and width else None,
        task_score=view.task_score,
    )


def best_of(outcomes: Sequence[Outcome], configs: Sequence[RunConfig]) -> dict[str, list[int]]:
    """For each figure that can be compared, the places of the runs with its best value.

    Losses per token are not compared over tokenizers, nothing about a text is over texts, and a
    figure in which all are equal has no best.
    """
    passed_over: set[str] = set()
    if len({_tokenizer(config) for config in configs}) > 1:
        passed_over |= set(_PER_TOKEN)
    if len({_text(config) for config in configs}) > 1:
        passed_over |= set(_ON_TEXT)
    best_places = {}
    for name, better in BETTER.items():
        values = [getattr(outcome, name) for outcome in outcomes]
        measured = {value for value in values if value is not None}
        if name not in passed_over and len(measured) > 1:
            best = better(measured)
            best_places[name] = [place for place, value in enumerate(values) if value == best]
    return best_places


def cautions(configs: Sequence[RunConfig]) -> list[str]:
    """Sentences on why numbers of these runs cannot simply be compared."""
    if len({_text(config) for config in configs}) > 1:
        return [
            "These runs learn from different texts, or from different parts of one: neither losses "
            "nor bits per byte tell which model is better."
        ]
    if len({_tokenizer(config) for config in configs}) > 1:
        return [
            "These runs cut text into different tokens, so a loss per token means something else "
            "in each: compare bits per byte."
        ]
    return []


def progress(reader: RunReader, points: int = PROGRESS_POINTS) -> list[Progress]:
    """Step, tokens and training seconds at some logged moments of a run, rising, from zero on.

    Between them the browser interpolates. What it costs does not depend on the run's length.
    """
    last = reader.view().seq
    cursors = sorted({round(number * last / max(points - 1, 1)) for number in range(points)})
    points_so_far: list[Progress] = [(0, 0, 0.0)]
    for cursor in [*cursors[:-1], max(0, last - AROUND)]:
        records = reader.events(cursor, AROUND)
        logged = [record for record in records if record["type"] == "StepLogged"]
        if logged:
            _add(points_so_far, logged[-1] if cursor >= last - AROUND else logged[0])
    return points_so_far


def _add(points: list[Progress], record: Record) -> None:
    """Appends a logged step; after a resume steps come again, and the newer ones count."""
    step, tokens, seconds = record["step"], record["tokens"], record["seconds"]
    while len(points) > 1 and points[-1][0] >= step:
        points.pop()
    if step > points[-1][0]:
        points.append((step, tokens, seconds))


def _text(config: RunConfig) -> tuple[Any, ...]:
    """The settings that decide which text a run is measured on."""
    return tuple(getattr(config.data, name) for name in _TEXT)


def _tokenizer(config: RunConfig) -> tuple[Any, ...]:
    """The settings that decide how the text becomes tokens."""
    data = config.data
    detail = {"bpe": data.vocab_size, "pretrained": data.pretrained_tokenizer}.get(data.tokenizer)
    return data.tokenizer, detail


FIGURES = tuple(field.name for field in fields(Outcome))
