"""The service behind the endpoints: one server's runs, desks, models and limits."""

from __future__ import annotations

import gc
import logging
import secrets
import shutil
import threading
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from gtt.api.api_errors import NotFound
from gtt.api.desk import Desk
from gtt.api.guard.unread_results import Unread
from gtt.api.pushes import Pushes
from gtt.api.rates import Places, RateLimiter
from gtt.api.workspaces import SHARED_OWNER, Workspaces, owner_of
from gtt.config import RunConfig
from gtt.errors import GTTError, UnusableRun
from gtt.hub.jobs.follow_start import follow_job
from gtt.hub.jobs.hardware import Prices
from gtt.hub.push_start import own_token
from gtt.inference.client import Inference
from gtt.inference.pipe import Result
from gtt.inference.questions import Job
from gtt.runs.home import Home, folder_bytes
from gtt.runs.hub_job import is_unsettled
from gtt.runs.limits import Limits, fewest_parameters, run_bytes
from gtt.runs.managed_run import ManagedRun
from gtt.runs.manager import Manager
from gtt.runs.processes import WORKER
from gtt.training.memory import trim_memory

log = logging.getLogger(__name__)

# Questions to models that one desk may have at work, and as many waiting as a page asks at once.
MOST_ACTIVE, MOST_WAITING = 2, 12
SWEEP_EVERY = 300.0  # seconds between two looks for idle desks and unused corpora
TIDY_EVERY = 20.0  # seconds after which what nobody uses leaves the memory


class Service:
    """Everything behind the endpoints; `close` leaves the runs going."""

    def __init__(
        self,
        home: Home,
        limits: Limits,
        *,
        spare: bool = True,
        worker: Sequence[str] = WORKER,
    ) -> None:
        """`spare` keeps a worker ready; `worker` is the command of one."""
        self.home, self.limits = home, limits
        self.started = time.monotonic()
        self.mark = secrets.token_hex(8)  # another one after every start
        self.manager = Manager(home, limits, spare=spare, worker=worker)
        self.workspaces = Workspaces(
            home.workspaces,
            limits,
            runs_bytes=self.runs_bytes,
            reserved_bytes=self.reserved_bytes,
            measure=home.bytes,
            admit=lambda address: self.rates.take("desk", address),
        )
        self.workspaces.sweep_leftovers()
        self.inference = (
            Inference()
            if limits.shared_desk
            else Inference(max_active_each=MOST_ACTIVE, max_waiting_each=MOST_WAITING)
        )
        self.rates = rates_of(limits)
        self.pushes = Pushes(for_strangers=limits.for_strangers)
        self.prices = Prices()
        self.unread = Unread()
        self.streams = Places.at_home() if limits.shared_desk else Places.for_strangers()
        # Held from the look for room to the run that takes it: two at once would both find room.
        self.beginning = threading.RLock()
        self.receiving = threading.Lock()
        self._closed = threading.Event()
        threading.Thread(target=self._follow_jobs, name="jobs", daemon=True).start()
        self._sweeper = threading.Thread(target=self._sweep_on, name="sweeper", daemon=True)
        self._sweeper.start()

    def _follow_jobs(self) -> None:
        """Follows the jobs again whose followers died with this computer, if it is signed in.

        On a server of strangers each of them does that, with a token of theirs.
        """
        lost = [run for run in self.manager.runs() if is_unsettled(run.path)]
        lost = [run for run in lost if not run.is_alive()]
        if not lost or self.limits.for_strangers or not self.limits.allow_hub:
            return
        token = own_token()
        for run in lost if token else []:
            with suppress(GTTError, OSError):
                self.manager.follow_again(
                    run, lambda run: follow_job(run.path, self.home, token=str(token))
                )

    def caller(self, key: str | None, address: str = "") -> Caller:
        """The caller with this workspace key; raises `BadInput` for a malformed one."""
        return Caller(self, self.workspaces.desk(key, address))

    def runs_bytes(self, owner: str) -> int:
        """What the runs of an owner take on the disk."""
        runs = self.manager.runs(lambda run: run.owner == owner, deleted=True)
        return sum(folder_bytes(run.path) for run in runs)

    def reserved_bytes(self, owner: str | None) -> int:
        """What the runs at work and waiting may still write, of one owner or of all.

        Of all, what they have written already counts again: the home is measured but now and then.
        """
        at_work = [run for run in self.manager.at_work() if owner is None or run.owner == owner]
        whole = [(run, run_bytes(fewest_parameters(run.config))) for run in at_work]
        if owner is None:
            return sum(bytes for _, bytes in whole)
        return sum(max(0, bytes - folder_bytes(run.path)) for run, bytes in whole)

    def receive_file(self, key: str | None, visitor: str, most_bytes: int) -> None:
        """Counts a file that comes to Gradio's cache, before it is read; raises `ApiError`.

        It counts on the desk of the key, else on the visitor's address.
        """
        owner = visitor if key is None or self.limits.shared_desk else owner_of(key)
        self.rates.take("file", owner)
        with self.receiving:
            self.workspaces.check_room(most_bytes)
            self.workspaces.note_written(most_bytes)

    def stats(self) -> dict[str, Any]:
        """Counts and bytes; nothing about anybody."""
        process = psutil.Process()
        return {
            **self.manager.stats(),
            "workspaces": self.workspaces.count(),
            "server_bytes": process.memory_info().rss,
            "inference": self.inference.stats(),
            "unread_bytes": self.unread.bytes(),
            "streams": self.streams.count(),
            "disk_bytes": self.workspaces.home_bytes(),
            "uptime_seconds": time.monotonic() - self.started,
        }

    def close(self) -> None:
        """Ends what belongs to the server."""
        self._closed.set()
        self._sweeper.join()
        self.inference.close()
        self.manager.close()

    def _sweep_on(self) -> None:
        swept = time.monotonic()
        while not self._closed.wait(TIDY_EVERY):
            try:
                self.tidy()
                if time.monotonic() - swept >= SWEEP_EVERY:
                    swept = time.monotonic()
                    self.sweep()
            except Exception:  # the next look may do better; the server goes on
                log.exception("sweeping failed")

    def tidy(self) -> None:
        """Drops from memory what is on the disk as well, and the rate buckets that are full."""
        self.workspaces.forget_unused()
        self.rates.forget_full()
        gc.collect()
        trim_memory()

    def sweep(self) -> None:
        """Deletes idle desks with their runs, and corpora that no run needs when room is short."""
        now = time.time()
        for owner in self.workspaces.idle(now):
            if self.workspaces.delete(owner, idle_at=now):
                self.manager.forget_owner(owner)
        limit = self.limits.disk_bytes
        if limit is not None and self.workspaces.home_bytes() > 0.8 * limit:
            for corpus in self._unused_corpora():
                shutil.rmtree(corpus, ignore_errors=True)

    def _unused_corpora(self) -> list[Path]:
        """Corpora that no kept run was trained on, and that were not made just now."""
        needed = {fingerprint_of(run) for run in self.manager.runs()}
        hour_ago = time.time() - 3600
        return [
            path
            for path in self.home.corpora.glob("*")
            if path.name not in needed and path.stat().st_mtime < hour_ago
        ]


def fingerprint_of(run: ManagedRun) -> str | None:
    """Which corpus a run is trained on; None where that is not known."""
    try:
        fingerprint = run.folder.about().get("fingerprint")
    except UnusableRun:
        return None
    return fingerprint if isinstance(fingerprint, str) else None


def rates_of(limits: Limits) -> RateLimiter:
    """How often visitors may ask; those who share one desk on an open server share its rates."""
    if not limits.for_strangers:
        return RateLimiter.at_home()
    return RateLimiter.together() if limits.shared_desk else RateLimiter.for_strangers()


@dataclass(frozen=True)
class Caller:
    """Whoever calls an endpoint: the server and a desk on it.

    `draft_on_page` is a draft that a page shows and that is not saved yet; questions about the
    draft are then about that one.
    """

    service: Service
    desk: Desk
    draft_on_page: RunConfig | None = None

    @property
    def draft(self) -> RunConfig:
        """The draft that a question is about: that of the page, else the saved one."""
        return self.desk.draft if self.draft_on_page is None else self.draft_on_page

    @property
    def limits(self) -> Limits:
        return self.service.limits

    async def ask(self, job: Job) -> Result:
        """The answer of the process for models, in the name of this desk; raises `Busy`."""
        return await self.service.inference.ask(job, self.desk.owner)

    def stream(self, job: Job) -> AsyncGenerator[Result, None]:
        """The answer piece by piece."""
        return self.service.inference.stream(job, self.desk.owner)

    def owns(self, run: ManagedRun) -> bool:
        """Whether a run lies on the caller's desk; the shared one has the terminal's runs too."""
        owners = (SHARED_OWNER, None) if self.desk.owner == SHARED_OWNER else (self.desk.owner,)
        return run.owner in owners

    def runs(self) -> list[ManagedRun]:
        """The runs on the desk, the newest first."""
        return self.service.manager.runs(self.owns)

    def run(self, id: str) -> ManagedRun:
        """A run of this desk; raises `NotFound`, the same for another's and for none."""
        run = self.service.manager.get(id)
        if run is None or not self.owns(run):
            raise NotFound(
                "There is no such run on this desk: list the runs to see which there are.",
                field="run_id",
            )
        return run

    def current_run(self) -> ManagedRun | None:
        """The run the desk looks at: the last one begun, unless it was deleted."""
        id = self.desk.current_run
        run = self.service.manager.get(id) if id else None
        if run is not None and self.owns(run):
            return run
        return next(iter(self.runs()), None)

    def run_or_current(self, id: str | None) -> ManagedRun:
        """A named run or the current one; raises `NotFound`."""
        run = self.run(id) if id is not None else self.current_run()
        if run is None:
            raise NotFound("There is no run on this desk yet: start one first.", field="run_id")
        return run
