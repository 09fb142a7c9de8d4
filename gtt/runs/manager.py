"""Many runs on one machine: slots, a fair queue, a warm spare, and runs that outlive the server.

The manager starts worker processes and looks after them; what a run does it reads from the run's
journal, like everybody else. It holds nothing that is not on disk as well: killed and started
again, it finds its living workers, its queue, and the dead.
"""

from __future__ import annotations

import itertools
import logging
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import Any

import psutil
from filelock import FileLock, Timeout

from gtt.config import RunConfig
from gtt.errors import BadInput, GTTError, UnusableRun
from gtt.runs.elsewhere import is_unsettled, may_cost
from gtt.runs.endings import is_told, tell_death, tell_end
from gtt.runs.fairness import FairQueue, waits
from gtt.runs.finding import find_runs, half_made, in_turn, recover
from gtt.runs.home import Home
from gtt.runs.limits import Limits
from gtt.runs.managed import ACTIVE, ManagedRun, Parent, Waiting, new_note
from gtt.runs.naming import name_for
from gtt.runs.order import Order
from gtt.runs.processes import Worker, gpu_count
from gtt.runs.spares import SpareKeeper
from gtt.runs.view import RunView
from gtt.training.schedule import total_steps

log = logging.getLogger(__name__)

TICK = 0.1  # seconds between two looks at the workers
LONGEST_TICK = 10.0  # where looking fails again and again
LOOK_EVERY = 2.0  # seconds between two looks for runs that the terminal began
TELL_EVERY = 5.0  # seconds between two tries to tell an end that the disk would not take
SWEEP_EVERY = 60.0
REST_AFTER = 60.0  # seconds without a question about a run that has ended
SAVE_EVERY = 30.0  # seconds between two view files of a run at work
WORTH_SAVING = 500  # records; fewer are read again in no time
MOST_RUNS = 5000  # of strangers, those that were deleted a moment ago included
EMPTY_HOURS = 1.0  # that a run of strangers is kept which ended before its first step
UNDO_SECONDS = 600  # a deleted run can be brought back for so long
KILL_AFTER = 60.0  # seconds a worker has for its last step and checkpoint
CANCEL_AFTER = 900.0  # and one that fetches what was trained elsewhere
OVERTIME = 120.0  # seconds beyond the time limit of a run, to load, measure and save
HALF_MADE_SECONDS = 60.0  # after which a folder that became no run is removed
GOING = ("preparing", "running")
USUAL_SECONDS = 90.0  # of a run, before any has been seen to its end


class QueueFull(GTTError):
    """No room in the queue; `retry_after` in seconds."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after = retry_after


class Manager:
    """Starts, stops, resumes and deletes the runs under one home. All methods may be called from
    any thread; `close` leaves the runs going."""

    def __init__(
        self,
        home: Home,
        limits: Limits,
        *,
        spare: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.home, self.limits, self.clock = home, limits, clock
        self.slots = limits.max_concurrent_runs or max(1, gpu_count())
        self._keeps_spare = spare
        self._spares = SpareKeeper(home.path, self.slots, for_strangers=limits.for_strangers)
        self._lock = threading.RLock()
        self._wake = threading.Event()
        self._closing = False
        self._runs: dict[str, ManagedRun] = {}
        self._queue: FairQueue[str] = FairQueue()
        self._at_work: dict[str, int | None] = {}  # run id -> slot; None: on another machine
        self._durations: deque[float] = deque(maxlen=20)
        self._own = self._claim()
        try:
            self._find_runs()
        except BaseException:
            self._own.release()
            raise
        self._threads = [
            threading.Thread(target=target, name="manager", daemon=True)
            for target in (self._look_after, self._read_all)
        ]
        for thread in self._threads:
            thread.start()

    # ------------------------------------------------------------------ what callers do

    def create(
        self,
        config: RunConfig,
        owner: str | None,
        mark: Mapping[str, Any] | None = None,
        *,
        name: str | None = None,
        text: str | None = None,
        elsewhere: Callable[[ManagedRun], Worker] | None = None,
        parent: Parent | None = None,
    ) -> ManagedRun:
        """A new run, on disk and in the queue; raises `QueueFull`, and OSError of a full disk.

        The `mark` of the request that makes it is kept with it, and so is what a person calls the
        `text`, and the run that this one restarts, its `parent`. Without a `name` it gets one that
        tells what it is. With `elsewhere`, which starts the process that follows it on
        another machine, it needs no slot and does not wait.
        """
        with self._lock:
            if elsewhere is None:
                self._require_room(owner)
            if self.limits.for_strangers and len(self._runs) >= MOST_RUNS:
                raise QueueFull(f"This server keeps {MOST_RUNS:,} runs: try again later.", 3600.0)
            path = self.home.new_run(config.name)
            path.mkdir(parents=True)
            try:
                about = {"config": config.model_dump(), "owner": owner, "mark": mark}
                name = name or name_for(config, text)
                note = new_note(name, self.clock(), owner, text, parent)
                if elsewhere is not None:
                    note = replace(note, waiting=None, started_at=self.clock())
                run = ManagedRun(path, about, note)
                run.write_note()
                # With `run.json` the run exists; what is half made before has no such file.
                run.folder.create(config, None, owner, mark)
                run.created = str(run.folder.about()["created"])
                if elsewhere is not None:
                    self._begin_elsewhere(run, elsewhere)
            except BaseException:
                self._at_work.pop(path.name, None)
                shutil.rmtree(path, ignore_errors=True)
                raise
            self._adopt(run)
            if elsewhere is None:
                self._queue.put(owner or "", run.id)
        self._wake.set()
        return run

    def get(self, id: str) -> ManagedRun | None:
        """The run of that id, unless it is deleted."""
        run = self._runs.get(id)
        return run if run is not None and run.note.deleted_at is None else None

    def runs(
        self, of: Callable[[ManagedRun], bool] = lambda run: True, *, deleted: bool = False
    ) -> list[ManagedRun]:
        """The runs, the newest first; those that are deleted and not yet gone only if asked for."""
        known = list(self._runs.values())
        kept = [run for run in known if (deleted or run.note.deleted_at is None) and of(run)]
        return sorted(kept, key=lambda run: (run.created, run.id), reverse=True)

    def at_work(self) -> list[ManagedRun]:
        """The runs that wait or train: those that may still write. A deleted one does not wait."""
        with self._lock:
            ids = [*self._queue.in_order(), *self._at_work]
            return [self._runs[id] for id in dict.fromkeys(ids) if id in self._runs]

    def stop(self, run: ManagedRun) -> None:
        """Ends a run after its current step, saved; one that waits leaves the queue."""
        with self._lock:
            if self._queue.remove(run.id):
                run.note_anyway(waiting=None, ended_seq=run.view().seq)
                tell_end(run, "stopped", "Stopped while waiting for its turn.")
            elif run.worker is not None and run.is_alive() and run.state() in GOING:
                run.stop_asked_at = self.clock()
                run.worker.ask_to_stop()

    def resume(self, run: ManagedRun, changes: Mapping[str, Any]) -> None:
        """Puts a run that has ended back into the queue; raises `UnusableRun`, `QueueFull`."""
        with self._lock:
            self._require_present(run)
            state = run.state()
            if run.damage is not None:
                raise UnusableRun(f"This run is damaged: {run.damage}. Restart it as a new run.")
            if run.note.deleted_at is not None:
                raise UnusableRun("This run is deleted: bring it back first.")
            if state in ACTIVE:
                raise UnusableRun("This run is still at work: stop it first, or wait for its end.")
            if is_unsettled(run.path):
                raise UnusableRun(
                    "This run may still be training on the Hub: follow it again, or stop it there."
                )
            if state == "completed" and _is_finished(run, changes):
                raise UnusableRun(
                    "This run is finished: to train it longer, resume it with a larger "
                    "training.max_steps."
                )
            self._require_room(run.owner)
            waiting = Waiting(self.clock(), resume=True, changes=dict(changes))
            run.write_note(waiting=waiting)
            run.expect(waiting.changes)
            self._queue.put(run.owner or "", run.id)
        self._wake.set()

    def follow_again(self, run: ManagedRun, elsewhere: Callable[[ManagedRun], Worker]) -> None:
        """Starts another process that follows a run on another machine; raises `UnusableRun`."""
        with self._lock:
            self._require_present(run)
            if run.note.deleted_at is not None:
                raise UnusableRun("This run is deleted: bring it back first.")
            if not is_unsettled(run.path):
                raise UnusableRun("This run has no job on the Hub that could still be at work.")
            if run.state() in ACTIVE:
                raise UnusableRun("This run is being followed already.")
            run.write_note(ended_seq=run.view().seq)
            self._begin_elsewhere(run, elsewhere)

    def _begin_elsewhere(self, run: ManagedRun, elsewhere: Callable[[ManagedRun], Worker]) -> None:
        run.worker = elsewhere(run)
        self._at_work[run.id] = None
        run.at_work, run.stop_asked_at, run.untold = True, None, None

    def rename(self, run: ManagedRun, name: str) -> None:
        """Gives a run another name; what it is stays as it was."""
        with self._lock:
            self._require_present(run)
            run.write_note(name=name)

    def delete(self, run: ManagedRun) -> None:
        """Stops a run and puts it out of sight; its files go after `UNDO_SECONDS`.

        On a full disk too: it may be what makes room.
        """
        with self._lock:
            if self._runs.get(run.id) is not run or run.note.deleted_at is not None:
                return
            if not self._queue.remove(run.id):  # what waited waits again when it is brought back
                self.stop(run)
            run.note_anyway(deleted_at=self.clock())

    def discard(self, run: ManagedRun) -> None:
        """Takes a run away of which nothing was begun: no trace of it is left. Raises OSError."""
        with self._lock:
            if self._runs.get(run.id) is not run or run.id in self._at_work or run.is_alive():
                return
            if self._closing:  # what is under this home is another server's by now
                return
            grave = run.bury()
            del self._runs[run.id]
        shutil.rmtree(grave, ignore_errors=True)

    def deleted(self, id: str) -> ManagedRun | None:
        """The run of that id, if it is deleted and its files are still there."""
        run = self._runs.get(id)
        return run if run is not None and run.note.deleted_at is not None else None

    def restore(self, run: ManagedRun) -> None:
        """Brings a deleted run back, behind all others of its owner if it waited.

        Raises `UnusableRun` and `QueueFull`.
        """
        with self._lock:
            self._require_present(run)
            if run.note.deleted_at is None:
                return
            waiting = run.note.waiting and replace(run.note.waiting, since=self.clock())
            if waiting is not None:
                self._require_room(run.owner)
            run.write_note(deleted_at=None, waiting=waiting)
            if waiting is not None:
                self._queue.put(run.owner or "", run.id)
        self._wake.set()

    def forget_owner(self, owner: str) -> None:
        """Stops and removes all that belongs to one owner."""
        with self._lock:
            for run in list(self._runs.values()):
                if run.owner == owner:
                    self.delete(run)
                    run.note_anyway(deleted_at=0.0)

    def queue_place(self, run: ManagedRun) -> tuple[int, float] | None:
        """The place in the queue, from 1, and the seconds until its turn as far as can be told."""
        with self._lock:
            order = self._queue.in_order()
            if run.id not in order:
                return None
            usual = self._usual_seconds()
            here = [id for id, slot in self._at_work.items() if slot is not None]
            running = [self._remaining(self._runs[id], usual) for id in here]
            place = order.index(run.id)
            starts = waits(running[: self.slots], [usual] * (place + 1), self.slots)
            return place + 1, starts[place]

    def stats(self) -> dict[str, Any]:
        """Counts and bytes, nothing about anybody."""
        states: dict[str, int] = {}
        bytes_at_work = 0
        for run in list(self._runs.values()):
            if run.note.deleted_at is None:
                state = run.state()
                states[state] = states.get(state, 0) + 1
            if run.worker is not None and run.is_alive():
                bytes_at_work += run.worker.memory()
        with self._lock:
            return {
                "slots": self.slots,
                "runs": states,
                "waiting": len(self._queue),
                "spare_is_warm": self._spares.is_warm,
                "worker_bytes": bytes_at_work,
            }

    def close(self) -> None:
        """Ends the manager and its spare; workers go on and are found again by the next one."""
        self._closing = True
        self._wake.set()
        for thread in self._threads:
            thread.join()
        with self._lock:
            self._spares.close()
        self._own.release()

    # ------------------------------------------------------------------- the look-out

    def _look_after(self) -> None:
        """Until closed: notices ends, starts what waits, keeps the spare, finds runs, sweeps."""
        duties = [
            (self._notice_ends, 0.0),
            (self._enforce_time, 0.0),
            (self._start_waiting, 0.0),
            (self._keep_spare, 0.0),
            (self._find_runs, LOOK_EVERY),
            (self._tell_ends, TELL_EVERY),
            (self._save_views, SAVE_EVERY),
            (self._sweep, SWEEP_EVERY),
        ]
        due = [0.0] * len(duties)
        tick = TICK
        while not self._closing:
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

    def _read_all(self) -> None:
        """Reads every journal once, the newest first, before a visitor has to wait for it."""
        for run in self.runs():
            if self._closing:
                return
            with _apart(run):
                run.reader.save_if_behind(WORTH_SAVING)

    def _save_views(self) -> None:
        """Keeps what the journals at work say, so that the next server need not read them whole."""
        for id in list(self._at_work):
            with _apart(self._runs[id]):
                self._runs[id].reader.save_if_behind(WORTH_SAVING)
        for run in self.runs():
            with _apart(run):
                run.reader.rest(REST_AFTER)

    def _notice_ends(self) -> None:
        with self._lock:
            for id in list(self._at_work):
                run = self._runs[id]
                if not run.is_alive():
                    del self._at_work[id]
                    with _apart(run):
                        self._close_books(run)

    def _tell_ends(self) -> None:
        """Tells the ends that a full disk would not take before."""
        with self._lock:
            for run in self._runs.values():
                if run.untold is not None and run.id not in self._at_work:
                    tell_end(run, *run.untold)

    def _close_books(self, run: ManagedRun) -> None:
        """After a worker's end: a journal without an end gets one, with what the system tells."""
        try:
            view = run.view()
            if run.handed is not None and not run.stop_asked_at and view.seq <= run.note.ended_seq:
                run.note_anyway(waiting=run.handed)
                self._queue.put(run.owner or "", run.id)
            elif run.worker is not None and run.worker.elsewhere and is_unsettled(run.path):
                return  # the training may go on where it is, and can be followed again
            elif not is_told(run):
                tell_death(run)
            elif run.note.started_at is not None and view.ended and view.ended.reason != "failed":
                self._durations.append(self.clock() - run.note.started_at)
        finally:
            run.stop_asked_at = run.handed = None
            run.at_work = False

    def _enforce_time(self) -> None:
        """Ends workers that do not end by themselves."""
        with self._lock:
            now = self.clock()
            for id in self._at_work:
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
                        self.stop(run)

    def _start_waiting(self) -> None:
        with self._lock:
            while self._slots_taken() < self.slots:
                # A run that was resumed at once may have its old worker a moment longer.
                id = self._queue.take(lambda id: id not in self._at_work)
                if id is None:
                    return
                run = self._runs[id]
                try:
                    self._start(run)
                except Exception as error:
                    if not isinstance(error, OSError):
                        log.exception("starting a run failed")
                    reason = getattr(error, "strerror", None) or type(error).__name__
                    sentence = f"No process could be started for this run ({reason}): try again."
                    tell_end(run, "failed", sentence)
                    run.note_anyway(waiting=None)  # after its end: in between it was interrupted

    def _start(self, run: ManagedRun) -> None:
        """Hands a waiting run to a worker; raises OSError.

        That it is started is on disk before, that it waits no more after: see `recover`.
        """
        waiting, slot = run.note.waiting, self._free_slot()
        assert waiting is not None
        run.write_note(ended_seq=run.view().seq, started_at=self.clock(), slot=slot)
        spare = self._spares.take(slot)
        try:
            run.worker = spare.start(self._order(run, waiting))
        except BaseException:
            spare.close()
            raise
        self._at_work[run.id] = slot
        run.at_work, run.stop_asked_at, run.untold = True, None, None
        run.note_anyway(waiting=None)

    def _order(self, run: ManagedRun, waiting: Waiting) -> Order:
        return Order(
            folder=str(run.path),
            resume=waiting.resume,
            changes=waiting.changes,
            max_steps=self.limits.max_steps,
            max_parameters=self.limits.max_parameters,
            memory=self._memory_per_run(),
        )

    def _keep_spare(self) -> None:
        """A spare while a slot is free; loading one beside a training would slow that down."""
        with self._lock:
            if self._keeps_spare and self._slots_taken() < self.slots:
                self._spares.keep(self._free_slot())

    def _slots_taken(self) -> int:
        return sum(slot is not None for slot in self._at_work.values())

    def _free_slot(self) -> int:
        return next(n for n in itertools.count() if n not in self._at_work.values())

    def _memory_per_run(self) -> int | None:
        """Bytes one run may take; a GPU driver reserves far more than it uses, so none there."""
        if gpu_count():
            return None
        return int(0.75 * psutil.virtual_memory().total / self.slots)

    def _sweep(self) -> None:
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
        if not run.note.deleted_at or run.is_alive() or run.id in self._at_work:
            return False
        return may_cost(run.path, self.clock())

    def _is_over(self, run: ManagedRun) -> bool:
        """Whether the files of a run are to go."""
        if run.is_alive() or run.id in self._at_work:
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

    # ------------------------------------------------------------------------ helpers

    def _claim(self) -> FileLock:
        """One server per home; raises `BadInput` where another one is at work."""
        try:
            self.home.runs.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.home.path / "server.lock", thread_local=False)
            lock.acquire(timeout=0)
        except Timeout:
            raise BadInput(
                f"Another GTT server already looks after {self.home.path}: use that one, or set "
                "GTT_HOME to another folder."
            ) from None
        except OSError as error:
            raise BadInput(
                f"{self.home.path} cannot be written to ({error.strerror}): set GTT_HOME to a "
                "folder of yours."
            ) from None
        return lock

    def _find_runs(self) -> None:
        """Takes up every run on disk that is not known yet, also those the terminal began.

        Workers that live go on, and what waited waits again in its order.
        """
        known_whole = {id for id, run in list(self._runs.items()) if run.about_damage is None}
        opened = list(find_runs(self.home.runs, known_whole))
        with self._lock:
            # A damaged one is looked at again and again: somebody may have mended it.
            found = [run for run in opened if run.id not in self._runs or run.about_damage is None]
            for run in found:
                with _apart(run):
                    recover(run)
                self._adopt(run)
            for run in in_turn(found, self._runs.values()):
                self._queue.put(run.owner or "", run.id)
            known = list(self._runs.values())
        for run in known:
            with _apart(run):
                self._find_worker(run)

    def _find_worker(self, run: ManagedRun) -> None:
        """Takes up the worker of a run that is not ours: an earlier server's, the terminal's."""
        if run.id in self._at_work or not Worker.is_recorded(run.path):
            return
        with self._lock:
            if run.id in self._at_work or self._runs.get(run.id) is not run:
                return
            if not run.is_alive():
                run.worker = Worker.find(run.path) or run.worker
            if run.is_alive() and not is_told(run):
                slot = run.note.slot
                if run.worker is not None and run.worker.elsewhere:
                    slot = None
                elif slot is None or slot in self._at_work.values():
                    slot = self._free_slot()
                self._at_work[run.id] = slot
                run.at_work = True

    def _adopt(self, run: ManagedRun) -> None:
        run.place = partial(self.queue_place, run)
        self._runs[run.id] = run

    def _require_present(self, run: ManagedRun) -> None:
        if self._runs.get(run.id) is not run:
            raise UnusableRun("The files of this run are gone already: start a new one.")

    def _require_room(self, owner: str | None) -> None:
        whole, own = self.limits.max_waiting_runs, self.limits.max_waiting_per_workspace
        retry = min(600.0, max(5.0, self._usual_seconds()))
        if whole is not None and len(self._queue) >= whole:
            raise QueueFull(f"{len(self._queue)} runs are waiting already: try again later.", retry)
        if own is not None and self._queue.waiting_of(owner or "") >= own:
            raise QueueFull(
                f"{own} of your runs are waiting already: wait for one to start, or stop one.",
                retry,
            )

    def _usual_seconds(self) -> float:
        done = self._durations
        return sum(done) / len(done) if done else USUAL_SECONDS

    def _remaining(self, run: ManagedRun, usual: float) -> float:
        view: RunView = run.view()
        if view.eta_seconds is not None:
            return view.eta_seconds
        began = run.note.started_at or self.clock()
        return max(5.0, usual - (self.clock() - began))


@contextmanager
def _apart(run: ManagedRun) -> Iterator[None]:
    """What goes wrong with one run is told in the log and is no trouble of the others."""
    try:
        yield
    except OSError as error:
        log.warning("the disk refuses something of %s: %s", run.id, error)
    except Exception:
        log.exception("looking after %s failed", run.id)


def _is_finished(run: ManagedRun, changes: Mapping[str, Any]) -> bool:
    """Whether a completed run has, with changed settings too, no step left to train."""
    view, training = run.view(), run.config.updated(changes).training
    if view.train_tokens is None:
        return False
    sequences = training.batch_size * training.grad_accumulation_steps * (view.processes or 1)
    tokens = sequences * run.config.model.block_size
    return view.step >= total_steps(view.train_tokens, tokens, training)
