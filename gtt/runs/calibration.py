"""How fast this machine trains: timed steps of a few small models, and what follows from them.

The seconds of a step are taken to be so much per operation, so much per byte that is written and
read back, and so much per layer for starting its kernels, a roofline (Williams et al. 2009) whose
terms add up. Three numbers fitted to four small shapes tell the time of larger ones within about a
fifth on the machine where this was tried (docs/measurements.md). The timing itself needs torch and
is in `gtt.inference.calibration_job`; what it finds is kept in `$GTT_HOME/machine.json`.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import platform
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from gtt.atomic_files import write_text
from gtt.config import ModelConfig, RunConfig, TrainingConfig
from gtt.plain_files import read_plain_text
from gtt.runs.costs import Work, work_of_step

FORMAT = 2  # of machine.json; before, it did not say whether the machine was busy
FILE = "machine.json"
VOCABULARY = 128  # of the models that are timed

# Small, and each of them slowed by something else: starting kernels, moving bytes, both, counting.
SHAPES = tuple(
    RunConfig(
        model=ModelConfig(n_layers=layers, n_heads=heads, n_embed=width, block_size=block),
        training=TrainingConfig(batch_size=batch),
    )
    for layers, heads, width, block, batch in (
        (1, 2, 64, 64, 4),
        (1, 2, 64, 64, 32),
        (2, 4, 128, 128, 8),
        (1, 8, 256, 256, 4),
    )
)


@dataclass(frozen=True)
class Speed:
    """Seconds per operation, per byte and per layer of one machine in one precision."""

    per_operation: float
    per_byte: float
    per_layer: float
    per_fp32_operation: float

    def seconds(self, work: Work) -> float:
        """The time of a step that takes this work."""
        return (
            work.operations * self.per_operation
            + work.optimizer * self.per_fp32_operation
            + work.bytes * self.per_byte
            + work.layers * self.per_layer
        )


# Of one core of an AMD EPYC (Zen 4) in bf16: only the proportions matter, to tell from the speed of
# one shape that of another where a machine has not been measured.
TYPICAL = Speed(1 / 2.3e11, 1 / 1.05e9, 8e-4, 1 / 8e10)
LASTS = 24 * 3600.0  # seconds after which a measurement is renewed
LASTS_BUSY = 30.0  # likewise, where other programs were at work
TRUST = 0.15  # in these proportions: a number twice the typical weighs like an error of 15 %


@dataclass(frozen=True)
class Timed:
    """A step that was timed: the place of its shape in `SHAPES`, and its best seconds."""

    shape: int
    precision: str
    seconds: float

    @property
    def tokens_per_second(self) -> float:
        config = SHAPES[self.shape]
        return config.training.batch_size * config.model.block_size / self.seconds


@dataclass(frozen=True)
class Calibration:
    """What was measured on a machine, `busy` with other programs or not.

    `measured_at` in seconds since 1970.
    """

    name: str
    threads: int
    torch: str
    auto: str  # the precision that `auto` stands for here
    measured_at: float
    timed: tuple[Timed, ...]
    busy: bool = False

    def is_due(self, now: float) -> bool:
        """Whether it is time to measure again; also where the clock was set back."""
        return not 0 <= now - self.measured_at < (LASTS_BUSY if self.busy else LASTS)

    def after(self, before: Calibration | None) -> Calibration:
        """This calibration combined with an earlier one: of each step the faster time counts.

        Other programs make a step slower, never faster. A calibration that was taken on a quiet
        machine replaces the earlier one.
        """
        if before is None or not self.busy:
            return self
        seconds_before = {
            (timing.shape, timing.precision): timing.seconds for timing in before.timed
        }
        timed = tuple(
            replace(
                timing,
                seconds=min(
                    timing.seconds, seconds_before.get((timing.shape, timing.precision), math.inf)
                ),
            )
            for timing in self.timed
        )
        return replace(self, timed=timed, busy=before.busy)

    def speed(self, precision: str) -> Speed | None:
        """What the timed steps say about a precision; None where there are too few of them."""
        speed, plain = self._fitted(precision), self._fitted("fp32")
        if speed is None or plain is None:
            return None
        return replace(speed, per_fp32_operation=plain.per_operation)

    def _fitted(self, precision: str) -> Speed | None:
        fp32 = replace(TYPICAL, per_operation=TYPICAL.per_fp32_operation)
        typical = fp32 if precision == "fp32" else TYPICAL
        return _fit([timing for timing in self.timed if timing.precision == precision], typical)

    @property
    def day(self) -> str:
        return day_of(self.measured_at)


def day_of(seconds: float) -> str:
    """The day of a moment in seconds since 1970, `2026-11-24`, of the server's clock."""
    return time.strftime("%Y-%m-%d", time.localtime(seconds))


def _fit(timed: Sequence[Timed], typical: Speed) -> Speed | None:
    """The three numbers with the least squared relative errors, none of them below zero.

    A share of the typical proportions (`TRUST`) is mixed in, a ridge regression (Hoerl and Kennard
    1970): four times alone would let one that was disturbed decide.
    """
    if len(timed) < 3:
        return None
    works = [work_of_step(SHAPES[timing.shape], VOCABULARY, timing.precision) for timing in timed]
    prior = np.array([typical.per_operation, typical.per_byte, typical.per_layer])
    terms = np.array([[work.operations, work.bytes, work.layers] for work in works]) * prior
    relative = terms / np.array([[timing.seconds] for timing in timed])  # (shapes, 3)
    alone = relative.sum(axis=1)
    scale = alone.sum() / (alone @ alone)  # what fits best in the typical proportions
    rows = np.vstack([relative * scale, TRUST * np.eye(3)])
    targets = np.array([1.0] * len(timed) + [TRUST] * 3)
    best, least = np.ones(3), math.inf
    for size in (3, 2, 1):  # non-negative least squares: all sets of numbers that are not zero
        for terms_kept in itertools.combinations(range(3), size):
            factors = np.zeros(3)
            factors[list(terms_kept)] = np.linalg.lstsq(
                rows[:, list(terms_kept)], targets, rcond=None
            )[0]
            error = float(((rows @ factors - targets) ** 2).sum())
            if (factors >= 0).all() and error < least:
                best, least = factors, error
    operation, byte, layer = (float(value) for value in best * scale * prior)
    return Speed(operation, byte, layer, operation)


def machine_name() -> str:
    """The processor as the system names it, with its cores; nothing about whose machine it is."""
    name = platform.processor() or platform.machine()
    with suppress(OSError):  # Linux only
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        name = names[0] if names else name
    return f"{name[:60]}, {os.cpu_count() or 1} cores"


def worker_threads(slots: int) -> int:
    """The threads that a worker computes with, as `gtt.runs.spares` and torch decide it."""
    with suppress(ValueError):
        return max(1, int(os.environ.get("OMP_NUM_THREADS", "")))
    if slots > 1:
        return max(1, (os.cpu_count() or 1) // slots)
    return psutil.cpu_count(logical=False) or os.cpu_count() or 1


def calibration_from(answer: Mapping[str, Any], threads: int, now: float) -> Calibration:
    """The calibration in a job's answer; raises `KeyError`, `TypeError` or `ValueError`."""
    timed = tuple(
        Timed(int(timing["shape"]), str(timing["precision"]), float(timing["seconds"]))
        for timing in answer["timed"]
    )
    if any(not (timing.seconds > 0 and 0 <= timing.shape < len(SHAPES)) for timing in timed):
        raise ValueError("these are no timed steps")
    return Calibration(
        name=machine_name(),
        threads=threads,
        torch=version("torch"),
        auto=str(answer["auto"]),
        measured_at=now,
        timed=timed,
        busy=bool(answer["busy"]),
    )


def save(home: Path, calibration: Calibration) -> None:
    """Keeps what was measured; raises OSError."""
    values = asdict(calibration)
    for row, timing in zip(values["timed"], calibration.timed):
        config = SHAPES[timing.shape]
        row["model"] = config.model.model_dump(include={"n_layers", "n_embed", "block_size"})
        row["tokens_per_second"] = round(timing.tokens_per_second, 1)
    text = json.dumps({"format": FORMAT, **values}, indent=2)
    write_text(home / FILE, text + "\n")


def load(home: Path, threads: int) -> Calibration | None:
    """The calibration of this machine with this torch and number of threads; None if missing."""
    try:
        values = json.loads(read_plain_text(home / FILE))
        calibration = calibration_from(values, int(values["threads"]), float(values["measured_at"]))
        if values["format"] != FORMAT:
            return None
        same = (values["name"], values["threads"], values["torch"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return calibration if same == (calibration.name, threads, calibration.torch) else None
