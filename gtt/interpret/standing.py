"""How far a run got, against what it can be held to, and what keeps it from being praised.

Praise needs evidence. A loss counts as good where it is below its start, below that of knowing
token pairs (the bigram), not above what the same text allowed others, and not on its way up.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gtt.interpret.measurements import Measurements
from gtt.interpret.references import Reference
from gtt.interpret.trends import Series

PAST = 0.97  # of the bigram loss: below this more is learned than pairs of tokens
BEHIND = 0.08  # above a reference: more than seeds and evaluation windows differ by
LEARNED = 0.98  # of the start: above this nothing was learned
RISE = 0.01  # of the loss: a rise that praise does not overlook
LEAST_RISE = 0.005  # nats: less than the figures that are shown


@dataclass(frozen=True)
class Lag:
    """That a run is not where it should be: `share` is its loss over what it is held to."""

    share: float
    evidence: str
    reference: Reference | None = None


def lag(run: Measurements, *, suspected: bool = False) -> Lag | None:
    """Where a run stands too high; with a suspicion at hand, less is needed to confirm it."""
    if run.step < 0.4 * run.total_steps and not run.is_finished:
        return None
    return _behind_reference(run) or _behind_pairs(run, suspected) or _above_start(run)


def _behind_reference(run: Measurements) -> Lag | None:
    reference = run.reference
    if reference is None or run.step < 0.95 * run.total_steps or not len(run.validation):
        return None
    share = run.level / reference.loss
    if share < 1 + BEHIND:
        return None
    return Lag(
        share,
        f"validation loss {run.level:.2f}, where {reference.title} reached {reference.loss:.2f} "
        f"in {reference.steps:,} steps",
        reference,
    )


def _behind_pairs(run: Measurements, suspected: bool) -> Lag | None:
    bigram = run.pairs
    if bigram is None:
        return None
    expected = min(PAST, expected_share(run.step)) if suspected and run.is_finished else PAST
    share = run.train_level / bigram
    if share < expected:
        return None
    return Lag(
        share,
        f"training loss {run.train_level:.2f} after {run.step:,} steps, where knowing token pairs "
        f"alone gives {bigram:.2f}",
    )


def _above_start(run: Measurements) -> Lag | None:
    if run.train_level < LEARNED * run.start:
        return None
    return Lag(
        run.train_level / run.start,
        f"training loss {run.train_level:.2f} after {run.step:,} steps, {run.start:.2f} at first",
    )


def expected_share(steps: int) -> float:
    """Of the bigram loss what a run of so many steps at a fitting rate is mostly below."""
    return min(1.0, max(0.75, 1 - 0.05 * math.log2(max(steps, 1) / 75)))


def rise(series: Series) -> tuple[float, float, int] | None:
    """The lowest level of a curve, the level now and the step of the former, where it rose."""
    count = min(20, len(series) // 3)
    if count < 3:
        if len(series) < 3:
            return None
        count = len(series)
    bins = np.array_split(np.arange(len(series)), count)
    levels = [float(np.median(series.values[bin])) for bin in bins]
    lowest = int(np.argmin(levels))
    noise = 2.5 * series.noise() / len(bins[-1]) ** 0.5
    if levels[-1] - levels[lowest] < max(RISE * levels[lowest], min(noise, 0.1), LEAST_RISE):
        return None
    return levels[lowest], levels[-1], int(series.steps[bins[lowest][-1]])


def ends_above(series: Series) -> tuple[float, float, int] | None:
    """The lowest value of a curve, the last and the step of the former, where the last is above.

    For evaluations, which are few and of the same windows each time, so that the last of them
    counts by itself; four times their noise is what the lowest and the last of many may differ by.
    """
    if len(series) < 3:
        return None
    noise = _scatter(series.between(0.5 * series.steps[-1]))  # where it no longer falls steeply
    lowest = int(np.argmin(series.values))
    low, now = float(series.values[lowest]), float(series.values[-1])
    if now - low < max(RISE * low, LEAST_RISE, 4 * noise):
        return None
    return low, now, int(series.steps[lowest])


def _scatter(series: Series) -> float:
    """The standard deviation around a parabola, in the values' unit; 0 for fewer than 4 points."""
    count = len(series)
    if count < 4:
        return 0.0
    steps = series.steps / series.steps[-1]
    residuals = series.values - np.polyval(np.polyfit(steps, series.values, 2), steps)
    return float(np.sqrt(np.sum(residuals**2) / (count - 3)))


def risen(run: Measurements) -> tuple[str, float, float, int] | None:
    """Which loss is above where it was, how low it was, where it is, and the step of the former."""
    if (risen_by := rise(run.validation) or ends_above(run.validation)) is not None:
        return "validation", *risen_by
    if (risen_by := rise(run.train)) is not None:
        return "training", *risen_by
    return None


def is_past_pairs(run: Measurements) -> bool:
    """Whether it knows more than pairs of tokens, on seen text and, where measured, on unseen."""
    bigram = run.baseline("bigram")
    return bigram is not None and max(run.train_level, run.level) < PAST * bigram


def shows_on_unseen(run: Measurements) -> bool:
    """Whether the last evaluation, not long ago, was past token pairs and below the start."""
    bigram, recent = run.baseline("bigram"), run.validation.between(0.5 * run.step)
    if bigram is None or not len(recent):
        return False
    return bool(recent.values[-1] < min(PAST * bigram, LEARNED * run.start))


def is_below_start(run: Measurements) -> bool:
    return max(run.train_level, run.level) < LEARNED * run.start
