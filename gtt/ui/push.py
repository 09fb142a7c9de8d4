"""Publishing the model of a run on the Hugging Face Hub, from the page."""

from __future__ import annotations

import os

import gradio as gr

from gtt.runs.limits import is_on_space
from gtt.ui.views import view


def can_sign_in() -> bool:
    """Whether visitors can sign in with Hugging Face: a Space with `hf_oauth: true`."""
    return is_on_space() and bool(os.environ.get("OAUTH_CLIENT_ID"))


def push_view() -> None:
    """The view, and the button by which a visitor signs in where that is possible."""
    view("push", elem_id="push", sign_in=can_sign_in())
    if can_sign_in():
        gr.LoginButton("Sign in with Hugging Face", size="md", elem_id="sign-in")
