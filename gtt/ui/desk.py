"""What the tabs share: the visitor's key, the controls of the draft, how an endpoint is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from gtt.api.api_errors import error_body
from gtt.api.gradio_adapter import begin
from gtt.api.labels import on_screen
from gtt.api.screen import on_screen_of
from gtt.api.service import Service
from gtt.config import RunConfig
from gtt.errors import BadInput, GTTError
from gtt.ui.controls import Controls

# Events of the page are no endpoints: those are in the table, and each of these calls one.
PRIVATE: dict[str, Any] = {
    "api_visibility": "private",
    "concurrency_limit": None,
    "show_progress": "hidden",
}


@dataclass
class PageDesk:
    """The page's side of a desk."""

    service: Service
    key: gr.BrowserState
    message: gr.HTML
    controls: Controls = field(default_factory=dict)

    async def ask(self, name: str, function: Callable[..., Any], key: str, /, **values: Any) -> Any:
        """The answer of an endpoint to the visitor of this key; raises `GTTError`."""
        caller, request = begin(self.service, name, None, workspace=key, **values)
        if asyncio.iscoroutinefunction(function):
            return await function(caller, request)
        return await asyncio.to_thread(function, caller, request)

    def values_of(self, config: RunConfig) -> list[Any]:
        """What every control shows for a draft, in the order of `controls`."""
        shown = on_screen_of(config)
        return [shown[key] for key in self.controls]


def told(event: gr.EventData, *names: str) -> list[Any]:
    """What an event of a component's script brings along; raises `BadInput` where it does not.

    Anybody may send an event without what our scripts send with it.
    """
    data = event._data if isinstance(event._data, dict) else {}
    missing = [name for name in names if name not in data]
    if missing:
        raise BadInput(f"This event needs {missing[0]}.", field=missing[0])
    return [data[name] for name in names]


def sentence_of(error: BaseException) -> str:
    """The sentence of an error, for showing as text."""
    return on_screen(str(error_body(error)[1]["error"]["message"]))


__all__ = ["PRIVATE", "GTTError", "PageDesk", "sentence_of", "told"]
