"""The page: recipes, five tabs, and a live view of the run that is looked at.

Everything on it goes through the table of endpoints, as any script would.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from gtt.api.endpoints.configuration import get_config, set_config
from gtt.api.endpoints.runs import stop, train
from gtt.api.gradio_adapter import add_endpoints
from gtt.api.service import Service
from gtt.api.workspaces import new_key
from gtt.ui.desk import PRIVATE, GTTError, PageDesk, sentence_of
from gtt.ui.draft import keep_draft, recipe_choices, shown_draft, words_of
from gtt.ui.links import TABS, changes_in, link_of
from gtt.ui.tabs.attention import attention_tab
from gtt.ui.tabs.data import data_tab
from gtt.ui.tabs.generation import generation_tab
from gtt.ui.tabs.model import model_tab
from gtt.ui.tabs.training import training_tab

COPY = """(query) => {
  const link = `${location.origin}${location.pathname}?${query}`;
  if (navigator.clipboard) navigator.clipboard.writeText(link);
  history.replaceState(null, "", link);
}"""
TITLE = "# GTT\nTrain a small GPT from scratch and watch it learn."


def build(service: Service) -> gr.Blocks:
    """The page and every endpoint; `launch` it with `app.py`."""
    with gr.Blocks(title="GTT", analytics_enabled=False, delete_cache=(600, 3600)) as demo:
        add_endpoints(service)  # first, so that the table has its names to itself
        key = gr.BrowserState("", storage_key="gtt-workspace", secret="gtt")
        gr.Markdown(TITLE, elem_id="title")
        listed = recipe_choices(service)
        with gr.Row():
            with gr.Column(scale=3):
                recipe = gr.Radio(
                    [(one.title, one.name) for one in listed],
                    value=listed[0].name,
                    label="Recipe",
                    info="A recipe fills every setting; change what you like afterwards.",
                    elem_id="recipe",
                )
                about = gr.Textbox(
                    words_of(listed[0]),
                    show_label=False,
                    interactive=False,
                    lines=2,
                    elem_id="about-recipe",
                    container=False,
                )
            with gr.Column(scale=1, min_width=180):
                start = gr.Button("Start training", variant="primary", size="lg", elem_id="start")
                halt = gr.Button("Stop and save", elem_id="stop")
                copy = gr.Button("Copy a link to these settings", elem_id="copy", size="sm")
                address = gr.Textbox(visible=False)
        message = gr.Textbox(
            "",
            label="What went wrong",
            show_label=False,
            container=False,
            interactive=False,
            placeholder=" ",
            elem_id="message",
        )
        desk = PageDesk(service, key, message)
        with gr.Tabs(selected="training", elem_id="tabs") as tabs:
            with gr.Tab("Data", id="data"):
                texts = data_tab(desk)
            with gr.Tab("Model", id="model"):
                model_tab(desk)
            with gr.Tab("Training", id="training"):
                runs = training_tab(desk)
            with gr.Tab("Generation", id="generation"):
                generation_tab(desk, runs["runs"])
            with gr.Tab("Attention", id="attention"):
                attention_tab(desk, runs["runs"])
        keep_draft(desk, recipe, about)

        async def start_run(workspace: str) -> tuple[str, str | None, Any]:
            try:
                answer = await desk.ask("train", train, workspace, action="start")
            except GTTError as error:
                return sentence_of(error), None, gr.Tabs(selected="training")
            return "", answer.run.id, gr.Tabs(selected="training")

        async def stop_run(workspace: str) -> str:
            try:
                await desk.ask("stop", stop, workspace)
            except GTTError as error:
                return sentence_of(error)
            return ""

        async def open_page(workspace: str, http: gr.Request) -> tuple[str, str, Any]:
            """The key, what the address asked for that cannot be, and the tab to begin with."""
            workspace = workspace or new_key()
            asked = http.query_params
            tab = asked.get("tab")
            said = ""
            try:
                settings = changes_in(asked.getlist("set"))
                if settings or asked.get("recipe"):
                    await desk.ask(
                        "set_config",
                        set_config,
                        workspace,
                        recipe=asked.get("recipe"),
                        config=settings or None,
                    )
            except GTTError as error:
                said = sentence_of(error)
            return workspace, said, gr.Tabs(selected=tab if tab in TABS else "training")

        async def fill(workspace: str) -> list[Any]:
            return await shown_draft(desk, workspace)

        async def link(workspace: str) -> str:
            answer = await desk.ask("get_config", get_config, workspace)
            return link_of(answer.config, listed)

        here = [key, runs["runs"]]
        began = start.click(start_run, key, [message, runs["runs"], tabs], **PRIVATE)
        began.then(runs["list_again"], here, runs["runs"], **PRIVATE).then(
            runs["looking_at"], here, runs["live"], **PRIVATE
        )
        halt.click(stop_run, key, message, **PRIVATE)
        copy.click(link, key, address, **PRIVATE).then(
            None, address, None, js=COPY, api_visibility="private"
        )
        opened = demo.load(open_page, key, [key, message, tabs], **PRIVATE)
        opened.then(runs["list_again"], here, runs["runs"], **PRIVATE).then(
            runs["looking_at"], here, runs["live"], **PRIVATE
        )
        opened.then(fill, key, list(desk.controls.values()), **PRIVATE).then(
            texts["listed"], [key, texts["source"]], texts["source"], **PRIVATE
        ).then(texts["chosen"], [key, texts["source"]], [message, texts["about"]], **PRIVATE)
        opened.then(texts["cut"], [texts["sentence"], key], texts["cuts"], **PRIVATE)
    return demo
