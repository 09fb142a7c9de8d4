"""Exams: questions about the content of a text, which measure a model beyond its loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol

from gtt.data.tasks import Task


class Exam(Protocol):
    """Questions that a model answers by continuing them, and a score for the answers."""

    @property
    def name(self) -> str: ...

    @property
    def metric(self) -> str:
        """What the score is a share of: `exact answers`, `valid sentences`."""
        ...

    @property
    def greedy(self) -> bool:
        """Whether the likeliest token is taken at each step; otherwise answers are sampled."""
        ...

    @property
    def answer_characters(self) -> int:
        """Characters after which an answer may be cut off."""
        ...

    @property
    def stop(self) -> tuple[str, ...]:
        """Texts at which an answer ends."""
        ...

    def questions(self, count: int, seed: int) -> list[str]:
        """Up to `count` prompts, none of them in the training text where that can be held."""
        ...

    def score(self, questions: Sequence[str], answers: Sequence[str]) -> float:
        """0 to 1; an answer is what came after its question."""
        ...


@dataclass(frozen=True)
class TaskExam:
    """Exact answers to prompts of one task that its text never shows."""

    task: Task
    metric: str = "exact answers"
    greedy: bool = True
    stop: tuple[str, ...] = ("\n",)

    @property
    def name(self) -> str:
        return self.task.name

    @property
    def answer_characters(self) -> int:
        return self.task.longest_answer + 1  # and the line break

    def questions(self, count: int, seed: int) -> list[str]:
        """Held-out prompts, each after a line break, as every line of the text but the first is."""
        return ["\n" + prompt for prompt in self.task.held_out_prompts(count, seed)]

    def score(self, questions: Sequence[str], answers: Sequence[str]) -> float:
        """The share of answers that are right to the letter, up to their line break."""
        right = [
            answer.split("\n", 1)[0] == self.task.answer(question.removeprefix("\n"))
            for question, answer in zip(questions, answers, strict=True)
        ]
        return sum(right) / len(right) if right else 0.0


@dataclass(frozen=True)
class TalesExam:
    """The share of sampled sentences that belong to the language of the tales."""

    name: str = "tales"
    metric: str = "valid sentences"
    greedy: bool = False
    answer_characters: int = 400
    stop: tuple[str, ...] = ("\n\n",)

    def questions(self, count: int, seed: int) -> list[str]:
        """First words of tales, after the blank line that ends the tale before."""
        from gtt.data.tales import write_tales

        tales = write_tales(1 << 62, Random(f"exam {seed}").getrandbits(32))
        return [
            "\n\n" + tale.split(" ", 1)[0] for tale, _ in zip(tales, range(count), strict=False)
        ]

    def score(self, questions: Sequence[str], answers: Sequence[str]) -> float:
        """Valid sentences among those that the model finished, 0 where it finished none."""
        from gtt.data.tales import judge

        judged = [judge(q + a) for q, a in zip(questions, answers, strict=True)]
        sentences = sum(judgement.sentences for judgement in judged)
        valid = sum(judgement.valid_sentences for judgement in judged)
        return valid / sentences if sentences else 0.0


def exam_for(source_name: str) -> Exam | None:
    """The exam of a built-in source, None where it has none or there is no such source."""
    from gtt.data.sources import SOURCES

    source = SOURCES.get(source_name)
    return None if source is None else source.exam()
