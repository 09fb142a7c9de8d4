"""What the page explains: every term, and the things on it that a tip says something about."""

from __future__ import annotations

from typing import Any

from gtt.config import describe_settings
from gtt.explain import ACTIONS, concepts
from gtt.training.events import METRICS
from gtt.training.quantities import quantities

KINDS = {
    "data": "setting of the text",
    "model": "setting of the model",
    "training": "setting of the training",
    "generation": "setting of writing",
}


def terms() -> dict[str, dict[str, str]]:
    """Every concept by its id, with what it is: a setting, whose `key` is told, or a figure."""
    keys = {one.concept: one.key for one in describe_settings()}
    shown = {one.concept for one in quantities().values()}
    found = {}
    for one in concepts().values():
        key = keys.get(one.id, "")
        kinds = [KINDS[key.partition(".")[0]]] if key else []
        if one.id in shown:
            kinds.append("shown on the page")
        found[one.id] = {
            "title": one.title,
            "tip": one.tip,
            "body": one.body,
            "kind": ", ".join(kinds),
            "key": key,
        }
    return found


def things() -> dict[str, Any]:
    """`quantities`, which an element names with `data-tip`, and `actions` by their button's id."""
    return {
        "quantities": {
            one.id: {"title": one.label, "concept": one.concept} for one in quantities().values()
        },
        "actions": {one.id: {"tip": one.tip, "concept": one.concept} for one in ACTIONS.values()},
    }


def metrics() -> list[dict[str, Any]]:
    """What the live view says of each metric: its name, caption, form and place."""
    return [
        {
            "name": name,
            "caption": metric.caption or metric.label,
            "form": metric.form,
            "place": metric.small_chart,
        }
        for name, metric in METRICS.items()
    ]
