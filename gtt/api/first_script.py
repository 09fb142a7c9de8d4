"""A script that a page runs before any of Gradio's."""

from __future__ import annotations

from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gtt.api.guard.page_cache import path_of

# Asked of the root of the site, which under a sub-path is somebody else's.
ROOTED = (b'href="/manifest.json"', b'href="manifest.json"')
ICON = b'<link rel="icon" href="favicon.ico" />'


class ScriptFirst:
    """An ASGI middleware that puts a script at the beginning of the page; its links are relative.

    `launch(head=…)` comes too late for what changes the browser's own functions. As the application
    gets it, `launch(app_kwargs={"middleware": [Middleware(ScriptFirst, script)]})`, it lies inside
    of what packs the answers.
    """

    def __init__(self, app: ASGIApp, script: str) -> None:
        self.app = app
        self._first = b"<head>\n" + ICON + b"\n<script>" + script.encode() + b"</script>"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_page = scope["type"] == "http" and scope["method"] == "GET" and path_of(scope) == ""
        await self.app(scope, receive, _Page(send, self._changed).send if is_page else send)

    def _changed(self, page: bytes) -> bytes:
        return page.replace(*ROOTED).replace(b"<head>", self._first, 1)


class _Page:
    """An answer that is changed as a whole where it is HTML."""

    def __init__(self, send: Send, change: Callable[[bytes], bytes]) -> None:
        self._send, self._change = send, change
        self._start: Message | None = None
        self._pieces: list[bytes] = []

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_html(message):
            self._start = message
        elif self._start is None or message["type"] != "http.response.body":
            await self._send(message)
        else:
            self._pieces.append(message.get("body", b""))
            if not message.get("more_body"):
                await self._end(self._change(b"".join(self._pieces)))

    async def _end(self, body: bytes) -> None:
        assert self._start is not None
        other_headers = [
            header for header in self._start["headers"] if header[0].lower() != b"content-length"
        ]
        headers = [*other_headers, (b"content-length", str(len(body)).encode())]
        await self._send({**self._start, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})


def _is_html(start: Message) -> bool:
    return any(
        name.lower() == b"content-type" and value.startswith(b"text/html")
        for name, value in start.get("headers", ())
    )
