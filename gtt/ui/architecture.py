"""Looking into the shape of a model: its drawing."""

from __future__ import annotations

from typing import Any

import gradio as gr

from gtt.api.endpoints.drawing import architecture
from gtt.api.endpoints.inside import snapshot
from gtt.explain import explain
from gtt.ui.desk import PageDesk
from gtt.ui.inside import inside_view

# Whatever the drawing explains; which part is explained by which of them, its script says.
EXPLAINED = (
    "activation",
    "activation_scale",
    "attention_output",
    "attention_scores",
    "attention_weights",
    "causal_mask",
    "dead_units",
    "embedding",
    "gradient_norm",
    "mlp_hidden",
    "multiply_adds",
    "n_layers",
    "norm_position",
    "parameters",
    "position",
    "query_key_value",
    "residual",
    "residual_stream",
    "tie_embeddings",
    "unembedding",
    "update_to_weight_ratio",
)
DRAWING = tuple(
    f"architecture/{name}"
    for name in ("words", "layout", "drawing", "changes", "health", "panel", "asking")
)


def architecture_view(desk: PageDesk) -> gr.HTML:
    """The drawing of the draft, or of the run that is looked at, coloured by its snapshots."""
    return inside_view(
        desk,
        "architecture",
        DRAWING,
        desk.asking("drawing_of_draft", "architecture", architecture),
        desk.asking("drawing_of_run", "architecture", architecture, "run_id"),
        desk.asking("snapshot", "snapshot", snapshot, "run_id", "step", "tokens"),
        explained,
    )


async def explained(given: Any) -> dict[str, Any]:
    """The concepts that the drawing explains, by id, each with its paragraphs."""
    concepts = {id: explain(id) for id in EXPLAINED}
    return {
        id: {"title": one.title, "tip": one.tip, "body": one.body.split("\n\n")}
        for id, one in concepts.items()
    }
