"""Fixes are changes that every configuration can take, at the limits of every setting too."""

from __future__ import annotations

import dataclasses
import math
import random
from typing import Any

from made_runs import decay, run_of, strange_runs

from gtt.config import GROUPS, RunConfig, describe_settings
from gtt.interpret import fixes
from gtt.interpret.diagnosis import diagnose


def test_every_fix_of_strange_runs_is_a_valid_change() -> None:
    checked = 0
    for run in strange_runs(300):
        for finding in diagnose(run):
            if finding.fix is not None:
                assert run.config.updated(finding.fix.changes) != run.config
                checked += 1
    assert checked > 100


def test_every_fix_fits_every_configuration() -> None:
    """Also where no finding would have asked for it, at the limits of every setting."""
    rng = random.Random(7)
    shape = decay(1.5, 1000)
    run = run_of(shape, shape, seed=0)
    made = 0
    for _ in range(600):
        config = random_config(rng)
        total = rng.choice([1, 2, 10, 1000, 100_000_000])
        measured = dataclasses.replace(
            run,
            config=config,
            total_steps=total,
            text_bytes=rng.choice([None, 1e3, 1e9]),
            most_steps=rng.choice([None, 1, 5000]),
            most_minutes=rng.choice([None, 0.5, 10.0]),
        )
        proposed = [
            fixes.lower_rate(config),
            fixes.higher_rate(config, rng.choice([3.0, 50.0, 1000.0])),
            fixes.more_steps(measured, rng.choice([2, 10]), rng.choice([1, 300])),
            fixes.shorter(config, rng.choice([1, 7, total])),
            fixes.against_overfitting(measured, max(1, total // rng.choice([1, 3]))),
            fixes.against_memorising(measured, turned=rng.random() < 0.5),
            fixes.smaller_model(config),
            fixes.larger_model(config),
            fixes.unstuck(config),
            fixes.living_units(config),
            fixes.tamed_gradient(config),
            fixes.usual_clipping(config),
        ]
        for fix in proposed:
            if fix is not None:
                assert config.updated(fix.changes) != config, fix
                steps = fix.changes.get("training", {}).get("max_steps")
                if measured.most_steps and fix in proposed[2:3]:
                    assert steps <= measured.most_steps
                made += 1
    assert made > 3000


def random_config(rng: random.Random) -> RunConfig:
    """Settings drawn from all that is allowed, limits included."""
    changes: dict[str, dict[str, Any]] = {group: {} for group in GROUPS}
    for one in describe_settings():
        if one.group == "generation" or rng.random() < 0.3:
            continue
        if one.choices:
            changes[one.group][one.name] = rng.choice(one.choices)
        elif one.kind == "boolean":
            changes[one.group][one.name] = rng.random() < 0.5
        elif one.kind in ("integer", "number"):
            changes[one.group][one.name] = random_number(rng, one.limits, one.kind == "integer")
    model = changes["model"]
    model["n_heads"] = rng.choice([1, 2, 3, 8, 64])
    model["n_embed"] = min(8192, model["n_heads"] * rng.choice([4, 8, 17, 128]))
    model["n_embed"] -= model["n_embed"] % model["n_heads"]
    changes["data"]["source"] = rng.choice(["tales", "copy", "tinyshakespeare", "mine.txt", "a/b"])
    return RunConfig().updated(changes)


def random_number(rng: random.Random, limits: dict[str, float], whole: bool) -> float:
    low = limits.get("ge", limits.get("gt", 0) + 1e-9)
    high = limits.get("le", limits.get("lt", 1e9) - (1 if whole else 1e-9))
    pick = rng.choice([low, high, max(low, min(high, 10 ** rng.uniform(-7, 4)))])
    return int(max(math.ceil(low), min(pick, high))) if whole else pick
