"""The view of the Generation tab: one component that writes, reads and looks through layers.

It asks the table of endpoints: text comes as a stream over HTTP, all else through the questions
below. What is said of a setting comes from the setting itself, what is said of a number from its
concept.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from gtt.api.endpoints.inside import next_token
from gtt.api.endpoints.looking import copies, logit_lens, read_text
from gtt.api.endpoints.runs import read_run
from gtt.api.schemas import Generate
from gtt.api.service import Service
from gtt.explain import explain
from gtt.ui.controls import described
from gtt.ui.desk import PageDesk
from gtt.ui.inside import inside_view

SCRIPTS = (
    "words",
    "settings",
    "tokens",
    "readout",
    "odds",
    "texts",
    "streaming",
    "writing",
    "lens",
    "copying",
    "own",
    "controls",
)
CONCEPTS = (
    "surprise",
    "entropy",
    "next_token_odds",
    "logit_lens",
    "copying",
    "loss",
    "perplexity",
    "bits_per_byte",
    "prompt",
    "checkpoint",
)


def generation_view(desk: PageDesk) -> gr.HTML:
    """The component; its value is `{"workspace": key, "run": id or None}`."""
    return inside_view(
        desk,
        "generation",
        tuple(f"generation/{name}" for name in SCRIPTS),
        desk.asking("details", "read_run", read_run, "run_id"),
        desk.asking("next", "next_token", next_token, *_IN, "text", "ids", "packed", "count"),
        desk.asking("read", "read_text", read_text, *_IN, "text", "ids", "alternatives"),
        desk.asking("lens", "logit_lens", logit_lens, *_IN, "text", "positions", "count"),
        desk.asking("copies", "copies", copies, *_IN, "text"),
        told=words(desk.service),
    )


def words(service: Service) -> dict[str, Any]:
    """What the controls are called and what each thing on the tab means.

    The page has it from the start: were it asked for, the controls would come late and push down
    what stands below them.
    """
    return {
        "settings": [
            one.model_dump(mode="json")
            for one in described(service)
            if one.key.startswith("generation.")
        ],
        "concepts": {
            name: {"title": one.title, "tip": one.tip, "body": one.body}
            for name, one in ((name, explain(name)) for name in CONCEPTS)
        },
        "samples": Generate.model_fields["samples"].description,
    }


_IN = ("run_id", "checkpoint")
