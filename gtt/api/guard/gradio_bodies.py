"""Refuses requests that would make Gradio download a file, or fail on an unknown name.

Gradio takes a file in the form `{"path": …, "meta": {"_type": "gradio.FileData"}}` and downloads
the path where it is a URL, for any component and before any of our code runs. A file of ours has
been uploaded before; its path is a plain one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gtt.api.api_errors import ApiError, Forbidden, error_body
from gtt.api.guard.gradio_calls import PREFIX, KnownCalls

UPLOAD = "/gradio_api/upload"  # a form; not the event of that name, /gradio_api/call/upload


class NoRemoteFiles:
    """An ASGI middleware for inside the `Guard`, which bounds the size and depth of a body.

    With `known_calls` it also refuses calls of anything else; `restored` puts hidden paths in a
    body back.
    """

    def __init__(
        self,
        app: ASGIApp,
        known_calls: KnownCalls | None = None,
        restored: Callable[[bytes], bytes] = lambda body: body,
    ) -> None:
        self.app = app
        self.known_calls = known_calls
        self.restored = restored

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or PREFIX not in path or path.rstrip("/").endswith(UPLOAD):
            await self.app(scope, receive, send)
            return
        if scope["method"] != "POST":
            try:
                if self.known_calls is not None and scope["method"] == "GET":
                    self.known_calls.check_read(path, scope.get("query_string", b""))
            except ApiError as refusal:
                await _refuse(send, refusal)
                return
            await self.app(scope, receive, send)
            return
        messages: list[Message] = []
        while True:
            message = await receive()
            messages.append(message)
            if message["type"] != "http.request" or not message.get("more_body"):
                break
        if messages[-1]["type"] == "http.disconnect":
            return
        body = b"".join(message.get("body", b"") for message in messages)
        try:
            values = _parsed(body)
            if points_elsewhere(values):
                raise Forbidden("A file must be uploaded; addresses are not fetched.", field="path")
            if self.known_calls is not None:
                self.known_calls.check(path, values)
        except ApiError as refusal:
            await _refuse(send, refusal)
            return

        waiting: list[Message] = [{"type": "http.request", "body": self.restored(body)}]

        async def replay() -> Message:
            return waiting.pop() if waiting else await receive()

        await self.app(scope, replay, send)


def points_elsewhere(value: Any) -> bool:
    """Whether a JSON value holds a file whose path is more than a path."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            path = part.get("path")
            if "meta" in part and path is not None and not _is_plain_path(path):
                return True
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)
    return False


def _is_plain_path(path: Any) -> bool:
    return isinstance(path, str) and ":" not in path and not path.startswith(("//", "\\"))


def _parsed(body: bytes) -> Any:
    """The JSON of a body; raises `ApiError` for what Gradio would meet with a fault."""
    try:
        values = json.loads(body, parse_constant=_no_constant)
        body.decode()  # JSON is UTF-8, and half of a surrogate pair is none
        if rb"\ud" in body.lower():
            json.dumps(values, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ApiError(
            "The JSON holds half of a surrogate pair, which is no character: remove it.",
            status=422,
            code="invalid_input",
        ) from None
    except (ValueError, RecursionError) as error:
        raise ApiError(f"The body is not JSON ({error}).", code="not_json") from None
    if not isinstance(values, dict):
        raise ApiError("The body must be a JSON object.", status=422, code="invalid_input")
    return values


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")


async def _refuse(send: Send, refusal: ApiError) -> None:
    status, answer, _ = error_body(refusal)
    data = json.dumps(answer).encode()
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": data})
