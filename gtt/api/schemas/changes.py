"""Partial updates: every group of settings once more, each of them optional."""

from __future__ import annotations

from typing import Any

from pydantic import Field, create_model
from pydantic.fields import FieldInfo

from gtt.config import GROUPS, RunConfig
from gtt.settings import Settings


def _optional(model: type[Settings], name: str) -> type[Settings]:
    """The same settings, each of which may be left out: a partial update."""
    fields: dict[str, Any] = {}
    for key, field in model.model_fields.items():
        inner = _optional_group(field, key)
        fields[key] = inner
    return create_model(name, __base__=Settings, __doc__=model.__doc__, **fields)


def _optional_group(field: FieldInfo, key: str) -> tuple[Any, Any]:
    annotation: Any = field.annotation
    if key in GROUPS:
        return CHANGES[key], Field(default=None, title=field.title)
    extra = field.json_schema_extra
    copy = FieldInfo.merge_field_infos(field, default=None, json_schema_extra=extra)
    return annotation, copy


CHANGES = {
    group: _optional(model, f"{model.__name__.removesuffix('Config')}Changes")
    for group, model in GROUPS.items()
}


ConfigChanges = _optional(RunConfig, "ConfigChanges")
