"""The draft on the desk, the recipes, the settings and the schedule."""

from __future__ import annotations

from gtt.api.estimate_inputs import machine_of, seconds_of
from gtt.api.links import link_of
from gtt.api.schemas import (
    ConfigResponse,
    LrSchedule,
    Nothing,
    RecipeInfo,
    Recipes,
    Schedule,
    SetConfig,
    SettingInfo,
    SettingsResponse,
)
from gtt.api.screen import changes_on_screen
from gtt.api.service import Caller
from gtt.api.table import endpoint
from gtt.api.visitors import recipe_of
from gtt.config import RunConfig, describe_settings
from gtt.explain import explain
from gtt.recipes import load_recipes, origin_of
from gtt.runs import calibration
from gtt.runs.limits import vocabulary_of
from gtt.runs.processes import gpu_count
from gtt.settings import parse
from gtt.training.schedule import lr_factor

ASSUMED_STEPS = 1000


@endpoint("GET", "/api/config", rate="read", tag="configuration")
def get_config(caller: Caller, request: Nothing) -> ConfigResponse:
    """The draft configuration on the desk."""
    return _response(caller.draft)


@endpoint("POST", "/api/config", rate="write", tag="configuration")
def set_config(caller: Caller, request: SetConfig) -> ConfigResponse:
    """Changes the draft: what is named changes, all else stays.

    With a recipe the draft begins anew from it.
    """
    with caller.desk.lock:
        draft = drafted(caller.draft, request)
        if draft != caller.desk.draft:
            caller.desk.save_draft(draft)
    return _response(draft)


def drafted(draft: RunConfig, request: SetConfig) -> RunConfig:
    """What becomes of a draft with this request; raises `InvalidSetting`."""
    base = recipe_of(request.recipe).config if request.recipe else draft
    if request.screen:
        changes = changes_on_screen(base, request.screen)
        base = drafted(base, parse(SetConfig, {"config": changes or None}, strict=True))
    return changed(base, request.config)


@endpoint("GET", "/api/recipes", rate="read", tag="configuration")
def recipes(caller: Caller, request: Nothing) -> Recipes:
    """The recipes, the easiest first.

    Each with what it reached where that was measured, and the time it takes here.
    """
    machine = machine_of(caller, calibration.worker_threads(caller.service.manager.slots))
    return Recipes(
        recipes=[
            RecipeInfo(
                name=recipe.name,
                title=recipe.title,
                summary=" ".join(recipe.summary.split()),
                audience=" ".join(recipe.audience.split()),
                config=recipe.config,
                measured=recipe.measured,
                seconds_here=seconds_of(recipe, machine, caller.service.home.corpora),
                order=recipe.order,
                needs=recipe.needs,
                lacks_gpu=recipe.needs == "gpu" and not gpu_count(),
            )
            for recipe in load_recipes()
        ]
    )


@endpoint("GET", "/api/settings", rate="read", tag="configuration")
def settings(caller: Caller, request: Nothing) -> SettingsResponse:
    """Every setting with its limits and its explanation, enough to draw a form."""
    rows = []
    for setting in describe_settings():
        concept = explain(setting.concept)
        rows.append(
            SettingInfo(
                key=setting.key,
                label=setting.label,
                kind=setting.kind,
                unit=setting.unit,
                default=setting.default,
                choices=list(setting.choices) if setting.choices else None,
                limits=setting.limits,
                slider=setting.slider._asdict() if setting.slider else None,
                part=setting.part,
                tip=concept.tip,
                body=concept.body,
            )
        )
    return SettingsResponse(settings=rows)


@endpoint("GET", "/api/lr_schedule", rate="read", tag="configuration")
def lr_schedule(caller: Caller, request: LrSchedule) -> Schedule:
    """The learning rate over the steps, of a run or of the draft.

    Where the settings count epochs and no run tells how many steps those are, `total_steps` is
    taken from the request, else assumed.
    """
    config, total = caller.draft, None
    if request.run_id is not None:
        run = caller.run(request.run_id)
        config, total = run.config, run.view().total_steps
    total = total or config.training.max_steps or request.total_steps
    assumed = total is None
    total = total or ASSUMED_STEPS
    point_count = min(request.points, total)
    steps = sorted({round(i * (total - 1) / max(1, point_count - 1)) for i in range(point_count)})
    peak = config.training.learning_rate
    rates = [peak * lr_factor(step, total, config.training) for step in steps]
    return Schedule(total_steps=total, assumed=assumed, steps=steps, learning_rates=rates)


def changed(config: RunConfig, changes: object) -> RunConfig:
    """A configuration with a partial update from a request; raises `InvalidSetting`."""
    if changes is None:
        return config
    changed_fields: dict[str, object] = changes.model_dump(mode="json", exclude_unset=True)  # type: ignore[attr-defined]
    # A whole group of null is a way to say nothing of it.
    return config.updated(
        {key: value for key, value in changed_fields.items() if value is not None}
    )


def _response(config: RunConfig) -> ConfigResponse:
    vocabulary = vocabulary_of(config)
    parameters = config.model.parameter_count(vocabulary) if vocabulary else None
    recipe, differing = origin_of(config)
    return ConfigResponse(
        config=config,
        parameters=parameters,
        recipe=recipe,
        changed=list(differing),
        link=link_of(config),
    )
