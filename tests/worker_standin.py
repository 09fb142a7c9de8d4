"""A worker process without torch, for tests of what happens around a training.

It is a real process with real pipes, signals, locks and a real journal, and speaks as
`gtt.runs.worker` does: `ready`, one order, events, an end. Only what it trains is nothing: a step
takes three milliseconds and its loss is made up. Its checkpoints can be resumed by itself alone.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from gtt.config import RunConfig
from gtt.runs.folder import RunFolder
from gtt.runs.journal import Journal, read_journal
from gtt.runs.worker_order import Order
from gtt.training.events import CheckpointSaved, Evaluated, RunEnded, RunStarted, StepLogged

COMMAND = (sys.executable, str(Path(__file__).resolve()))
STEP_SECONDS = 0.003
VOCAB_SIZE = 65
TRAIN_TOKENS = 10_000
UNTOLD = 74  # as `gtt.runs.worker.UNTOLD`


def beginning(run: RunFolder, order: Order) -> tuple[RunConfig, int, tuple[str, ...]]:
    """The settings, the step that it goes on from, and what there is to say of that."""
    if not order.resume:
        return run.config(), 0, ()
    configs = [one["config"] for one in read_journal(run.journal) if one["type"] == "RunStarted"]
    config = RunConfig.recorded(configs[-1]) if configs else run.config()
    config = config.updated(order.changes)
    checkpoint = run.checkpoints.resumable()
    if checkpoint is None:
        return config, 0, ("No checkpoint had been saved: the run begins again at step 0.",)
    return config, json.loads((checkpoint / "gtt.json").read_text())["step"], ()


class Training:
    """From the first event to the last."""

    def __init__(self, run: RunFolder, order: Order, journal: Journal) -> None:
        self.run, self.journal = run, journal
        self.config, self.step, self.notes = beginning(run, order)
        training = self.config.training
        self.tokens = training.batch_size * self.config.model.block_size
        epochs = training.num_epochs * TRAIN_TOKENS // self.tokens
        self.total = training.max_steps if training.max_steps is not None else epochs

    def carry_out(self, stop_asked: threading.Event) -> RunEnded:
        self.journal.append(self.started())
        began, training = time.monotonic(), self.config.training
        while self.step < self.total and not stop_asked.is_set():
            time.sleep(STEP_SECONDS)
            self.step += 1
            if self.step % training.log_every == 0:
                self.journal.append(self.logged(time.monotonic() - began))
            if self.step % training.checkpoint_every == 0 and self.step < self.total:
                self.save()
        self.journal.append(Evaluated(self.step, 2.0, 7.4, 3.0, None, True))
        self.save()
        if self.step < self.total:
            return RunEnded(self.step, "stopped", f"Stopped at step {self.step}.", 1.0)
        return RunEnded(self.step, "completed", f"Completed {self.step} steps.", 1.0)

    def started(self) -> RunStarted:
        return RunStarted(
            self.step,
            config=self.config.model_dump(mode="json"),
            parameters=self.config.model.parameter_count(VOCAB_SIZE),
            vocab_size=VOCAB_SIZE,
            total_steps=self.total,
            tokens_per_step=self.tokens,
            steps_per_epoch=TRAIN_TOKENS / self.tokens,
            train_tokens=TRAIN_TOKENS,
            validation_tokens=1000,
            baselines={"uniform": 4.2, "unigram": 3.3, "bigram": 2.4, "floor": None},
            bytes_per_token=1.0,
            fingerprint="0" * 16,
            precision="fp32",
            device="cpu",
            processes=1,
            notes=self.notes,
        )

    def logged(self, seconds: float) -> StepLogged:
        loss = 2.0 + 2.0 / self.step
        return StepLogged(
            self.step, loss, 1e-3, 1.0, 1e4, self.step * self.tokens, 0.1, round(seconds, 3)
        )

    def save(self) -> None:
        def write(folder: Path) -> None:
            values: dict[str, Any] = {"step": self.step}
            (folder / "gtt.json").write_text(json.dumps(values))

        place = self.run.checkpoints.save(self.step, write, write, best=True)
        self.journal.append(CheckpointSaved(self.step, f"checkpoints/{place.name}", True))


def main() -> int:
    """As `gtt.runs.worker.main`."""
    stop_asked = threading.Event()
    signal.signal(signal.SIGTERM, lambda number, frame: stop_asked.set())
    with suppress(OSError):  # a server that was killed meanwhile may have left its order
        os.write(1, b"ready\n")
    line = sys.stdin.buffer.readline().decode()
    if not line.endswith("\n"):
        return 0
    order = Order.from_line(line)
    run = RunFolder(Path(order.folder))
    try:
        with run.locked(), Journal(run.journal) as journal:
            try:
                end = Training(run, order, journal).carry_out(stop_asked)
            except ValueError as error:  # a damaged checkpoint
                end = RunEnded(0, "failed", str(error), 0.0)
            journal.append(end)
    except OSError:
        return UNTOLD
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
