"""The recipes as cards, the easiest first."""

from __future__ import annotations

from typing import Any

import gradio as gr

from gtt.api.endpoints.configuration import recipes
from gtt.api.schemas import Nothing, RecipeInfo
from gtt.api.service import Service
from gtt.ui.assets import static_text

ORDER = ("quickstart", "beginner", "intermediate", "advanced", "speedrun", "speedrun-gpu")


def recipe_choices(service: Service) -> list[RecipeInfo]:
    """The recipes, the easiest first."""
    listed = recipes(service.caller(None), Nothing()).recipes
    rank = {name: place for place, name in enumerate(ORDER)}
    return sorted(listed, key=lambda one: rank.get(one.name, len(rank)))


def recipe_cards(listed: list[RecipeInfo]) -> gr.HTML:
    """The component; it tells of a choice with the event `picked` and its `recipe`."""
    return gr.HTML(
        value=cards_value(listed, listed[0].name),
        html_template=static_text("cards.html"),
        css_template=static_text("cards.css"),
        js_on_load=static_text("cards.js"),
        elem_id="recipe",
    )


def cards_value(listed: list[RecipeInfo], chosen: str) -> dict[str, Any]:
    """What the cards show."""
    cards = [
        {
            "name": one.name,
            "title": one.title,
            "figures": figures_of(one),
            "summary": one.summary,
        }
        for one in listed
    ]
    return {"recipes": cards, "chosen": chosen}


def figures_of(recipe: RecipeInfo) -> str:
    """Time, loss and size, where they were measured."""
    done = recipe.measured
    if done is None:
        return "Not measured yet"
    size = done["parameters"]
    parameters = f"{size / 1e6:.1f} M" if size >= 1e6 else f"{size / 1e3:.0f} k"
    return (
        f"{duration(done['seconds'])} on two cores · loss {done['validation_loss']:.2f} · "
        f"{parameters} parameters"
    )


def duration(seconds: float) -> str:
    """A time as people say it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
