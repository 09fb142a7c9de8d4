"""Runs made up for tests: what would have been measured if the curves were so and so."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gtt.config import RunConfig
from gtt.interpret.measurements import Measurements
from gtt.runs.curves import Curve, Point
from gtt.training.schedule import lr_factor

UNIFORM, UNIGRAM, BIGRAM = 4.2, 3.3, 2.5
BASELINES = {"uniform": UNIFORM, "unigram": UNIGRAM, "bigram": BIGRAM, "floor": None}
Shape = Callable[[np.ndarray], np.ndarray]


def decay(end: float, total: int, speed: float = 1.0, early: float = 0.02) -> Shape:
    """From guessing down towards `end`; at `early` of the run half of the way is done."""

    def shape(steps: np.ndarray) -> np.ndarray:
        return end + (UNIFORM - end) / (1 + (steps / (early * total)) ** speed)

    return shape


def by_doubling(fall: float) -> Shape:
    """A fall by so much with each doubling of the steps."""
    return lambda steps: UNIFORM - fall * np.log2(1 + steps)


def flat_from(step: float, shape: Shape) -> Shape:
    return lambda steps: shape(np.minimum(steps, step))


def run_of(
    train: Shape,
    validation: Shape,
    *,
    seed: int,
    total: int = 1000,
    until: float = 1.0,
    noise: float = 0.02,
    spikes: int = 0,
    update: float | None = 6e-3,
    norms: Shape | None = None,
    dead: Shape | None = None,
    epochs: float = 2.0,
    evaluations: int = 20,
    baselines: dict[str, float | None] | None = None,
    ended: Any = "completed",
    training: dict[str, Any] | None = None,
    model: dict[str, Any] | None = None,
    data: dict[str, Any] | None = None,
) -> Measurements:
    """What a run of these curves would have measured up to `until` of its steps."""
    rng = np.random.default_rng(seed)
    config = RunConfig().updated(
        {
            "training": {"max_steps": total, "learning_rate": 1e-3, **(training or {})},
            "model": model or {},
            "data": {"source": "tinyshakespeare", **(data or {})},
        }
    )
    last = max(1, int(until * total))
    every = max(1, total // 1000)
    steps = np.unique(np.append(np.arange(every, last + 1, every), 1))
    losses = train(steps.astype(float)) + rng.normal(0, noise, len(steps))
    for place in rng.integers(len(steps) // 4, len(steps), spikes):
        losses[place] += rng.uniform(0.3, 1.5)
    at = np.unique(np.linspace(0, total, evaluations + 1).astype(int))
    at = at[at <= last]
    seen = validation(at.astype(float)) + rng.normal(0, noise / 4, len(at))
    snapshots = [s for s in _log_spaced(total) if 0 < s <= last]
    factors = [lr_factor(s - 1, total, config.training) for s in snapshots]
    ratios = [] if update is None else [update * f * math.exp(rng.normal(0, 0.2)) for f in factors]
    level = norms(steps.astype(float)) if norms else 0.5 + 0 * steps
    return Measurements(
        config=config,
        step=last,
        total_steps=total,
        loss=_thinned(steps, losses),
        validation_loss=_thinned(at, seen),
        baselines=baselines or BASELINES,
        gradient_norm=_thinned(steps, level * np.exp(rng.normal(0, 0.2, len(steps)))),
        update_to_weight=list(zip(snapshots, ratios)),
        dead_units=[
            (s, {"h.0.mlp": 0.02, "h.1.mlp": float(dead(np.array([float(s)]))[0]) if dead else 0.1})
            for s in snapshots
        ],
        train_tokens=total * 512,
        tokens_per_step=round(512 * epochs),
        ended=ended if until >= 1 else None,
        message="Training diverged at step 3: the loss rose to 18.0. Lower it." if ended else "",
    )


def _log_spaced(total: int) -> list[int]:
    powers = [2**n for n in range(1, int(math.log2(total)) + 1)]
    return sorted({1, total, *powers, *(3 * p // 2 for p in powers if 8 <= p < 2 * total / 3)})


def _thinned(steps: Sequence[int] | np.ndarray, values: np.ndarray) -> list[Point]:
    """The points as a reader gives them."""
    curve = Curve()
    for step, value in zip(steps, values):
        curve.add(int(step), float(value))
    return curve.thinned(400)


def strange_runs(count: int) -> list[Measurements]:
    """Curves of all sorts under settings of all sorts."""
    rng = random.Random(11)
    runs = []
    for seed in range(count):
        total = rng.choice([3, 60, 400, 3000])
        end, speed = rng.uniform(0, 4.5), rng.uniform(0, 2)
        drift = rng.choice([0, 0, -0.5, 1.5])
        apart = rng.choice([0, 0, 0.5, 2.0])
        base = decay(end, total, speed, rng.uniform(0.005, 0.5))

        def train(
            steps: np.ndarray, base: Shape = base, drift: float = drift, total: int = total
        ) -> np.ndarray:
            return base(steps) + drift * np.maximum(0, steps - total / 2) / total

        def validation(
            steps: np.ndarray, train: Shape = train, apart: float = apart, total: int = total
        ) -> np.ndarray:
            return train(steps) + apart * steps / total

        share = rng.random()
        loud = 10 ** rng.uniform(-2, 3)
        runs.append(
            run_of(
                train,
                validation,
                seed=seed,
                total=total,
                until=rng.choice([0.1, 0.5, 1.0, 1.0]),
                noise=rng.choice([0.0, 0.03, 0.5]),
                update=rng.choice([None, 1e-7, 1e-3, 0.1, 1.0]),
                norms=lambda steps, loud=loud: loud * (1 + steps / 100),
                dead=lambda steps, share=share: np.full_like(steps, share),
                epochs=rng.choice([0.1, 2, 50]),
                evaluations=rng.choice([1, 3, 20]),
                baselines=rng.choice(
                    [{"uniform": None}, BASELINES, {**BASELINES, "floor": rng.uniform(0.3, 2)}]
                ),
                ended=rng.choice(["completed", "completed", "stopped", "out_of_time", "failed"]),
                training={
                    "learning_rate": 10 ** rng.uniform(-6, 0),
                    "optimizer": rng.choice(["adamw", "muon"]),
                    "muon_learning_rate": 10 ** rng.uniform(-4, 0),
                    "warmup_steps": rng.choice([0, 100]),
                    "grad_clip": rng.choice([0.0, 0.1, 1.0]),
                },
                model={"activation": rng.choice(["relu", "gelu"]), "n_layers": rng.choice([1, 2])},
                data={"source": rng.choice(["tales", "tinyshakespeare"])},
            )
        )
    return runs
