"""Estimates of the memory and time of a run, before it begins."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import asdict

from gtt.api.estimate_inputs import machine_of
from gtt.api.schemas import EstimateRun, MemoryShare, ParameterCount, RunEstimate
from gtt.api.service import Caller
from gtt.api.table import endpoint
from gtt.api.visitors import allowed
from gtt.errors import GTTError
from gtt.inference.questions import CalibrateJob
from gtt.runs import calibration
from gtt.runs.estimates import estimate as estimate_run
from gtt.runs.expected_text import text_of
from gtt.runs.managed_run import ACTIVE
from gtt.runs.processes import gpu_count

log = logging.getLogger(__name__)


@endpoint("GET", "/api/estimate", rate="read", tag="configuration")
async def estimate(caller: Caller, request: EstimateRun) -> RunEstimate:
    """Parameters by part, memory and time that a run, or the draft, will take on this machine.

    Times rest on runs of this desk, else on a short measurement of the machine; `basis` says which.
    """
    threads = calibration.worker_threads(caller.service.manager.slots)
    if request.measure and _is_measurable(caller, threads):
        await _measure(caller, threads)
    return await asyncio.to_thread(estimated, caller, request, threads)


def estimated(caller: Caller, request: EstimateRun, threads: int) -> RunEstimate:
    """The estimate from the present calibration of this machine."""
    vocab_size, train_tokens, assumed, notes = None, None, False, []
    if request.run_id is not None:
        run = caller.run(request.run_id)
        view, config = run.view(), run.config
        vocab_size, train_tokens = view.vocab_size, view.train_tokens
    else:
        config = caller.draft
        try:
            config = allowed(config, caller)
        except GTTError as error:  # what a start would be told
            notes = [str(error)]
    if vocab_size is None:
        text = text_of(config.data, caller.service.home.corpora)
        vocab_size, train_tokens, assumed = text.vocab_size, text.train_tokens, text.assumed
    machine = machine_of(caller, threads)
    estimate = estimate_run(config, vocab_size, train_tokens, machine)
    return RunEstimate(
        is_estimate=True,
        vocab_size=vocab_size,
        vocabulary_is_assumed=assumed,
        parameters=estimate.parameters,
        parameter_parts=[ParameterCount(**asdict(part)) for part in estimate.parameter_parts],
        memory_bytes=estimate.memory_bytes,
        memory_parts=[MemoryShare(**asdict(part)) for part in estimate.memory_parts],
        operations_per_step=estimate.operations.total,
        tokens_per_step=estimate.tokens_per_step,
        precision=estimate.precision,
        seconds_per_step=estimate.seconds_per_step,
        tokens_per_second=estimate.tokens_per_second,
        steps=estimate.steps,
        seconds=estimate.seconds,
        basis=estimate.basis,
        measurable=_is_measurable(caller, threads),
        provisional=machine.calibration is not None and machine.calibration.busy,
        notes=[*notes, *estimate.notes],
    )


def _is_measurable(caller: Caller, threads: int) -> bool:
    """Whether the speed of this machine is to be measured and nothing is in the way of that.

    It is where it is unknown, old, or of a moment at which other programs were at work.
    """
    known_speed = calibration.load(caller.service.home.path, threads)
    is_due = known_speed is None or known_speed.is_due(time.time())
    return is_due and not gpu_count() and not _is_training(caller)


def _is_training(caller: Caller) -> bool:
    """Whether any run is at work: it and a measurement would spoil each other."""
    return any(caller.service.manager.stats()["runs"].get(state) for state in ACTIVE)


async def _measure(caller: Caller, threads: int) -> None:
    """Measures the machine and keeps what was found, unless a training began meanwhile."""
    try:
        answer = await caller.ask(CalibrateJob(threads))
        measured = calibration.calibration_from(answer, threads, time.time())
        if not _is_training(caller):
            home = caller.service.home.path
            calibration.save(home, measured.after(calibration.load(home, threads)))
    except (GTTError, OSError) as error:  # without it the times stay unknown, and are said to be
        log.warning("this machine was not measured: %s", error)
