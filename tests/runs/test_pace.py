"""What remains of a run, told from the times of made-up records."""

from __future__ import annotations

from typing import Any

import pytest

from gtt.runs.pace import Pace
from gtt.training.schedule import is_log_spaced

TRAINING = {"eval_every": 150, "checkpoint_every": 150, "snapshots": True}
COSTS = {"Snapshotted": 0.3, "Evaluated": 2.0, "Sampled": 0.8, "CheckpointSaved": 0.2}


def records(total: int, step_seconds: float, warm_up: float) -> list[tuple[float, str, int]]:
    """Time, type and step of all records of a run, as the trainer writes them."""
    now, told = 0.0, [(0.0, "RunStarted", 0)]

    def beside(kind: str, step: int, factor: float = 1) -> None:
        nonlocal now
        now += COSTS[kind] * factor
        told.append((now, kind, step))

    for kind in ("Snapshotted", "Evaluated", "Sampled"):  # the first of each takes longer
        beside(kind, 0, 2)
    for step in range(1, total + 1):
        now += warm_up if step == 1 else step_seconds
        last = step == total
        if last or step == 1 or step % 10 == 0:
            told.append((now, "StepLogged", step))
        if last or is_log_spaced(step):
            beside("Snapshotted", step)
        if last or step % 150 == 0:
            beside("Evaluated", step)
        elif step < 150 and is_log_spaced(step):
            beside("Evaluated", step, 0.02)  # without the exam
        if last or is_log_spaced(step):
            beside("Sampled", step)
        if last or step % 150 == 0:
            beside("CheckpointSaved", step)
    return told


def estimates(told: list[tuple[float, str, int]], total: int) -> list[tuple[float, float | None]]:
    """After each record: the share that is done, and what was said over what remained."""
    pace, end, said = Pace(), told[-1][0], []
    for time, kind, step in told:
        if kind == "RunStarted":
            pace.begin(time, step, TRAINING["eval_every"])
        pace.note({"type": kind, "step": step}, time, step)
        pace = Pace.from_json(pace.as_json())  # as after a restart of the server
        left = pace.seconds_left(total, TRAINING)
        said.append((step / total, None if left is None or end == time else left / (end - time)))
    return said


@pytest.mark.parametrize(("step_seconds", "warm_up"), [(0.11, 2.0), (0.11, 15.0), (0.5, 1.0)])
def test_it_is_right_within_a_fifth_after_the_first_tenth(
    step_seconds: float, warm_up: float
) -> None:
    total = 600
    said = estimates(records(total, step_seconds, warm_up), total)
    assert all(ratio is None for share, ratio in said if share <= 2 / total)  # not known yet
    later = [ratio for share, ratio in said if 0.1 <= share <= 0.9]
    assert len(later) > 50 and None not in later
    assert all(0.8 <= (ratio or 0) <= 1.2 for ratio in later)


def test_another_speed_is_noticed_and_a_clock_that_is_set_back_forgives() -> None:
    pace = Pace()
    pace.begin(0.0, 0)
    settings: dict[str, Any] = {"eval_every": 10**6, "checkpoint_every": 10**6}
    for step in range(1, 101):
        pace.note({"type": "StepLogged"}, float(step), step)
    assert pace.seconds_left(1100, settings) == pytest.approx(1000, rel=0.01)
    for step in range(101, 301):  # half as fast, for longer than is looked at
        pace.note({"type": "StepLogged"}, 100.0 + 2 * (step - 100), step)
    assert pace.seconds_left(1300, settings) == pytest.approx(2000, rel=0.01)
    pace.note({"type": "StepLogged"}, 7.0, 301)
    assert pace.seconds_left(1300, settings) is None
