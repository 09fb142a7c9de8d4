"""Views of the page: components whose template, style and script are a folder of `gtt/web/views`.

A view's script is an ES module. Gradio runs one line that imports it and hands it the element, the
values that come from Python, and the ways to hear of a new value and to send an event.
"""

from __future__ import annotations

import json
from typing import Any

import gradio as gr

from gtt.ui.assets import WEB, front_end

# What is not listened to yet takes no click. The tab is seen when all of its views have their room:
# what a script fills would push down what stands below it.
MOUNT = """\
// Events: EVENTS
const place = element.closest('[role="tabpanel"]') || element;
element.inert = true;
place.awaited = (place.awaited || 0) + 1;
place.style.visibility = "hidden";
import(new URL("ADDRESS", document.baseURI))
  .then((view) => view.mount(element, { props, watch, trigger }))
  .finally(() => {
    element.inert = false;
    place.awaited -= 1;
    if (!place.awaited) place.style.visibility = "";
  })"""


def calling(function: str, *values: Any, module: str = "lib/page.js") -> str:
    """A script for `js=` that calls a function of a module of `gtt/web`.

    It gets `values`, and then what Gradio hands to the script.
    """
    given = ", ".join([*(json.dumps(value) for value in values), "...given"])
    address = front_end().address(module)
    return (
        f'(...given) => import(new URL("{address}", document.baseURI))'
        f".then((module) => module.{function}({given}))"
    )


def view(name: str, *, events: tuple[str, ...] = (), value: Any = None, **more: Any) -> gr.HTML:
    """The component of `gtt/web/views/<name>`; `events` are what its script may send to Python.

    `more` goes to `gr.HTML`: the element's id, and what the script gets as `props` from the start.
    """
    named = ", ".join(json.dumps(event) for event in events)  # Gradio looks for names in quotes
    address = front_end().address(f"views/{name}/main.js")
    return gr.HTML(
        value=value,
        html_template=(WEB / "views" / name / "view.html").read_text(encoding="utf-8"),
        js_on_load=MOUNT.replace("EVENTS", named).replace("ADDRESS", address),
        **more,
    )
