"""The worker process: one training, from preparing its text to its last event.

    python -m gtt.runs.worker

It loads the heavy libraries, says `ready` on stdout, and waits for one order, a line of JSON on
stdin: the spare that lets Start answer at once. An end of stdin before an order means that nobody
wants it any more. With the order it belongs to the run and not to the server: it goes on when the
server dies, and dies with the run.
"""

from __future__ import annotations

import errno
import os
import select
import shutil
import sys
import threading
import time
import traceback
from collections import deque
from contextlib import suppress
from pathlib import Path

from gtt.data.corpus import reopen_corpus
from gtt.data.excerpt import Places
from gtt.data.prepared import find_corpus
from gtt.data.progress import Progress, is_merging
from gtt.data.sources import resolve_source
from gtt.errors import BadInput, UnusableData, UnusableRun
from gtt.runs.execute import (
    Watcher,
    failure_sentence,
    is_expected,
    make_trainer,
    prepare_corpus,
    pull,
    stop_signals,
)
from gtt.runs.folder import RunFolder
from gtt.runs.home import Home, folder_bytes
from gtt.runs.journal import Journal, Record
from gtt.runs.limits import Limits, run_bytes
from gtt.runs.preparation_process import MEMORY, prepare_apart
from gtt.runs.resume_point import Beginning, beginning_of
from gtt.runs.worker_order import Order
from gtt.training.events import PreparationProgressed, RunEnded
from gtt.training.memory import limit_memory
from gtt.training.trainer import Trainer

NO_ROOM = "the server holds as much as it may"
UNTOLD = 74  # exit code where the disk took no line about the end; EX_IOERR of sysexits.h
PROGRESS_EVERY = 0.5  # seconds between two lines on the preparation


class _StopAsked(Exception):
    """A stop was asked for while the text was being prepared."""


def carry_out(
    order: Order, home: Home, watcher: Watcher | None = None, limits: Limits | None = None
) -> RunEnded:
    """Trains the run of the order to its end; whatever goes wrong ends in the journal.

    `limits` say what the home may hold.

    Raises `UnusableRun` where another process holds the run, and our own faults after they are
    journaled.
    """
    watcher, limits, began = watcher or Watcher(), limits or Limits(), time.monotonic()
    run = RunFolder(Path(order.folder))
    with run.locked(), Journal(run.journal) as journal, stop_signals() as stop_asked:
        trainer: Trainer | None = None
        step = 0
        try:
            begin = _beginning(run, order)
            step = begin.step
            preparing = _Preparing(journal, stop_asked, began, limits.max_minutes)
            trainer = _prepared_trainer(run, home, order, begin, preparing, limits)
            trainer.ends_at = preparing.ends_at
            if stop_asked.is_set():
                raise _StopAsked
            return pull(trainer, journal, stop_asked, watcher)
        except _StopAsked:
            end = RunEnded(step, "stopped", "Stopped before the first step.", 0.0)
            journal.append(end)
            return end
        except BaseException as error:
            if trainer is not None:  # the trainer had begun, and `pull` has said what happened
                raise
            is_kept = run.checkpoints.resumable() is not None
            sentence = failure_sentence(error, is_kept).replace(str(run.path), "this run")
            end = RunEnded(step, "failed", sentence, 0.0)
            with suppress(OSError):
                journal.append(end)
            if not is_expected(error):
                raise
            return end
        finally:
            if trainer is not None:
                trainer.close()


def _beginning(run: RunFolder, order: Order) -> Beginning:
    if order.resume:
        return beginning_of(run, lambda config: config.updated(order.changes))
    return Beginning(run.config(), None)


def _prepared_trainer(
    run: RunFolder,
    home: Home,
    order: Order,
    begin: Beginning,
    preparing: _Preparing,
    limits: Limits,
) -> Trainer:
    """The trainer, within what is allowed; raises `BadInput` beyond it."""
    uploads = home.uploads_of(run.about().get("owner"))
    if _is_strange(begin, home, uploads):
        memory = min(order.memory or MEMORY, MEMORY) if limits.for_strangers else order.memory
        data = begin.config.data
        prepare_apart(data, home, uploads, preparing.report, preparing.look, memory)
    corpus = prepare_corpus(begin.config, home, preparing.report, begin.fingerprint, uploads)
    begin.refuse_other_data(corpus, "This run")
    parameters = begin.config.model.parameter_count(corpus.vocab_size)
    if order.max_parameters is not None and parameters > order.max_parameters:
        raise BadInput(
            f"This model has {parameters:,} parameters, and {order.max_parameters:,} are allowed "
            "here: take fewer layers, a smaller width or a smaller vocabulary.",
            field="model.n_embed",
        )
    if not has_room(home, limits, max(0, run_bytes(parameters) - folder_bytes(run.path))):
        raise BadInput(
            f"The server has no room for the checkpoints of {parameters:,} parameters: delete runs "
            "or texts, or take a smaller model.",
            field="model.n_embed",
        )
    trainer = make_trainer(begin.config, corpus, run.path, resume=begin.is_saved, notes=begin.notes)
    if order.max_steps is not None and trainer.total_steps > order.max_steps:
        trainer.close()
        raise BadInput(
            f"These settings ask for {trainer.total_steps:,} steps, and {order.max_steps:,} are "
            "allowed here: set training.max_steps or take fewer epochs.",
            field="training.max_steps",
        )
    if order.resume and trainer.step >= trainer.total_steps:
        trainer.close()
        raise UnusableRun(
            f"This run is finished: {trainer.step:,} steps are done and {trainer.total_steps:,} "
            "asked for. To train it longer, resume it with a larger training.max_steps."
        )
    run.set_fingerprint(corpus.fingerprint)
    return trainer


def _is_strange(begin: Beginning, home: Home, uploads: Path | None) -> bool:
    """Whether the text is somebody's own, or from afar, and is still to be read."""
    data = begin.config.data
    try:
        resolved = resolve_source(data.source, uploads)
        if resolved.kind == "built-in":
            return False
        if begin.fingerprint is not None:
            return reopen_corpus(data, home.corpora, begin.fingerprint, uploads) is None
        places = Places(home.path / "downloads", home.sources, uploads)
        return find_corpus(data, resolved, places, home.corpora) is None
    except BadInput:  # whoever reads it will say why
        return True


class _Preparing:
    """The preparation as its journal, the clock and a stop see it."""

    def __init__(
        self,
        journal: Journal,
        stop_asked: threading.Event,
        began: float,
        max_minutes: float | None,
    ) -> None:
        """`began` is when the worker began with the run; its minutes count from there."""
        self.ends_at = None if max_minutes is None else began + 60 * max_minutes
        self._journal, self._stop_asked, self._minutes = journal, stop_asked, max_minutes
        self._last = ("", 0.0)

    def look(self) -> None:
        """Raises where the preparation is to end."""
        if self._stop_asked.is_set():
            raise _StopAsked
        if self.ends_at is not None and time.monotonic() >= self.ends_at:
            raise UnusableData(
                f"Preparing the text took all of the {self._minutes:g} minutes that a run may "
                "take here: use less of it (data.max_megabytes), or the char tokenizer.",
                field="data.max_megabytes",
            )

    def report(self, progress: Progress) -> None:
        """Tells the journal how far it is, a few lines a second at most; raises as `look`."""
        self.look()
        now = time.monotonic()
        if progress.stage != self._last[0] or now - self._last[1] >= PROGRESS_EVERY:
            self._last = (progress.stage, now)
            self._journal.append(
                PreparationProgressed(
                    0, progress.stage, progress.done, progress.total, progress.unit
                )
            )


def warm_up(home: Home) -> None:
    """Does once what every first training step of a process waits for.

    Accelerate and the optimizers are loaded and the threads of the matrix products are started.
    The text of the first recipe is prepared, unless an order is there, which may want another one.
    """
    import torch

    from gtt.model.gpt import GPT, next_token_loss
    from gtt.recipes import load_recipe
    from gtt.training.accelerator import process_state
    from gtt.training.optimizers import build_optimizers

    process_state()
    config = load_recipe("quickstart").config
    if not has_order():
        with suppress(BadInput, OSError):  # a run that needs the disk will say so
            prepare_corpus(config, home, lambda progress: None)
    model = GPT(config.model, config.data.vocab_size)
    tokens = torch.zeros(2, config.model.block_size, dtype=torch.long)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = next_token_loss(model(tokens), tokens)
    loss.backward()
    for optimizer in build_optimizers(model, config.training):
        optimizer.step()


def has_order() -> bool:
    """Whether something, or the end, has come through the pipe from the server."""
    try:
        return bool(select.select([sys.stdin], [], [], 0)[0])
    except OSError:  # no pipe can be asked here, as on Windows
        return False


def watching_room(home: Home, limits: Limits) -> Watcher:
    """Ends the run with a sentence once the home holds more than it may: the last checkpoint stays.

    Looked at whenever one was saved, which is what takes room.
    """

    def look(record: Record) -> None:
        if record["type"] == "CheckpointSaved" and not has_room(home, limits, 0):
            raise OSError(errno.ENOSPC, NO_ROOM)

    return Watcher(record=look)


def has_room(home: Home, limits: Limits, more: int) -> bool:
    """Whether so many bytes more fit into what the home may hold, and onto its disk."""
    most = limits.disk_bytes
    if shutil.disk_usage(home.path).free < more:
        return False
    return most is None or home.bytes() + more <= most


def main() -> int:
    """Warms up, waits for the order, carries it out; 0, or 1 where the run failed.

    `UNTOLD` where the disk took no line about the end: the server then says that for us.
    """
    home = Home.from_environment()
    warm_up(home)
    with suppress(OSError):  # a server that was killed meanwhile may have left its order
        os.write(1, b"ready\n")
    line = sys.stdin.buffer.readline().decode()
    if not line.endswith("\n"):
        return 0
    order = Order.from_line(line)
    limit_memory(order.memory, first_to_go=500)
    limits = Limits.from_environment()  # those of the server, whose environment this is
    try:
        _print_to(Path(order.folder) / "worker.log")
        end = carry_out(order, home, watching_room(home, limits), limits)
    except OSError:
        traceback.print_exc()
        return UNTOLD
    if end.reason not in ("failed", "diverged"):
        return 0
    return 1 if _is_told(RunFolder(Path(order.folder)), end) else UNTOLD


def _print_to(path: Path) -> None:
    """Lets the file take what is printed from now on."""
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(log, stream)


def _is_told(run: RunFolder, end: RunEnded) -> bool:
    """Whether the journal ends with this end."""
    (last,) = deque(run.records(), 1) or ({},)
    return (last.get("reason"), last.get("message")) == (end.reason, end.message)


if __name__ == "__main__":
    code = main()
    if is_merging():  # stopped meanwhile, which is written down
        os._exit(code)
    raise SystemExit(code)
