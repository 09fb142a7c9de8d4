"""The Model tab: the shape of the decoder and what it costs in parameters."""

from __future__ import annotations

import gradio as gr

from gtt.api.endpoints.inside import architecture
from gtt.ui.controls import controls, explanations
from gtt.ui.desk import PRIVATE, PageDesk

SHAPE = ("n_layers", "n_heads", "n_embed", "block_size", "dropout")
SWITCHES = (
    "norm_position",
    "residual",
    "position",
    "activation",
    "mlp_ratio",
    "tie_embeddings",
    "bias",
    "attention",
)


def model_tab(desk: PageDesk) -> None:
    """Builds the tab."""
    with gr.Row():
        with gr.Column(scale=1):
            desk.controls |= controls(desk.service, "model", SHAPE)
        with gr.Column(scale=1):
            desk.controls |= controls(desk.service, "model", SWITCHES)
        with gr.Column(scale=1):
            parts = gr.Dataframe(
                headers=["part", "shape", "parameters"],
                datatype=["str", "str", "str"],
                label="Parts, in the order in which data flow through them",
                interactive=False,
                elem_id="parts",
            )
            count = gr.Button("Count the parameters", elem_id="count")
    explanations(desk.service, "model")

    async def counted(key: str) -> list[list[str]]:
        answer = await desk.ask("architecture", architecture, key)
        rows = [
            [
                part.name,
                " × ".join(map(str, part.shape)),
                f"{part.parameters:,}" if part.parameters else "?",
            ]
            for part in answer.parts
        ]
        total = "?" if answer.parameters is None else f"{answer.parameters:,}"
        return [*rows, ["all", "", total]]

    count.click(counted, desk.key, parts, **PRIVATE)
    for setting in SHAPE:
        component = desk.controls[f"model.{setting}"]
        component.change(counted, desk.key, parts, **PRIVATE)
