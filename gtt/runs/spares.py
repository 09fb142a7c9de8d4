"""The warm spare of a server: one worker that waits with everything loaded."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from gtt.runs.processes import WORKER, Spare, gpu_count
from gtt.training.variables import for_one_process

FIRST_PAUSE = 1.0  # seconds before a spare that died is replaced; twice as long each time
LONGEST_PAUSE = 60.0
SPINS = "3000"
# Under which the libraries and the people of the Hub keep a token.
TOKENS = (
    "HF_TOKEN",
    "HF_API_TOKEN",
    "HUGGING_FACE_HUB_TOKEN",
    "HUGGINGFACE_HUB_TOKEN",
    "HUGGINGFACE_TOKEN",
    "HUGGINGFACEHUB_API_TOKEN",
)


class SpareKeeper:
    """Keeps at most one spare, for the GPU of one slot. Not locked: whoever holds it locks."""

    def __init__(
        self,
        home: Path,
        slots: int = 1,
        for_strangers: bool = False,
        command: Sequence[str] = WORKER,
    ) -> None:
        """`command` starts a worker process."""
        self.home, self.slots, self.for_strangers = home, slots, for_strangers
        self.command = command
        self.spare: Spare | None = None
        self._device: str | None = None
        self._pause = FIRST_PAUSE
        self._not_before = 0.0

    @property
    def is_warm(self) -> bool:
        """Whether an order would start at once."""
        return self.spare is not None and self.spare.is_warm

    def take(self, slot: int) -> Spare:
        """A living spare for that slot, warm if one was kept; raises OSError."""
        spare, self.spare = self.spare, None
        if spare is not None:
            if spare.is_alive() and self._device == _device(slot):
                self._pause = FIRST_PAUSE
                return spare
            spare.close()
        return self._new(slot)

    def keep(self, slot: int) -> None:
        """Sees to it that there is a living spare for that slot; raises OSError.

        Where spares die at once, as without memory, they come ever more seldom.
        """
        if self.spare is not None:
            if self.spare.is_alive():
                return
            self.close()
            self._not_before = time.monotonic() + self._pause
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
        if time.monotonic() >= self._not_before:
            self.spare, self._device = self._new(slot), _device(slot)

    def close(self) -> None:
        """Ends the spare, if there is one."""
        if self.spare is not None:
            self.spare.close()
            self.spare = None

    def _new(self, slot: int) -> Spare:
        environment = worker_environment(self.home, self.slots, self.for_strangers)
        device = _device(slot)
        if device is not None:
            environment["CUDA_VISIBLE_DEVICES"] = device
        nowhere = self.home / "nowhere"
        nowhere.mkdir(exist_ok=True)
        return Spare(environment, nowhere, self.command)


def worker_environment(home: Path, slots: int, for_strangers: bool) -> dict[str, str]:
    """The environment of a worker, one of `slots` at the same time.

    A worker that trains for strangers has no token of the server's owner, who may see more of the
    Hub than they do.
    """
    environment = {**for_one_process(os.environ), "GTT_HOME": str(home)}
    # A thread that waits for the others spins only briefly: spinning while a server and its
    # visitors want the same cores makes training several times slower (docs/measurements.md).
    environment.setdefault("GOMP_SPINCOUNT", SPINS)
    if slots > 1:
        environment.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // slots)))
    if for_strangers:
        for name in TOKENS:
            environment.pop(name, None)
        environment["HF_HUB_DISABLE_IMPLICIT_TOKEN"] = "1"
    return environment


def _device(slot: int) -> str | None:
    """The GPU of a slot as CUDA_VISIBLE_DEVICES names it; None where there is no choice."""
    count = gpu_count()
    if count < 2:
        return None
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = visible.split(",") if visible else [str(number) for number in range(count)]
    return names[slot % len(names)].strip()
