"""What a lesson says of the learner's runs, and what it waits for."""

from __future__ import annotations

import math

import pytest
from pydantic import TypeAdapter
from small_lessons import facts

from gtt.teaching.conditions import Condition, Standing
from gtt.teaching.facts import FACTS, RunFacts, fill, unknown_fact, value_of

CONDITION: TypeAdapter[Condition] = TypeAdapter(Condition)


def standing(condition: dict[str, object], **runs: RunFacts) -> Standing:
    return CONDITION.validate_python(condition).standing(runs)


def test_facts_are_written_as_people_read_them() -> None:
    runs = {"first": facts()}
    assert fill("{first.parameters}", runs) == "541,312"
    assert fill("{first.first_loss} to {first.loss}", runs) == "6.90 to 3.00"
    assert fill("{first.validation_loss:.3f}", runs) == "2.500"
    assert fill("{first.model.n_layers} layers", runs) == "2 layers"
    assert fill("{first.sample}", runs) == "One day"
    assert fill("{first.perplexity}", runs) == f"{math.exp(2.5):.1f}"
    assert fill("{first.gap}", runs) == "-0.50"
    assert fill("{first.uniform}", runs) == f"{math.log(1024):.2f}"


def test_two_facts_are_held_against_each_other() -> None:
    runs = {"a": facts(validation=(2.5,)), "b": facts(validation=(2.0,))}
    assert fill("{a.validation_loss - b.validation_loss}", runs) == "0.50"
    assert fill("{a.validation_loss / b.validation_loss}", runs) == "1.2"
    assert fill("{a.validation_loss / b.floor:.1f}", {**runs, "b": facts(floor=0.0)}) == "–"


def test_what_is_not_measured_yet_is_a_dash_and_no_fault() -> None:
    waiting = facts(losses=(), validation=(), floor=None)
    for name in FACTS:
        assert fill("{first." + name + "}", {"first": waiting})
    assert fill("{first.validation_loss}", {"first": waiting}) == "–"
    assert fill("{first.validation_loss - first.floor}", {"first": waiting}) == "–"
    assert fill("{gone.validation_loss}", {}) == "–"
    assert value_of("gone.loss", {}) is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{first.los}", "loss"),
        ("{first.model.n_layer}", "no fact"),
        ("{other.loss}", "'other'"),
        ("{first}", "no fact"),
        ("{first.loss:.2q}", "no format"),
        ("{first.loss", "no fact"),
        ("first.loss}", "no fact"),
        ("{first.__class__}", "no fact"),
        ("{first.loss.__class__}", "no fact"),
    ],
)
def test_what_is_no_fact_is_named(text: str, fault: str) -> None:
    message = unknown_fact(text, {"first"})
    assert message is not None and fault in message, message


def test_braces_of_the_learner_are_no_facts() -> None:
    odd = facts(name="{first.loss}")
    assert fill("{first.name}", {"first": odd}) == "{first.loss}"


def test_a_run_has_ended_only_when_all_steps_are_done() -> None:
    ended = {"that": "has_ended", "run": "first"}
    assert standing(ended, first=facts()).met
    assert standing(ended, first=facts(state="diverged")).met, "it will get no further"
    for state in ("queued", "running", "stopped", "failed", "interrupted"):
        assert not standing(ended, first=facts(state=state)).met, state
    assert "resume it" in standing(ended, first=facts(state="stopped")).text
    assert not standing(ended).met


def test_a_loss_is_held_against_a_line_or_a_value() -> None:
    below = {"that": "loss_below", "run": "first", "line": "bigram"}
    assert standing(below, first=facts(validation=(3.4,), bigram=3.5)).met
    assert not standing(below, first=facts(validation=(3.6,), bigram=3.5)).met
    assert not standing(below, first=facts(validation=())).met
    assert not standing(below, first=facts(bigram=None)).met
    assert "3.40" in standing(below, first=facts(validation=(3.4,))).text
    above = {"that": "loss_above", "run": "first", "value": 3.0, "loss": "loss"}
    assert standing(above, first=facts(losses=(3.1,))).met
    assert not standing(above, first=facts(losses=(2.9,))).met


def test_two_runs_differ_only_in_what_is_named() -> None:
    only = {
        "that": "differs_only_in",
        "run": "b",
        "other": "a",
        "settings": ["training.learning_rate"],
    }
    rate = {"training": {"learning_rate": 0.1}}
    more = {"training": {"learning_rate": 0.1}, "model": {"n_layers": 3}}
    assert standing(only, a=facts(), b=facts(changes=rate)).met
    assert "model.n_layers" in standing(only, a=facts(), b=facts(changes=more)).text
    same = standing(only, a=facts(), b=facts())
    assert not same.met and "do not differ in training.learning_rate" in same.text
    assert not standing(only, b=facts()).met


def test_a_head_is_asked_of_the_newest_snapshot(monkeypatch: pytest.MonkeyPatch) -> None:
    has = {"that": "has_head", "run": "first", "habit": "induction", "over": 0.5}
    assert not standing(has, first=facts()).met
    assert "nothing was measured" in standing(has, first=facts()).text
