"""Robust statistics of noisy curves: levels by medians, slopes by medians of slopes.

A single batch tells little, so nothing here looks at single points. Losses fall roughly in a
straight line over the logarithm of the step (Kaplan et al. 2020), so slopes are per doubling.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_NORMAL = 1.4826  # standard deviations of a normal distribution per median absolute deviation
BINS = 16  # into which a curve is gathered before a line is laid through it


@dataclass(frozen=True)
class Series:
    """A curve as columns, (N,) each: steps in rising order, and finite values."""

    steps: Floats
    values: Floats

    @classmethod
    def of(cls, points: Sequence[tuple[int, float]]) -> Series:
        """The points whose values are finite."""
        pairs = np.asarray(points, dtype=np.float64).reshape(-1, 2)
        pairs = pairs[np.isfinite(pairs).all(axis=1)]
        return cls(pairs[:, 0], pairs[:, 1])

    def __len__(self) -> int:
        return len(self.steps)

    def between(self, first: float, last: float = np.inf) -> Series:
        """The points at `first` and beyond, up to `last` and with it."""
        inside = (self.steps >= first) & (self.steps <= last)
        return Series(self.steps[inside], self.values[inside])

    def level(self) -> float:
        """The median of the values, which must be there."""
        return float(np.median(self.values))

    def around(self, step: float, count: int) -> float:
        """The median of the `count` points nearest to a step."""
        nearest = np.argsort(np.abs(self.steps - step), kind="stable")[:count]
        return float(np.median(self.values[nearest]))

    def last(self, share: float = 0.1, least: int = 3) -> Series:
        """The points of the last `share` of the steps, though never fewer than `least` points."""
        if len(self) <= least:
            return self
        begin = self.steps[-1] - share * (self.steps[-1] - self.steps[0])
        return self.between(min(begin, self.steps[-least]))

    def noise(self) -> float:
        """The standard deviation around a smooth curve, in the values' unit; 0 for < 4 points.

        Second differences are free of any line; those of white noise are √6 times as wide.
        """
        if len(self) < 4:
            return 0.0
        return _spread(np.diff(self.values, 2)) / 6**0.5

    def smoothed(self) -> Series:
        """The running median of three, which a single outlier does not move; ends stay."""
        if len(self) < 3:
            return self
        middle = np.median(np.stack([self.values[:-2], self.values[1:-1], self.values[2:]]), axis=0)
        return Series(
            self.steps, np.concatenate([self.values[:1], middle, self.values[-1:]]).astype(float)
        )


@dataclass(frozen=True)
class Trend:
    """A line through a stretch of a curve: its rise per doubling of the step, with its error."""

    per_doubling: float
    error: float

    def is_falling(self) -> bool:
        """Whether it falls by more than noise would make it seem to."""
        return self.per_doubling < -2.5 * self.error


def trend(series: Series) -> Trend | None:
    """The median slope over the logarithm of the step (Theil 1950, Sen 1968).

    The curve is gathered into bins of equal width on that axis first, so that the many late points
    do not outvote the early ones. None for fewer than four bins with points in them.
    """
    positive = series.between(1)
    if len(positive) < 4:
        return None
    places = np.log2(positive.steps)
    edges = np.linspace(places[0], places[-1], BINS + 1)[1:-1]
    bins = np.digitize(places, edges)
    filled_bins = np.unique(bins)
    if len(filled_bins) < 4:
        return None
    x = np.array([np.median(places[bins == bin]) for bin in filled_bins])
    y = np.array([np.median(positive.values[bins == bin]) for bin in filled_bins])
    first, second = np.triu_indices(len(x), 1)
    slope = float(np.median((y[second] - y[first]) / (x[second] - x[first])))
    residuals = y - slope * x
    error = _spread(residuals) / (float(np.std(x)) * len(x) ** 0.5)
    return Trend(slope, error)


def _spread(values: Floats) -> float:
    """The standard deviation, judged by the median so that outliers do not count."""
    return float(_NORMAL * np.median(np.abs(values - np.median(values))))
