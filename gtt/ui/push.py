"""Publishing the model of a run on the Hugging Face Hub, from the page."""

from __future__ import annotations

import os
import time
from typing import Any

import gradio as gr

from gtt.api.endpoints.pushes import push_to_hub
from gtt.ui.desk import PRIVATE, GTTError, PageDesk, sentence_of, told
from gtt.ui.views import view


def can_sign_in() -> bool:
    """Whether visitors can sign in with Hugging Face: a Space with `hf_oauth: true`."""
    return gr.utils.get_space() is not None and bool(os.environ.get("OAUTH_CLIENT_ID"))


def push_view(desk: PageDesk) -> gr.HTML:
    """The component. A push begins by an event, which knows who is signed in; its value answers.

    How a push stands is asked of the server, which reads it from the disk: so it is shown again
    after a reload, and in every tab.
    """
    component = view("push", events=("pushed",), elem_id="push", sign_in=can_sign_in())
    if can_sign_in():
        gr.LoginButton("Sign in with Hugging Face", size="md", elem_id="sign-in")

    async def push(
        key: str, event: gr.EventData, signed_in: gr.OAuthToken | None
    ) -> dict[str, Any]:
        """Starts a push; what the view shows then. A token goes no further than to the push."""
        refused = None
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
        return {"refused": refused, "asked": time.time()}

    component.pushed(push, desk.key, component, **PRIVATE)
    return component
