"""The page: recipes, five tabs, and a live view of the run that is looked at.

Everything on it goes through the table of endpoints, as any script would.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from gtt.api.endpoints.configuration import get_config, set_config
from gtt.api.endpoints.runs import status, stop
from gtt.api.gradio_adapter import add_endpoints
from gtt.api.service import Service
from gtt.api.workspaces import new_key
from gtt.ui.cards import cards_value, recipe_cards, recipe_choices
from gtt.ui.desk import PRIVATE, GTTError, PageDesk, sentence_of, told
from gtt.ui.draft import keep_draft, shown_draft
from gtt.ui.links import TABS, changes_in, link_of, nearest_recipe
from gtt.ui.message import message_view
from gtt.ui.tabs.attention import attention_tab
from gtt.ui.tabs.data import data_tab
from gtt.ui.tabs.generation import generation_tab
from gtt.ui.tabs.model import model_tab
from gtt.ui.tabs.training import PLANNED, training_tab

COPY = """async (query) => {
  const tab = document.querySelector('#tabs [role="tab"][aria-selected="true"]');
  const open = tab ? `&tab=${tab.textContent.trim().toLowerCase()}` : "";
  const link = `${location.origin}${location.pathname}?${query}${open}`;
  const button = document.querySelector("#copy"), words = button.textContent;
  try {
    await navigator.clipboard.writeText(link);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = words; }, 2000);
  } catch (error) {
    window.prompt("The link to these settings:", link);
  }
}"""
# What the address asked for is done: a reload must not undo what was changed since.
APPLIED = """() => {
  const address = new URL(location.href);
  for (const name of ["recipe", "set", "tab"]) address.searchParams.delete(name);
  history.replaceState(null, "", address);
}"""
TITLE = "# GTT\nTrain a small GPT from scratch and watch it learn."


def build(service: Service) -> gr.Blocks:
    """The page and every endpoint; `launch` it with `app.py`."""
    with gr.Blocks(title="GTT", analytics_enabled=False, delete_cache=(600, 3600)) as demo:
        add_endpoints(service)  # first, so that the table has its names to itself
        key = gr.BrowserState("", storage_key="gtt-workspace", secret="gtt")
        gr.Markdown(TITLE, elem_id="title")
        listed = recipe_choices(service)
        cards = recipe_cards(listed)
        with gr.Row(elem_id="actions"):
            start = gr.Button("Start training", variant="primary", elem_id="start", scale=3)
            halt = gr.Button("Stop and save", elem_id="stop", scale=1)
            copy = gr.Button("Copy a link to these settings", elem_id="copy", scale=1)
        message = message_view()
        # Hidden fields and no gr.State: that would keep a connection open for each tab of a
        # browser, which has six of them for all.
        run, address = gr.Textbox("", visible=False), gr.Textbox("", visible=False)
        desk = PageDesk(service, key, message)
        with gr.Tabs(selected="training", elem_id="tabs", overflow_behavior="wrap") as tabs:
            with gr.Tab("Data", id="data"):
                texts = data_tab(desk)
            with gr.Tab("Model", id="model"):
                model_tab(desk, run)
            with gr.Tab("Training", id="training"):
                shown = training_tab(desk, run)
            with gr.Tab("Generation", id="generation"):
                generation_tab(desk, run)
            with gr.Tab("Attention", id="attention"):
                attention_tab(desk, run)
        saved = keep_draft(desk)

        async def pick(workspace: str, event: gr.EventData) -> list[Any]:
            """Begins the draft anew from a recipe."""
            try:
                (recipe,) = told(event, "recipe")
                answer = await desk.ask("set_config", set_config, workspace, recipe=recipe)
            except GTTError as error:
                return [sentence_of(error), *(gr.skip() for _ in desk.controls)]
            return ["", *desk.values_of(answer)]

        async def start_run(workspace: str) -> tuple[str, str, Any]:
            said, begun = await shown.act("train", workspace, "")
            return said, begun, gr.Tabs(selected="training")

        async def stop_run(workspace: str) -> str:
            try:
                await desk.ask("stop", stop, workspace)
            except GTTError as error:
                return sentence_of(error)
            return ""

        async def open_page(workspace: str, http: gr.Request) -> tuple[str, str, Any, Any]:
            """The key, the run to look at, what the address asked in vain, the first tab."""
            workspace = workspace or new_key()
            asked = http.query_params
            tab = asked.get("tab")
            said: Any = gr.skip()  # whoever was quicker than this has a message already
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
            current = (await desk.ask("status", status, workspace)).run
            tabs = gr.Tabs(selected=tab if tab in TABS else "training")
            return workspace, current.id if current else "", said, tabs

        async def fill(workspace: str) -> list[Any]:
            answer = await desk.ask("get_config", get_config, workspace)
            nearest = nearest_recipe(answer.config, listed)
            return [cards_value(listed, nearest), *await shown_draft(desk, workspace)]

        async def link(workspace: str) -> str:
            answer = await desk.ask("get_config", get_config, workspace)
            return link_of(answer.config, listed)

        controls = list(desk.controls.values())
        picked = cards.picked(pick, key, [message, *controls], **PRIVATE)
        for setting in (picked, *(saved[f"training.{name}"] for name in PLANNED)):
            setting.then(shown.plan, key, shown.schedule, **PRIVATE)
        shown.after(start.click(start_run, key, [message, run, tabs], **PRIVATE))
        halt.click(stop_run, key, message, **PRIVATE)
        copy.click(link, key, address, **PRIVATE).then(
            None, address, None, js=COPY, api_visibility="private"
        )
        opened = demo.load(open_page, key, [key, run, message, tabs], **PRIVATE)
        opened.then(None, js=APPLIED, api_visibility="private")
        shown.after(opened)
        opened.then(shown.plan, key, shown.schedule, **PRIVATE)
        opened.then(fill, key, [cards, *controls], **PRIVATE).then(
            texts["listed"], [key, texts["source"]], texts["source"], **PRIVATE
        ).then(texts["told_of"], [key, texts["source"]], [message, texts["about"]], **PRIVATE)
        opened.then(texts["cut"], [texts["sentence"], key], texts["cuts"], **PRIVATE)
    return demo
