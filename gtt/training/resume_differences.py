"""What makes the losses of a resumed run differ from those of a run that was never stopped."""

from __future__ import annotations

from typing import Any

from gtt.config import RunConfig
from gtt.errors import InvalidSetting

# How often to look, and when to end at the latest, leaves the losses as they are.
HARMLESS = {
    "log_every",
    "eval_every",
    "eval_windows",
    "checkpoint_every",
    "snapshots",
    "max_minutes",
    "track",
}


def refuse_other_model(before: RunConfig, after: RunConfig) -> None:
    """Raises `InvalidSetting` where a resumed run would need another model or other data."""
    for group in ("data", "model"):
        old, new = getattr(before, group).model_dump(), getattr(after, group).model_dump()
        for name in old:
            if old[name] != new[name]:
                raise InvalidSetting(
                    f"{group}.{name} cannot change in a resumed run (it is {old[name]!r}): "
                    "start a new run with it.",
                    field=f"{group}.{name}",
                )


def differences(counters: dict[str, Any], config: RunConfig, now: dict[str, Any]) -> list[str]:
    """A sentence for each thing that changed since the checkpoint and breaks equal losses.

    `counters` is what the checkpoint recorded, `now` the surroundings of this process.
    """
    notes = []
    before = counters["config"].get("training", {})
    for name, value in config.training.model_dump(mode="json").items():
        if name not in HARMLESS and before.get(name) != value:
            notes.append(
                f"training.{name} changed from {before.get(name)} to {value}: from here on the "
                "losses differ from those of an uninterrupted run."
            )
    earlier = {"arithmetic": 1} | counters["surroundings"]
    for name, value in now.items():
        if earlier.get(name) != value:
            notes.append(
                f"This part runs with {name} {value}, the one before with {earlier.get(name)}: "
                "losses can differ in the last digits."
            )
    return notes
