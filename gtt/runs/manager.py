"""Many runs on one machine: slots, a fair queue, a warm spare, and runs that outlive the server.

The manager starts worker processes and looks after them; what a run does it reads from the run's
journal, like everybody else. It holds nothing that is not on disk as well: killed and started
again, it finds its living workers, its queue, and the dead.

Whose turn it is and where a run is started stands in `scheduling`, what is done without anybody
asking in `supervision`; here is what callers do.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from filelock import FileLock, Timeout

from gtt.config import RunConfig
from gtt.errors import BadInput, UnusableRun
from gtt.runs.expected_text import text_of
from gtt.runs.home import Home
from gtt.runs.hub_job import is_unsettled
from gtt.runs.limits import Limits
from gtt.runs.managed_run import ACTIVE, ManagedRun, Parent, Waiting, new_note
from gtt.runs.naming import name_for
from gtt.runs.processes import WORKER, Worker, gpu_count
from gtt.runs.scheduling import QueueFull, Scheduler
from gtt.runs.spares import SpareKeeper
from gtt.runs.supervision import UNDO_SECONDS, Supervisor
from gtt.training.schedule import total_steps

__all__ = ["UNDO_SECONDS", "Manager", "QueueFull"]

MOST_RUNS = 5000  # of strangers, those that were deleted a moment ago included


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
        worker: Sequence[str] = WORKER,
    ) -> None:
        """`worker` is the command of a worker process, which speaks as `gtt.runs.worker` does."""
        self.home, self.limits, self.clock = home, limits, clock
        self.slots = limits.max_concurrent_runs or max(1, gpu_count())
        self._lock = threading.RLock()
        self._runs: dict[str, ManagedRun] = {}
        self._spares = SpareKeeper(
            home.path, self.slots, for_strangers=limits.for_strangers, command=worker
        )
        self.scheduler = Scheduler(self._runs, limits, self._spares, keeps_spare=spare, clock=clock)
        self.supervisor = Supervisor(home, self._runs, self.scheduler, self._lock, limits, clock)
        self._own = self._claim()
        try:
            self.supervisor.find_runs()
        except BaseException:
            self._own.release()
            raise
        self.supervisor.start()

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
                self.scheduler.require_room(owner)
            if self.limits.for_strangers and len(self._runs) >= MOST_RUNS:
                raise QueueFull(f"This server keeps {MOST_RUNS:,} runs: try again later.", 3600.0)
            path = self.home.new_run(config.name)
            path.mkdir(parents=True)
            try:
                about = {"config": config.model_dump(), "owner": owner, "mark": mark}
                expected = text_of(config.data, self.home.corpora).vocab_size
                name = name or name_for(config, text, expected)
                note = new_note(name, self.clock(), owner, text, parent, expected)
                if elsewhere is not None:
                    note = replace(note, waiting=None, started_at=self.clock())
                run = ManagedRun(path, about, note)
                run.write_note()
                # With `run.json` the run exists; what is half made before has no such file.
                run.folder.create(config, None, owner, mark)
                run.created = str(run.folder.about()["created"])
                if elsewhere is not None:
                    self.scheduler.begin_elsewhere(run, elsewhere)
            except BaseException:
                self.scheduler.at_work.pop(path.name, None)
                shutil.rmtree(path, ignore_errors=True)
                raise
            self.supervisor.adopt(run)
            if elsewhere is None:
                self.scheduler.put(run)
        self.supervisor.wake()
        return run

    def get(self, id: str) -> ManagedRun | None:
        """The run of that id, unless it is deleted."""
        run = self._runs.get(id)
        return run if run is not None and run.note.deleted_at is None else None

    def runs(
        self, of: Callable[[ManagedRun], bool] = lambda run: True, *, deleted: bool = False
    ) -> list[ManagedRun]:
        """The runs, the newest first; those that are deleted and not yet gone only if asked for."""
        all_runs = list(self._runs.values())
        matching = [run for run in all_runs if (deleted or run.note.deleted_at is None) and of(run)]
        return sorted(matching, key=lambda run: (run.created, run.id), reverse=True)

    def at_work(self) -> list[ManagedRun]:
        """The runs that wait or train: those that may still write. A deleted one does not wait."""
        with self._lock:
            return [self._runs[id] for id in self.scheduler.ids() if id in self._runs]

    def stop(self, run: ManagedRun) -> None:
        """Ends a run after its current step, saved; one that waits leaves the queue."""
        with self._lock:
            self.scheduler.stop(run)

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
            self.scheduler.require_room(run.owner)
            waiting = Waiting(self.clock(), resume=True, changes=dict(changes))
            run.write_note(waiting=waiting)
            run.expect(waiting.changes)
            self.scheduler.put(run)
        self.supervisor.wake()

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
            self.scheduler.begin_elsewhere(run, elsewhere)

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
            if not self.scheduler.withdraw(run):  # what waited waits again when it is brought back
                self.stop(run)
            run.note_anyway(deleted_at=self.clock())

    def discard(self, run: ManagedRun) -> None:
        """Takes a run away of which nothing was begun: no trace of it is left. Raises OSError."""
        with self._lock:
            if (
                self._runs.get(run.id) is not run
                or run.id in self.scheduler.at_work
                or run.is_alive()
            ):
                return
            if self.supervisor.is_closing:  # what is under this home is another server's by now
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
                self.scheduler.require_room(run.owner)
            run.write_note(deleted_at=None, waiting=waiting)
            if waiting is not None:
                self.scheduler.put(run)
        self.supervisor.wake()

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
            return self.scheduler.place_of(run)

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
            return {**self.scheduler.stats(), "runs": states, "worker_bytes": bytes_at_work}

    def close(self) -> None:
        """Ends the manager and its spare; workers go on and are found again by the next one."""
        self.supervisor.close()
        with self._lock:
            self._spares.close()
        self._own.release()

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

    def _require_present(self, run: ManagedRun) -> None:
        if self._runs.get(run.id) is not run:
            raise UnusableRun("The files of this run are gone already: start a new one.")


def _is_finished(run: ManagedRun, changes: Mapping[str, Any]) -> bool:
    """Whether a completed run has, with changed settings too, no step left to train."""
    view, training = run.view(), run.config.updated(changes).training
    if view.train_tokens is None:
        return False
    sequences = training.batch_size * training.grad_accumulation_steps * (view.processes or 1)
    tokens = sequences * run.config.model.block_size
    return view.step >= total_steps(view.train_tokens, tokens, training)
