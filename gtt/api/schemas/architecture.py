"""The architecture of a model, as a list of its parts and as the graph of its computation."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from gtt.api.schemas.base import OfDraftOrRun, Response


class DrawArchitecture(OfDraftOrRun):
    """The model of a run, or of the draft, reading a batch of its own size or of another."""

    batch: int | None = Field(
        None,
        ge=1,
        le=4096,
        description="Sequences; left out, the batch size of the training.",
        examples=[8],
    )
    tokens: int | None = Field(
        None, ge=2, le=8192, description="Tokens in each; left out, the block size.", examples=[24]
    )


class Part(Response):
    """One part of the model with weights of its own."""

    name: str
    kind: str
    shape: list[int]
    parameters: int


class DrawnNode(Response):
    """One operation. `lines` of the model file do it, `open_lines` where somebody looks inside."""

    id: str
    operation: str
    module: str
    shape: list[int]
    probes: list[str]
    weights: dict[str, list[int]]
    parameters: int
    tied_to: str | None
    multiply_adds: int
    lines: list[int]
    open_lines: list[int]


class DrawnEdge(Response):
    """The result of one operation goes into another."""

    source: str
    target: str
    shape: list[int]


class SourceLines(Response):
    """The statement of the model file that runs at a line."""

    line: int
    first: int
    code: str


class Architecture(Response):
    """The model part by part in the order in which data flow, and as a graph.

    `missing` is what the same shape has with every part switched on.
    """

    config: dict[str, Any]
    vocab_size: int
    vocabulary_is_assumed: bool = Field(description="The text has not been prepared yet.")
    parameters: int
    batch: int
    tokens: int
    parts: list[Part]
    nodes: list[DrawnNode]
    edges: list[DrawnEdge]
    missing: list[DrawnNode]
    missing_edges: list[DrawnEdge]
    source: list[SourceLines]
    file: str = Field(description="Where the lines stand.")
