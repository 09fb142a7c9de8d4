"""Every setting as the page, the terminal and the reference show it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from gtt.config.run import GROUPS
from gtt.settings import Part, Slider, choices_of, kind_of


@dataclass(frozen=True)
class SettingDescription:
    """One setting as the page, the terminal and the reference show it.

    `part` is the part of the page on which it stands, `off_page` why it is on none.
    """

    group: str
    name: str
    label: str
    concept: str
    unit: str | None
    default: Any
    kind: str
    choices: tuple[str, ...] | None
    limits: dict[str, float]
    slider: Slider | None
    part: Part | None
    off_page: str | None

    @property
    def key(self) -> str:
        """Dotted name, `model.n_layers`."""
        return f"{self.group}.{self.name}"


def describe_settings() -> Iterator[SettingDescription]:
    """Every setting of every group, in the order in which they are declared."""
    for group, model in GROUPS.items():
        for name, field in model.model_fields.items():
            extra = field.json_schema_extra
            assert isinstance(extra, dict), f"{group}.{name} was not declared with setting()"
            slider = extra["slider"]
            limits = {
                limit: getattr(rule, limit)
                for rule in field.metadata
                for limit in ("gt", "ge", "lt", "le")
                if getattr(rule, limit, None) is not None
            }
            yield SettingDescription(
                group=group,
                name=name,
                label=str(field.title),
                concept=str(extra["concept"]),
                unit=None if extra["unit"] is None else str(extra["unit"]),
                default=field.default,
                kind=kind_of(field.annotation),
                choices=choices_of(field.annotation),
                limits=limits,
                slider=Slider(**slider) if isinstance(slider, dict) else None,  # type: ignore[arg-type]
                part=cast("Part | None", extra["part"]),
                off_page=cast("str | None", extra["off_page"]),
            )
