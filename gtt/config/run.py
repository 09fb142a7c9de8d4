"""The configuration of a run: the four groups, and how they are read and changed."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from gtt.config.data import DataConfig
from gtt.config.generation import LONGEST_PROMPT, LONGEST_STOP, GenerationConfig
from gtt.config.model import ModelConfig
from gtt.config.training import TrainingConfig
from gtt.errors import InvalidSetting
from gtt.settings import Name, Settings, parse, read_value

GROUPS: dict[str, type[Settings]] = {
    "data": DataConfig,
    "model": ModelConfig,
    "training": TrainingConfig,
    "generation": GenerationConfig,
}


class RunConfig(Settings):
    """Everything that decides what a run does. Two runs with equal configurations are equal."""

    name: Name = Field("run", title="Name of the run")
    data: DataConfig = Field(default_factory=DataConfig)
    model: ModelConfig = Field(default_factory=ModelConfig)
    training: TrainingConfig = Field(default_factory=TrainingConfig)
    generation: GenerationConfig = Field(default_factory=GenerationConfig)

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> RunConfig:
        """Builds a configuration from nested plain values.

        Raises `InvalidSetting`, whose sentence names the setting and a way out.
        """
        return parse(cls, values)

    @classmethod
    def recorded(cls, values: Mapping[str, Any]) -> RunConfig:
        """As `parse`, of what an older version wrote down, which took longer texts.

        Of a long prompt its end is kept, which is what a model reads of it.
        """
        generation = values.get("generation") if isinstance(values, Mapping) else None
        if not isinstance(generation, Mapping):
            return parse(cls, values)
        prompt, stop = generation.get("prompt"), generation.get("stop")
        shortened = dict(generation)
        if isinstance(prompt, str):
            shortened["prompt"] = prompt[-LONGEST_PROMPT:]
        if isinstance(stop, (list, tuple)):
            shortened["stop"] = [
                text[:LONGEST_STOP] if isinstance(text, str) else text for text in stop
            ]
        return parse(cls, {**values, "generation": shortened})

    def updated(self, changes: Mapping[str, Any], *, strict: bool = False) -> RunConfig:
        """A copy with a partial, nested update: `{"model": {"n_layers": 4}}` changes one thing.

        `strict` as in `gtt.settings.parse`. Raises `InvalidSetting` where a key is unknown or the
        result does not hold together.
        """
        merged = self.model_dump()
        for key, value in changes.items():
            if isinstance(value, Mapping) and isinstance(merged.get(key), dict):
                merged[key] = {**merged[key], **value}
            else:
                merged[key] = value
        return parse(RunConfig, merged, strict=strict)

    def with_assignments(self, assignments: list[str]) -> RunConfig:
        """A copy with settings given as text, `training.max_steps=200`, as the terminal takes them.

        Raises `InvalidSetting`.
        """
        changes: dict[str, Any] = {}
        for assignment in assignments:
            key, equals, text = assignment.partition("=")
            group, dot, name = key.strip().partition(".")
            if not equals or (not dot and group != "name"):
                raise InvalidSetting(
                    f"{assignment!r} is not a setting: write GROUP.NAME=VALUE, "
                    "for example training.max_steps=200."
                )
            if not text.strip():
                raise InvalidSetting(
                    f"{key.strip()} is given no value: write {key.strip()}=VALUE, or none to unset "
                    "it.",
                    field=key.strip(),
                )
            if not dot:
                changes[group] = text
                continue
            if group not in GROUPS:
                keys = [f"{of}.{field}" for of in GROUPS for field in GROUPS[of].model_fields]
                alike = [key for key in keys if key.partition(".")[2] in (group, name)]
                similar = (
                    alike or difflib.get_close_matches(key.strip()[:100], keys, n=1) or list(GROUPS)
                )
                raise InvalidSetting(
                    f"There is no group of settings {group[:60]!r}: did you mean {similar[0]!r}? "
                    "`python -m gtt settings` lists them all.",
                    field=group,
                )
            changes.setdefault(group, {})[name] = read_value(GROUPS[group], name, text)
        return self.updated(changes)
