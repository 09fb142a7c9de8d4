"""Carrying out a run: prepare the data, pull the trainer, write the journal, end well.

The same function serves the terminal, a worker process, and every process of `accelerate launch`,
of which only the main one writes.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import broadcast_object_list
from safetensors import SafetensorError

from gtt.config import RunConfig
from gtt.data.corpus import Corpus, build_corpus, reopen_corpus
from gtt.data.progress import Progress
from gtt.errors import BadInput, UnusableRun
from gtt.model.export import read_about
from gtt.runs.folder import RunFolder, claim_folder
from gtt.runs.home import Home
from gtt.runs.journal import Journal, Record
from gtt.training.accelerator import process_state
from gtt.training.events import Event, RunEnded, StepFinished
from gtt.training.memory import keep_freed_memory
from gtt.training.resuming import refuse_other_model
from gtt.training.trainer import Trainer

ASK_EVERY = 10  # steps between two looks for a stop signal in runs of several processes
OUT_OF_MEMORY = (
    "The machine ran out of memory: lower training.batch_size, model.block_size or the model's "
    "size; training.grad_accumulation_steps keeps the batch as large as it was."
)


@dataclass(frozen=True)
class Watcher:
    """What the caller wants to hear: data progress, each journaled record, each finished step."""

    preparing: Callable[[Progress], None] = lambda progress: None
    record: Callable[[Record], None] = lambda record: None
    step: Callable[[int], None] = lambda step: None


def start_run(
    config: RunConfig,
    home: Home,
    folder: Path | None = None,
    *,
    trackers: tuple[str, ...] = (),
    watcher: Watcher | None = None,
) -> tuple[Path, RunEnded]:
    """Trains a new run in `folder`, or in a new one under `home`; returns the folder and the end.

    Raises `BadInput` before anything is trained where settings, data and folder do not serve; a
    folder made for the run is then removed again.
    """
    watcher = watcher or Watcher()
    place = _agreed(folder.absolute() if folder else home.new_run(config.name))
    is_main = process_state().is_main_process
    is_new = is_main and claim_folder(place)
    run = RunFolder(place)
    try:
        corpus = prepare_corpus(config, home, watcher.preparing)
        trainer = make_trainer(config, corpus, place, trackers=trackers)
        if is_main:
            run.create(config, corpus.fingerprint)
    except BaseException as error:
        if is_main:
            (place / "run.json").unlink(missing_ok=True)
        if is_new:
            place.rmdir()
        if isinstance(error, OSError):
            raise BadInput(f"{place} cannot be written to ({error}).", field="out") from None
        raise
    with run.locked() if is_main else nullcontext():
        return place, _pull(run, trainer, watcher)


def resume_run(
    folder: Path,
    home: Home,
    *,
    assignments: list[str] | None = None,
    trackers: tuple[str, ...] = (),
    watcher: Watcher | None = None,
) -> tuple[Path, RunEnded]:
    """Goes on with the run in `folder` from its newest resumable checkpoint.

    `assignments` change settings of training or generation from here on, also for later resumes.
    Raises `UnusableRun` or `BadInput`; the run is then as it was.
    """
    watcher = watcher or Watcher()
    place = folder.absolute()
    run = RunFolder(place)
    original = run.config()
    with run.locked() if process_state().is_main_process else nullcontext():
        checkpoint = run.checkpoints.resumable()
        if checkpoint is None:
            raise UnusableRun(f"{place} holds no checkpoint to resume from: train it anew.")
        about = read_about(checkpoint)
        config = RunConfig.parse(about["config"]).with_assignments(assignments or [])
        refuse_other_model(original, config)
        corpus = prepare_corpus(config, home, watcher.preparing, about.get("fingerprint"))
        trainer = make_trainer(config, corpus, place, resume=True, trackers=trackers)
        if trainer.step >= trainer.total_steps:
            raise UnusableRun(
                f"{place} is finished: {trainer.step:,} steps are done and {trainer.total_steps:,} "
                f"asked for. To train it longer, add --set training.max_steps={2 * trainer.step}."
            )
        return place, _pull(run, trainer, watcher)


def _agreed(place: Path) -> Path:
    """The main process's path in all processes."""
    if process_state().num_processes == 1:
        return place
    box: list[Any] = [str(place)]
    broadcast_object_list(box)
    return Path(box[0])


def prepare_corpus(
    config: RunConfig,
    home: Home,
    preparing: Callable[[Progress], None],
    fingerprint: str | None = None,
    uploads: Path | None = None,
) -> Corpus:
    """The corpus, built by one process of each machine and then opened by the others.

    With a fingerprint the tokenised text is opened as it is, if it is still there, whatever has
    become of the source. `uploads` is where the texts lie that a visitor brought.
    """
    keep_freed_memory()
    state = process_state()
    with state.local_main_process_first():
        kept = None
        if fingerprint:
            kept = reopen_corpus(config.data, home.corpora, fingerprint, uploads)
        return kept or build_corpus(
            config.data,
            home.corpora,
            sources_folder=home.sources,
            uploads=uploads,
            progress=preparing if state.is_main_process else None,
        )


def make_trainer(config: RunConfig, corpus: Corpus, place: Path, **options: Any) -> Trainer:
    """The trainer; a model that does not fit into memory is bad input, not a fault."""
    try:
        return Trainer(config, corpus, place, **options)
    except (RuntimeError, MemoryError) as error:
        if _is_out_of_memory(error):
            raise BadInput(OUT_OF_MEMORY) from None
        raise


def _pull(run: RunFolder, trainer: Trainer, watcher: Watcher) -> RunEnded:
    """Pulls the trainer to its end, or until a signal; writes what it says to the journal."""
    is_main = trainer.accelerator.is_main_process
    end: RunEnded | None = None
    try:
        with ExitStack() as stack:
            journal = stack.enter_context(Journal(run.journal)) if is_main else None
            stop_asked = stack.enter_context(stop_signals())
            end = pull(trainer, journal, stop_asked, watcher)
    except OSError as error:
        if end is not None:
            raise
        end = RunEnded(trainer.step, "failed", failure_sentence(error), trainer.total_seconds())
    finally:
        trainer.close()
    return end


def pull(
    trainer: Trainer, journal: Journal | None, stop_asked: threading.Event, watcher: Watcher
) -> RunEnded:
    """Pulls the trainer to its end, or until a stop is asked for, and tells the journal.

    What fails ends the run with a sentence; a fault of our own is raised again after that.
    """
    end: RunEnded | None = None

    def tell(event: Event) -> None:
        if journal is not None:
            watcher.record(journal.append(event))

    try:
        for event in _until_stopped(trainer, stop_asked):
            if isinstance(event, StepFinished):
                watcher.step(event.step)
                continue
            if isinstance(event, RunEnded):
                end = event
            tell(event)
    except BaseException as error:
        end = RunEnded(trainer.step, "failed", failure_sentence(error), trainer.total_seconds())
        with suppress(OSError):  # the disk that failed the run may hold no further line
            tell(end)
        if not is_expected(error):
            raise
    assert end is not None, "the trainer ended without saying so"
    return end


def _until_stopped(trainer: Trainer, stop_asked: threading.Event) -> Iterator[Event]:
    """The trainer's events; after the step in which a stop was asked for, those of stopping."""
    for event in trainer.run():
        yield event
        if not isinstance(event, StepFinished):
            continue
        # Several processes have to agree, and asking each other makes their devices wait.
        may_ask = trainer.accelerator.num_processes == 1 or event.step % ASK_EVERY == 0
        if may_ask and trainer.any_process(stop_asked.is_set()):
            yield from trainer.stop()
            return


@contextmanager
def stop_signals() -> Iterator[threading.Event]:
    """Inside, SIGINT and SIGTERM set the event; a second SIGINT interrupts at once.

    Outside the main thread Python delivers no signals, and the event is just an event.
    """
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def ask(number: int, frame: Any) -> None:
        if asked.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        asked.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def is_expected(error: BaseException) -> bool:
    """Whether the machine is at fault rather than our code: no traceback is due."""
    return isinstance(
        error, (OSError, SafetensorError, MemoryError, KeyboardInterrupt, BadInput)
    ) or (_is_out_of_memory(error))


def failure_sentence(error: BaseException) -> str:
    """What happened and what to do, for the journal."""
    if isinstance(error, BadInput):
        return error.message
    if isinstance(error, KeyboardInterrupt):
        return "Interrupted before the step was finished; resume from the last checkpoint."
    if _is_out_of_memory(error):
        return OUT_OF_MEMORY
    if isinstance(error, (OSError, SafetensorError)):
        reason = getattr(error, "strerror", None) or str(error)
        return (
            f"The system refused to go on ({reason}): make room on the disk, or mend what it "
            "names, then resume from the last checkpoint, which is whole."
        )
    return f"A fault in GTT ended the run ({type(error).__name__}: {error}); please report it."


def _is_out_of_memory(error: BaseException) -> bool:
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or (
        isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
    )
