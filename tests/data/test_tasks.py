"""The tasks: right lines, exact entropy, and prompts that no training text shows."""

from __future__ import annotations

import math
from itertools import islice

import pytest

from gtt.data.exams import exam_for
from gtt.data.tasks import HELD_OUT, TASKS, is_held_out

LINES = {name: list(islice(task.write(seed=1), 20_000)) for name, task in TASKS.items()}


def _prompt(name: str, line: str) -> str:
    if name == "induction":
        return line[: line.index(" ") + 2]
    return line[: line.index("=" if name == "addition" else ">") + 1]


def test_examples_of_each_task() -> None:
    assert TASKS["copy"].answer("kqzbfmta>") == "kqzbfmta"
    assert TASKS["reverse"].answer("kqzbfmta>") == "atmfbzqk"
    assert TASKS["addition"].answer("37+85=") == "122"
    assert TASKS["induction"].answer("kqzbfmtaxwcj b") == "fmtax"


@pytest.mark.parametrize("name", TASKS)
def test_every_line_is_right_and_none_is_held_out(name: str) -> None:
    task = TASKS[name]
    for line in LINES[name]:
        prompt = _prompt(name, line)
        assert not is_held_out(prompt)
        assert line == prompt + task.answer(prompt) + "\n"


@pytest.mark.parametrize("name", TASKS)
def test_a_seed_decides_the_text(name: str) -> None:
    assert list(islice(TASKS[name].write(seed=1), 100)) == LINES[name][:100]
    assert list(islice(TASKS[name].write(seed=2), 100)) != LINES[name][:100]


def test_the_text_of_a_seed_stays_as_it_was_published() -> None:
    # Changing it without raising `tasks.VERSION` would mix up prepared corpora.
    assert {name: lines[0] for name, lines in LINES.items()} == {
        "copy": "dwtgmlqu>dwtgmlqu\n",
        "reverse": "dwtgmlqu>uqlmgtwd\n",
        "addition": "22+86=108\n",
        "induction": "dwuioetvjaxr etvjax\n",
    }


@pytest.mark.parametrize("name", TASKS)
def test_exam_questions_are_held_out_distinct_and_scored_exactly(name: str) -> None:
    exam = exam_for(name)
    assert exam is not None
    assert exam.greedy
    assert exam.metric == "exact answers"
    questions = exam.questions(200, seed=3)
    assert len(set(questions)) == 200
    assert questions == exam.questions(200, seed=3) != exam.questions(200, seed=4)
    shown = {_prompt(name, line) for line in LINES[name]}
    answers = []
    for question in questions:
        prompt = question.removeprefix("\n")
        assert is_held_out(prompt)
        assert prompt not in shown
        answers.append(TASKS[name].answer(prompt) + "\nand more")
        assert len(TASKS[name].answer(prompt)) < exam.answer_characters
    assert exam.score(questions, answers) == 1
    answers[:50] = ["wrong\n"] * 50
    assert exam.score(questions, answers) == 0.75
    assert exam.score([], []) == 0


def test_addition_has_as_many_questions_as_are_held_out() -> None:
    exam = exam_for("addition")
    assert exam is not None
    count = len(exam.questions(10_000, seed=0))
    assert abs(count - 8100 / HELD_OUT) < 4 * math.sqrt(8100 / HELD_OUT)


def test_a_fair_share_is_held_out() -> None:
    drawn = [f"{number:08d}>" for number in range(100_000)]
    share = sum(map(is_held_out, drawn)) / len(drawn)
    assert share == pytest.approx(1 / HELD_OUT, rel=0.05)


def test_entropy_of_lines_is_what_counting_their_prompts_gives() -> None:
    addition = TASKS["addition"]
    lines = [
        prompt + addition.answer(prompt) + "\n"
        for prompt in (f"{a}+{b}=" for a in range(10, 100) for b in range(10, 100))
        if not is_held_out(prompt)
    ]
    mean = sum(map(len, lines)) / len(lines)
    assert addition.entropy_rate() == pytest.approx(math.log(len(lines)) / mean)
    kept = math.log(1 - 1 / HELD_OUT)
    for name in ("copy", "reverse"):
        assert TASKS[name].entropy_rate() * 18 == pytest.approx(8 * math.log(26) + kept)
    choices = sum(math.log(26 - place) for place in range(12)) + math.log(7)
    assert TASKS["induction"].entropy_rate() * 20 == pytest.approx(choices + kept)
    for name in ("copy", "reverse", "induction"):
        assert {len(line) for line in LINES[name]} == {TASKS[name].line_length}


def test_induction_needs_the_successor_of_a_letter_at_no_fixed_distance() -> None:
    distances = set()
    for line in LINES["induction"]:
        string, again = line.rstrip("\n").split(" ")
        assert len(set(string)) == len(string) == 12
        assert again in string
        distances.add(len(string) + 1 - string.index(again[0]))
    assert len(distances) == 7


def test_tales_are_examined_by_their_sentences() -> None:
    exam = exam_for("tales")
    assert exam is not None
    assert not exam.greedy
    from gtt.data.tales import write_tales

    questions = exam.questions(20, seed=0)
    tales = ["\n\n" + tale for tale in write_tales(1_000_000, 99)]
    answers = [
        next(tale for tale in tales if tale.startswith(question + " "))[len(question) :]
        for question in questions
    ]
    assert exam.score(questions, answers) == 1
    assert exam.score(questions, [" xyzzy. Qwerty. Asdf."] * 20) == 0
    assert exam_for("python") is None
