"""Bounds on the pushes that a server has started, in all and per desk."""

from __future__ import annotations

import threading
from collections.abc import Callable

from gtt.api.api_errors import Unavailable
from gtt.hub.push_start import StartedPush

MOST, MOST_EACH = 4, 1  # at once, of all strangers and of one desk
RETRY = 20.0  # seconds


class Pushes:
    """Counts the processes at work; they go on when the server ends."""

    def __init__(self, *, for_strangers: bool) -> None:
        self._for_strangers = for_strangers
        self._lock = threading.Lock()
        self._at_work: list[tuple[str, StartedPush]] = []

    def start(self, owner: str, begin: Callable[[], StartedPush]) -> StartedPush:
        """What `begin` starts, one at a time; raises `Unavailable` where there are too many."""
        with self._lock:
            self._at_work = [
                owner_and_push for owner_and_push in self._at_work if owner_and_push[1].is_at_work
            ]
            own = sum(push_owner == owner for push_owner, _ in self._at_work)
            if self._for_strangers and (own >= MOST_EACH or len(self._at_work) >= MOST):
                whose = "you are pushing already" if own else f"{MOST} models are pushed just now"
                raise Unavailable(
                    f"More pushes at once are not allowed here, and {whose}: try again when that "
                    "is done.",
                    retry_after=RETRY,
                )
            started = begin()
            self._at_work.append((owner, started))
        threading.Thread(target=started.process.wait, name="push", daemon=True).start()
        return started
