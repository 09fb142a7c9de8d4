"""Estimates the time that a run has left, from the times of its records.

Steps and what is done beside them (evaluations, samples, snapshots, checkpoints) are timed apart,
since at the beginning there is much of the second: log-spaced steps lie close together there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gtt.runs.journal import Record
from gtt.training.schedule import is_log_spaced

BESIDE = ("Evaluated", "Sampled", "Snapshotted", "CheckpointSaved")
MARKS = 64  # moments that are kept, at least a second apart: the speed of about the last minute
WARM_UP = 2  # the first steps allocate and compile; they are not timed
LEAST_SECONDS = 2.0  # of stepping before anything is said
LEAST_STEPS = 3


class Pace:
    """Fed with every record of a journal from a `RunStarted` on."""

    def __init__(self) -> None:
        self.marks: list[tuple[float, int]] = []  # seconds of stepping so far, steps done
        self.costs: dict[str, float] = {}  # seconds that each kind beside took the last time
        self.begun = 0  # the step that the run started or resumed at
        self.beside = 0.0  # seconds up to now that were not spent on steps
        self.last: tuple[float, int] | None = None  # time and step of the last record
        self.every: int | None = None  # steps between evaluations; earlier ones have no exam

    def begin(self, time: float, step: int, every: Any = None) -> None:
        """A run starts, or goes on after a resume; what it costs beside the steps stays known.

        `every` is its `eval_every`.
        """
        self.marks, self.begun, self.beside = [], step, 0.0
        self.every = every if isinstance(every, int) and every > 0 else None
        self.last = (time, step)

    def note(self, record: Record, time: float, step: int) -> None:
        """Takes in the next record."""
        before, self.last = self.last, (time, step)
        if before is None or time < before[0]:  # not begun, or the clock was set back
            self.marks = []
            return
        kind = str(record.get("type"))
        if kind in BESIDE and step == before[1]:
            self.beside += time - before[0]
            is_early = kind == "Evaluated" and self.every is not None and 0 < step < self.every
            # The first of each kind warms up as well; an early evaluation tells of no later one.
            if kind not in self.costs or (step > 0 and not is_early):
                self.costs[kind] = time - before[0]
        elif kind in self.costs:  # it came with a step that was not logged
            self.beside += min(self.costs[kind], time - before[0])
        elif kind == "StepLogged" and step >= self.begun + WARM_UP:
            self._mark(time - self.beside, step)

    def seconds_left(self, total: int, training: Mapping[str, Any]) -> float | None:
        """Until step `total`; None while too little is known. `training`: the run's settings."""
        if len(self.marks) < 2 or self.last is None:
            return None
        (began, first), (now, last) = self.marks[0], self.marks[-1]
        if now - began < LEAST_SECONDS or last - first < LEAST_STEPS:
            return None
        stepping = max(0, total - last) * (now - began) / (last - first)
        to_come = _to_come(max(last, self.last[1]), total, training)
        return stepping + sum(self.costs.get(kind, 0.0) * to_come[kind] for kind in BESIDE)

    def as_json(self) -> dict[str, Any]:
        """The state as plain values."""
        return dict(vars(self))

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Pace:
        """The state that `as_json` described; raises `KeyError`, `TypeError` or `ValueError`."""
        pace = cls()
        pace.marks = [(float(time), int(step)) for time, step in values["marks"]]
        pace.costs = {str(kind): float(cost) for kind, cost in values["costs"].items()}
        pace.begun, pace.beside = int(values["begun"]), float(values["beside"])
        pace.every = None if values["every"] is None else int(values["every"])
        last = values["last"]
        pace.last = (float(last[0]), int(last[1])) if last else None
        return pace

    def _mark(self, time: float, step: int) -> None:
        """The newest mark moves until it is a second old."""
        if len(self.marks) > 1 and time - self.marks[-2][0] < 1:
            self.marks.pop()
        self.marks.append((time, step))
        del self.marks[:-MARKS]


def _to_come(step: int, total: int, training: Mapping[str, Any]) -> dict[str, int]:
    """How many there will be of each kind after `step`, the last of them at the end."""
    spaced = sum(map(is_log_spaced, _spaced(step, total))) + 1
    snapshots = spaced if training.get("snapshots", True) else 0
    return {
        "Evaluated": _regular(step, total, training.get("eval_every")),
        "CheckpointSaved": _regular(step, total, training.get("checkpoint_every")),
        "Sampled": spaced,
        "Snapshotted": snapshots,
    }


def _regular(step: int, total: int, every: Any) -> int:
    """Multiples of `every` after `step` and before `total`, and the end."""
    if not isinstance(every, int) or every < 1:
        return 1
    return max(0, (total - 1) // every - step // every) + 1


def _spaced(step: int, total: int) -> set[int]:
    """Steps between two others that may be log-spaced: powers of two, and halfway between."""
    powers = {1 << exponent for exponent in range(total.bit_length())}
    return {
        candidate
        for power in powers
        for candidate in (power, power * 3 // 2)
        if step < candidate < total
    }
