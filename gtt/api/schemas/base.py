"""Base classes of requests and responses."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from gtt.settings import Settings

MAX_TEXT = 20_000  # characters of a prompt or of a text to tokenize
MAX_POINTS = 10_000
MOST_SETTINGS = 200  # that a page can show
ID = r"^[A-Za-z0-9-]{1,100}$"
# What examples show.
RUN_ID = "quickstart-20260101-120000-0123456789abcdef"
OTHER_RUN_ID = "wider-20260101-130000-fedcba9876543210"
AN_UPLOAD = "0123456789abcdef0123456789abcdef"
SENTENCE = "One day the wise girl went to the tower."


class Request(Settings):
    """Base of all requests.

    The examples of its fields make one of the whole, unless `example` is it.
    """

    example: ClassVar[dict[str, Any] | None] = None

    @classmethod
    def examples(cls) -> dict[str, Any]:
        """A value for each field that shows one."""
        return {
            name: field.examples[0] for name, field in cls.model_fields.items() if field.examples
        }


class Nothing(Request):
    """A request that needs to say nothing."""


class OfRun(Request):
    """A request about one run."""

    run_id: str = Field(
        pattern=ID, description="The id of a run on the caller's desk.", examples=[RUN_ID]
    )


class OfMaybeRun(Request):
    """A request about one run, or about the desk's current one."""

    run_id: str | None = Field(
        None,
        pattern=ID,
        description="A run of the caller's desk; left out, its current one.",
        examples=[RUN_ID],
    )


class OfDraftOrRun(Request):
    """A request about one run, or about the desk's draft."""

    run_id: str | None = Field(
        None,
        pattern=ID,
        description="A run of the caller's desk; left out, the desk's draft.",
        examples=[RUN_ID],
    )


SCREEN = Field(
    None,
    max_length=MOST_SETTINGS,
    description="What controls of a page show, by `group.name`. It becomes the draft first.",
    examples=[{"training.max_steps": 200}],
)


class Response(BaseModel):
    """Base of all responses."""

    model_config = ConfigDict(extra="forbid")


class WayOut(Response):
    """A setting and a value with which the request would pass, and words for a button."""

    setting: str
    value: bool | int | float | str
    label: str


class ErrorDetail(Response):
    """What is wrong: a code for programs, the field at fault, a sentence for people."""

    code: str
    field: str | None
    message: str
    ways: list[WayOut] = Field(
        description="Ways out, the nearest first; empty where none is known."
    )


class ErrorResponse(Response):
    """The answer to a request that is refused."""

    error: ErrorDetail


class Deleted(Response):
    """Something is gone, or will be."""

    deleted: str
    undo_seconds: float | None = Field(description="For how long it can be brought back.")
