"""The page: recipes, five tabs, and a live view of the run that is looked at.

Everything on it goes through the table of endpoints, as any script would.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from gtt.api.endpoints.configuration import get_config, recipes, set_config
from gtt.api.endpoints.runs import read_run, status
from gtt.api.gradio_adapter import add_endpoints
from gtt.api.labels import LABELS
from gtt.api.links import TABS, link_of
from gtt.api.schemas import Nothing
from gtt.api.service import Service
from gtt.api.workspaces import new_key
from gtt.ui.address import Asked
from gtt.ui.concept_texts import things
from gtt.ui.desk import PRIVATE, GTTError, PageDesk, sentence_of, told
from gtt.ui.draft import SHOWN, keep_draft, keep_shown, telling
from gtt.ui.events import without_echoes
from gtt.ui.tabs.attention import attention_tab
from gtt.ui.tabs.data import data_tab
from gtt.ui.tabs.generation import generation_tab
from gtt.ui.tabs.model import model_tab
from gtt.ui.tabs.training import take_settings, training_tab
from gtt.ui.views import calling, view

ON_CARDS = {"name", "title", "summary", "measured", "seconds_here", "lacks_gpu"}
TITLE = "# GTT\nTrain a small GPT from scratch and watch it learn."


def build(service: Service) -> gr.Blocks:
    """The page and every endpoint; `launch` it with `app.py`."""
    with gr.Blocks(title="GTT", analytics_enabled=False, delete_cache=(600, 3600)) as demo:
        demo.space_id = None  # or Gradio adds a badge, whose picture and fonts are on other hosts
        add_endpoints(service)  # first, so that the table has its names to itself
        key = gr.BrowserState("", storage_key="gtt-workspace", secret="gtt")
        with gr.Row(elem_id="head"):
            gr.Markdown(TITLE, elem_id="title")
            view("glossary", elem_id="glossary", padding=False)
        # Its value is the sentence, empty where all is well.
        message = view("message", value="", elem_id="message")
        desk = PageDesk(service, key, message)
        # As a desk without runs sees them.
        listed = recipes(service.caller(None), Nothing()).recipes
        # It tells of a choice with its `recipe`; the same card again begins the draft anew as well.
        cards = view(
            "recipes",
            events=("picked",),
            value=[one.model_dump(mode="json", include=ON_CARDS) for one in listed],
            elem_id="recipe",
        )
        with gr.Row(elem_id="actions"):
            start = gr.Button("Start training", variant="primary", elem_id="start", scale=3)
            gr.Button("Stop and save", elem_id="stop", scale=1, min_width=120)
            copy = gr.Button("Copy link", elem_id="copy", scale=1, min_width=120)
        # It keeps up with the run for all the others: its value is `{"workspace", "run"}`.
        progress = view("progress", events=("looked",), elem_id="progress")
        unseen: dict[str, Any] = {"elem_classes": "gtt-unseen", "padding": False}
        view("tips", elem_id="tips", **unseen, **things())
        most = service.limits.upload_bytes
        fields = view("fields", events=("returned",), elem_id="fields", most=most, **unseen)
        view("actions", elem_id="run-actions", **unseen)
        # Hidden fields and no gr.State: that would keep a connection open for each tab of a
        # browser, which has six of them for all.
        run, address = gr.Textbox("", visible=False), gr.Textbox("", visible=False)
        filled, on_screen = gr.Textbox("", visible=False), gr.Textbox("", visible=False)
        refused = gr.JSON(visible=False)
        asked = Asked(desk)
        with gr.Tabs(selected="training", elem_id="tabs", overflow_behavior="wrap") as tabs:
            with gr.Tab("Data", id="data"):
                texts = data_tab(desk)
            with gr.Tab("Model", id="model"):
                model_tab(desk)
            with gr.Tab("Training", id="training"):
                shown = training_tab(desk, run, progress)
            with gr.Tab("Generation", id="generation"):
                generation_tab()
            with gr.Tab("Attention", id="attention"):
                attention_tab()
        keep_draft(desk, refused, asked)

        async def pick(workspace: str, was_asked: str, event: gr.EventData) -> list[Any]:
            """Begins the draft anew from a recipe."""
            try:
                (recipe,) = told(event, "recipe")
                asked.leave(was_asked)
                answer = await desk.ask("set_config", set_config, workspace, recipe=recipe)
            except GTTError as error:
                return [sentence_of(error), *(gr.skip() for _ in desk.controls)]
            return ["", *desk.values_of(answer.config)]

        def looked(event: gr.EventData) -> Any:
            """The run that the page turned to by itself, for what asks Python about it."""
            try:
                return str(told(event, "run")[0])
            except GTTError:  # sent by something else than our script
                return gr.skip()

        async def keep_on_screen(workspace: str, values: str, was_asked: str) -> str:
            """Makes the draft what is on the screen, which is what a run elsewhere will train."""
            try:
                await asked.keep(workspace, was_asked)
                await keep_shown(desk, workspace, values)
            except GTTError as error:
                return sentence_of(error)
            return ""

        async def use_settings(workspace: str, looked_at: str, was_asked: str) -> str:
            try:
                asked.leave(was_asked)
                await take_settings(desk, workspace, looked_at)
            except GTTError as error:
                return sentence_of(error)
            return ""

        async def open_page(workspace: str, http: gr.Request) -> tuple[str, str, Any, Any, str]:
            """The key, the run to look at, what is wrong with the address, its tab and settings."""
            workspace = workspace or new_key()
            query, wanted = http.query_params, ""
            tab = query.get("tab")
            said: Any = gr.skip()  # whoever was quicker than this has a message already
            try:
                wanted = await asked.of(query, workspace)
            except GTTError as error:
                said = sentence_of(error)
            current = (await desk.ask("status", status, workspace)).run
            looked_at = query.get("run") or ""
            try:
                await desk.ask("read_run", read_run, workspace, run_id=looked_at)
            except GTTError:  # none in the address, or of another desk, or deleted
                looked_at = current.id if current else ""
            tabs = gr.Tabs(selected=tab if tab in TABS else "training")
            return workspace, looked_at, said, tabs, wanted

        async def keep_asked(workspace: str, was_asked: str) -> Any:
            """A person does something: what the address asked for is the draft from now on."""
            try:
                await asked.keep(workspace, was_asked)
            except GTTError as error:
                return sentence_of(error)
            return gr.skip()

        async def fill(workspace: str, was_asked: str) -> list[Any]:
            try:
                draft = await asked.shown(workspace, was_asked)
            except GTTError:  # what came back from the browser is not what was sent there
                draft = await asked.shown(workspace, "")
            return ["yes", *desk.values_of(draft)]

        async def link(workspace: str) -> str:
            answer = await desk.ask("get_config", get_config, workspace)
            return link_of(answer.config, listed)

        controls = list(desk.controls.values())
        cards.picked(pick, [key, asked.text], [message, *controls], **PRIVATE)
        labels = {setting: LABELS[setting] for setting in desk.controls}
        begin = calling("start", labels, module="lib/changes.js")
        start.click(None, [filled, *controls], None, js=begin, api_visibility="private")
        progress.looked(looked, None, run, **PRIVATE)  # and no word back: the page may be further
        if shown.jobs is not None:
            shown.jobs.kept(
                None, [filled, *controls], on_screen, js=SHOWN, api_visibility="private"
            ).then(keep_on_screen, [key, on_screen, asked.text], message, **PRIVATE)
        refill = [filled, *controls]
        used = shown.use.click(use_settings, [key, run, asked.text], message, **PRIVATE).then(
            fill, [key, asked.text], refill, **PRIVATE
        )
        looked_again = fields.returned(fill, [key, asked.text], refill, **PRIVATE)
        for event in (used, looked_again):  # its recipe may be another one and its values the same
            event.then(None, None, None, **telling(None))
        kept = asked.done(keep_asked, [key, asked.text], [message])
        kept.then(None, None, None, js=calling("tellKept"), api_visibility="private")
        copy.click(link, key, address, **PRIVATE).then(
            None, address, None, js=calling("copyLink"), api_visibility="private"
        )
        opened = demo.load(open_page, key, [key, run, message, tabs, asked.text], **PRIVATE)
        opened.then(None, asked.text, None, js=calling("tellOpened"), api_visibility="private")
        shown.after(opened)
        opened.then(fill, [key, asked.text], refill, **PRIVATE).then(
            texts["listed"], [key, texts["source"]], texts["source"], **PRIVATE
        ).then(texts["words"], [key, texts["source"]], [message, texts["about"]], **PRIVATE)
    without_echoes(demo)
    return demo
