"""Scheduling of runs: the slots of this machine, a fair queue, and a warm spare."""

from __future__ import annotations

import itertools
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import psutil

from gtt.errors import GTTError
from gtt.runs.fairness import FairQueue, waits
from gtt.runs.limits import Limits
from gtt.runs.managed_run import ManagedRun, Waiting
from gtt.runs.processes import Worker, gpu_count
from gtt.runs.run_reader import RunView
from gtt.runs.spares import SpareKeeper
from gtt.runs.worker_deaths import tell_end
from gtt.runs.worker_order import Order

log = logging.getLogger(__name__)

GOING = ("preparing", "running")
USUAL_SECONDS = 90.0  # of a run, before any has been seen to its end


class QueueFull(GTTError):
    """No room in the queue; `retry_after` in seconds."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after = retry_after


class Scheduler:
    """The runs that wait, and those at work with their slots. Not locked: whoever holds it locks.

    It reads `runs`, which holds every run by its id and belongs to the manager.
    """

    def __init__(
        self,
        runs: Mapping[str, ManagedRun],
        limits: Limits,
        spares: SpareKeeper,
        *,
        keeps_spare: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.slots = spares.slots
        self.spares = spares
        self.at_work: dict[str, int | None] = {}  # run id -> slot; None: on another machine
        self._runs, self._limits, self._clock = runs, limits, clock
        self._keeps_spare = keeps_spare
        self._queue: FairQueue[str] = FairQueue()
        self._durations: deque[float] = deque(maxlen=20)

    # ------------------------------------------------------------------- the queue

    def put(self, run: ManagedRun) -> None:
        """Puts a run behind those of its owner."""
        self._queue.put(run.owner or "", run.id)

    def withdraw(self, run: ManagedRun) -> bool:
        """Takes a run out of the queue; whether it was there."""
        return self._queue.remove(run.id)

    @property
    def waiting(self) -> int:
        """How many runs wait."""
        return len(self._queue)

    def ids(self) -> list[str]:
        """Of the runs that wait, in their order, and of those at work."""
        return list(dict.fromkeys([*self._queue.in_order(), *self.at_work]))

    def place_of(self, run: ManagedRun) -> tuple[int, float] | None:
        """The place in the queue, from 1, and the seconds until its turn as far as can be told."""
        order = self._queue.in_order()
        if run.id not in order:
            return None
        usual = self._usual_seconds()
        local_ids = [id for id, slot in self.at_work.items() if slot is not None]
        running = [self._remaining(self._runs[id], usual) for id in local_ids]
        place = order.index(run.id)
        starts = waits(running[: self.slots], [usual] * (place + 1), self.slots)
        return place + 1, starts[place]

    def require_room(self, owner: str | None) -> None:
        """Raises `QueueFull` where no further run of this owner may wait."""
        whole, own = self._limits.max_waiting_runs, self._limits.max_waiting_per_workspace
        retry = min(600.0, max(5.0, self._usual_seconds()))
        if whole is not None and len(self._queue) >= whole:
            raise QueueFull(f"{len(self._queue)} runs are waiting already: try again later.", retry)
        if own is not None and self._queue.waiting_of(owner or "") >= own:
            raise QueueFull(
                f"{own} of your runs are waiting already: wait for one to start, or stop one.",
                retry,
            )

    def took(self, seconds: float) -> None:
        """Notes how long a run took: the next will take about as long."""
        self._durations.append(seconds)

    def _usual_seconds(self) -> float:
        durations = self._durations
        return sum(durations) / len(durations) if durations else USUAL_SECONDS

    def _remaining(self, run: ManagedRun, usual: float) -> float:
        view: RunView = run.view()
        if view.eta_seconds is not None:
            return view.eta_seconds
        began = run.note.started_at or self._clock()
        return max(5.0, usual - (self._clock() - began))

    # ----------------------------------------------------------- starting and stopping

    def start_waiting(self) -> None:
        """Starts those whose turn it is, as long as a slot is free."""
        while self._slots_taken() < self.slots:
            # A run that was resumed at once may have its old worker a moment longer.
            id = self._queue.take(lambda id: id not in self.at_work)
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

        That it is started is on disk before; that it waits no more follows from that, and from
        what its worker does: see `recover`.
        """
        waiting, slot = run.note.waiting, self.free_slot()
        assert waiting is not None
        started_at = max(self._clock(), waiting.since)  # also where the clock was set back
        run.write_note(ended_seq=run.view().seq, started_at=started_at, slot=slot)
        spare = self.spares.take(slot)
        try:
            run.worker = spare.start(self._order(run, waiting))
        except BaseException:
            spare.close()
            raise
        self.take_up(run, slot)
        run.waits_no_more()

    def begin_elsewhere(self, run: ManagedRun, elsewhere: Callable[[ManagedRun], Worker]) -> None:
        """Starts the process that follows a run on another machine: it needs no slot."""
        run.worker = elsewhere(run)
        self.take_up(run, None)

    def take_up(self, run: ManagedRun, slot: int | None) -> None:
        """A worker of ours has the run from now on."""
        self.at_work[run.id] = slot
        run.at_work, run.stop_asked_at, run.untold = True, None, None

    def find_slot(self, run: ManagedRun) -> None:
        """A living worker that is not ours has the run: its old slot, if nobody has that now."""
        slot = run.note.slot
        if run.worker is not None and run.worker.elsewhere:
            slot = None
        elif slot is None or slot in self.at_work.values():
            slot = self.free_slot()
        self.at_work[run.id] = slot
        run.at_work = True

    def stop(self, run: ManagedRun) -> None:
        """Ends a run after its current step, saved; one that waits leaves the queue."""
        if self.withdraw(run):
            run.note_anyway(waiting=None, ended_seq=run.view().seq)
            tell_end(run, "stopped", "Stopped while waiting for its turn.")
        elif run.worker is not None and run.is_alive() and run.state() in GOING:
            run.stop_asked_at = self._clock()
            run.worker.ask_to_stop()

    def _order(self, run: ManagedRun, waiting: Waiting) -> Order:
        return Order(
            folder=str(run.path),
            resume=waiting.resume,
            changes=waiting.changes,
            max_steps=self._limits.max_steps,
            max_parameters=self._limits.max_parameters,
            memory=self._memory_per_run(),
        )

    def keep_spare(self) -> None:
        """A spare while a slot is free; loading one beside a training would slow that down."""
        if self._keeps_spare and self._slots_taken() < self.slots:
            self.spares.keep(self.free_slot())

    def free_slot(self) -> int:
        """The first slot that no run has."""
        return next(n for n in itertools.count() if n not in self.at_work.values())

    def _slots_taken(self) -> int:
        return sum(slot is not None for slot in self.at_work.values())

    def _memory_per_run(self) -> int | None:
        """Bytes one run may take; a GPU driver reserves far more than it uses, so none there."""
        if gpu_count():
            return None
        return int(0.75 * psutil.virtual_memory().total / self.slots)

    def stats(self) -> dict[str, Any]:
        """What `Manager.stats` tells of slots, queue and spare."""
        return {
            "slots": self.slots,
            "waiting": self.waiting,
            "spare_is_warm": self.spares.is_warm,
        }
