"""What a visitor's configuration may ask of this machine."""

from __future__ import annotations

import re

from gtt.api.api_errors import ApiError, Forbidden
from gtt.api.service import Caller
from gtt.config import RunConfig
from gtt.data.sources import FILE_SUFFIXES, SOURCES, UPLOAD
from gtt.errors import BadInput, InvalidSetting
from gtt.recipes import Recipe, load_recipe, recipe_names
from gtt.runs.limits import Limits, fewest_parameters, run_bytes
from gtt.settings import nearest
from gtt.training.tracking import NO_TRACKER, refuse_missing_tracker

HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}(:[^:/\\]{0,100}){0,3}")
TOKENIZER_NAME = re.compile(r"([A-Za-z0-9][\w.-]{0,95}/)?[A-Za-z0-9][\w.-]{0,95}")
BUILT_IN_MEGABYTES = 20  # that a built-in source may give, however small uploads must be


def recipe_of(name: str) -> Recipe:
    """A recipe by its name and nothing else: a path is no name."""
    names = recipe_names()
    if name not in names:
        raise BadInput(nearest("recipe", name, names), field="recipe")
    return load_recipe(name)


def allowed(
    config: RunConfig,
    caller: Caller,
    *,
    is_resumed: bool = False,
    is_elsewhere: bool = False,
    kept_bytes: int = 0,
) -> RunConfig:
    """The configuration as it will be trained here; raises where it asks for too much.

    A run that is resumed keeps its data, which are not looked at again, and the `kept_bytes` that
    it has on the disk already. What is trained elsewhere takes no time of this machine.

    What the visitor left open is bounded; what they asked for is refused with a sentence, never
    cut in silence.
    """
    limits = caller.limits
    if is_elsewhere:
        free = dict.fromkeys(("max_steps", "max_minutes", "max_parameters"))
        limits = limits.model_copy(update=free)
    if not is_resumed:
        check_source(config, caller)
    check_tokenizer(config, limits)
    _refuse_above("training.max_steps", config.training.max_steps, limits.max_steps)
    _refuse_above("training.max_minutes", config.training.max_minutes, limits.max_minutes)
    parameters = fewest_parameters(config)
    if limits.max_parameters is not None and parameters > limits.max_parameters:
        raise InvalidSetting(
            f"This model has at least {parameters:,} parameters, and {limits.max_parameters:,} are "
            "allowed here: take fewer layers, a smaller width or a smaller vocabulary.",
            field="model.n_embed",
        )
    changes: dict[str, dict[str, object]] = {}
    if limits.max_minutes is not None and config.training.max_minutes is None:
        changes["training"] = {"max_minutes": limits.max_minutes}
    refuse_missing_tracker(config.training.track)
    if limits.for_strangers:
        if config.training.compile:
            raise InvalidSetting(
                "training.compile is switched off on this server: set it to false.",
                field="training.compile",
            )
        if config.training.track != NO_TRACKER:
            raise InvalidSetting(
                "training.track is switched off on this server, whose trackers are not yours: set "
                f"it to {NO_TRACKER}. The run's losses can be taken home as a table.",
                field="training.track",
            )
        is_ours = config.data.source.strip().lower() in SOURCES
        most = max(limits.max_upload_mb, BUILT_IN_MEGABYTES) if is_ours else limits.max_upload_mb
        if not is_resumed:
            _refuse_above("data.max_megabytes", config.data.max_megabytes, most)
        if config.data.max_megabytes is None and not is_ours and not is_resumed:
            changes["data"] = {"max_megabytes": limits.max_upload_mb}
    caller.desk.uploads.check_room(max(0, run_bytes(parameters) - kept_bytes))
    return config.updated(changes)


def check_source(config: RunConfig, caller: Caller) -> None:
    """A built-in source, an upload of this desk, or a data set of the Hub; never a path."""
    source = config.data.source.strip()
    if source.lower() in SOURCES:
        return
    if source.startswith(UPLOAD):
        try:
            caller.desk.uploads.get(source[len(UPLOAD) :])
        except (ApiError, BadInput):
            raise InvalidSetting(
                "There is no such upload on this desk: upload the text first.", field="data.source"
            ) from None
        return
    is_file = source.lower().endswith(FILE_SUFFIXES)  # as docs/api.md, which is no data set
    if not HUB_NAME.fullmatch(source) or ".." in source or is_file:
        raise InvalidSetting(
            nearest("source", source, list(SOURCES))
            + " Files are uploaded, and data sets of the Hub named owner/name.",
            field="data.source",
        )
    if not caller.limits.allow_hub:
        raise Forbidden("This server does not fetch from the Hub.", field="data.source")


def check_tokenizer(config: RunConfig, limits: Limits) -> None:
    """A tokenizer of our own, or one that is looked up on the Hub by its name; never a path."""
    name = config.data.pretrained_tokenizer
    if not TOKENIZER_NAME.fullmatch(name) or ".." in name:
        raise InvalidSetting(
            "data.pretrained_tokenizer must be a name on the Hub, such as gpt2.",
            field="data.pretrained_tokenizer",
        )
    if config.data.tokenizer == "pretrained" and not limits.allow_hub:
        raise Forbidden("This server does not fetch from the Hub.", field="data.tokenizer")


def _refuse_above(field: str, value: float | None, limit: float | None) -> None:
    if value is not None and limit is not None and value > limit:
        raise InvalidSetting(
            f"{field}: {value:,g} is more than this server allows, {limit:,g}.", field=field
        )


def describe(limits: Limits) -> dict[str, object]:
    """The limits as a visitor may know them."""
    return limits.model_dump(exclude={"allowed_hosts"})
