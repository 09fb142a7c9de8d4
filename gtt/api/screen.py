"""What the controls of the page show, as settings."""

from __future__ import annotations

from typing import Any

from gtt.config import RunConfig


def on_screen_of(config: RunConfig) -> dict[str, Any]:
    """What the control of each setting shows, by `group.name`; a list of texts as lines."""
    return {
        f"{group}.{name}": "\n".join(value) if isinstance(value, list) else value
        for group, values in config.model_dump(mode="json").items()
        if isinstance(values, dict)
        for name, value in values.items()
    }


def changes_on_screen(
    config: RunConfig, values_on_screen: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    """What differs from `config` in what controls show, as a partial update.

    An empty field is no change where nothing was set.
    """
    old = on_screen_of(config)
    changes: dict[str, dict[str, Any]] = {}
    for setting, value in values_on_screen.items():
        if value == old.get(setting) or (value, old.get(setting)) == ("", None):
            continue
        group, _, name = setting.partition(".")
        if name == "stop":
            value = [line for line in str(value or "").split("\n") if line]
        if name == "column":  # an empty field names none
            value = value or None
        changes.setdefault(group, {})[name] = value
    return changes
