"""The Generation tab: write with a checkpoint, and see what it held likely at each token."""

from __future__ import annotations

from typing import Any

from gtt.api.schemas import Generate
from gtt.config import describe_settings
from gtt.ui.views import view

SAMPLES: dict[str, Any] = {
    "name": "samples",
    "label": "Samples",
    "unit": "side by side",
    "kind": "integer",
    "default": 1,
    "slider": {"low": 1, "high": 4, "step": 1},
    "concept": None,
    "tip": Generate.model_fields["samples"].description,
}


def generation_tab() -> None:
    """Builds the tab."""
    view("generation", elem_id="inside-generation", padding=False, settings=settings())


def settings() -> list[dict[str, Any]]:
    """What the controls of the tab are made from.

    The page has it from the start: were it asked for, the controls would come late and push down
    what stands below them.
    """
    described = []
    for one in describe_settings():
        if one.part != "drawing":
            continue
        slider = None if one.slider is None else one.slider._asdict()
        told = {"label": one.label, "unit": one.unit, "kind": one.kind, "default": one.default}
        described.append({"name": one.name, **told, "slider": slider, "concept": one.concept})
    return [*described, SAMPLES]
