"""Curves and last values of a run in bounded memory, however long it trains.

Both are cut back when a run is resumed. A run is resumed at its last checkpoint, so `seal` tells
them that step: up to there they can be cut without losing anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

Point = tuple[int, float]  # step, value

BUCKETS = 1024  # of one curve; up to so many points are kept whole
OPEN_POINTS = 16  # that a bucket gathers before it is thinned
RECENT = 16

_value = itemgetter(1)


@dataclass
class Bucket:
    """A stretch of a curve: of its `count` points the first, the lowest, the highest, the last."""

    count: int
    points: list[Point]

    def add(self, point: Point) -> None:
        """Takes in the next point."""
        self.count += 1
        self.points.append(point)
        if len(self.points) > OPEN_POINTS:
            self.thin()

    def thin(self) -> None:
        """Lets go of all but the first, lowest, highest and last point."""
        if len(self.points) > 4:
            self.points = _outline(self.points)


class Curve:
    """One value over the steps. Buckets of `width` points; the width doubles as the curve grows."""

    def __init__(self, limit: int = BUCKETS) -> None:
        self.limit = limit
        self.width = 1
        self.sealed = -1
        self.buckets: list[Bucket] = []

    def add(self, step: int, value: float) -> None:
        """Appends a point; its step is not below that of the point before."""
        last = self.buckets[-1] if self.buckets else None
        if last and last.count < self.width and not self._is_sealed(last, step):
            last.add((step, value))
            return
        if last:
            last.thin()
        self.buckets.append(Bucket(1, [(step, value)]))
        if len(self.buckets) > self.limit:
            self._double_width()

    def seal(self, step: int) -> None:
        """From now on no bucket reaches over this step."""
        self.sealed = step

    def truncate(self, step: int) -> None:
        """Drops the points beyond `step`.

        Where `step` is the sealed one, what is left is as if they had never been. Elsewhere the
        bucket around it keeps those of its four points that lie before.
        """
        while self.buckets and self.buckets[-1].points[0][0] > step:
            self.buckets.pop()
        if self.buckets and self.buckets[-1].points[-1][0] > step:
            kept = [point for point in self.buckets[-1].points if point[0] <= step]
            self.buckets[-1] = Bucket(len(kept), kept)
        self.sealed = step

    @property
    def last(self) -> float | None:
        """The newest value."""
        return self.buckets[-1].points[-1][1] if self.buckets else None

    def lowest(self) -> Point | None:
        """The point with the lowest value, the earliest of equals."""
        points = (point for bucket in self.buckets for point in bucket.points)
        return min(points, key=_value, default=None)

    def thinned(self, points: int, after_step: int | None = None) -> list[Point]:
        """At most `points` (at least 4) points of the curve beyond `after_step`, in order.

        The first and the last are among them, and the lowest and the highest of every stretch.
        """
        after = -1 if after_step is None else after_step
        known = [
            point
            for bucket in self.buckets
            if bucket.points[-1][0] > after
            for point in bucket.points
            if point[0] > after
        ]
        points = max(points, 4)
        if len(known) <= points:
            return known
        inner = known[1:-1]
        stretches = (points - 2) // 2
        result = [known[0]]
        for number in range(stretches):
            begin, end = (place * len(inner) // stretches for place in (number, number + 1))
            stretch = inner[begin:end]
            result += sorted({min(stretch, key=_value), max(stretch, key=_value)})
        return [*result, known[-1]]

    def as_json(self) -> dict[str, Any]:
        """The curve as plain values."""
        buckets = [[bucket.count, bucket.points] for bucket in self.buckets]
        return {"width": self.width, "sealed": self.sealed, "buckets": buckets}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Curve:
        """The curve that `as_json` described; raises `KeyError`, `TypeError` or `ValueError`."""
        curve = cls()
        curve.width, curve.sealed = int(values["width"]), int(values["sealed"])
        for count, points in values["buckets"]:
            kept = [(int(step), float(value)) for step, value in points]
            if not kept:
                raise ValueError("an empty bucket")
            curve.buckets.append(Bucket(int(count), kept))
        return curve

    def _is_sealed(self, bucket: Bucket, step: int) -> bool:
        """Whether the seal lies between a bucket and a step behind it."""
        return bucket.points[-1][0] <= self.sealed < step

    def _double_width(self) -> None:
        self.width *= 2
        merged: list[Bucket] = []
        for bucket in self.buckets:
            last = merged[-1] if merged else None
            is_room = last and last.count + bucket.count <= self.width
            if last and is_room and not self._is_sealed(last, bucket.points[0][0]):
                last.count += bucket.count
                last.points += bucket.points
                last.thin()
            else:
                merged.append(bucket)
        self.buckets = merged


class Recent:
    """The newest of what a run says of one kind: dictionaries with a `step`.

    Beside the newest few, the newest up to the sealed step stays, so that there is a last one
    after a resume.
    """

    def __init__(self, limit: int = RECENT) -> None:
        self.limit = limit
        self.sealed = -1
        self.items: list[dict[str, Any]] = []

    @property
    def last(self) -> dict[str, Any] | None:
        return self.items[-1] if self.items else None

    def add(self, item: dict[str, Any]) -> None:
        """Appends an item, and lets go of one that is no longer needed."""
        self.items.append(item)
        if len(self.items) > self.limit:
            is_needed = self.items[0]["step"] <= self.sealed < self.items[1]["step"]
            del self.items[1 if is_needed else 0]

    def seal(self, step: int) -> None:
        """From now on the newest item up to this step is kept."""
        self.sealed = step

    def truncate(self, step: int) -> None:
        """Drops the items beyond `step`."""
        self.items = [item for item in self.items if item["step"] <= step]
        self.sealed = step

    def as_json(self) -> dict[str, Any]:
        """The items as plain values."""
        return {"limit": self.limit, "sealed": self.sealed, "items": self.items}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Recent:
        """What `as_json` described; raises `KeyError`, `TypeError` or `ValueError`."""
        recent = cls(int(values["limit"]))
        recent.sealed = int(values["sealed"])
        recent.items = [{**item, "step": int(item["step"])} for item in values["items"]]
        return recent


def _outline(points: list[Point]) -> list[Point]:
    """The first, the lowest, the highest and the last point, in their order."""
    values = [value for _, value in points]
    places = {0, values.index(min(values)), values.index(max(values)), len(points) - 1}
    return [points[place] for place in sorted(places)]
