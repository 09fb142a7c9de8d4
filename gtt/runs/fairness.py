"""A fair queue: round-robin over the owners, first come first served for each of them."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")


class FairQueue(Generic[Item]):
    """Waiting items by owner. Not locked: whoever holds it locks."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[Item]] = {}  # in the order in which owners are served next

    def __len__(self) -> int:
        return sum(len(items) for items in self._waiting.values())

    def __contains__(self, item: Item) -> bool:
        return any(item in items for items in self._waiting.values())

    def put(self, owner: str, item: Item) -> None:
        """Adds an item behind those of its owner; a new owner goes behind all others."""
        self._waiting.setdefault(owner, deque()).append(item)

    def take(self, is_ready: Callable[[Item], bool] = lambda item: True) -> Item | None:
        """The item whose turn it is; its owner then goes behind all others.

        Items that are not ready keep their place, and the next has its turn before them.
        """
        for owner, items in self._waiting.items():
            for item in items:
                if is_ready(item):
                    items.remove(item)
                    del self._waiting[owner]
                    if items:
                        self._waiting[owner] = items
                    return item
        return None

    def remove(self, item: Item) -> bool:
        """Takes an item out, wherever it stands; whether it was there."""
        for owner, items in self._waiting.items():
            if item in items:
                items.remove(item)
                if not items:
                    del self._waiting[owner]
                return True
        return False

    def waiting_of(self, owner: str) -> int:
        """How many items of this owner wait."""
        return len(self._waiting.get(owner, ()))

    def in_order(self) -> list[Item]:
        """All items in the order in which they would be taken if nobody came in between."""
        rows = [list(items) for items in self._waiting.values()]
        longest = max(map(len, rows), default=0)
        return [row[turn] for turn in range(longest) for row in rows if turn < len(row)]


def waits(running: Sequence[float], lengths: Iterable[float], slots: int) -> list[float]:
    """Seconds until each waiting item starts.

    `running` holds the seconds that those at work still need, `lengths` those that each waiting one
    will take, in their order.
    """
    free = [0.0] * (slots - len(running)) + list(running)
    heapq.heapify(free)
    starts = []
    for length in lengths:
        start = heapq.heappop(free)
        starts.append(start)
        heapq.heappush(free, start + length)
    return starts
