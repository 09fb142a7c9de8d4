"""A cache of the page and of the descriptions of the interface, one copy for each address.

Gradio copies the whole page, some megabytes of settings, with every request for it: 70 ms and more
in which nobody else is answered. All visitors get the same; it depends on nothing but the name,
the path and the scheme under which a browser reaches the server, and on how it may be packed.
"""

from __future__ import annotations

import asyncio
import gzip
from collections import OrderedDict
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

from starlette.types import ASGIApp, Message, Receive, Scope, Send

# A megabyte each.
COSTLY_PAGES = ("", "/config", "/gradio_api/info", "/gradio_api/openapi.json")
MOST_KEPT = 12
PIECE = 2**16  # bytes that are sent at once
# What an answer may depend on, beside the packing: of the headers, and of the query of each page.
_HEADERS = (b"host", b"x-forwarded-host", b"x-forwarded-proto")
_QUERIES = {"/gradio_api/info": ("serialize", "all_endpoints")}
_PACKINGS = ("br", "gzip")


Headers = list[tuple[bytes, bytes]]


class _Page(NamedTuple):
    """An answer as it was sent; `packed` is the same with gzip where it came as it is."""

    status: int
    headers: Headers
    body: bytes
    packed: tuple[Headers, bytes] | None


class Pages:
    """Answers the costly pages of an application from what it answered before.

    The application sees of a request only what belongs to the key under which its answer is kept;
    so no visitor gets what was meant for another.
    """

    def __init__(self, app: ASGIApp, most: int = MOST_KEPT) -> None:
        self.app, self.most = app, most
        self._pages: OrderedDict[Key, asyncio.Future[_Page]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_asked = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
        if not is_asked or path_of(scope) not in COSTLY_PAGES:
            await self.app(scope, receive, send)
            return
        page = await self._page(_reduced(scope))
        headers, body = page.packed if page.packed and _takes_gzip(scope) else page[1:3]
        headers = [*headers, *_for_origin(scope)]
        await send({"type": "http.response.start", "status": page.status, "headers": headers})
        if scope["method"] == "GET":
            for start in range(0, len(body), PIECE):  # what is not taken is not copied
                piece = body[start : start + PIECE]
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def _page(self, scope: Scope) -> _Page:
        key = _key(scope)
        making = self._pages.get(key)
        if making is None:
            making = self._pages[key] = asyncio.ensure_future(self._made(scope))
            making.add_done_callback(lambda made: self._forget_fault(key, made))
            while len(self._pages) > self.most:
                self._pages.popitem(last=False)
        else:
            self._pages.move_to_end(key)
        return await asyncio.shield(making)  # others wait for it as well

    async def _made(self, scope: Scope) -> _Page:
        started: Message = {}
        pieces: list[bytes] = []
        is_read = False

        async def receive() -> Message:
            nonlocal is_read
            if is_read:
                await asyncio.Event().wait()  # nobody hangs up
            is_read = True
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                started.update(message)
            elif message["type"] == "http.response.body":
                pieces.append(message.get("body", b""))

        await self.app(scope, receive, send)
        headers, body = list(started.get("headers", ())), b"".join(pieces)
        packed = await asyncio.to_thread(_packed, headers, body)
        return _Page(started["status"], headers, body, packed)

    def _forget_fault(self, key: Key, made: asyncio.Future[_Page]) -> None:
        is_good = not made.cancelled() and made.exception() is None and made.result().status == 200
        if not is_good and self._pages.get(key) is made:
            del self._pages[key]


Key = tuple[object, ...]


def path_of(scope: Scope) -> str:
    """The path below the one that the application lies at, without a slash at its end."""
    path: str = scope["path"].removeprefix(scope.get("root_path", "")).rstrip("/")
    return path


def _reduced(scope: Scope) -> Scope:
    """The request with only the headers and parameters on which its answer may depend."""
    headers = [(name.lower(), value) for name, value in scope["headers"]]
    kept_headers = [(name, value) for name, value in headers if name in _HEADERS]
    words = _encodings(scope)
    packing = next((encoding for encoding in _PACKINGS if encoding in words), None)
    if packing is not None:
        kept_headers.append((b"accept-encoding", packing.encode()))
    names = _QUERIES.get(path_of(scope), ())
    query = parse_qsl(scope.get("query_string", b"").decode("latin-1"))
    kept_query = urlencode([(name, value) for name, value in query if name in names])
    nobody = {"client": None, "method": "GET"}
    return {**scope, **nobody, "headers": kept_headers, "query_string": kept_query.encode()}


def _packed(headers: Headers, body: bytes) -> tuple[Headers, bytes] | None:
    """With gzip, once for everybody: Gradio sends its page as it is. None where it is packed."""
    if any(name.lower() == b"content-encoding" for name, _ in headers):
        return None
    packed = gzip.compress(body, mtime=0)
    ours = [
        (b"content-encoding", b"gzip"),
        (b"content-length", str(len(packed)).encode()),
        (b"vary", b"Accept-Encoding"),
    ]
    kept = [header for header in headers if header[0].lower() != b"content-length"]
    return [*kept, *ours], packed


def _encodings(scope: Scope) -> list[str]:
    """Those that a request takes."""
    values = [value for name, value in scope["headers"] if name.lower() == b"accept-encoding"]
    named = b",".join(values).decode("latin-1").split(",")
    return [encoding.partition(";")[0].strip().lower() for encoding in named]


def _takes_gzip(scope: Scope) -> bool:
    return "gzip" in _encodings(scope)


def _key(scope: Scope) -> Key:
    where = (scope.get("scheme"), scope.get("root_path"), scope["path"], scope["query_string"])
    return (*where, tuple(scope["headers"]))


def _for_origin(scope: Scope) -> list[tuple[bytes, bytes]]:
    """The headers for a page that asks as another origin; see `Guard`, which lets out few."""
    origins = [value for name, value in scope["headers"] if name.lower() == b"origin"]
    if not origins:
        return []
    allowed = (b"access-control-allow-origin", origins[0])
    return [allowed, (b"access-control-allow-credentials", b"true")]
