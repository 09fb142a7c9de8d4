"""Tasks: lines of a question and its answer, made for reading attention.

    copy        kqzbfmta>kqzbfmta
    reverse     kqzbfmta>atmfbzqk
    addition    37+85=122
    induction   kqzbfmtaxwcj bfmtax

Lines are independent, so the entropy of the text is exact: H(line) / E[characters of a line]
(Cover and Thomas, *Elements of Information Theory*, chapter 4, with the renewal reward theorem).
One prompt in 20 (`HELD_OUT`) is never written: a hash of the prompt decides, so the exam can ask
for what no training text has shown. What is held out is not counted in the entropy.

Nats, with a line's draw uniform over N prompts of which the share h is held out: H = ln N +
ln(1 - h). The hash is close enough to uniform that this is exact to 1e-4 nats per line where N is
in the billions; addition has few prompts and counts them. A model that cannot know the hash pays
-ln(1 - h) = 0.05 nats per line more, and one that reads through a window pays a little more in the
line that the window cuts.

In *induction* a line is twelve distinct letters, a space, and six of the twelve again, in order,
from a random place. After the first of the six the rest is certain: find where the letter stood
before and take what followed it (Olsson et al. 2022, In-context Learning and Induction Heads). The
place moves from line to line, so looking back by a fixed distance does not help, and one layer of
attention can find the earlier letter but not its successor: that takes a head that marks each
letter with the one before it, and in a later layer one that looks for the mark.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

VERSION = 1  # raise when the text of a seed changes: prepared corpora are told apart by it
HELD_OUT = 20  # one prompt in this many

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_COPIED = 8
_STRING = 12
_REPEATED = 6


@dataclass(frozen=True)
class Task:
    """A kind of line: how a prompt is drawn (uniformly), and the one right answer to it.

    `prompts` is how many there are; `enumerate_all` lists them where they are few.
    """

    name: str
    draw: Callable[[Random], str]
    answer: Callable[[str], str]
    prompts: int
    line_length: int
    longest_answer: int
    enumerate_all: Callable[[], Iterator[str]] | None = None

    def write(self, seed: int) -> Iterator[str]:
        """Lines without end, each with its line break, none with a held-out prompt."""
        random = Random(seed)
        while True:
            prompt = self.draw(random)
            if not is_held_out(prompt):
                yield prompt + self.answer(prompt) + "\n"

    def held_out_prompts(self, count: int, seed: int) -> list[str]:
        """Up to `count` distinct held-out prompts, fewer where the task has fewer."""
        random = Random(seed)
        if self.enumerate_all is not None:
            every = [prompt for prompt in self.enumerate_all() if is_held_out(prompt)]
            return sorted(every, key=lambda _: random.random())[:count]
        prompts: dict[str, None] = {}
        while len(prompts) < count:
            prompt = self.draw(random)
            if is_held_out(prompt):
                prompts[prompt] = None
        return list(prompts)

    def entropy_rate(self) -> float:
        """Nats per character of the endless text."""
        if self.enumerate_all is None:
            per_line = math.log(self.prompts) + math.log(1 - 1 / HELD_OUT)
            return per_line / self.line_length
        lengths = [
            len(prompt + self.answer(prompt)) + 1
            for prompt in self.enumerate_all()
            if not is_held_out(prompt)
        ]
        return math.log(len(lengths)) / (sum(lengths) / len(lengths))


def is_held_out(prompt: str) -> bool:
    """Whether a prompt belongs to the exam; a pure function of its text."""
    digest = hashlib.blake2b(prompt.encode("utf-8"), digest_size=8).digest()
    return int.from_bytes(digest, "big") % HELD_OUT == 0


# `random()` is the one method whose numbers Python promises to keep for a seed.


def _draw_letters(random: Random) -> str:
    return "".join([_LETTERS[int(random.random() * 26)] for _ in range(_COPIED)]) + ">"


def _draw_sum(random: Random) -> str:
    return f"{10 + int(random.random() * 90)}+{10 + int(random.random() * 90)}="


def _draw_repetition(random: Random) -> str:
    letters = list(_LETTERS)
    for place in range(_STRING):
        other = place + int(random.random() * (26 - place))
        letters[place], letters[other] = letters[other], letters[place]
    start = int(random.random() * (_STRING - _REPEATED + 1))
    return "".join(letters[:_STRING]) + " " + letters[start]


def _copy(prompt: str) -> str:
    return prompt[:-1]


def _reverse(prompt: str) -> str:
    return prompt[-2::-1]


def _add(prompt: str) -> str:
    first, second = prompt[:-1].split("+")
    return str(int(first) + int(second))


def _continue(prompt: str) -> str:
    string, first = prompt.split(" ")
    start = string.index(first)
    return string[start + 1 : start + _REPEATED]


def _all_sums() -> Iterator[str]:
    return (f"{first}+{second}=" for first in range(10, 100) for second in range(10, 100))


TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        Task("copy", _draw_letters, _copy, 26**_COPIED, 2 * _COPIED + 2, _COPIED),
        Task("reverse", _draw_letters, _reverse, 26**_COPIED, 2 * _COPIED + 2, _COPIED),
        Task("addition", _draw_sum, _add, 90 * 90, 10, 3, _all_sums),
        Task(
            "induction",
            _draw_repetition,
            _continue,
            math.perm(26, _STRING) * (_STRING - _REPEATED + 1),
            _STRING + 1 + _REPEATED + 1,
            _REPEATED - 1,
        ),
    )
}
