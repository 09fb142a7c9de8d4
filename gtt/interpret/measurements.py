"""The input of a diagnosis: the settings of a run and a bounded extract of its measurements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gtt.config import RunConfig
from gtt.interpret.references import Reference, fair_reference, recipe_references
from gtt.interpret.trends import Series
from gtt.runs.curves import Point
from gtt.runs.run_reader import RunReader, RunView
from gtt.training.events import Reason
from gtt.training.schedule import lr_factor, warmup_length

POINTS = 400  # of each curve that are looked at, however long the run
SCHEDULE_POINTS = 400
SOME_ORDER = 0.97  # of the unigram loss: a bigram above this says that pairs tell nothing


@dataclass(frozen=True)
class Measurements:
    """One run up to `step`. Losses and baselines in nats per token.

    `ended` is the reason of its end, None where none was written: it is `at_work`, or its process
    was lost. `dead_units` holds for each snapshot
    the share of dead units by part. `validation_seen` is the share of the validation part that
    stands in the training part, `reference` what got furthest on the same text in no more steps.
    `most_steps` and `most_minutes` bound what a fix may ask for.
    """

    config: RunConfig
    step: int
    total_steps: int
    loss: Sequence[Point]
    validation_loss: Sequence[Point]
    baselines: Mapping[str, float | None]
    gradient_norm: Sequence[Point] = ()
    update_to_weight: Sequence[Point] = ()
    dead_units: Sequence[tuple[int, Mapping[str, float]]] = ()
    train_tokens: int | None = None
    tokens_per_step: int | None = None
    ended: Reason | None = None
    at_work: bool = True
    message: str = ""
    text_bytes: float | None = None
    bytes_per_token: float | None = None
    validation_seen: float | None = None
    reference: Reference | None = None
    most_steps: int | None = None
    most_minutes: float | None = None

    @classmethod
    def of(
        cls,
        config: RunConfig,
        reader: RunReader,
        *,
        at_work: bool = True,
        peers: Sequence[Reference] = (),
        most_steps: int | None = None,
        most_minutes: float | None = None,
    ) -> Measurements:
        """The measurements from the journal of a run; the cost does not depend on its length.

        `peers` are other runs that it may be held against, beside the recipes.
        """
        view = reader.view()
        total = max(1, view.step, view.total_steps or config.training.max_steps or 1)
        references = (*recipe_references(), *peers)
        return cls(
            config=config,
            step=view.step,
            total_steps=total,
            loss=reader.curve("loss", POINTS),
            validation_loss=reader.curve("validation_loss", POINTS),
            baselines=view.baselines or {},
            gradient_norm=reader.curve("gradient_norm", POINTS),
            update_to_weight=reader.curve("update_to_weight", POINTS),
            dead_units=[
                (snapshot.step, _dead_units(snapshot.statistics)) for snapshot in reader.snapshots()
            ],
            train_tokens=view.train_tokens,
            tokens_per_step=view.tokens_per_step,
            ended=view.ended.reason if view.ended else None,
            at_work=at_work and view.ended is None,
            message=view.ended.message if view.ended else "",
            text_bytes=_text_bytes(view),
            bytes_per_token=view.bytes_per_token,
            validation_seen=view.validation_seen,
            reference=fair_reference(config, total, view.vocab_size, references),
            most_steps=most_steps,
            most_minutes=most_minutes,
        )

    # ------------------------------------------------------------------------- curves

    @cached_property
    def whole(self) -> Series:
        """The training loss from the first step on."""
        return Series.of(self.loss)

    @cached_property
    def train(self) -> Series:
        """The training loss after the warm-up; all of it while that goes on."""
        behind = self.whole.between(self.warmup + 1)
        return behind if len(behind) >= 4 else self.whole

    def train_around(self, step: float) -> float:
        """The training loss about a step, be that within the warm-up."""
        return self.whole.around(step, max(3, len(self.train) // 20))

    @cached_property
    def validation(self) -> Series:
        """The validation loss from the first step on: at step 0 nothing is learned yet."""
        return Series.of(self.validation_loss).between(1)

    @cached_property
    def train_level(self) -> float:
        """The training loss now."""
        return self.train.last().level()

    @cached_property
    def level(self) -> float:
        """The loss now: on validation text where it was measured lately, else in training."""
        recent = self.validation.between(0.75 * self.step)
        return float(recent.values[-1]) if len(recent) else self.train_level

    @cached_property
    def start(self) -> float:
        """The training loss of the first steps, as far as it is known."""
        first = float(self.whole.values[0]) if len(self.whole) else 0.0
        return min(first, self.baseline("uniform") or first) if first else 0.0

    @property
    def pairs(self) -> float | None:
        """The bigram loss, where the text has an order that pairs of tokens show."""
        bigram, unigram = self.baseline("bigram"), self.baseline("unigram")
        if bigram is None or (unigram is not None and bigram > SOME_ORDER * unigram):
            return None
        return bigram

    @cached_property
    def gradient_course(self) -> tuple[float, float] | None:
        """The median gradient norm at first, after the warm-up, and lately."""
        norms = Series.of(self.gradient_norm)
        behind = norms.between(self.warmup + 1)
        norms = behind if len(behind) >= 4 else norms
        if len(norms) < 4:
            return None
        third = max(1, len(norms) // 3)
        return float(np.median(norms.values[:third])), float(np.median(norms.values[-third:]))

    def baseline(self, name: str) -> float | None:
        """A baseline in nats per token; None where it is not known."""
        return self.baselines.get(name)

    # ----------------------------------------------------------------------- schedule

    @property
    def is_cut_short(self) -> bool:
        """Whether it ended before it was meant to, by a person or by a fault."""
        return self.ended in ("stopped", "failed") or (self.ended is None and not self.at_work)

    @property
    def is_finished(self) -> bool:
        """Whether it trained as long as it was meant to, or as time allowed."""
        return self.ended in ("completed", "out_of_time")

    @cached_property
    def warmup(self) -> int:
        return warmup_length(self.total_steps, self.config.training)

    @property
    def epochs(self) -> float:
        """Passes over the training part so far; 0 where its length is not known."""
        return self.epochs_at(self.step)

    def epochs_at(self, step: float) -> float:
        if not self.train_tokens or not self.tokens_per_step:
            return 0.0
        return step * self.tokens_per_step / self.train_tokens

    def factor(self, step: float) -> float:
        """The learning rate at a step over its peak."""
        place = min(max(0, int(step) - 1), self.total_steps - 1)
        return lr_factor(place, self.total_steps, self.config.training)

    @cached_property
    def full_rate_end(self) -> int:
        """The last step so far at which the rate is at least half of its peak."""
        steps = np.unique(np.linspace(1, max(1, self.step), SCHEDULE_POINTS).astype(int))
        full = [int(step) for step in steps if self.factor(step) >= 0.5]
        return full[-1] if full else self.step

    # ------------------------------------------------------------------------ updates

    @cached_property
    def update_size(self) -> float | None:
        """The median update-to-weight ratio at full rate; None for fewer than three snapshots.

        Measured at the steps from a quarter of the run so far on, scaled up to the peak rate.
        """
        ratios = Series.of(self.update_to_weight).between(max(4, 0.1 * self.step))
        factors = np.array([self.factor(step) for step in ratios.steps])
        at_full_rate = factors >= 0.1
        if int(at_full_rate.sum()) < 3:
            return None
        return float(np.median(ratios.values[at_full_rate] / factors[at_full_rate]))

    @cached_property
    def largest_update(self) -> float | None:
        """The second largest update-to-weight ratio; None for fewer than three snapshots.

        Early ones are the largest: where the rate is too high, weights soon grow to match it.
        """
        ratios = Series.of(self.update_to_weight).between(4)
        return float(np.sort(ratios.values)[-2]) if len(ratios) >= 3 else None

    @cached_property
    def reach(self) -> float | None:
        """How far the whole run can move the weights, in multiples of their size.

        The sum of the update-to-weight ratios over all steps, as if all pointed the same way.
        """
        if self.update_size is None:
            return None
        steps = np.linspace(1, self.total_steps, min(SCHEDULE_POINTS, self.total_steps))
        mean = float(np.mean([self.factor(step) for step in steps]))
        return self.update_size * mean * self.total_steps


def _text_bytes(view: RunView) -> float | None:
    tokens = (view.train_tokens or 0) + (view.validation_tokens or 0)
    return tokens * view.bytes_per_token if tokens and view.bytes_per_token else None


def _dead_units(statistics: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    return {
        part: values["dead_units"] for part, values in statistics.items() if "dead_units" in values
    }
