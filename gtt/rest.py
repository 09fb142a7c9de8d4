"""REST: the table of endpoints as routes, with OpenAPI at /docs."""

from __future__ import annotations

import asyncio
import importlib.util
import inspect
import json
import logging
import re
import urllib.parse
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, MutableMapping
from contextlib import suppress
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

import gtt.api.endpoints  # noqa: F401 - fills the table
from gtt.api.api_errors import ApiError, NotFound, error_body
from gtt.api.endpoints.configuration import drafted
from gtt.api.guard.visitor_address import address_of
from gtt.api.http_request import file_in, header_of, values_of
from gtt.api.labels import answer_on_screen
from gtt.api.links import changes_in
from gtt.api.openapi import openapi
from gtt.api.schemas import EventsPage, SetConfig
from gtt.api.service import Caller, Service
from gtt.api.table import TABLE, Download, Endpoint, answer
from gtt.errors import GTTError
from gtt.settings import parse

log = logging.getLogger(__name__)

WORKSPACE = "X-GTT-Workspace"
# What our own page sends: the part of its address that asks for settings and is not kept yet, after
# a question mark. Questions about the draft are about what it shows then, sentences name settings
# as its controls do, and a refusal has the status 200: browsers report any other as a fault.
PAGE = "X-GTT-Page"
SERVER = "X-GTT-Server"  # changes with every start, so that a page notices
HOST = "X-GTT-Host"  # as which it was asked, so that a page sees what a proxy made of it
FIRST_PART = 1.0  # seconds in which a stream may still become a refusal
HEARTBEAT = 15.0  # seconds of silence after which a stream says that it lives
SignedIn = Callable[[MutableMapping[str, Any]], str | None]


DOCS = """\
<!doctype html><html lang="en"><head><meta charset="utf-8"><title>GTT · API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="docs/assets/swagger-ui.css"></head>
<body><div id="api"></div><script src="docs/assets/swagger-ui-bundle.js"></script>
<script>SwaggerUIBundle({url: "api/openapi.json", dom_id: "#api", validatorUrl: null})</script>
</body></html>"""


def routes(service: Service, signed_in: SignedIn | None = None) -> list[BaseRoute]:
    """Every route of the interface, and its documentation.

    `signed_in` tells from a session the token of whoever is signed in with Hugging Face, who then
    needs to give none for a push.
    """
    by_path: dict[str, dict[str, Endpoint]] = {}
    for row in TABLE.values():
        by_path.setdefault(row.path, {})[row.method] = row
    api_routes: list[BaseRoute] = [
        Route(path, _handler(service, rows, signed_in), methods=ALL_METHODS)
        for path, rows in by_path.items()
    ]
    description = cache(openapi)  # it takes a moment, which the start has no need of

    async def describe(request: HttpRequest) -> Response:
        return JSONResponse(await asyncio.to_thread(description))

    async def docs(request: HttpRequest) -> Response:
        return HTMLResponse(DOCS)

    async def nothing(request: HttpRequest) -> Response:
        return refusal(NotFound("There is no such endpoint: see /docs for what there is."))

    return [
        *api_routes,
        Route("/api/openapi.json", describe),
        Route("/docs", docs),
        Mount("/docs/assets", StaticFiles(directory=_swagger_ui())),
        Route("/api/{rest:path}", nothing, methods=ALL_METHODS),
    ]


def _swagger_ui() -> Path:
    """The files of swagger-ui as their package ships them, found without importing its code."""
    spec = importlib.util.find_spec("fastapi_swagger")
    assert spec is not None and spec.origin is not None, "fastapi-swagger is not installed"
    return Path(spec.origin).parent / "resources"


ALL_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"]


def _handler(
    service: Service, rows: dict[str, Endpoint], signed_in: SignedIn | None
) -> Callable[[HttpRequest], Any]:
    """Answers every method on one path."""

    async def handle(request: HttpRequest) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        row = rows.get(method)
        if row is None:
            allow = ", ".join(sorted(rows))
            error = ApiError(
                f"{request.method[:20]} does nothing here; it takes {allow}.",
                status=405,
                code="method_not_allowed",
            )
            return refusal(error, {"Allow": allow})
        try:
            return await _answer(service, row, request, signed_in)
        except ClientDisconnect:
            return Response(status_code=400)
        except GTTError as error:
            return refusal(error, for_page=PAGE in request.headers)
        except Exception as error:
            log.exception("%s %s failed", row.method, row.path)
            return refusal(error, for_page=PAGE in request.headers)

    return handle


def _caller_on_page(caller: Caller, http: HttpRequest) -> Caller:
    """The caller with the draft that stands on its page; raises `BadInput`."""
    query = urllib.parse.parse_qs((header_of(http, PAGE) or "").removeprefix("?"))
    changes, recipe = changes_in(query.get("set", ())), next(iter(query.get("recipe", ())), None)
    if not changes and recipe is None:
        return caller
    request = parse(SetConfig, {"recipe": recipe, "config": changes or None}, strict=True)
    return replace(caller, draft_on_page=drafted(caller.draft, request))


async def _answer(
    service: Service, row: Endpoint, http: HttpRequest, signed_in: SignedIn | None
) -> Response:
    peer = http.client.host if http.client is not None else None
    address = address_of(peer, http.headers.getlist("x-forwarded-for"))
    caller = service.caller(header_of(http, WORKSPACE), address)
    headers = {WORKSPACE: caller.desk.key} if caller.desk.key else {}
    headers[SERVER] = service.mark
    if PAGE in http.headers:
        headers[HOST] = http.headers.get("host", "")
    service.rates.take(row.rate, caller.desk.owner)
    values = await values_of(row, http)
    if row.rate == "push" and signed_in is not None and not values.get("token"):
        values["token"] = signed_in(http.scope.get("session", {}))
    caller = _caller_on_page(caller, http)
    more: tuple[Any, ...] = ()
    if row.takes_file:
        length = http.headers.get("content-length", "")
        most = int(length) if length.isdigit() else service.limits.upload_bytes
        service.workspaces.check_room(most)  # before a form is written anywhere
        name, pieces = await file_in(http)
        values = {"name": name, **values} if name else values
        more = (pieces,)
    request = parse(row.request, values, strict=row.has_body)
    if row.stream is not None and "text/event-stream" in http.headers.get("accept", ""):
        service.streams.take(caller.desk.owner)
        leave = partial(service.streams.leave, caller.desk.owner)
        try:
            return await _streamed(
                row.stream(caller, request), headers, leave, PAGE in http.headers
            )
        except BaseException:
            leave()
            raise
    work = answer(row, caller, request, *more)
    # A function that runs in a thread goes on to its end in any case.
    is_waiting = inspect.iscoroutinefunction(row.call) and not row.takes_file
    outcome = await (_unless_gone(http, work) if is_waiting else work)
    if isinstance(outcome, Download):
        headers["Content-Disposition"] = _attachment(outcome.name)
        return await _downloaded(service, caller.desk.owner, outcome, headers)
    data = outcome.model_dump_json()
    if PAGE in http.headers:
        data = json.dumps(answer_on_screen(json.loads(data)))
    return Response(data, row.status, headers, media_type="application/json")


async def _downloaded(
    service: Service, owner: str, download: Download, headers: dict[str, str]
) -> Response:
    """A file as it is made. It holds a place among the streams, and what it reads, to its end."""
    service.streams.take(owner)
    pieces = _Pieces(download.chunks)

    def leave() -> None:
        service.streams.leave(owner)
        pieces.close()

    try:
        # What cannot be read at all is an answer, and no file that breaks off.
        await pieces.begin()
        return _Stream(pieces, leave=leave, media_type=download.media_type, headers=headers)
    except BaseException:
        leave()
        raise


class _Pieces:
    """What a generator gives, each piece made in a thread; `close` ends it, also in between."""

    def __init__(self, made: Iterator[bytes]) -> None:
        self._made = made
        self._first: bytes | None = None
        self._making: asyncio.Future[bytes | None] | None = None

    async def begin(self) -> None:
        """Makes the first piece; raises what the generator raises."""
        self._first = await self._next()

    def close(self) -> None:
        """Lets go of what the generator holds, once it is not at work."""
        if self._making is not None and not self._making.done():
            self._making.add_done_callback(lambda made: self.close())
            return
        if self._making is not None and not self._making.cancelled():
            self._making.exception()  # seen
        close = getattr(self._made, "close", None)
        if close is not None:
            close()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        piece, self._first = self._first, None
        while piece is not None:
            yield piece
            piece = await self._next()

    async def _next(self) -> bytes | None:
        self._making = asyncio.ensure_future(asyncio.to_thread(next, self._made, None))
        return await asyncio.shield(self._making)


async def _unless_gone(http: HttpRequest, work: Coroutine[Any, Any, Any]) -> Any:
    """What `work` gives; it ends when its caller hangs up, which raises `ClientDisconnect`."""
    task, hang_up = asyncio.ensure_future(work), asyncio.ensure_future(_hang_up(http))
    try:
        await asyncio.wait({task, hang_up}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnect
        return task.result()
    finally:
        task.cancel()
        hang_up.cancel()
        await asyncio.gather(task, hang_up, return_exceptions=True)


async def _hang_up(http: HttpRequest) -> None:
    """Waits until nobody reads the answer any more; the body has been read before."""
    while (await http.receive())["type"] != "http.disconnect":
        pass


def _attachment(name: str) -> str:
    """The header that names a download, for programs that know only ASCII as well (RFC 6266)."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", name)
    return f"attachment; filename=\"{plain}\"; filename*=utf-8''{urllib.parse.quote(name)}"


class _Stream(StreamingResponse):
    """A stream that holds a place among those that are open, also where nobody reads a part.

    It is left once, whatever becomes of it.
    """

    def __init__(self, *args: Any, leave: Callable[[], None], **options: Any) -> None:
        super().__init__(*args, **options)
        self._leave = leave

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._leave()


async def _streamed(
    parts: Any, headers: dict[str, str], leave: Callable[[], None], for_page: bool
) -> Response:
    """A server-sent stream; what is wrong at once is an ordinary refusal."""
    first = asyncio.ensure_future(anext(parts))
    await asyncio.wait({first}, timeout=FIRST_PART)
    if first.done() and isinstance(first.exception(), GTTError):
        await first
    return _Stream(
        _events(first, parts, for_page),
        leave=leave,
        media_type="text/event-stream",
        headers={**headers, "Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
    )


async def _events(part: asyncio.Future[Any], parts: Any, for_page: bool) -> AsyncIterator[bytes]:
    """Each part as it comes; a comment now and then shows that the line is alive."""
    try:
        while True:
            await asyncio.wait({part}, timeout=HEARTBEAT)
            if not part.done():
                yield b": still here\n\n"
                continue
            yield _event(part.result())
            part = asyncio.ensure_future(anext(parts))
    except StopAsyncIteration:
        yield b"event: end\ndata: {}\n\n"
    except Exception as error:
        if not isinstance(error, GTTError):
            log.exception("a stream failed")
        body: dict[str, Any] = {**error_body(error)[1]}
        answer = answer_on_screen(body) if for_page else body
        yield b"event: error\ndata: " + json.dumps(answer).encode() + b"\n\n"
    finally:
        part.cancel()
        with suppress(asyncio.CancelledError, StopAsyncIteration, Exception):
            await part
        await parts.aclose()


def _event(part: Any) -> bytes:
    """One part as events: those of a journal one by one, with their `seq` as id."""
    if isinstance(part, EventsPage):
        return b"".join(
            f"id: {event['seq']}\nevent: {_kind(event)}\n"
            f"data: {json.dumps(event, ensure_ascii=False)}\n\n".encode()
            for event in part.events
        )
    data: str = part.model_dump_json()
    return b"data: " + data.encode() + b"\n\n"


def _kind(event: dict[str, Any]) -> str:
    """The type of an event, which a damaged journal may have lost."""
    kind = event.get("type")
    return kind if isinstance(kind, str) and kind.isidentifier() else "Unknown"


def refusal(
    error: BaseException, headers: dict[str, str] | None = None, *, for_page: bool = False
) -> Response:
    """The answer to an error; see `PAGE`."""
    status, body, more = error_body(error)
    if for_page:
        return JSONResponse(answer_on_screen(body), 200, {**(headers or {}), **more})
    return JSONResponse(body, status, {**(headers or {}), **more})
