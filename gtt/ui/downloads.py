"""Taking a run home: buttons for its metrics, its curves as a figure, the whole of it."""

from __future__ import annotations

import html

import gradio as gr

from gtt.api.endpoints.runs import status
from gtt.exports.formats import FORMATS, Format
from gtt.ui.assets import static_text
from gtt.ui.desk import PageDesk


def download_buttons(desk: PageDesk) -> gr.HTML:
    """The component; its value is `{"workspace": key, "run": id or None}`.

    No file is laid into Gradio's cache, which all visitors share: the browser fetches it from the
    interface with the key of its desk.
    """
    return gr.HTML(
        value=None,
        html_template=static_text("downloads.html").replace("@EXPORTS@", _exports()),
        css_template=static_text("downloads.css"),
        js_on_load=static_text("downloads.js"),
        server_functions=[desk.asking("status", "status", status)],
        elem_id="downloads",
        shared=desk.service.limits.shared_desk,
    )


WEIGHTS = """
    <label>weights of <select data-part="weights"><option value="auto">16 bits, 8 if large</option>
      <option value="fp16">16 bits</option><option value="int8">8 bits</option></select></label>"""


def _choice(form: Format) -> str:
    """What a person may choose of a format."""
    return WEIGHTS if form.name == "pocket" else ""


def _spoken(form: Format) -> str:
    """The name of a format's button, which shows only its ending."""
    return form.title if form.title == form.sort else f"{form.title} ({form.sort})"


def _exports() -> str:
    """A row for each format beside the folder for transformers, which the page has already."""
    return "\n".join(
        f"""  <div class="group" role="group" aria-label="{html.escape(form.title)}">
    <span class="title">{html.escape(form.title)}</span>
    <button type="button" data-file="{form.name}"
      aria-label="{html.escape(_spoken(form))}">{form.sort}</button>{_choice(form)}
    <span class="about">{html.escape(form.about)}</span>
  </div>"""
        for form in FORMATS.values()
        if form.name != "transformers"
    )
