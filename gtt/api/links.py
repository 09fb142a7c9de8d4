"""A draft in an address: `?recipe=quickstart&set=model.n_layers:4&tab=model`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from gtt.config import GROUPS, RunConfig
from gtt.errors import BadInput
from gtt.recipes import origin_of
from gtt.settings import read_value


def link_of(config: RunConfig) -> str:
    """The query that makes this draft from the recipe that it was begun from."""
    recipe, changed = origin_of(config)
    values = config.model_dump(mode="json")
    settings = []
    for key in changed:
        group, _, name = key.partition(".")
        settings.append(("set", f"{key}:{_text(values[group][name])}"))
    return urlencode([("recipe", recipe), *settings], safe=":")


def changes_in(settings: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The partial update that the `set` parameters of an address ask for; raises `BadInput`."""
    changes: dict[str, dict[str, Any]] = {}
    for setting in settings:
        key, colon, text = setting.partition(":")
        group, dot, name = key.partition(".")
        if not colon or not dot or group not in GROUPS:
            raise BadInput(
                f"The address asks for {setting[:60]!r}, which is no setting: write "
                "set=group.name:value, for example set=model.n_layers:4.",
                field="set",
            )
        changes.setdefault(group, {})[name] = read_value(GROUPS[group], name, text)
    return changes


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
