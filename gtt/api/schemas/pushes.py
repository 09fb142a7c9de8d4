"""Pushes to the Hugging Face Hub."""

from __future__ import annotations

from pydantic import Field

from gtt.api.schemas.base import OfRun, Response
from gtt.hub.push_state import PushForm, Stage


class PushRun(OfRun):
    """The best checkpoint of a run, to the Hub."""

    repo: str = Field(
        max_length=200,
        description="Where it shall go, USER/NAME: a new name, or one that this run went to.",
        examples=["anna/tales-gpt"],
    )
    private: bool = Field(False, description="Only you can see it.")
    format: PushForm = Field(
        "transformers",
        description="`transformers` is the model with its card; `pocket` the pocket model as a "
        "static Space, a page that everybody can open.",
    )
    token: str | None = Field(
        None,
        max_length=10_000,
        description="A token of the Hub that may write. It is kept nowhere. Left out, whoever is "
        "signed in is meant: with Hugging Face on a Space, with `hf auth login` on your own "
        "computer.",
    )


class PushInfo(Response):
    """How a push stands. Sizes in bytes, times in seconds."""

    stage: Stage = Field(
        description="`failed` needs something else than before; `broken` is done again by the same "
        "call, which goes on where it was, and so is `cancelled`."
    )
    repo: str
    format: PushForm
    private: bool
    step: int | None = Field(description="Of the checkpoint.")
    bytes_sent: int
    bytes_kept: int = Field(description="What had arrived before and is not sent again.")
    bytes_total: int | None
    seconds_left: float | None
    url: str | None = Field(description="The model or the Space on the Hub, once it is there.")
    qr: str | None = Field(
        description="The link to a Space as a QR code for telephones, an SVG element."
    )
    message: str | None = Field(description="What went wrong or has to be known, in a sentence.")


class PushResponse(Response):
    """The last push of a run, or null."""

    push: PushInfo | None
    has_login: bool = Field(
        description="Whether this computer is signed in to the Hub for whoever uses it, so that no "
        "token is needed."
    )
