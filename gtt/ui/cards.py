"""The recipes as cards, the easiest first."""

from __future__ import annotations

from typing import Any

import gradio as gr

from gtt.api.endpoints.configuration import recipes
from gtt.api.expectations import machine_of, text_of
from gtt.api.schemas import Nothing, RecipeInfo
from gtt.api.service import Caller, Service
from gtt.runs import calibration
from gtt.runs.estimates import estimate
from gtt.runs.processes import gpu_count
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


def cards_value(
    listed: list[RecipeInfo], chosen: str, here: dict[str, float] | None = None
) -> dict[str, Any]:
    """What the cards show; `here` as `seconds_here` tells it."""
    cards = [
        {
            "name": one.name,
            "title": one.title,
            "figures": figures_of(one, (here or {}).get(one.name)),
            "summary": one.summary,
            "away": needs_gpu(one) and not gpu_count(),
        }
        for one in listed
    ]
    return {"recipes": cards, "chosen": chosen}


def seconds_here(caller: Caller, listed: list[RecipeInfo]) -> dict[str, float]:
    """How long recipes take on this machine, as far as it was measured.

    What a recipe took elsewhere is scaled by how fast its steps would be here.
    """
    machine = machine_of(caller, calibration.worker_threads(caller.service.manager.slots))
    seconds = {}
    for one in listed:
        text = text_of(one.config.data, caller.service.home.corpora)
        told = estimate(one.config, text.vocab_size, text.train_tokens, machine)
        if told.tokens_per_second is not None and one.measured is not None:
            done = one.measured
            seconds[one.name] = done["seconds"] * done["tokens_per_second"] / told.tokens_per_second
        elif told.seconds is not None:
            seconds[one.name] = told.seconds
    return seconds


def needs_gpu(recipe: RecipeInfo) -> bool:
    """Whether a recipe is made for a GPU."""
    return recipe.name.endswith("-gpu")


def figures_of(recipe: RecipeInfo, here: float | None = None) -> str:
    """Time, loss and size, where they were measured; the time on this machine where it is known."""
    if needs_gpu(recipe) and not gpu_count():
        return "For a GPU, which this machine does not have"
    done = recipe.measured
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
