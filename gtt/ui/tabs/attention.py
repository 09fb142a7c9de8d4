"""The Attention tab: what each head looks at, what it does by habit, and what it is good for."""

from __future__ import annotations

from typing import Any

import gradio as gr

from gtt.api.endpoints.runs import read_run
from gtt.errors import GTTError
from gtt.ui.attention import attention_view
from gtt.ui.desk import PRIVATE, PageDesk


def attention_tab(desk: PageDesk, run: gr.Textbox) -> None:
    """Builds the tab; `run` holds the id of the run that is looked at."""
    view = attention_view(desk)

    async def looked_at(key: str, one: str) -> dict[str, Any]:
        shape: dict[str, Any] | None = None
        if one:
            try:
                config = (await desk.ask("read_run", read_run, key, run_id=one)).config
            except GTTError:  # gone meanwhile, which the view says
                pass
            else:
                model = config.model
                shape = {"layers": model.n_layers, "heads": model.n_heads}
                shape["block_size"] = model.block_size
                shape["snapshots"] = config.training.snapshots
                shape["source"] = config.data.source
        return {"workspace": key, "run": one or None, "shape": shape}

    gr.on([run.change], looked_at, [desk.key, run], view, **PRIVATE)
    gr.on(None, looked_at, [desk.key, run], view, **PRIVATE)  # when the page opens
