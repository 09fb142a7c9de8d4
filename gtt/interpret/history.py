"""The habits of heads in the snapshots of a training."""

from __future__ import annotations

from typing import Any

import numpy as np

from gtt.interpret.heads import chance_of, habits_of, induction_scores, name_of
from gtt.runs.snapshot_files import SnapshotArrays


def heads_in_snapshot(arrays: SnapshotArrays) -> list[list[dict[str, Any]]]:
    """The habits of every head, by layer and head, with its `name`.

    Measured on one short text, so they are rougher than those of a checkpoint.
    """
    layers, heads, T, _ = arrays.attention.shape
    induction = period = None
    if arrays.repeated is not None:
        repeated = arrays.repeated.reshape(layers * heads, *arrays.repeated.shape[2:])
        period = repeated.shape[-1] // 2
        induction = induction_scores(repeated, period)
    if T < 2:
        return [[] for _ in range(layers)]
    tokens = np.unique(np.array(arrays.texts), return_inverse=True)[1]
    chance = chance_of(tokens, period)
    measured = habits_of(arrays.attention.reshape(layers * heads, T, T), tokens, induction)
    named = [{**habits.as_json(), "name": name_of(habits, chance)} for habits in measured]
    return [named[layer * heads : (layer + 1) * heads] for layer in range(layers)]
