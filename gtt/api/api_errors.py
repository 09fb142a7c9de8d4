"""The errors of the interface: a status, a code for programs, the field, a sentence for people.

Every surface answers a fault with the same body, `{"error": {"code", "field", "message", "ways"}}`,
which `error_body` builds; the ways are settings with which the request would pass. What a person
can mend is a 4xx; 429 and 503 say when to come back.
"""

from __future__ import annotations

import math
from typing import Any

from gtt.errors import BadInput, GTTError, InvalidSetting, Way

LONGEST_MESSAGE = 500  # characters
LONGEST_FIELD = 200

ErrorBody = dict[str, dict[str, Any]]


class ApiError(GTTError):
    """A request that is refused. `retry_after` is in seconds."""

    status = 400
    code = "bad_request"

    def __init__(
        self,
        message: str,
        *,
        field: str | None = None,
        retry_after: float | None = None,
        status: int | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.retry_after = retry_after
        if status is not None:
            self.status = status
        if code is not None:
            self.code = code


class Forbidden(ApiError):
    """The caller may not do this: another site asks, or the server does not allow it."""

    status, code = 403, "forbidden"


class QuotaExceeded(ApiError):
    """The desk is full. 403, not 429: waiting does not help, deleting something does."""

    status, code = 403, "quota_exceeded"


class TooMuchOnDesk(QuotaExceeded):
    """The desk would hold more bytes than it may."""


class NotFound(ApiError):
    """There is no such thing, or it lies on another desk: the answer is the same."""

    status, code = 404, "not_found"


class Conflict(ApiError):
    """The request contradicts what is: an idempotency key used twice, a run already ended."""

    status, code = 409, "conflict"


class TooLarge(ApiError):
    """The body or the file is larger than allowed."""

    status, code = 413, "too_large"


class RateLimited(ApiError):
    """Too many requests of one kind; `retry_after` says when the next one passes."""

    status, code = 429, "rate_limited"

    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message, retry_after=retry_after)


class Unavailable(ApiError):
    """The server is busy or full for now."""

    status, code = 503, "busy"


def error_body(error: BaseException) -> tuple[int, ErrorBody, dict[str, str]]:
    """Status, body and extra headers of the answer to an error.

    `BadInput` is 422 `invalid_input`; any other error with a number in `retry_after` is 503
    `busy`; the rest is a bug of ours: 500 `internal`, of which nothing is told.
    """
    retry_after = getattr(error, "retry_after", None)
    if not isinstance(retry_after, (int, float)) or not math.isfinite(retry_after):
        retry_after = None
    if isinstance(error, ApiError):
        status, code, field, message = error.status, error.code, error.field, error.message
    elif isinstance(error, BadInput):
        status, code, field, message = 422, "invalid_input", error.field, error.message
    elif isinstance(error, GTTError) and retry_after is not None:
        status, code, field = 503, "busy", getattr(error, "field", None)
        message = str(getattr(error, "message", error))
    else:
        status, code, field = 500, "internal", None
        message = "GTT met a fault of its own; please report what you did."
    headers = {} if retry_after is None else {"Retry-After": str(max(1, math.ceil(retry_after)))}
    ways = error.ways if isinstance(error, InvalidSetting) else ()
    return status, _body(code, field, message, ways), headers


def _body(code: str, field: str | None, message: str, ways: tuple[Way, ...]) -> ErrorBody:
    return {
        "error": {
            "code": code,
            "field": None if field is None else plain_text(field, LONGEST_FIELD),
            "message": plain_text(message, LONGEST_MESSAGE),
            # Named as settings are, also where a request has them in its part `config`.
            "ways": [
                way._replace(setting=way.setting.removeprefix("config."))._asdict() for way in ways
            ],
        }
    }


def plain_text(text: Any, longest: int = LONGEST_MESSAGE) -> str:
    """Text that any encoder takes: no lone surrogates, at most `longest` characters."""
    whole = str(text).encode("utf-8", "replace").decode("utf-8")
    return whole if len(whole) <= longest else whole[: longest - 1] + "…"
