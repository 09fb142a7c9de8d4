"""A draft in an address: `?recipe=quickstart&set=model.n_layers:4&tab=model`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from gtt.api.schemas import RecipeInfo
from gtt.config import GROUPS, RunConfig
from gtt.errors import BadInput
from gtt.recipes import differences, nearest_recipe
from gtt.settings import read_value

TABS = ("data", "model", "training", "generation", "attention")


def link_of(config: RunConfig, recipes: Iterable[RecipeInfo]) -> str:
    """The query that makes this draft from the recipe that it is nearest to."""
    recipes = list(recipes)
    name = nearest_recipe(config, recipes)
    changes = differences(next(recipe.config for recipe in recipes if recipe.name == name), config)
    settings = [("set", f"{key}:{_text(value)}") for key, value in changes.items()]
    return urlencode([("recipe", name), *settings], safe=":")


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
