"""Marking a prediction: against the right option, a number, or the curve that the run drew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from gtt.errors import BadInput
from gtt.teaching.facts import RunFacts, fill, value_of
from gtt.teaching.lesson import ChoicePrediction, CurvePrediction, NumberPrediction, Prediction
from gtt.teaching.progress import Answer

Mark = Literal["right", "wrong", "open"]  # open: what decides it is not measured yet


@dataclass(frozen=True)
class Marked:
    """A prediction's mark, what there is to say to it, and what was right, in words."""

    mark: Mark
    because: str
    right: str | None


def check_answer(prediction: Prediction, answer: object) -> Answer:
    """An answer that can be marked; raises `BadInput` with what it must be."""
    if isinstance(prediction, ChoicePrediction):
        last = len(prediction.options) - 1
        if isinstance(answer, bool) or not isinstance(answer, (int, float)) or answer % 1:
            raise _impossible(f"the place of an option, 0 to {last}")
        if not 0 <= answer <= last:
            raise _impossible(f"the place of an option, 0 to {last}")
        return int(answer)
    low, high = prediction.low, prediction.high
    if isinstance(prediction, NumberPrediction):
        if isinstance(answer, bool) or not isinstance(answer, (int, float)):
            raise _impossible(f"a number from {low:g} to {high:g}")
        if not low <= answer <= high:
            raise _impossible(f"a number from {low:g} to {high:g}")
        return float(answer)
    values = answer if isinstance(answer, (list, tuple)) else ()
    numbers = [value for value in values if isinstance(value, (int, float))]
    if len(values) != prediction.points or len(numbers) != len(values):
        raise _impossible(f"a list of {prediction.points} numbers")
    if not all(low <= value <= high for value in numbers):
        raise _impossible(f"numbers from {low:g} to {high:g}")
    return tuple(float(value) for value in numbers)


def _impossible(wanted: str) -> BadInput:
    return BadInput(f"The answer must be {wanted}.", field="answer")


def mark(prediction: Prediction, answer: Answer, runs: Mapping[str, RunFacts]) -> Marked:
    """The mark of an answer that `check_answer` let pass."""
    if isinstance(prediction, ChoicePrediction):
        assert isinstance(answer, (int, float))
        chosen = prediction.options[int(answer)]
        right = next(option for option in prediction.options if option.right)
        because = fill(chosen.because, runs)
        return Marked("right" if chosen.right else "wrong", because, fill(right.text, runs))
    if isinstance(prediction, NumberPrediction):
        assert isinstance(answer, (int, float))
        return _mark_number(prediction, float(answer), runs)
    assert isinstance(answer, tuple)
    return _mark_curve(prediction, answer, runs)


def _mark_number(
    prediction: NumberPrediction, answer: float, runs: Mapping[str, RunFacts]
) -> Marked:
    right: object = prediction.answer
    if isinstance(right, str):
        right = value_of(right, runs)
    if not isinstance(right, (int, float)):
        return Marked("open", "", None)
    is_right = abs(answer - right) <= prediction.within
    words = f"{right:.3g} {prediction.unit}".strip()
    return Marked("right" if is_right else "wrong", fill(prediction.because, runs), words)


def _mark_curve(
    prediction: CurvePrediction, answer: Sequence[float], runs: Mapping[str, RunFacts]
) -> Marked:
    run = runs.get(prediction.run)
    if run is None or run.state != "completed" or not run.view.total_steps:
        return Marked("open", "", None)
    curve = run.curves[prediction.curve]
    if not curve:
        return Marked("open", "", None)
    last = run.view.total_steps
    off = [
        abs(value - value_at(curve, place * last / (len(answer) - 1)))
        for place, value in enumerate(answer)
    ]
    distance = sum(off) / len(off)
    return Marked(
        "right" if distance <= prediction.within else "wrong",
        fill(prediction.because, runs),
        f"on average {distance:.2f} nats away from your sketch",
    )


def value_at(curve: Sequence[tuple[int, float]], step: float) -> float:
    """The value of a curve at a step, on the line between its two nearest points."""
    before = curve[0]
    for point in curve:
        if point[0] >= step:
            if point[0] == before[0]:
                return point[1]
            share = (step - before[0]) / (point[0] - before[0])
            return before[1] + share * (point[1] - before[1])
        before = point
    return before[1]
