"""The pattern that a task asks for is the one by which its answers come out right."""

from __future__ import annotations

from random import Random

import pytest

from gtt.data.tasks import TASKS
from gtt.interpret.expectation import expected_attention


@pytest.mark.parametrize("name", ["copy", "reverse", "induction"])
def test_the_expected_key_holds_the_token_that_comes_next(name: str) -> None:
    task = TASKS[name]
    text = "".join(line for line, _ in zip(task.write(3), range(4)))
    pairs = dict(expected_attention(name, list(text)))
    answered = 0
    for query, key in pairs.items():
        assert key < query
        if query + 1 < len(text) and text[query + 1] != "\n":
            assert text[key] == text[query + 1]
            answered += 1
    answers = [len(line) for line in text.split("\n") if line]
    assert answered == 4 * len(task.answer(task.draw(Random(1))))
    assert len(answers) == 4


def test_digits_of_a_sum_look_at_the_digits_of_their_place() -> None:
    pairs = expected_attention("addition", list("37+85=122"))
    assert pairs == [(6, 0), (6, 3), (7, 1), (7, 4)]
    assert expected_attention("addition", list("12+34=46"))[:2] == [(5, 0), (5, 3)]


@pytest.mark.parametrize(
    ("source", "tokens"),
    [("tales", list("abc>abc")), ("copy", ["ab", ">"]), ("addition", list("=1+")), ("copy", [])],
)
def test_where_nothing_is_certain_nothing_is_expected(source: str, tokens: list[str]) -> None:
    assert expected_attention(source, tokens) == []


def test_nothing_is_expected_of_a_line_that_was_cut() -> None:
    tokens = list("c>abc\nab>ab")
    assert expected_attention("copy", tokens, is_cut=True) == [(8, 6), (9, 7)]
    assert len(expected_attention("copy", tokens)) > 2
