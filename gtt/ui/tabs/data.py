"""The Data tab: which text, what is in it, and how it becomes tokens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import gradio as gr

from gtt.api.endpoints.configuration import get_config, set_config
from gtt.api.endpoints.data import datasets, upload
from gtt.api.gradio_adapter import begin
from gtt.api.schemas import SourceInfo
from gtt.api.schemas.texts import OfSource
from gtt.errors import GTTError
from gtt.ui.controls import controls
from gtt.ui.desk import PRIVATE, PageDesk, sentence_of
from gtt.ui.views import view

SENTENCE = "Once a wise boy named Emil lived in a tower by the meadow."
SHOWN = tuple(OfSource.model_fields)  # settings that decide what the views of the text show
CHUNK = 2**16
# What the views are told, put together in the browser: a keystroke alone asks the server nothing.
TELL = """(text, ...values) => {
  const names = NAMES, data = {};
  values.forEach((value, i) => { if (value !== null && value !== "") data[names[i]] = value; });
  const told = { text, data };
  return [told, told, told];
}""".replace("NAMES", str(list(SHOWN)))


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
            about = gr.Textbox(
                label="About it",
                interactive=False,
                lines=4,
                max_lines=4,  # as high before it is filled: what stands below stays where it is
                elem_id="about-source",
            )
            file = gr.File(
                label="Bring your own text (.txt .md .csv .tsv .json .jsonl .parquet)",
                file_count="single",
                elem_id="upload",
                height=140,
            )
        with gr.Column(scale=1):
            desk.controls |= controls(desk.service, "reading")
    gr.Markdown("## The text")
    told = {
        "text": SENTENCE,
        "data": {},
    }  # the settings are the draft's, before controls are filled
    seen = view("text/preview", elem_id="text-preview", padding=False, value=told)
    gr.Markdown("## A sentence as tokens")
    sentence = gr.Textbox(
        SENTENCE,
        label="Write here",
        info="Cut into tokens while you type, by tokenizers that learned from the text above",
        lines=2,
        elem_id="sentence",
    )
    tokens = view("text/tokens", elem_id="text-tokens", padding=False, value=told)
    gr.Markdown("## Byte-pair encoding, merge by merge")
    merges = view("text/merges", elem_id="text-merges", padding=False, value=told)

    async def listed(key: str, chosen: str | None) -> Any:
        answer = await desk.ask("datasets", datasets, key)
        choices = [(_name_of(one), one.name) for one in answer.sources]
        choices += [(f"{one.name} · yours", one.source) for one in answer.uploads]
        return gr.Dropdown(choices, value=chosen)

    async def chosen(key: str, name: str) -> tuple[str, str]:
        """Keeps a text that was chosen; what there is to say about it."""
        try:
            await desk.ask("set_config", set_config, key, config={"data": {"source": name}})
        except GTTError as error:
            return sentence_of(error), ""
        return await about_text(key, name)

    async def about_text(key: str, name: str) -> tuple[str, str]:
        try:
            draft = await desk.ask("get_config", get_config, key)
            answer = await desk.ask("datasets", datasets, key)
        except GTTError as error:
            return sentence_of(error), ""
        for one in answer.sources:
            if one.name == name:
                most = draft.config.data.max_megabytes or one.megabytes
                size = "" if most is None else f" A run reads {most:.3g} MB of it."
                return "", f"{one.description}{size} Licence: {one.licence}. {one.citation}"
        return "", "Your text." if name.startswith("upload:") else "A data set of the Hub."

    async def brought(key: str, path: str | None) -> tuple[str, Any, None]:
        """Lays a text on the desk; the box it was dropped into is empty again afterwards."""
        if path is None:
            return "", gr.Dropdown(), None
        try:
            caller, request = begin(
                desk.service, "upload", None, workspace=key, name=Path(path).name
            )
            info = await upload(caller, request, _pieces(Path(path)))
        except GTTError as error:
            return sentence_of(error), gr.Dropdown(), None
        return "", await listed(key, info.source), None

    async def told_of(key: str, name: str) -> tuple[Any, Any]:
        """As `chosen`; a message that stands there already stays."""
        said, words = await chosen(key, name)
        return said or gr.skip(), words

    async def words(key: str, name: str) -> tuple[Any, Any]:
        """What there is to say about the text that is shown; nothing is kept."""
        said, about = await about_text(key, name)
        return said or gr.skip(), about

    source.input(chosen, [desk.key, source], [desk.message, about], **PRIVATE)
    file.upload(brought, [desk.key, file], [desk.message, source, file], **PRIVATE).then(
        told_of, [desk.key, source], [desk.message, about], **PRIVATE
    )
    desk.controls["data.source"] = source
    settings = [desk.controls[f"data.{name}"] for name in SHOWN]
    gr.on(
        [sentence.change, *(setting.change for setting in settings)],
        None,
        [sentence, *settings],
        [seen, tokens, merges],
        js=TELL,
        api_visibility="private",
    )
    return {
        "source": source,
        "listed": listed,
        "words": words,
        "about": about,
    }


def _name_of(source: SourceInfo) -> str:
    """A source in the list, with a mark for whether it needs the network."""
    if source.offline:
        return f"{source.title} · offline"
    if source.is_here:
        return f"{source.title} · on this machine"
    size = "" if source.megabytes is None else f"{source.megabytes:.3g} MB, "
    return f"{source.title} · {size}downloaded once"


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(CHUNK):
            yield piece
