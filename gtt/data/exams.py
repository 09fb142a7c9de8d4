"""Exams: how well a model does at what its text is about, beyond the loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol

from gtt.config import DataConfig


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

    name: str
    metric: str = "exact answers"
    greedy: bool = True
    stop: tuple[str, ...] = ("\n",)

    @property
    def answer_characters(self) -> int:
        from gtt.data.tasks import TASKS

        return TASKS[self.name].longest_answer + 1  # and the line break

    def questions(self, count: int, seed: int) -> list[str]:
        """Held-out prompts, each after a line break, as every line of the text but the first is."""
        from gtt.data.tasks import TASKS

        return ["\n" + prompt for prompt in TASKS[self.name].held_out_prompts(count, seed)]

    def score(self, questions: Sequence[str], answers: Sequence[str]) -> float:
        """The share of answers that are right to the letter, up to their line break."""
        from gtt.data.tasks import TASKS

        task = TASKS[self.name]
        right = [
            answer.split("\n", 1)[0] == task.answer(question.removeprefix("\n"))
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


def exam_for(source_name: str, data: DataConfig) -> Exam | None:
    """The exam of a source, or None; the settings in `data` change none of today's exams."""
    from gtt.data.tasks import TASKS

    if source_name == "tales":
        return TalesExam()
    return TaskExam(source_name) if source_name in TASKS else None
