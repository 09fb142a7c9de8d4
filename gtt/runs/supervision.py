"""What goes on behind the callers' backs: ends are noticed, runs found, time kept, files swept.

Two threads of the manager do this: one looks after the runs until the manager is closed, the other
reads every journal once.
"""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial

from gtt.runs.home import Home
from gtt.runs.hub_job import is_unsettled, may_cost
from gtt.runs.limits import Limits
from gtt.runs.managed_run import ACTIVE, ManagedRun
from gtt.runs.processes import Worker
from gtt.runs.recovery import find_runs, half_made, in_turn, recover
from gtt.runs.scheduling import Scheduler
from gtt.runs.worker_deaths import is_told, tell_death, tell_end

log = logging.getLogger(__name__)

TICK = 0.1  # seconds between two looks at the workers
LONGEST_TICK = 10.0  # where looking fails again and again
LOOK_EVERY = 2.0  # seconds between two looks for runs that the terminal began
TELL_EVERY = 5.0  # seconds between two tries to tell an end that the disk would not take
SWEEP_EVERY = 60.0
REST_AFTER = 60.0  # seconds without a question about a run that has ended
SAVE_EVERY = 30.0  # seconds between two view files of a run at work
WORTH_SAVING = 500  # records; fewer are read again in no time
EMPTY_HOURS = 1.0  # that a run of strangers is kept which ended before its first step
UNDO_SECONDS = 600  # a deleted run can be brought back for so long
KILL_AFTER = 60.0  # seconds a worker has for its last step and checkpoint
CANCEL_AFTER = 900.0  # and one that fetches what was trained elsewhere
OVERTIME = 120.0  # seconds beyond the time limit of a run, to load, measure and save
HALF_MADE_SECONDS = 60.0  # after which a folder that became no run is removed


class Supervisor:
    """Looks after the `runs` of a home; `lock` guards them and the scheduler."""

    def __init__(
        self,
        home: Home,
        runs: dict[str, ManagedRun],
        scheduler: Scheduler,
        lock: threading.RLock,
        limits: Limits,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.home, self.limits, self.clock = home, limits, clock
        self.is_closing = False
        self._runs, self._scheduler, self._lock = runs, scheduler, lock
        self._wake = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begins the two threads."""
        for target in (self._look_after, self._read_all):
            thread = threading.Thread(target=target, name="manager", daemon=True)
            self._threads.append(thread)
            thread.start()

    def wake(self) -> None:
        """There is something to do at once."""
        self._wake.set()

    def close(self) -> None:
        """Ends the two threads."""
        self.is_closing = True
        self._wake.set()
        for thread in self._threads:
            thread.join()

    def adopt(self, run: ManagedRun) -> None:
        """Takes a run among those that are known."""
        run.place = partial(self._place_of, run)
        self._runs[run.id] = run

    def _place_of(self, run: ManagedRun) -> tuple[int, float] | None:
        with self._lock:
            return self._scheduler.place_of(run)

    def _look_after(self) -> None:
        """Until closed: notices ends, starts what waits, keeps the spare, finds runs, sweeps."""
        duties = [
            (self._notice_ends, 0.0),
            (self._enforce_time, 0.0),
            (self._start_waiting, 0.0),
            (self._keep_spare, 0.0),
            (self.find_runs, LOOK_EVERY),
            (self._tell_ends, TELL_EVERY),
            (self.save_views, SAVE_EVERY),
            (self.sweep, SWEEP_EVERY),
        ]
        due = [0.0] * len(duties)
        tick = TICK
        while not self.is_closing:
            failed = False
            for number, (duty, every) in enumerate(duties):
                if time.monotonic() < due[number]:
                    continue
                due[number] = time.monotonic() + every
                try:
                    duty()
                except Exception:  # a full disk, say; the other runs go on, and the next look may
                    log.exception("looking after the runs failed")
                    failed = True
            tick = min(2 * tick, LONGEST_TICK) if failed else TICK
            self._wake.wait(tick)
            self._wake.clear()

    def _start_waiting(self) -> None:
        with self._lock:
            self._scheduler.start_waiting()

    def _keep_spare(self) -> None:
        with self._lock:
            self._scheduler.keep_spare()

    # ------------------------------------------------------------------------ the views

    def _read_all(self) -> None:
        """Reads every journal once, the newest first, before a visitor has to wait for it."""
        for run in sorted(self._present(), key=lambda run: (run.created, run.id), reverse=True):
            if self.is_closing:
                return
            with _apart(run):
                run.reader.save_if_behind(WORTH_SAVING)

    def save_views(self) -> None:
        """Keeps what the journals at work say, so that the next server need not read them whole."""
        for id in list(self._scheduler.at_work):
            with _apart(self._runs[id]):
                self._runs[id].reader.save_if_behind(WORTH_SAVING)
        for run in self._present():
            with _apart(run):
                run.reader.rest(REST_AFTER)

    def _present(self) -> list[ManagedRun]:
        return [run for run in list(self._runs.values()) if run.note.deleted_at is None]

    # ------------------------------------------------------------------------- the ends

    def _notice_ends(self) -> None:
        with self._lock:
            for id in list(self._scheduler.at_work):
                run = self._runs[id]
                if not run.is_alive():
                    del self._scheduler.at_work[id]
                    with _apart(run):
                        self._close_books(run)

    def _tell_ends(self) -> None:
        """Tells the ends that a full disk would not take before."""
        with self._lock:
            for run in self._runs.values():
                if run.untold is not None and run.id not in self._scheduler.at_work:
                    tell_end(run, *run.untold)

    def _close_books(self, run: ManagedRun) -> None:
        """After a worker's end: a journal without an end gets one, with what the system tells."""
        try:
            view = run.view()
            if run.handed is not None and not run.stop_asked_at and view.seq <= run.note.ended_seq:
                run.note_anyway(waiting=run.handed)
                self._scheduler.put(run)
            elif run.worker is not None and run.worker.elsewhere and is_unsettled(run.path):
                return  # the training may go on where it is, and can be followed again
            elif not is_told(run):
                tell_death(run)
                if run.untold is not None:  # nothing in the journal says that it waits no more
                    run.note_anyway(waiting=None)
            elif run.note.started_at is not None and view.ended and view.ended.reason != "failed":
                self._scheduler.took(self.clock() - run.note.started_at)
        finally:
            run.stop_asked_at = run.handed = None
            run.at_work = False

    def _enforce_time(self) -> None:
        """Ends workers that do not end by themselves."""
        with self._lock:
            now = self.clock()
            for id in self._scheduler.at_work:
                run = self._runs[id]
                assert run.worker is not None
                if run.stop_asked_at is not None:
                    patience = CANCEL_AFTER if run.worker.elsewhere else KILL_AFTER
                    if now - run.stop_asked_at > patience:
                        run.worker.kill()
                elif run.worker.elsewhere:  # its job has a time limit of its own
                    continue
                elif self.limits.max_minutes is not None and run.note.started_at is not None:
                    allowed = 60 * self.limits.max_minutes + OVERTIME
                    if now - run.note.started_at > allowed:
                        self._scheduler.stop(run)

    # ------------------------------------------------------------------ what is on disk

    def find_runs(self) -> None:
        """Takes up every run on disk that is not known yet, also those the terminal began.

        Workers that live go on, and what waited waits again in its order.
        """
        known_whole = {id for id, run in list(self._runs.items()) if run.about_damage is None}
        opened = list(find_runs(self.home.runs, known_whole))
        with self._lock:
            # A damaged one is looked at again and again: somebody may have mended it.
            new_runs = [
                run for run in opened if run.id not in self._runs or run.about_damage is None
            ]
            for run in new_runs:
                with _apart(run):
                    recover(run)
                self.adopt(run)
            for run in in_turn(new_runs, self._runs.values()):
                self._scheduler.put(run)
            all_runs = list(self._runs.values())
        for run in all_runs:
            with _apart(run):
                self._find_worker(run)

    def _find_worker(self, run: ManagedRun) -> None:
        """Takes up the worker of a run that is not ours: an earlier server's, the terminal's."""
        at_work = self._scheduler.at_work
        if run.id in at_work or not Worker.is_recorded(run.path):
            return
        with self._lock:
            if run.id in at_work or self._runs.get(run.id) is not run:
                return
            if not run.is_alive():
                run.worker = Worker.find(run.path) or run.worker
            if run.is_alive() and not is_told(run):
                self._scheduler.find_slot(run)

    def sweep(self) -> None:
        """Removes what was deleted, or is too old, and what a killed server left half made."""
        for run in list(self._runs.values()):
            with self._lock, _apart(run):
                if self._still_costs(run):
                    run.note_anyway(deleted_at=None)
                if self._is_over(run):
                    run.bury()
                    del self._runs[run.id]
        for path in half_made(self.home.runs, self._runs):
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > HALF_MADE_SECONDS:
                    shutil.rmtree(path, ignore_errors=True)
        for grave in self.home.runs.glob(".deleted-*"):
            shutil.rmtree(grave, ignore_errors=True)

    def _still_costs(self, run: ManagedRun) -> bool:
        """Whether a run was deleted and its job could not be ended: it is shown again then.

        Of a desk that is gone nobody could see it.
        """
        if not run.note.deleted_at or run.is_alive() or run.id in self._scheduler.at_work:
            return False
        return may_cost(run.path, self.clock())

    def _is_over(self, run: ManagedRun) -> bool:
        """Whether the files of a run are to go."""
        if run.is_alive() or run.id in self._scheduler.at_work:
            return False
        now, ttl = self.clock(), self.limits.run_ttl_hours
        if run.note.deleted_at is not None:
            return now - run.note.deleted_at > UNDO_SECONDS
        if ttl is None or run.state() in ACTIVE or may_cost(run.path, now):
            return False
        view = run.view()
        if self.limits.for_strangers and view.step == 0 and view.damage is None:
            ttl = min(ttl, EMPTY_HOURS)
        return now - (view.updated_at or now) > 3600 * ttl


@contextmanager
def _apart(run: ManagedRun) -> Iterator[None]:
    """What goes wrong with one run is told in the log and is no trouble of the others."""
    try:
        yield
    except OSError as error:
        log.warning("the disk refuses something of %s: %s", run.id, error)
    except Exception:
        log.exception("looking after %s failed", run.id)
