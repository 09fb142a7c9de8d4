"""The view of attention: every head of a checkpoint, one of them large, how it came to be."""

from __future__ import annotations

from typing import Any

import gradio as gr

from gtt.api.endpoints.inside import attention, snapshot
from gtt.api.endpoints.looking import ablate, head_history, heads
from gtt.api.endpoints.runs import read_run
from gtt.explain import explain
from gtt.ui.desk import PageDesk
from gtt.ui.inside import inside_view

SCRIPTS = (
    "unpack",
    "paint",
    "map",
    "words",
    "grid",
    "large",
    "tokens",
    "card",
    "history",
    "without",
    "compare",
    "room",
    "view",
)
CONCEPTS = (
    "attention_weights",
    "attention_scores",
    "head_habits",
    "induction_head",
    "head_ablation",
)
LOOK = ("run_id", "checkpoint", "text", "layers", "heads", "scores", "packed")


async def concepts(given: Any) -> dict[str, Any]:
    """The explanations that the view has at hand."""
    found = {id: explain(id) for id in CONCEPTS}
    return {"concepts": {id: {"title": one.title, "body": one.body} for id, one in found.items()}}


def attention_view(desk: PageDesk) -> gr.HTML:
    """The component; its value is `{"workspace": key, "run": id or None, "shape": … or None}`.

    The shape, `{"layers", "heads", "block_size", "snapshots", "source"}`, is that of the run: the
    view gives everything its room before it has asked for anything.
    """
    return inside_view(
        desk,
        "attention",
        tuple(f"attention/{name}" for name in SCRIPTS),
        concepts,
        desk.asking("about", "read_run", read_run, "run_id"),
        desk.asking("attention", "attention", attention, *LOOK),
        # Under names of their own, since of each only the newest answer counts.
        desk.asking("scores", "attention", attention, *LOOK),
        desk.asking("other", "attention", attention, *LOOK),
        desk.asking("habits", "heads", heads, "run_id", "checkpoint"),
        desk.asking("history", "head_history", head_history, "run_id"),
        desk.asking("newest", "snapshot", snapshot, "run_id", "step", "tokens"),
        desk.asking("moment", "snapshot", snapshot, "run_id", "step", "tokens"),
        desk.asking("without", "ablate", ablate, "run_id", "checkpoint", "text", "heads"),
    )
