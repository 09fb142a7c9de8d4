"""The recipes as cards, the easiest first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from gtt.api.endpoints.configuration import get_config, recipes
from gtt.api.labels import LABELS
from gtt.api.schemas import Nothing, RecipeInfo
from gtt.api.service import Service
from gtt.config import RunConfig, size_name
from gtt.durations import short_duration
from gtt.recipes import differences, nearest_recipe
from gtt.ui.assets import static_text
from gtt.ui.desk import PageDesk


def recipe_choices(service: Service) -> list[RecipeInfo]:
    """The recipes, the easiest first, as a desk sees them that has no run yet."""
    return recipes(service.caller(None), Nothing()).recipes


def recipe_cards(desk: PageDesk, listed: list[RecipeInfo]) -> gr.HTML:
    """The component; it tells of a choice with the event `picked` and its `recipe`.

    The same card again is a choice as well: it begins the draft anew.
    """
    return gr.HTML(
        value=cards_value(listed, {"recipe": listed[0].name, "changes": []}),
        html_template=static_text("cards.html"),
        css_template=static_text("cards.css"),
        js_on_load=static_text("cards.js"),
        server_functions=[_asking_draft(desk, listed)],
        elem_id="recipe",
    )


def cards_value(listed: list[RecipeInfo], draft: dict[str, Any], key: str = "") -> dict[str, Any]:
    """What the cards show: the recipes, and where the draft stands as `draft_of` says it."""
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
    return {"recipes": cards, "draft": draft, "workspace": key}


def draft_of(config: RunConfig, listed: list[RecipeInfo]) -> dict[str, Any]:
    """The recipe that a draft was begun from, and the labels of what was changed since."""
    known = {one.name: one for one in listed}
    name = config.name if config.name in known else nearest_recipe(config, listed)
    changes = [LABELS[key] for key in differences(known[name].config, config)]
    return {"recipe": name, "changes": changes}


def _asking_draft(desk: PageDesk, listed: list[RecipeInfo]) -> Callable[[Any], Any]:
    """What the cards ask whenever a control has changed: `draft_of` the draft of the page."""
    ask = desk.asking("draft", "get_config", get_config)

    async def draft(given: Any) -> dict[str, Any]:
        answer: dict[str, Any] = await ask(given)
        if "error" in answer:
            return answer
        return draft_of(RunConfig.parse(answer["config"]), listed)

    return draft


def figures_of(recipe: RecipeInfo) -> list[str]:
    """Time, and loss with size, where they were measured; the time here where it is known."""
    if recipe.lacks_gpu:
        return ["needs a GPU", "none is here"]
    done, here = recipe.measured, recipe.seconds_here
    time = None if here is None else f"about {short_duration(here)} here"
    if done is None:
        return [time or "not measured yet"]
    size = size_name(done["parameters"]).replace(" ", "\u00a0")
    return [
        time or f"{short_duration(done['seconds'])} on two cores",
        f"loss {done['validation_loss']:.2f} · {size}",
    ]
