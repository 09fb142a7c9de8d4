"""Recipes: whole configurations with a name, read from `recipes/*.yaml`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal, Protocol

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from gtt.config import GROUPS, RunConfig
from gtt.errors import BadInput, InvalidSetting
from gtt.settings import nearest

_CODE = Path(__file__).resolve().parent
# At the top of a checkout, where a teacher finds them; an installed package has them inside.
_PLACES = (_CODE.parent / "recipes", _CODE / "recipe_files")
RECIPES = next((place for place in _PLACES if any(place.glob("*.yaml"))), _PLACES[0])


LAST = 1000  # the place of a recipe that does not say where it stands


class MeasuredRun(BaseModel):
    """Figures of one run of the recipe, on record in `docs/measurements.md`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    machine: str
    date: date
    seconds: float = Field(gt=0)
    tokens_per_second: float = Field(gt=0)
    validation_loss: float = Field(gt=0)
    parameters: int = Field(gt=0)
    task_score: float | None = Field(None, ge=0, le=1)
    by_steps: dict[int, float] = Field(
        default_factory=dict,
        description="Validation loss of the recipe with so many steps in all.",
    )


class Recipe(BaseModel):
    """One recipe file.

    `order` is its place in lists, the smallest first, which the easiest recipes have. `needs` names
    what a machine has to have for it. `measured` is None where no run is on record yet.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    title: str
    summary: str
    audience: str
    order: int = Field(LAST, ge=0, le=LAST)
    needs: Literal["gpu"] | None = None
    config: RunConfig
    measured: MeasuredRun | None

    @field_validator("config", mode="before")
    @classmethod
    def _parse_config(cls, values: Any) -> RunConfig:
        """Settings that a recipe leaves out keep their defaults; unknown ones are named."""
        if not isinstance(values, dict):
            raise InvalidSetting("config: must hold groups of settings.", field="config")
        return RunConfig.parse(values)


def recipe_names(folder: Path = RECIPES) -> list[str]:
    """The names of all recipes, in alphabetical order."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def load_recipe(name: str, folder: Path = RECIPES) -> Recipe:
    """The recipe of that name, or of that file if `name` ends in `.yaml`.

    Raises `BadInput` for an unknown name, an unreadable file or a misspelt key.
    """
    is_file = name.endswith((".yaml", ".yml"))
    if not is_file and name not in recipe_names(folder):
        raise BadInput(nearest("recipe", name, recipe_names(folder)), field="recipe")
    path = Path(name) if is_file else folder / f"{name}.yaml"
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.", field="recipe") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} is not valid YAML: {_one_line(error)}", field="recipe") from None
    if not isinstance(values, dict):
        raise BadInput(f"{path} is not a recipe: it holds no keys.", field="recipe")
    if isinstance(values.get("config"), dict):
        values["config"] = {"name": path.stem, **values["config"]}
    try:
        return Recipe.model_validate({"name": path.stem, **values})
    except InvalidSetting as error:
        raise BadInput(f"{path}: {error.message}", field=error.field) from None
    except ValidationError as error:
        # A misspelt key shows twice, as unknown and as missing: the unknown one says more.
        fault = min(error.errors(), key=lambda fault: fault["type"] != "extra_forbidden")
        key = ".".join(str(part) for part in fault["loc"])
        if fault["type"] == "extra_forbidden":
            keys = list(MeasuredRun.model_fields if "." in key else Recipe.model_fields)
            raise BadInput(f"{path}: {nearest('key', key.split('.')[-1], keys)}") from None
        raise BadInput(f"{path}: {key}: {fault['msg']}.", field=key) from None


def load_recipes(folder: Path = RECIPES) -> list[Recipe]:
    """All recipes in their order, equals by name; raises `BadInput` at the first malformed one."""
    recipes = [load_recipe(name, folder) for name in recipe_names(folder)]
    return sorted(recipes, key=lambda recipe: recipe.order)


class Named(Protocol):
    """A configuration with a name: a recipe, or what an answer tells of one."""

    @property
    def name(self) -> str: ...
    @property
    def config(self) -> RunConfig: ...


def nearest_recipe(config: RunConfig, recipes: Iterable[Named]) -> str:
    """The name of the recipe from which the fewest settings differ."""
    return min(recipes, key=lambda recipe: len(differences(recipe.config, config))).name


def differences(base: RunConfig, config: RunConfig) -> dict[str, Any]:
    """The settings of `config` that are not as in `base`, by their dotted names."""
    before, after = base.model_dump(mode="json"), config.model_dump(mode="json")
    return {
        f"{group}.{name}": value
        for group in GROUPS
        for name, value in after[group].items()
        if before[group][name] != value
    }


@lru_cache(maxsize=1024)  # a list of runs asks it of each of them
def origin_of(config: RunConfig) -> tuple[str, tuple[str, ...]]:
    """The recipe that a configuration was begun from, and the settings that are not as there.

    Where its name is that of no recipe it is the nearest one.
    """
    recipes = {recipe.name: recipe for recipe in _published()}
    name = config.name if config.name in recipes else nearest_recipe(config, recipes.values())
    return name, tuple(differences(recipes[name].config, config))


@cache
def _published() -> tuple[Recipe, ...]:
    return tuple(load_recipes())


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
