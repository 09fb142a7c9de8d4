"""The draft on the page: recipes to begin from, controls that change it, all of it on the desk."""

from __future__ import annotations

from functools import partial
from typing import Any

import gradio as gr

from gtt.api.endpoints.configuration import get_config, recipes, set_config
from gtt.api.schemas import Nothing, RecipeInfo
from gtt.api.service import Service
from gtt.errors import GTTError
from gtt.ui.desk import PRIVATE, PageDesk, sentence_of

ORDER = ("quickstart", "beginner", "intermediate", "advanced", "speedrun", "speedrun-gpu")


def recipe_choices(service: Service) -> list[RecipeInfo]:
    """The recipes, the easiest first."""
    listed = recipes(service.caller(None), Nothing()).recipes
    rank = {name: place for place, name in enumerate(ORDER)}
    return sorted(listed, key=lambda one: rank.get(one.name, len(rank)))


def words_of(recipe: RecipeInfo) -> str:
    """What a recipe is for and what it reached, as one paragraph of plain text."""
    done = recipe.measured
    if done is None:
        return f"{recipe.summary} For {recipe.audience}."
    return (
        f"{recipe.summary} For {recipe.audience}. Measured: {done['parameters']:,} parameters, "
        f"validation loss {done['validation_loss']:.2f} after {done['seconds']:.0f} s on "
        f"{done['machine']}."
    )


def keep_draft(desk: PageDesk, recipe: gr.Radio, about: gr.Textbox) -> None:
    """Saves what a control changes; a recipe fills them all anew."""
    words = {one.name: words_of(one) for one in recipe_choices(desk.service)}
    all_controls = list(desk.controls.values())

    async def choose(name: str, key: str) -> list[Any]:
        answer = await desk.ask("set_config", set_config, key, recipe=name)
        return ["", words.get(name, ""), *desk.values_of(answer)]

    async def save(setting: str, value: Any, key: str) -> str:
        group, _, name = setting.partition(".")
        if name == "stop":
            value = [line for line in str(value or "").split("\n") if line]
        try:
            await desk.ask("set_config", set_config, key, config={group: {name: value}})
        except GTTError as error:
            return sentence_of(error)
        return ""

    recipe.input(choose, [recipe, desk.key], [desk.message, about, *all_controls], **PRIVATE)
    for setting, component in desk.controls.items():
        listener = component.release if isinstance(component, gr.Slider) else component.input
        if isinstance(component, (gr.Textbox, gr.Number)):
            listener = component.blur
        listener(partial(save, setting), [component, desk.key], desk.message, **PRIVATE)


async def shown_draft(desk: PageDesk, key: str) -> list[Any]:
    """What every control shows when the page opens."""
    return desk.values_of(await desk.ask("get_config", get_config, key))
