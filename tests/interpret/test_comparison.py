"""Runs side by side: what differs, which did best and where that means nothing, the clock."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from gtt.api.schemas import RunFigures
from gtt.api.schemas.comparison import MOST_RUNS as MOST_OVER_THE_WIRE
from gtt.config import RunConfig
from gtt.interpret.comparison import (
    AROUND,
    FIGURES,
    MOST_RUNS,
    PROGRESS_POINTS,
    Outcome,
    best_of,
    cautions,
    differences,
    outcome,
    progress,
)
from gtt.runs.run_reader import RunReader

PLAIN = RunConfig()
NOTHING = Outcome(0, *[None] * 10)


def changed(**groups: dict[str, Any]) -> RunConfig:
    return PLAIN.updated(groups)


def started(step: int = 0) -> dict[str, Any]:
    return {"type": "RunStarted", "step": step, "parameters": 7, "bytes_per_token": 2.0}


def logged(step: int, seconds: float, loss: float | None = 2.0) -> dict[str, Any]:
    return {
        "type": "StepLogged",
        "step": step,
        "loss": loss,
        "tokens": 64 * step,
        "seconds": seconds,
    }


def evaluated(step: int, loss: float) -> dict[str, Any]:
    return {"type": "Evaluated", "step": step, "validation_loss": loss, "task_score": None}


def told(folder: Path, *events: dict[str, Any]) -> RunReader:
    """A reader of a journal of these events."""
    lines = (json.dumps({"seq": n, "time": n, **event}) for n, event in enumerate(events, 1))
    (folder / "journal.jsonl").write_text("".join(f"{line}\n" for line in lines))
    return RunReader(folder)


# ------------------------------------------------------------------------------ settings


def test_only_settings_that_differ_are_listed_in_their_order() -> None:
    runs = [
        PLAIN,
        changed(training={"learning_rate": 1e-2}),
        changed(training={"learning_rate": 1e-2}, model={"n_layers": 3}),
    ]
    found = [(one.key, one.values) for one in differences(runs)]
    before = PLAIN.model.n_layers, PLAIN.training.learning_rate
    assert found == [
        ("model.n_layers", (before[0], before[0], 3)),
        ("training.learning_rate", (before[1], 1e-2, 1e-2)),
    ]


def test_equal_runs_differ_in_nothing_also_not_in_their_names() -> None:
    assert differences([PLAIN, PLAIN.updated({"name": "another"})]) == []


# ------------------------------------------------------------------------------ outcomes


def test_an_outcome_is_what_the_journal_says(tmp_path: Path) -> None:
    reader = told(
        tmp_path,
        started(),
        logged(10, 4.0, 3.0),
        evaluated(10, 2.5),
        logged(20, 8.0, 2.0),
        evaluated(20, 2.7),
    )
    found = outcome(reader.view())
    assert (found.steps, found.tokens, found.seconds) == (20, 1280, 8.0)
    assert found.tokens_per_second == 160
    assert (found.loss, found.validation_loss) == (2.0, 2.7)
    assert (found.best_validation_loss, found.best_step) == (2.5, 10)
    assert found.bits_per_byte == pytest.approx(2.5 / (2 * math.log(2)))
    assert found.parameters == 7 and found.task_score is None


def test_a_run_that_has_not_begun_has_an_empty_outcome(tmp_path: Path) -> None:
    assert outcome(RunReader(tmp_path).view()) == NOTHING
    assert progress(RunReader(tmp_path)) == [(0, 0, 0.0)]


def test_the_best_are_the_lowest_losses_and_the_highest_scores_ties_included() -> None:
    results = [
        replace(NOTHING, best_validation_loss=2.0, task_score=0.5, loss=0.1),
        replace(NOTHING, best_validation_loss=1.5, task_score=0.9, loss=0.2),
        replace(NOTHING, best_validation_loss=1.5, task_score=None, loss=0.3),
    ]
    # Not the training loss: the lowest has who learned the text by heart.
    assert best_of(results, [PLAIN] * 3) == {"best_validation_loss": [1, 2], "task_score": [1]}


def test_where_all_are_equal_or_one_alone_is_known_there_is_no_best() -> None:
    one = replace(NOTHING, best_validation_loss=2.0, tokens_per_second=9.0)
    assert best_of([one, replace(one, tokens_per_second=None)], [PLAIN] * 2) == {}


def test_over_tokenizers_only_bits_per_byte_are_compared() -> None:
    results = [
        replace(NOTHING, best_validation_loss=1.0, bits_per_byte=2.0),
        replace(NOTHING, best_validation_loss=3.0, bits_per_byte=1.5),
    ]
    configs = [PLAIN, changed(data={"tokenizer": "bpe"})]
    assert best_of(results, configs) == {"bits_per_byte": [1]}
    (sentence,) = cautions(configs)
    assert "bits per byte" in sentence
    # The size of a vocabulary that is not used makes no other tokenizer.
    assert cautions([PLAIN, changed(data={"vocab_size": 1024})]) == []


def test_over_texts_nothing_about_the_text_is_compared() -> None:
    results = [
        replace(NOTHING, best_validation_loss=1.0, bits_per_byte=2.0, tokens_per_second=5.0),
        replace(NOTHING, best_validation_loss=3.0, bits_per_byte=1.5, tokens_per_second=6.0),
    ]
    configs = [PLAIN, changed(data={"source": "sums"})]
    assert best_of(results, configs) == {"tokens_per_second": [1]}
    (sentence,) = cautions(configs)
    assert "different texts" in sentence


def test_what_is_compared_is_what_is_sent() -> None:
    assert set(FIGURES) == set(RunFigures.model_fields)
    assert MOST_RUNS == MOST_OVER_THE_WIRE


# ----------------------------------------------------------------------------- the clock


def test_the_clock_of_a_run_rises_from_zero_to_its_last_logged_step(tmp_path: Path) -> None:
    events = [logged(10 * n, 0.5 * n) for n in range(1, 400)]
    found = progress(told(tmp_path, started(), *events, evaluated(3990, 2.0)))
    assert found[0] == (0, 0, 0.0) and found[-1] == (3990, 64 * 3990, 199.5)
    assert PROGRESS_POINTS - 2 <= len(found) <= PROGRESS_POINTS + 1
    assert [step for step, _, _ in found] == sorted({step for step, _, _ in found})
    assert all(seconds == step / 20 for step, _, seconds in found)


def test_after_a_resume_the_clock_is_that_of_the_steps_that_count(tmp_path: Path) -> None:
    first = [logged(10 * n, 1.0 * n) for n in range(1, 61)]
    again = [logged(10 * n, 2.0 * n) for n in range(31, 51)]
    found = progress(told(tmp_path, started(), *first, started(300), *again))
    assert found[-1] == (500, 32_000, 100.0)
    assert all(seconds == step / (10 if step <= 300 else 5) for step, _, seconds in found)


def test_the_clock_of_a_long_run_costs_no_more(tmp_path: Path) -> None:
    def bytes_read(length: int) -> int:
        folder = tmp_path / str(length)
        folder.mkdir()
        told(folder, started(), *(logged(n, 0.1 * n) for n in range(1, length)))
        read = 0

        class Counting:
            def __init__(self, file: BinaryIO) -> None:
                self.file = file

            def __enter__(self) -> Counting:
                return self

            def __exit__(self, *error: object) -> None:
                self.file.close()

            def seek(self, place: int) -> int:
                return self.file.seek(place)

            def read(self, most: int) -> bytes:
                nonlocal read
                data = self.file.read(most)
                read += len(data)
                return data

        def counted(path: Path) -> Any:
            return Counting(path.open("rb", buffering=0))

        reader = RunReader(folder, counted)
        reader.view()
        read = 0
        assert len(progress(reader)) > PROGRESS_POINTS // 2
        return read

    assert bytes_read(20_000) < 1.2 * bytes_read(5_000) + AROUND
