"""Hides the server's folders in the paths of files in Gradio's cache.

Gradio names a file by its absolute path: in the answer to an upload, in results, in addresses. Here
the folder is replaced by a placeholder on the way out, and put back on the way in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gtt.api.guard.gradio_calls import PREFIX

SHOWN = "/gtt-files"
TEXTS = (b"application/json", b"text/event-stream")
_TOLD = re.compile(rb'("path"\s*:\s*")' + SHOWN.encode() + b"/")


class HiddenPaths:
    """An ASGI middleware; `folder` is Gradio's cache."""

    def __init__(self, app: ASGIApp, folder: Path) -> None:
        self.app = app
        self._folder = str(folder)
        escaped = json.dumps(self._folder)[1:-1].encode()
        plain = json.dumps(self._folder, ensure_ascii=False)[1:-1].encode()
        self._names = sorted({escaped, plain, self._folder.encode()}, key=len, reverse=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or PREFIX not in scope["path"]:
            await self.app(scope, receive, send)
            return
        await self.app(self._with_own_path(scope), receive, _Exchanged(send, self._hidden).send)

    def restored(self, body: bytes) -> bytes:
        """A JSON body with the absolute paths put back."""
        folder = json.dumps(self._folder)[1:-1].encode()
        return _TOLD.sub(lambda match: match[1] + folder + b"/", body)

    def _hidden(self, text: bytes) -> bytes:
        for name in self._names:
            text = text.replace(name, SHOWN.encode())
        return text

    def _with_own_path(self, scope: Scope) -> Scope:
        """The request for a file, by its own path."""
        begin, mark, file = scope["path"].partition(f"{PREFIX}file={SHOWN}/")
        if not mark:
            return scope
        path = f"{begin}{PREFIX}file={self._folder}/{file}"
        return {**scope, "path": path, "raw_path": path.encode("utf-8", "surrogatepass")}


class _Exchanged:
    """An answer whose texts are changed on their way; files go as they are."""

    def __init__(self, send: Send, change: Callable[[bytes], bytes]) -> None:
        self._send, self._change = send, change
        self._start: Message | None = None
        self._is_text = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            kinds = [v for name, v in message.get("headers", ()) if name.lower() == b"content-type"]
            self._is_text = any(kind.startswith(TEXTS) for kind in kinds)
            if self._is_text:
                self._start = message  # until the first part of the body tells its length
                return
        elif message["type"] == "http.response.body" and self._is_text:
            message = {**message, "body": self._change(message.get("body", b""))}
            await self._begin(None if message.get("more_body") else len(message["body"]))
        await self._send(message)

    async def _begin(self, length: int | None) -> None:
        if self._start is None:
            return
        headers = [h for h in self._start["headers"] if h[0].lower() != b"content-length"]
        if length is not None:
            headers.append((b"content-length", str(length).encode()))
        start, self._start = {**self._start, "headers": headers}, None
        await self._send(start)
