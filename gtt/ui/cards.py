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
    """The recipes, the easiest first, as a desk sees them that has no run yet."""
    return in_order(recipes(service.caller(None), Nothing()).recipes)


def in_order(listed: list[RecipeInfo]) -> list[RecipeInfo]:
    """The easiest first."""
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
            "away": one.lacks_gpu,
        }
        for one in listed
    ]
    return {"recipes": cards, "chosen": chosen}


def figures_of(recipe: RecipeInfo) -> str:
    """Time, loss and size, where they were measured; the time on this machine where it is known."""
    if recipe.lacks_gpu:
        return "For a GPU, which this machine does not have"
    done, here = recipe.measured, recipe.seconds_here
    time = None if here is None else f"about {duration(here)} on this machine"
    if done is None:
        return time or "Not measured yet"
    elsewhere = f"{duration(done['seconds'])} on two cores"
    size = done["parameters"]
    parameters = f"{size / 1e6:.1f}\u00a0M" if size >= 1e6 else f"{size / 1e3:.0f}\u00a0k"
    return (
        f"{time or elsewhere} · loss {done['validation_loss']:.2f} · {parameters}\u00a0parameters"
    )


def duration(seconds: float) -> str:
    """A time as people say it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
