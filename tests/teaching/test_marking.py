"""Marks of predictions, and the answers that cannot be marked."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter
from small_lessons import facts

from gtt.errors import BadInput
from gtt.teaching.lesson import Prediction
from gtt.teaching.marking import check_answer, mark, value_at

PREDICTION: TypeAdapter[Prediction] = TypeAdapter(Prediction)
CHOICE = PREDICTION.validate_python(
    {
        "kind": "choice",
        "question": "Which?",
        "options": [
            {"text": "This", "because": "No."},
            {"text": "That", "right": True, "because": "It ended at {first.loss}."},
        ],
    }
)
NUMBER: dict[str, Any] = {
    "kind": "number",
    "question": "How much?",
    "low": 0,
    "high": 10,
    "answer": "first.validation_loss",
    "within": 0.25,
    "because": "It was {first.validation_loss}.",
}
CURVE: dict[str, Any] = {
    "kind": "curve",
    "question": "How?",
    "run": "first",
    "curve": "loss",
    "points": 3,
    "low": 0,
    "high": 8,
    "within": 0.5,
    "because": "So.",
}


def test_a_choice_is_marked_with_what_there_is_to_say_to_it() -> None:
    runs = {"first": facts(losses=(3.0,))}
    right = mark(CHOICE, 1, runs)
    assert (right.mark, right.because, right.right) == ("right", "It ended at 3.00.", "That")
    assert mark(CHOICE, 0, runs).mark == "wrong"


def test_a_number_waits_for_what_decides_it() -> None:
    prediction = PREDICTION.validate_python(NUMBER)
    assert mark(prediction, 2.4, {}).mark == "open"
    assert mark(prediction, 2.4, {"first": facts(validation=())}).mark == "open"
    runs = {"first": facts(validation=(2.5,))}
    assert mark(prediction, 2.4, runs).mark == "right"
    assert mark(prediction, 2.76, runs).mark == "wrong"
    known = PREDICTION.validate_python({**NUMBER, "answer": 4.17})
    assert mark(known, 4.2, {}).mark == "right"


def test_a_sketch_is_held_against_the_curve_of_the_run() -> None:
    prediction = PREDICTION.validate_python(CURVE)
    losses = tuple(7 - 0.5 * place for place in range(11))  # 7 at step 0, 2 at step 100
    runs = {"first": facts(losses=losses)}
    assert mark(prediction, (7.0, 4.5, 2.0), runs).mark == "right"
    assert mark(prediction, (7.0, 7.0, 7.0), runs).mark == "wrong"
    assert mark(prediction, (7.0, 4.5, 2.0), {"first": facts(state="running")}).mark == "open"


def test_a_curve_is_a_line_between_its_points() -> None:
    curve = [(0, 4.0), (10, 2.0)]
    assert [value_at(curve, step) for step in (0, 5, 10, 99)] == [4.0, 3.0, 2.0, 2.0]


@pytest.mark.parametrize("answer", [2, -1, 0.5, True, "1", None, [1]])
def test_what_is_no_option_is_refused(answer: object) -> None:
    with pytest.raises(BadInput, match="place of an option"):
        check_answer(CHOICE, answer)


@pytest.mark.parametrize("answer", [11, -1, float("nan"), True, "4", [4]])
def test_what_is_no_number_of_the_range_is_refused(answer: object) -> None:
    with pytest.raises(BadInput, match="a number from 0 to 10"):
        check_answer(PREDICTION.validate_python(NUMBER), answer)


@pytest.mark.parametrize("answer", [(1.0, 2.0), (1.0, 2.0, 9.0), 3, ("1", "2", "3")])
def test_what_is_no_sketch_is_refused(answer: object) -> None:
    with pytest.raises(BadInput):
        check_answer(PREDICTION.validate_python(CURVE), answer)
