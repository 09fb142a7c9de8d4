"""What a step of a lesson waits for: something measurable of the learner's runs.

Each kind of condition says whether it is met and how far it is, in words.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from gtt.recipes import differences
from gtt.runs.managed_run import ACTIVE
from gtt.teaching.facts import RunFacts

Line = Literal["uniform", "unigram", "bigram", "floor"]


@dataclass(frozen=True)
class Standing:
    """Whether a condition is met, and in words how it stands."""

    met: bool
    text: str


class _Condition(BaseModel):
    """Base of the conditions: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    run: str = Field(pattern=r"^[a-z][a-z0-9_]*$")

    def runs(self) -> Iterator[str]:
        """The names of the runs that it is about."""
        yield self.run

    def standing(self, runs: Mapping[str, RunFacts]) -> Standing:
        """How it stands with these runs."""
        run = runs.get(self.run)
        return Standing(False, "No such run yet.") if run is None else self._held(run, runs)

    def _held(self, run: RunFacts, runs: Mapping[str, RunFacts]) -> Standing:
        raise NotImplementedError


class HasEnded(_Condition):
    """A run has done all of its steps, or was ended since its loss is no number any more."""

    that: Literal["has_ended"]

    def _held(self, run: RunFacts, runs: Mapping[str, RunFacts]) -> Standing:
        step, total = run.view.step, run.view.total_steps
        if run.state == "completed":
            return Standing(True, f"“{self.run}”: all {step:,} steps are done.")
        if run.state == "diverged":
            return Standing(True, f"“{self.run}”: diverged at step {step:,}.")
        if run.state in ACTIVE:
            doing = f"step {step:,} of {total:,}" if step and total else f"{run.state}"
            return Standing(False, f"“{self.run}”: {doing}.")
        words = run.state.replace("_", " ")
        return Standing(
            False, f"“{self.run}” is {words} at step {step:,}: resume it, or start anew."
        )


class HasSteps(_Condition):
    """A run has done so many steps."""

    that: Literal["has_steps"]
    steps: int = Field(ge=1)

    def _held(self, run: RunFacts, runs: Mapping[str, RunFacts]) -> Standing:
        done = run.view.step
        return Standing(done >= self.steps, f"“{self.run}”: step {done:,} of {self.steps:,}.")


class _OfLoss(_Condition):
    """A loss against a value or a line of the text."""

    loss: Literal["loss", "validation_loss"] = "validation_loss"
    line: Line | None = None
    value: float | None = None

    def limit(self, run: RunFacts) -> float | None:
        """The value that the loss is held against, None before it is known."""
        if self.line is None:
            return self.value
        value = run.get(self.line)
        return value if isinstance(value, float) else None

    def words(self, run: RunFacts, limit: float | None) -> str:
        """Both values."""
        loss = run.get(self.loss)
        what = "validation loss" if self.loss == "validation_loss" else "training loss"
        reached = f"{loss:.2f}" if isinstance(loss, float) else "not measured yet"
        line = f"the {self.line} line" if self.line else "the mark"
        at = f"{limit:.2f}" if limit is not None else "not known yet"
        return f"“{self.run}”: {what} {reached}, {line} at {at}."


class LossBelow(_OfLoss):
    """The loss of a run is below a value, or a line of its text."""

    that: Literal["loss_below"]

    def _held(self, run: RunFacts, runs: Mapping[str, RunFacts]) -> Standing:
        limit, loss = self.limit(run), run.get(self.loss)
        met = isinstance(loss, float) and limit is not None and loss < limit
        return Standing(met, self.words(run, limit))


class LossAbove(_OfLoss):
    """The loss of a run is above a value or a line, or is no number any more."""

    that: Literal["loss_above"]

    def _held(self, run: RunFacts, runs: Mapping[str, RunFacts]) -> Standing:
        limit, loss = self.limit(run), run.get(self.loss)
        diverged = run.view.ended is not None and run.view.ended.reason == "diverged"
        is_above = isinstance(loss, float) and limit is not None and not loss < limit
        met = diverged or is_above or (isinstance(loss, float) and math.isnan(loss))
        return Standing(met, self.words(run, limit))


class DiffersOnlyIn(_Condition):
    """Two runs have the same settings but for the named ones, in which they do differ."""

    that: Literal["differs_only_in"]
    other: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    settings: tuple[str, ...] = Field(min_length=1)

    def runs(self) -> Iterator[str]:
        yield from (self.run, self.other)

    def _held(self, run: RunFacts, runs: Mapping[str, RunFacts]) -> Standing:
        other = runs.get(self.other)
        if other is None:
            return Standing(False, "No second run yet.")
        differing = set(differences(other.config, run.config))
        extra, missing = differing - set(self.settings), set(self.settings) - differing
        if not extra and not missing:
            return Standing(True, f"“{self.run}” differs from “{self.other}” in nothing else.")
        words = ", ".join(sorted(extra or missing))
        verb = "also differ in" if extra else "do not differ in"
        return Standing(False, f"“{self.run}” and “{self.other}” {verb} {words}.")


class HasHead(_Condition):
    """A head of a run has a habit over so much of its attention."""

    that: Literal["has_head"]
    habit: Literal["previous_token", "first_token", "current_token", "same_token", "induction"]
    over: float = Field(gt=0, lt=1)

    def _held(self, run: RunFacts, runs: Mapping[str, RunFacts]) -> Standing:
        words, head = self.habit.replace("_", " "), run.strongest(self.habit)
        if head is None:
            return Standing(False, f"“{self.run}”: nothing was measured of its heads yet.")
        return Standing(
            head.share > self.over,
            f"“{self.run}”: head {head.head} of layer {head.layer} gives {words} "
            f"{head.share:.0%} of its attention, the most; {self.over:.0%} is asked for.",
        )


Condition = Annotated[
    HasEnded | HasSteps | LossBelow | LossAbove | DiffersOnlyIn | HasHead,
    Field(discriminator="that"),
]
