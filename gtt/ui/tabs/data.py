"""The Data tab: which text, and how it becomes tokens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import gradio as gr

from gtt.api.endpoints.configuration import set_config
from gtt.api.endpoints.data import datasets, tokenize, upload
from gtt.api.gradio_adapter import begin
from gtt.errors import GTTError
from gtt.ui.controls import controls, explanations
from gtt.ui.desk import PRIVATE, PageDesk, sentence_of

SETTINGS = ("tokenizer", "vocab_size", "max_megabytes", "validation_fraction", "column")
SENTENCE = "Once a wise girl named Emil lived in a tower by the meadow."
CHUNK = 2**16


def data_tab(desk: PageDesk) -> Any:
    """Builds the tab; returns the list of sources, filled when the page opens."""
    with gr.Row():
        with gr.Column(scale=1):
            source = gr.Dropdown(
                [],
                label="Text",
                allow_custom_value=True,
                elem_id="data-source",
                info="A text of ours, one you brought, or a data set of the Hub: owner/name",
            )
            about = gr.Textbox(label="About it", interactive=False, lines=3, elem_id="about-source")
            file = gr.File(
                label="Bring your own text (.txt .md .csv .json .jsonl .parquet)",
                file_count="single",
                elem_id="upload",
            )
        with gr.Column(scale=1):
            desk.controls |= controls(desk.service, "data", SETTINGS)
    gr.Markdown("### A text as tokens")
    with gr.Row():
        sentence = gr.Textbox(SENTENCE, label="Write here", lines=3, elem_id="sentence")
    with gr.Row():
        as_characters = gr.HighlightedText(
            label="Characters", show_legend=False, elem_id="characters"
        )
        as_pieces = gr.HighlightedText(
            label="Byte-pair encoding, learned from this very text",
            show_legend=False,
            elem_id="pieces",
        )
    counts = gr.Textbox(label="Counts", interactive=False, elem_id="counts")
    explanations(desk.service, "data")

    async def listed(key: str, chosen: str | None) -> Any:
        answer = await desk.ask("datasets", datasets, key)
        choices = [
            (f"{one.title}{' · offline' if one.offline else ' · downloaded once'}", one.name)
            for one in answer.sources
        ] + [(f"{one.name} · yours", one.source) for one in answer.uploads]
        return gr.Dropdown(choices, value=chosen)

    async def chosen(key: str, name: str) -> tuple[str, str]:
        try:
            change = {"data": {"source": name}}
            await desk.ask("set_config", set_config, key, config=change)
            answer = await desk.ask("datasets", datasets, key)
        except GTTError as error:
            return sentence_of(error), ""
        for one in answer.sources:
            if one.name == name:
                size = "" if one.megabytes is None else f" {one.megabytes:g} MB."
                return "", f"{one.description}{size} Licence: {one.licence}. {one.citation}"
        return "", "Your text." if name.startswith("upload:") else "A data set of the Hub."

    async def brought(key: str, path: str | None) -> tuple[str, Any]:
        if path is None:
            return "", gr.Dropdown()
        try:
            caller, request = begin(
                desk.service, "upload", None, workspace=key, name=Path(path).name
            )
            info = await upload(caller, request, _pieces(Path(path)))
        except GTTError as error:
            return sentence_of(error), gr.Dropdown()
        return "", await listed(key, info.source)

    async def cut(text: str, key: str) -> tuple[Any, Any, str]:
        if not text:
            return [], [], ""
        try:
            fine = await desk.ask("tokenize", tokenize, key, text=text, tokenizer="char")
            coarse = await desk.ask("tokenize", tokenize, key, text=text, tokenizer="bpe")
        except GTTError as error:
            return [], [], sentence_of(error)
        words = (
            f"{fine.characters:,} characters: {fine.count:,} tokens as characters, "
            f"{coarse.count:,} as byte pairs, {coarse.characters_per_token:.2f} characters each."
        )
        return _coloured(fine.tokens), _coloured(coarse.tokens), words

    source.input(chosen, [desk.key, source], [desk.message, about], **PRIVATE)
    file.upload(brought, [desk.key, file], [desk.message, source], **PRIVATE).then(
        chosen, [desk.key, source], [desk.message, about], **PRIVATE
    )
    cuts = [as_characters, as_pieces, counts]
    sentence.change(cut, [sentence, desk.key], cuts, trigger_mode="always_last", **PRIVATE)
    desk.controls["data.source"] = source
    return {
        "source": source,
        "listed": listed,
        "chosen": chosen,
        "about": about,
        "cut": cut,
        "sentence": sentence,
        "cuts": cuts,
    }


def _coloured(tokens: Any) -> list[tuple[str, str]]:
    """Tokens with what makes them visible: a space and a newline have a picture."""
    return [
        (token.text.replace(" ", "␣").replace("\n", "↵"), str(token.id)) for token in tokens[:400]
    ]


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(CHUNK):
            yield piece
