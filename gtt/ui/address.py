"""What the address of a page asks for: shown at once, and kept only once a person does something.

Any other page can open ours under an address of its own making, in a frame that nobody sees: that
alone changes nobody's draft.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections import OrderedDict
from typing import Any

import gradio as gr
from starlette.datastructures import QueryParams

from gtt.api.endpoints.configuration import drafted, get_config, set_config
from gtt.api.links import changes_in
from gtt.api.schemas import SetConfig
from gtt.config import RunConfig
from gtt.errors import BadInput
from gtt.settings import parse
from gtt.ui.desk import PRIVATE, PageDesk
from gtt.ui.views import view

MOST = 1000  # addresses that are remembered as kept


class Asked:
    """Of one page. `text` holds what its address asks for, empty where that is nothing.

    Each address that is opened has a name of its own, so that it is kept once, whichever of the
    first things that a person does comes to the server first.
    """

    def __init__(self, desk: PageDesk) -> None:
        self.desk = desk
        self.text = gr.Textbox("", visible=False)
        self._view = view(
            "asked", events=("done",), elem_id="asked", elem_classes="gtt-unseen", padding=False
        )
        self._kept: OrderedDict[str, None] = OrderedDict()
        self._keeping = asyncio.Lock()

    async def of(self, query: QueryParams, workspace: str) -> str:
        """What an address asks for, for `text`; raises `GTTError` where it cannot be."""
        changes, recipe = changes_in(query.getlist("set")), query.get("recipe")
        if not changes and not recipe:
            return ""
        values = {"id": secrets.token_hex(8), "recipe": recipe, "config": changes or None}
        text = json.dumps(values)
        await self.shown(workspace, text)
        return text

    async def shown(self, workspace: str, text: str) -> RunConfig:
        """The draft as the page shows it: with what was asked for and is not kept yet."""
        draft: RunConfig = (await self.desk.ask("get_config", get_config, workspace)).config
        id, values = _read(text)
        if not id or id in self._kept:
            return draft
        return drafted(draft, parse(SetConfig, values, strict=True))

    async def keep(self, workspace: str, text: str) -> None:
        """Makes it the draft, unless that was done; raises `GTTError`."""
        async with self._keeping:
            id, values = _read(text)
            if id and id not in self._kept:
                self.leave(text)
                await self.desk.ask("set_config", set_config, workspace, **values)

    def leave(self, text: str) -> None:
        """Something else takes its place."""
        id, _ = _read(text)
        if id:
            self._kept[id] = None
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)

    def done(self, act: Any, inputs: list[Any], outputs: list[Any]) -> Any:
        """The event of the first thing that a person does on a page whose address asks."""
        return self._view.done(act, inputs, outputs, **PRIVATE)


def _read(text: str) -> tuple[str, dict[str, Any]]:
    """The name and the values in a `text`, which came back from a browser."""
    if not text:
        return "", {}
    try:
        values = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        values = None
    if not isinstance(values, dict) or not isinstance(values.get("id"), str):
        raise BadInput("What the address asked for came back changed.", field="set")
    given = {name: values[name] for name in ("recipe", "config") if values.get(name)}
    return values["id"][:100], given
