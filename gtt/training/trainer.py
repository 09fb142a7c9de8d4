"""The training loop, as a generator of events.

    trainer = Trainer(config, corpus, folder)
    for event in trainer.run():
        ...

Whoever pulls decides: not pulling pauses the run, and `trainer.stop()` saves it and ends it. No
torch or accelerate context is open across a `yield`, since grad mode belongs to a thread and the
next pull may come from another one.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor, nn

from gtt.config import RunConfig
from gtt.data.corpus import Corpus
from gtt.model import export
from gtt.model.gpt import GPT
from gtt.training import events, schedule
from gtt.training.accelerator import (
    memory_in_use,
    new_accelerator,
    precision_of,
)
from gtt.training.batches import make_sampler
from gtt.training.checkpoints import CheckpointFolder
from gtt.training.end_reasons import completed, divergence, out_of_time, stopped
from gtt.training.kernels import use_cpu_kernels
from gtt.training.loss import NextTokenLoss
from gtt.training.observer import Observer, usable_prompt
from gtt.training.optimizers import build_optimizers, set_learning_rate
from gtt.training.running_means import PendingLog
from gtt.training.saving import restore, save
from gtt.training.sharding import Shards, shards_model, shared_out, whole
from gtt.training.snapshots import copy_weights
from gtt.training.tracking import Tracking


class Trainer:
    """Trains one model on one corpus, writing only below `folder`.

    With `resume`, goes on from the newest checkpoint there that can be resumed. Raises
    `UnusableData` or `BadInput` where corpus, prompt and settings do not fit each other, and
    `UnusableRun` where there is nothing to resume or it does not fit.

    Accelerate keeps its state per process, so one trainer at a time per process.
    """

    def __init__(
        self,
        config: RunConfig,
        corpus: Corpus,
        folder: Path,
        *,
        resume: bool = False,
        notes: tuple[str, ...] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        corpus.require_windows(config.model.block_size)
        export.supports.require(config.model, field="model")  # before the first checkpoint is due
        self.config, self.corpus, self.folder = config, corpus, folder
        self.clock = clock
        self.started = clock()
        self.ends_at: float | None = None  # by the clock: what else the run may take all together
        self.notes = [*corpus.notes, *notes]
        self.checkpoints = CheckpointFolder(folder)
        prompt = usable_prompt(config, corpus)

        training = config.training
        self.accelerator = new_accelerator(config, folder)
        self.tracking = Tracking(self.accelerator, config, folder)
        device = self.device = self.accelerator.device

        torch.manual_seed(training.seed)
        self.model = GPT(config.model, corpus.vocab_size).to(device)
        if device.type == "cpu" and not training.compile:  # which makes kernels of its own
            use_cpu_kernels(self.model)
        self.shards = Shards(self.model) if shards_model(self.accelerator, training) else None
        self.trained = self.shards.shared if self.shards else self.model
        wrapped: nn.Module = NextTokenLoss(self.trained)
        if self.shards:
            wrapped = self.shards.share_out(wrapped, self.accelerator)
            self.notes.append(shared_out(self.accelerator.num_processes))
        self.optimizers = build_optimizers(self.trained, training)
        self.observer = Observer(
            self.model, config, corpus, self.accelerator, self.tracking, folder, prompt
        )
        torch.manual_seed(
            training.seed + 1 + self.accelerator.process_index
        )  # now dropout, its own

        self.step = 0
        self.seconds = 0.0  # of training, without evaluation and waiting
        self.elapsed = 0.0  # of earlier parts of a resumed run, all included
        self.saved_step = -1
        self.pending = PendingLog(device)
        if resume:
            restore(self)

        if training.compile:
            wrapped = torch.compile(wrapped)  # type: ignore[assignment]
        if not self.shards:
            wrapped = self.accelerator.prepare(wrapped)
        self.loss_module = wrapped
        self.prepared = [self.accelerator.prepare(optimizer) for optimizer in self.optimizers]

        self.rows = training.batch_size  # per process and batch
        self.sequences_per_step = (
            training.batch_size * training.grad_accumulation_steps * self.accelerator.num_processes
        )
        self.tokens_per_step = self.sequences_per_step * config.model.block_size
        self.total_steps = schedule.total_steps(len(corpus.train), self.tokens_per_step, training)
        self.windows = make_sampler(
            corpus.train,
            config.model.block_size,
            training.seed,
            corpus.boundary(crossed=training.cross_documents),
        )

    # ---------------------------------------------------------------- the loop

    def run(self) -> Iterator[events.Event]:
        """Trains to the end, yielding what happens. After each step comes `StepFinished`."""
        self.started = self.clock()
        training = self.config.training
        yield self._run_started()
        if self.step == 0:
            yield from self.observer.look_inside(0, before=None)
            yield self.observer.evaluate(self.step)
            yield self.observer.sample(self.step)
        while self.step < self.total_steps:
            before = self._weights_to_compare()
            self.train_step()
            if self._is_something_due():
                self._gather()
                fault = self._divergence()
                try:
                    if fault is None:
                        yield from self._after_step(before)
                except FloatingPointError:  # finite weights, but too large to give odds
                    fault = self._diverged(math.nan, 0.0)
                if fault is not None:
                    if self.pending.steps:
                        yield self._log()  # so that the curve shows it
                    yield events.RunEnded(self.step, "diverged", fault, self.total_seconds())
                    return
            yield events.StepFinished(self.step)
            if self._is_out_of_time():
                yield from self.stop(
                    "out_of_time", out_of_time(self.step, self.total_steps, training)
                )
                return
        yield from self.stop("completed", completed(self.total_steps, self.observer.measured))

    def stop(
        self, reason: events.Reason = "stopped", message: str | None = None
    ) -> Iterator[events.Event]:
        """Saves the run where it stands and ends it; pull this to its end."""
        if fault := self._divergence():
            yield events.RunEnded(self.step, "diverged", fault, self.total_seconds())
            return
        if self.saved_step != self.step:
            self._gather()
            yield save(self)
        message = message or stopped(self.step, self.total_steps)
        yield events.RunEnded(self.step, reason, message, self.total_seconds())

    def close(self) -> None:
        """Finishes trackers and leaves the group of processes; the trainer is then used up."""
        del self.loss_module  # before the group: as its last holder it could wait for it for good
        self.accelerator.free_memory()
        self.tracking.finish()

    def any_process(self, flag: bool) -> bool:
        """Whether `flag` is set in any of the processes; all of them must ask at the same step."""
        if self.accelerator.num_processes == 1:
            return flag
        asked = torch.tensor([float(flag)], device=self.device)
        return bool(self.accelerator.reduce(asked, reduction="sum") > 0)

    def total_seconds(self) -> float:
        """Seconds since the run began, everything included, pauses between resumes left out."""
        return self.elapsed + self.clock() - self.started

    def train_step(self) -> None:
        """One optimizer step over `grad_accumulation_steps` batches; leaves the gradients set."""
        began = self.clock()
        training = self.config.training
        set_learning_rate(
            self.optimizers, schedule.lr_factor(self.step, self.total_steps, training)
        )
        for optimizer in self.prepared:
            optimizer.zero_grad()
        for batch in range(training.grad_accumulation_steps):
            inputs, targets = self._batch(batch)
            with self.accelerator.accumulate(self.loss_module):
                loss = self.loss_module(inputs, targets)
                self.accelerator.backward(loss)
                self.pending.loss += loss.detach() / training.grad_accumulation_steps
                if self.accelerator.sync_gradients:
                    self.pending.gradient_norm += self._clip_gradients()
                for optimizer in self.prepared:
                    optimizer.step()
        self.step += 1
        self.pending.steps += 1
        took = self.clock() - began
        self.seconds += took
        self.pending.seconds += took

    def _batch(self, batch: int) -> tuple[Tensor, Tensor]:
        """This process's rows of one batch of the step, inputs and targets (B, T)."""
        place = batch * self.accelerator.num_processes + self.accelerator.process_index
        first = self.step * self.sequences_per_step + place * self.rows
        inputs, targets = self.windows.sequences(first, self.rows)
        if self.device.type == "cuda":
            inputs, targets = inputs.pin_memory(), targets.pin_memory()
        return (
            inputs.to(self.device, non_blocking=True),
            targets.to(self.device, non_blocking=True),
        )

    def _clip_gradients(self) -> Tensor:
        """Clips the gradient to `grad_clip` (Pascanu et al. 2013); returns its norm before."""
        limit = self.config.training.grad_clip or math.inf
        norm: Tensor = self.accelerator.clip_grad_norm_(self.loss_module.parameters(), limit)
        return whole(norm.detach())

    # ------------------------------------------------- what happens beside the steps

    def _is_something_due(self) -> bool:
        """Whether this step is one of those at which the run shows or saves itself."""
        training, step = self.config.training, self.step
        every = (training.log_every, training.eval_every, training.checkpoint_every)
        return (
            step == self.total_steps
            or any(step % interval == 0 for interval in every)
            or schedule.is_log_spaced(step)
        )

    def _is_early_evaluation(self) -> bool:
        training, block = self.config.training, self.config.model.block_size
        return schedule.is_early_evaluation(self.step, self.tokens_per_step, training, block)

    def _after_step(self, before: dict[str, Tensor] | None) -> Iterator[events.Event]:
        """Log, snapshot, evaluation, sample and checkpoint, where one is due at this step."""
        training = self.config.training
        last = self.step == self.total_steps
        if last or self.step == 1 or self.step % training.log_every == 0:
            yield self._log()  # the first step at once: a curve begins where the learning does
        if before is not None:
            yield from self.observer.look_inside(self.step, before)
        improved = False
        if last or self.step % training.eval_every == 0:
            evaluated = self.observer.evaluate(self.step)
            improved = evaluated.best
            yield evaluated
        elif self._is_early_evaluation():
            yield self.observer.measure(self.step)
        if last or schedule.is_log_spaced(self.step):
            yield self.observer.sample(self.step)
        if last or improved or self.step % training.checkpoint_every == 0:
            yield save(self)

    def _run_started(self) -> events.RunStarted:
        corpus = self.corpus
        config = self.config.model_dump(mode="json")
        self.tracking.start()
        return events.RunStarted(
            step=self.step,
            config=config,
            parameters=self.config.model.parameter_count(self.corpus.vocab_size),
            vocab_size=corpus.vocab_size,
            total_steps=self.total_steps,
            tokens_per_step=self.tokens_per_step,
            steps_per_epoch=len(corpus.train) / self.tokens_per_step,
            train_tokens=len(corpus.train),
            validation_tokens=len(corpus.validation),
            baselines=asdict(corpus.baselines),
            bytes_per_token=corpus.bytes_per_token,
            fingerprint=corpus.fingerprint,
            precision=precision_of(self.accelerator),
            device=str(self.device),
            processes=self.accelerator.num_processes,
            notes=tuple(self.notes),
            validation_seen=corpus.validation_seen,
        )

    def _log(self) -> events.StepLogged:
        pending = self.pending
        loss, norm = self._means(pending)
        training = self.config.training
        tokens = self.step * self.tokens_per_step
        event = events.StepLogged(
            step=self.step,
            loss=loss,
            learning_rate=training.learning_rate
            * schedule.lr_factor(self.step - 1, self.total_steps, training),
            gradient_norm=norm,
            tokens_per_second=pending.steps * self.tokens_per_step / max(pending.seconds, 1e-9),
            tokens=tokens,
            epoch=tokens / len(self.corpus.train),
            seconds=self.seconds,
            memory_bytes=memory_in_use(self.device),
        )
        self.tracking.tell(event)
        self.pending = PendingLog(self.device)
        return event

    def _weights_to_compare(self) -> dict[str, Tensor] | None:
        """The weights before a step after which a snapshot is due."""
        due = schedule.is_log_spaced(self.step + 1) or self.step + 1 == self.total_steps
        if not self.config.training.snapshots or not due:
            return None
        self._gather()
        return copy_weights(self.model)

    def _gather(self) -> None:
        """Has the whole model hold what the processes hold in parts, where it does not anyway."""
        if self.shards:
            self.shards.gather(gradients=self.config.training.snapshots)

    # -------------------------------------------------------------------- ends

    def _divergence(self) -> str | None:
        """A sentence if training has blown up since the last log point, else None."""
        if self.pending.steps == 0:
            return None
        loss, norm = self._means(self.pending)
        weights = [parameter.detach() for parameter in self.trained.parameters()]
        if not bool(whole(torch.nn.utils.get_total_norm(weights)).isfinite()):
            loss = math.nan
        return self._diverged(loss, norm)

    def _diverged(self, loss: float, norm: float) -> str | None:
        """The same for a loss and a gradient norm."""
        scaled = self.accelerator.mixed_precision == "fp16"
        uniform = self.corpus.baselines.uniform
        fault = divergence(self.step, loss, norm, uniform, scaled, self.config.training)
        if fault is None:
            return None
        newest = self.checkpoints.resumable()
        kept = f"the checkpoint {newest.name} is kept" if newest else "no checkpoint was saved yet"
        return f"{fault}; {kept}."

    def _means(self, pending: PendingLog) -> list[float]:
        """Loss and gradient norm per step since the last log point, over all processes."""
        began = self.clock()
        sums = torch.stack([pending.loss, pending.gradient_norm]) / pending.steps
        means: list[float] = self.accelerator.reduce(sums, reduction="mean").tolist()
        waited = self.clock() - began  # for a GPU that is still at work on these steps
        self.seconds += waited
        pending.seconds += waited
        return means

    def _is_out_of_time(self) -> bool:
        limit = self.config.training.max_minutes
        if (limit is None and self.ends_at is None) or self.step >= self.total_steps:
            return False
        is_over = limit is not None and self.total_seconds() >= 60 * limit
        return self.any_process(
            is_over or (self.ends_at is not None and self.clock() >= self.ends_at)
        )
