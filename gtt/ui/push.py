"""Publishing the model of a run on the Hugging Face Hub, from the page."""

from __future__ import annotations

import os
import time
from typing import Any

import gradio as gr

from gtt.api.endpoints.pushing import cancel_push, push_status, push_to_hub
from gtt.api.endpoints.runs import status
from gtt.ui.assets import static_text
from gtt.ui.desk import PRIVATE, GTTError, PageDesk, sentence_of, told


def can_sign_in() -> bool:
    """Whether visitors can sign in with Hugging Face: a Space with `hf_oauth: true`."""
    return gr.utils.get_space() is not None and bool(os.environ.get("OAUTH_CLIENT_ID"))


def push_view(desk: PageDesk) -> gr.HTML:
    """The component; its value is `{"workspace": key, "run": id or None}`.

    How a push stands is asked of the server, which reads it from the disk: so it is shown again
    after a reload, and in every tab.
    """
    view = gr.HTML(
        value=None,
        html_template=static_text("push.html"),
        css_template=static_text("push.css"),
        js_on_load=static_text("push.js"),
        server_functions=[
            desk.asking("push_status", "push_status", push_status, "run_id"),
            desk.asking("status", "status", status),
        ],
        elem_id="push",
        sign_in=can_sign_in(),
        strangers=desk.service.limits.for_strangers,
    )
    if can_sign_in():
        gr.LoginButton("Sign in with Hugging Face", size="md", elem_id="sign-in")

    async def push(
        key: str, event: gr.EventData, signed_in: gr.OAuthToken | None
    ) -> dict[str, Any]:
        """Starts a push; what the view shows then. A token goes no further than to the push."""
        run, refused = "", None
        try:
            run, repo, form, private, token = told(
                event, "run", "repo", "format", "private", "token"
            )
            token = token or (signed_in.token if signed_in is not None else None)
            await desk.ask(
                "push_to_hub",
                push_to_hub,
                key,
                run_id=run,
                repo=repo,
                format=form,
                private=private,
                token=token,
            )
        except GTTError as error:
            refused = {"message": sentence_of(error), "field": getattr(error, "field", None)}
        return {"workspace": key, "run": run or None, "refused": refused, "asked": time.time()}

    async def cancel(key: str, event: gr.EventData) -> dict[str, Any]:
        """Ends a push; how that went is read from its state."""
        run, refused = "", None
        try:
            (run,) = told(event, "run")
            await desk.ask("cancel_push", cancel_push, key, run_id=run)
        except GTTError as error:
            refused = {"message": sentence_of(error), "field": None}
        return {"workspace": key, "run": run or None, "refused": refused, "asked": time.time()}

    view.pushed(push, desk.key, view, **PRIVATE)
    view.cancelled(cancel, desk.key, view, **PRIVATE)
    return view
