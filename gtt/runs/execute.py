"""Carrying out a run: prepare the data, pull the trainer, write the journal, end well.

The same function serves the terminal, a worker process, and every process of `accelerate launch`,
of which only the main one writes.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from gtt.config import RunConfig
from gtt.data.corpus import Corpus, build_corpus, reopen_corpus
from gtt.data.progress import Progress
from gtt.data.sources import with_absolute_paths
from gtt.errors import BadInput, UnusableRun, unwritable
from gtt.runs.costs import memory_by_part
from gtt.runs.folder import RunFolder, claim_folder
from gtt.runs.home import Home
from gtt.runs.journal import Journal, Record, last_told
from gtt.runs.resume_point import beginning_of
from gtt.training.accelerator import choose_precision, process_state, refusing_together
from gtt.training.events import Event, RunEnded, StepFinished
from gtt.training.memory import keep_freed_memory, memory_of_machine, use_large_pages
from gtt.training.trainer import Trainer

ASK_EVERY = 10  # steps between two looks for a stop signal in runs of several processes
OUT_OF_MEMORY = (
    "The machine ran out of memory: lower training.batch_size, model.block_size or the model's "
    "size; training.grad_accumulation_steps keeps the batch as large as it was."
)


@dataclass(frozen=True)
class Watcher:
    """Callbacks of the caller for progress of the data, each journal record, each finished step.

    Setting `stop` ends the run after its step, as a signal does; while the text is still read there
    is no run to end, and `UnusableRun` is raised.
    """

    preparing: Callable[[Progress], None] = lambda progress: None
    record: Callable[[Record], None] = lambda record: None
    step: Callable[[int], None] = lambda step: None
    stop: threading.Event = field(default_factory=threading.Event)

    def hear(self, progress: Progress) -> None:
        """Passes progress of the data on, unless a stop is asked for."""
        if self.stop.is_set():
            raise UnusableRun("The run was stopped before it began: nothing of it was kept.")
        self.preparing(progress)


def start_run(
    config: RunConfig,
    home: Home,
    folder: Path | None = None,
    *,
    watcher: Watcher | None = None,
) -> tuple[Path, RunEnded]:
    """Trains a new run in `folder`, or in a new one under `home`; returns the folder and the end.

    Raises `BadInput` before anything is trained where settings, data and folder do not serve; what
    was written is then removed again, as it is on an interrupt. A process that is killed leaves
    what `resume_run` needs.
    """
    watcher = watcher or Watcher()
    config = config.model_copy(update={"data": with_absolute_paths(config.data)})
    place = _agreed(folder.absolute() if folder else home.new_run(config.name))
    is_main = process_state().is_main_process
    run = RunFolder(place)
    elsewhere = "name another folder"
    if folder is None:
        elsewhere = "point GTT_HOME at a folder that you may write to, or name one with --out"
    is_new = False
    with refusing_together():
        if is_main:
            is_new = claim_folder(place, elsewhere=elsewhere)
    with ExitStack() as held:
        try:
            with refusing_together(), _written_to(place):
                if is_main:
                    run.create(config, None)
                    held.enter_context(run.locked())
            corpus = prepare_corpus(config, home, watcher.hear)
            trainer = make_trainer(config, corpus, place)
            with refusing_together(), _written_to(place):
                if is_main:
                    run.set_fingerprint(corpus.fingerprint)
        except BaseException:
            held.close()
            if is_main:
                _discard(run, is_new)
            raise
        return place, _pull(run, trainer, watcher)


@contextmanager
def _written_to(place: Path) -> Iterator[None]:
    """Turns an OSError inside of the `with` into `BadInput`."""
    try:
        yield
    except OSError as error:
        raise BadInput(unwritable(place, error, "name another folder"), field="out") from None


def _discard(run: RunFolder, is_new: bool) -> None:
    """Leaves a folder as it was before a run was begun in it."""
    with suppress(OSError):
        for name in ("run.json", "run.lock", "worker.json"):
            (run.path / name).unlink(missing_ok=True)
        if is_new:
            run.path.rmdir()


def resume_run(
    folder: Path,
    home: Home,
    *,
    assignments: list[str] | None = None,
    watcher: Watcher | None = None,
) -> tuple[Path, RunEnded]:
    """Goes on with the run in `folder` from its newest resumable checkpoint, or from its start.

    `assignments` change settings of training or generation from here on, also for later resumes
    once the training has begun. Raises `UnusableRun` or `BadInput`; the run is then as it was.
    """
    watcher = watcher or Watcher()
    place = folder.absolute()
    run = RunFolder(place)
    with ExitStack() as held:
        with refusing_together():
            run.config()  # that there is a run here is said before it is locked
            if process_state().is_main_process:
                held.enter_context(run.locked())
                last_told(run.journal)  # a damaged one is refused before anything is loaded
            begin = beginning_of(run, lambda config: config.with_assignments(assignments or []))
        corpus = prepare_corpus(begin.config, home, watcher.hear, begin.fingerprint)
        options = {"resume": begin.is_saved, "notes": begin.notes}
        trainer = make_trainer(begin.config, corpus, place, **options)
        with refusing_together():
            begin.refuse_other_data(corpus, str(place))
            if trainer.step >= trainer.total_steps:
                raise UnusableRun(
                    f"{place} is finished: {trainer.step:,} steps are done and "
                    f"{trainer.total_steps:,} asked for. To train it longer, add --set "
                    f"training.max_steps={2 * trainer.step}."
                )
            if process_state().is_main_process:
                run.set_fingerprint(corpus.fingerprint)
        return place, _pull(run, trainer, watcher)


def _agreed(place: Path) -> Path:
    """The main process's path in all processes."""
    if process_state().num_processes == 1:
        return place
    from accelerate.utils import broadcast_object_list

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
    corpus: Corpus | None = None
    for local_main in (True, False):
        with refusing_together():
            if state.is_local_main_process != local_main:
                continue
            if fingerprint:
                corpus = reopen_corpus(config.data, home.corpora, fingerprint, uploads)
            corpus = corpus or build_corpus(
                config.data,
                home.corpora,
                sources_folder=home.sources,
                uploads=uploads,
                progress=preparing if state.is_main_process else None,
            )
    assert corpus is not None, "each process is local main or not"
    return corpus


def make_trainer(config: RunConfig, corpus: Corpus, place: Path, **options: Any) -> Trainer:
    """The trainer; a model that does not fit into memory is bad input, not a fault."""
    with refusing_together():
        refuse_too_large(config, corpus.vocab_size, memory_of_machine())
        use_large_pages()
        try:
            return Trainer(config, corpus, place, **options)
        except (RuntimeError, MemoryError) as error:
            if _is_out_of_memory(error):
                raise BadInput(OUT_OF_MEMORY) from None
            raise


def refuse_too_large(config: RunConfig, vocab_size: int, memory: int) -> None:
    """Raises `BadInput` for a run that cannot fit into so many bytes of main memory.

    The system would end it without a word, and others with it. What a GPU holds is left to that.
    """
    device = process_state().device
    if device.type != "cpu":
        return
    precision = choose_precision(config.training, device)
    is_alone = process_state().num_processes == 1
    processes = 1 if is_alone else int(os.environ.get("LOCAL_WORLD_SIZE") or 1)
    need = processes * sum(part.bytes for part in memory_by_part(config, vocab_size, precision))
    if need > memory:
        raise BadInput(
            f"This run needs about {need / 1e9:.2g} GB of memory, and this machine has "
            f"{memory / 1e9:.2g} GB: lower training.batch_size, model.block_size or the model's "
            "size; training.grad_accumulation_steps keeps the batch as large as it was.",
            field="training.batch_size",
        )


def _pull(run: RunFolder, trainer: Trainer, watcher: Watcher) -> RunEnded:
    """Pulls the trainer to its end, or until a signal; writes what it says to the journal."""
    is_main = trainer.accelerator.is_main_process
    end: RunEnded | None = None
    try:
        with ExitStack() as stack:
            journal = stack.enter_context(Journal(run.journal)) if is_main else None
            stop_asked = stack.enter_context(stop_signals(watcher.stop))
            end = pull(trainer, journal, stop_asked, watcher)
    except OSError as error:
        if end is not None:
            raise
        end = _failed(trainer, error)
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
        end = _failed(trainer, error)
        with suppress(OSError):  # the disk that failed the run may hold no further line
            tell(end)
        if not is_expected(error):
            raise
    assert end is not None, "the trainer ended without saying so"
    return end


def _failed(trainer: Trainer, error: BaseException) -> RunEnded:
    sentence = failure_sentence(error, trainer.checkpoints.resumable() is not None)
    return RunEnded(trainer.step, "failed", sentence, trainer.total_seconds())


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
def stop_signals(stop_event: threading.Event | None = None) -> Iterator[threading.Event]:
    """Inside, SIGINT and SIGTERM set the event; a second SIGINT interrupts at once.

    Outside the main thread Python delivers no signals, and the event is just an event.
    """
    stop_event = stop_event or threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop_event
        return

    def ask(number: int, frame: Any) -> None:
        if stop_event.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop_event.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop_event
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def is_expected(error: BaseException) -> bool:
    """Whether the machine is at fault rather than our code: no traceback is due."""
    return isinstance(
        error, (OSError, SafetensorError, MemoryError, KeyboardInterrupt, BadInput)
    ) or (_is_out_of_memory(error))


def failure_sentence(error: BaseException, is_kept: bool = False) -> str:
    """What happened and what to do, for the journal; `is_kept` says if there is a checkpoint."""
    if isinstance(error, BadInput):
        return error.message
    way_out = "the last checkpoint, which is whole" if is_kept else "the start: none was saved yet"
    if isinstance(error, KeyboardInterrupt):
        return f"Interrupted before the step was finished; resume from {way_out}."
    if _is_out_of_memory(error):
        return OUT_OF_MEMORY
    if isinstance(error, (OSError, SafetensorError)):
        reason = getattr(error, "strerror", None) or str(error)
        return (
            f"The system refused to go on ({reason}): make room on the disk, or mend what it "
            f"names, then resume from {way_out}."
        )
    return f"A fault in GTT ended the run ({type(error).__name__}: {error}); please report it."


def _is_out_of_memory(error: BaseException) -> bool:
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or (
        isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
    )
