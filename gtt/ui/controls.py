"""Controls made from the settings: each setting is described once, and shown from there."""

from __future__ import annotations

from typing import Any

import gradio as gr

from gtt.api.endpoints.configuration import settings
from gtt.api.schemas import Nothing, SettingInfo
from gtt.api.service import Service
from gtt.settings import Part

Controls = dict[str, Any]  # dotted key of a setting -> its component


def described(service: Service) -> list[SettingInfo]:
    """All settings, in the order in which they are declared."""
    return settings(service.caller(None), Nothing()).settings


def controls(service: Service, part: Part) -> Controls:
    """A control for each setting on a part of the page, in their order, with its tip."""
    return {one.key: control(one) for one in described(service) if one.part == part}


def control(one: SettingInfo) -> Any:
    """A slider where the setting has a range, else what its kind asks for."""
    about: dict[str, Any] = {
        "label": label_of(one),
        "info": one.tip,
        "elem_id": one.key.replace(".", "-"),
    }
    if one.choices:
        return gr.Dropdown(one.choices, value=one.default, **about)
    if one.kind == "boolean":
        return gr.Checkbox(value=one.default, **about)
    # A logarithmic range has no slider that moves evenly; a number is typed.
    if one.slider is not None and not one.slider["logarithmic"] and one.default is not None:
        step = one.slider["step"] or 0.01
        return gr.Slider(
            one.slider["low"], one.slider["high"], value=one.default, step=step, **about
        )
    if one.kind in ("integer", "number"):
        precision = 0 if one.kind == "integer" else None
        return gr.Number(value=one.default, precision=precision, **about)
    return gr.Textbox(value=one.default, **about)


def label_of(one: SettingInfo) -> str:
    """The label with its unit, as in "Block size (tokens)", without brackets in brackets."""
    unit, _, off = (one.unit or "").partition("(")
    words = ", ".join(word for word in (unit.strip(), off.strip(" )")) if word)
    return f"{one.label} ({words})" if words else one.label
