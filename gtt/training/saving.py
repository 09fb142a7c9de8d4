"""What a trainer saves of itself at a checkpoint, and takes up again when it is resumed.

A checkpoint has two folders: the model, which loads in `transformers`, and beside it what only a
resumed training needs. Whatever `restore` reads, `save` has written.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from accelerate.utils import gather_object
from torch import Tensor

from gtt.errors import UnusableRun
from gtt.model.export import load_weights, read_about, save_model
from gtt.training import events
from gtt.training.accelerator import surroundings
from gtt.training.checkpoint_card import write_card
from gtt.training.resume_differences import differences
from gtt.training.resume_state import (
    random_state,
    read_resume_state,
    restore_random_state,
    write_resume_state,
)
from gtt.training.sharding import moments_of

if TYPE_CHECKING:
    from gtt.training.trainer import Trainer


def save(trainer: Trainer) -> events.CheckpointSaved:
    """Writes the checkpoint of this step from the main process; all processes must ask."""
    random_states = gather_object([random_state(trainer.device)])
    path = f"checkpoints/step-{trainer.step:08d}"
    best = trainer.observer.is_best(trainer.step)
    is_main = trainer.accelerator.is_main_process
    moments = moments_of(trainer.trained, trainer.optimizers, keep=is_main)
    if is_main:
        trainer.checkpoints.save(
            trainer.step,
            lambda folder: _write_export(trainer, folder),
            lambda folder: _write_resume(trainer, folder, moments, random_states),
            best=best,
        )
    trainer.accelerator.wait_for_everyone()
    trainer.saved_step = trainer.step
    return events.CheckpointSaved(trainer.step, path, best)


def restore(trainer: Trainer) -> None:
    """Takes up the newest resumable checkpoint; notes what keeps losses from being equal.

    Raises `UnusableRun` where there is none or it does not fit.
    """
    checkpoint = trainer.checkpoints.resumable()
    if checkpoint is None:
        raise UnusableRun(f"{trainer.folder} holds no checkpoint to resume from: train it anew.")
    if read_about(checkpoint).get("fingerprint") != trainer.corpus.fingerprint:
        raise UnusableRun(
            f"{trainer.folder} was trained on other data than {trainer.corpus.source_title!r} "
            "gives now: bring the text back, or start a new run."
        )
    load_weights(trainer.model, checkpoint)
    if trainer.shards:
        trainer.shards.scatter()
    counters, random_states = read_resume_state(
        checkpoint, trainer.trained, trainer.optimizers, trainer.accelerator.process_index
    )
    trainer.step = trainer.saved_step = int(counters["step"])
    trainer.seconds, trainer.elapsed = float(counters["seconds"]), float(counters["elapsed"])
    if counters["best_loss"] is not None:
        trainer.observer.best_loss = float(counters["best_loss"])
    trainer.pending.restore(counters["pending"])
    if random_states is not None:
        restore_random_state(random_states, trainer.device)
    if "scaler" in counters and trainer.accelerator.scaler is not None:
        trainer.accelerator.scaler.load_state_dict(counters["scaler"])
    trainer.notes += differences(counters, trainer.config, surroundings(trainer.accelerator))


def _write_export(trainer: Trainer, folder: Path) -> None:
    measured = trainer.observer.measured
    about = {
        "step": trainer.step,
        "fingerprint": trainer.corpus.fingerprint,
        "config": trainer.config.model_dump(mode="json"),
        "validation_loss": measured.loss if measured else None,
        "measured_at_step": trainer.observer.measured_step if measured else None,
    }
    save_model(trainer.model, folder, trainer.config.generation, about)
    trainer.corpus.tokenizer.save(folder)
    write_card(folder, trainer.config, trainer.corpus, trainer.step, measured)


def _write_resume(
    trainer: Trainer,
    folder: Path,
    moments: dict[str, Tensor],
    random_states: list[dict[str, Tensor]],
) -> None:
    best_loss = trainer.observer.best_loss
    counters = {
        "step": trainer.step,
        "seconds": trainer.seconds,
        "elapsed": trainer.total_seconds(),
        "best_loss": None if math.isinf(best_loss) else best_loss,
        "pending": trainer.pending.as_values(),
        "surroundings": surroundings(trainer.accelerator),
        "config": trainer.config.model_dump(mode="json"),
    }
    if trainer.accelerator.scaler is not None:
        counters["scaler"] = trainer.accelerator.scaler.state_dict()
    write_resume_state(folder, moments, random_states, counters)
