"""Looking for a job whose answer never came: in the account's list, then in what was sent home.

A machine may begin late, and a list may miss it. So a job counts as never begun only when its time
limit has passed since it was asked for, and its repository holds nothing that it sent.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

from huggingface_hub import JobInfo

from gtt.hub.jobs.account import Account
from gtt.hub.jobs.job_refusals import JobGone, JobRefused, TokenSpent
from gtt.runs.hub_job import JobState

LOOK_EVERY = 5.0  # seconds between two looks
FIND_FOR = 30.0  # seconds that a job is looked for which is not listed, or is to be stopped
GIVE_UP = 3600.0  # seconds beyond the time limit that an unreachable Hub is asked
UNSURE = "It is asked again whether it has begun a machine for this run."
UNLISTED = "The Hub lists no machine for this run."
LATE = f"{UNLISTED} One may still begin late."
NEVER_BEGUN = f"{UNLISTED} None has sent anything within its time limit: start it again."


class NeverBegun(JobRefused):
    """No machine was begun, as far as anybody can tell."""


class Search:
    """One search for the job of a state that has a mark and no number."""

    def __init__(
        self, account: Account, state: JobState, stop: threading.Event, clock: Callable[[], float]
    ) -> None:
        self.account, self.state, self.stop, self.clock = account, state, stop, clock

    def find(self, tell: Callable[[str], None]) -> JobInfo | None:
        """The job; None where it has sent something home and the Hub lists it no more.

        `tell` is given what stands in the way meanwhile. Raises `NeverBegun`, and `JobRefused`
        where it cannot be told, or not yet.
        """
        settled, stop_by = time.monotonic() + FIND_FOR, math.inf
        give_up = self.clock() + 60 * self.state.minutes + GIVE_UP
        while True:
            try:
                job = self.account.find(self.state)
                if job is not None:
                    return job
                if time.monotonic() > settled:
                    has_more = self._has_more()
                    break
                refusal = JobRefused(LATE)
            except TokenSpent:
                raise
            except JobRefused as error:
                refusal = error
                tell(f"{error.message} {UNSURE}")
            if self.stop.is_set():  # what is found until then is cancelled
                stop_by = min(stop_by, time.monotonic() + FIND_FOR)
            if time.monotonic() > stop_by or self.clock() > give_up:
                raise refusal
            time.sleep(LOOK_EVERY)
        if has_more:
            return None
        if not is_time_up(self.state, self.clock()):
            raise JobRefused(LATE)
        raise NeverBegun(NEVER_BEGUN)

    def _has_more(self) -> bool:
        """Whether anything was sent home, or anybody else has written there."""
        try:
            return self.account.has_more(str(self.state.repo), self.state.revision)
        except JobGone:  # the repository was deleted
            return False


def is_time_up(state: JobState, now: float) -> bool:
    """Whether a job that began when it was asked for has reached its time limit."""
    return now > (state.asked or state.updated) + 60 * state.minutes
