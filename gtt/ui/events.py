"""Events of the page that Gradio would repeat without end."""

from __future__ import annotations

import gradio as gr


def without_echoes(demo: gr.Blocks) -> None:
    """Leaves an event at most one listener that Gradio calls again with the last of many events.

    Such a listener (`trigger_mode="always_last"`) is called again by sending the whole event anew,
    to all of its listeners. Two of them that are late by turns so call each other for ever: a page
    on a slow machine took a whole core, and its server a request every few milliseconds. Listeners
    after the first take every event as it comes instead.
    """
    taken: set[tuple[int | None, str]] = set()
    for listener in demo.fns.values():
        if listener.trigger_mode != "always_last":
            continue
        if taken.intersection(listener.targets):
            listener.trigger_mode = "multiple"
        taken.update(listener.targets)
