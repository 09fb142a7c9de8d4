"""One request and its answer: bounds the body of the request, sets headers on the answer."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

from starlette.types import Message, Receive, Send

from gtt.api.api_errors import ApiError, TooLarge, error_body
from gtt.api.guard.security_headers import CONTENT_SECURITY_POLICY, SECURITY_HEADERS

# How long a body may take: between two pieces, and altogether with so many bytes a second.
LONGEST_PAUSE, PATIENCE, SLOWEST = 20.0, 30.0, 2000.0
VARY = b"X-GTT-Workspace, Origin"  # an answer depends on the desk, and on who may read it


class BodyCheck(NamedTuple):
    """A check of a body, fed piece by piece, and the error for a body that fails it."""

    feed: Callable[[bytes], bool]
    refusal: ApiError


class Exchange:
    """One request and its answer: counts what comes in, sets the headers of what goes out."""

    most_bytes = 0
    check: BodyCheck | None = None
    is_own_site = False

    holds_faults = False  # a fault of the application becomes a refusal: see `Guard`

    def __init__(
        self, receive: Receive, send: Send, *, is_private: bool = True, has_body: bool = True
    ) -> None:
        self._receive, self._send, self._is_private = receive, send, is_private
        self._bytes = 0
        self._began, self._is_read = time.monotonic(), not has_body
        self._has_started = False
        self.is_refused = self.has_fault = False

    async def receive(self) -> Message:
        if self.is_refused:
            return {"type": "http.disconnect"}
        message = await (self._receive() if self._is_read else self._next_piece())
        if message is None:
            return await self._end_body(_too_slow())
        if message["type"] != "http.request":
            return message
        self._is_read = not message.get("more_body", False)
        piece = message.get("body", b"")
        self._bytes += len(piece)
        if not self._is_read and time.monotonic() - self._began > PATIENCE + self._bytes / SLOWEST:
            return await self._end_body(_too_slow())
        if self._bytes > self.most_bytes:
            return await self._end_body(too_large(self.most_bytes))
        if self.check is not None and not self.check.feed(piece):
            return await self._end_body(self.check.refusal)
        return message

    async def _next_piece(self) -> Message | None:
        """The next piece of the body; None where it does not come.

        `wait_for` would not do: before Python 3.12 it swallows a cancellation that comes together
        with the piece.
        """
        coming = asyncio.ensure_future(self._receive())
        try:
            await asyncio.wait({coming}, timeout=LONGEST_PAUSE)
            return coming.result() if coming.done() else None
        finally:
            coming.cancel()

    async def _end_body(self, refusal: ApiError) -> Message:
        await self.refuse(refusal)
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if self.is_refused:
            return
        if self.holds_faults and message.get("status") == 500:
            self.has_fault = True
        if self.has_fault:
            return
        if message["type"] == "http.response.start":
            self._has_started = True
            message = {**message, "headers": self._headers(message.get("headers", ()))}
        await self._send(message)

    async def refuse(self, refusal: ApiError) -> None:
        """Answers with the error, unless an answer is already on its way."""
        self.is_refused = True
        if self._has_started:
            return
        status, body, extra = error_body(refusal)
        data = json.dumps(body).encode()
        plain = {"content-type": "application/json", "content-length": str(len(data)), **extra}
        headers = self._headers((k.encode(), v.encode()) for k, v in plain.items())
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": data})

    def _headers(self, headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        own = {name.encode(): value.encode() for name, value in SECURITY_HEADERS.items()}
        headers_out = []
        for name, value in headers:
            small = name.lower()
            if small in own or small == b"x-frame-options":
                continue
            if small.startswith(b"access-control-") and not self.is_own_site:
                continue
            headers_out.append((name, value))
        names = {name.lower() for name, _ in headers_out}
        if b"content-security-policy" not in names:
            headers_out.append((b"content-security-policy", CONTENT_SECURITY_POLICY.encode()))
        if b"cache-control" not in names and self._is_private:
            headers_out.append((b"cache-control", b"no-store"))
        headers_out.append((b"vary", VARY))
        return [*headers_out, *own.items()]


def too_large(most: int) -> TooLarge:
    """The refusal of a body of more than `most` bytes."""
    return TooLarge(f"The request is larger than {most / 1e6:g} MB: send less at once.")


def _too_slow() -> ApiError:
    sentence = "The request came too slowly: send it again, all at once."
    return ApiError(sentence, status=408, code="too_slow")
