"""What every request passes first: its host, its origin, its size, and the headers of the answer.

An ASGI middleware without state between requests. It belongs outside of everything, Gradio's own
middleware included, which answers preflights and adds permissive headers: see `guarding`.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from starlette.applications import Starlette
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gtt.api.addresses import address_of
from gtt.api.errors import ApiError, Forbidden, NotFound, TooLarge, error_body
from gtt.api.forms import PartCount
from gtt.api.headers import CONTENT_SECURITY_POLICY, SECURITY_HEADERS
from gtt.api.hidden_paths import HiddenPaths
from gtt.api.known_calls import KnownCalls
from gtt.api.nesting import NestingCheck
from gtt.api.origins import Hosts, Place, read_host, read_origin
from gtt.api.pages import COSTLY_PAGES, Pages, path_of
from gtt.api.remote_files import NoRemoteFiles
from gtt.api.uploads import disk_refuses
from gtt.errors import FULL_DISK

LONGEST_PATH = 8192  # bytes, of the path and of the query each
GRADIO_UPLOAD = "/gradio_api/upload"
UPLOAD_PATHS = ("/api/datasets/upload", GRADIO_UPLOAD)
MOST_FILES = 10  # in one form
UPLOAD_SLACK = 1_000_000  # bytes around the file in a form
DEEPEST_JSON = 64
# How long a body may take: between two pieces, and altogether with so many bytes a second.
LONGEST_PAUSE, PATIENCE, SLOWEST = 20.0, 30.0, 2000.0
VARY = b"X-GTT-Workspace, Origin"  # an answer depends on the desk, and on who may read it

# Routes of Gradio that this app has no use for, by what follows /gradio_api/, with the reason.
CLOSED_ROUTES: dict[str, str] = {
    "proxy=": "fetches from other servers, for gr.load",
    "file/": "the old form of file=, which takes URLs too",
    "dev/": "reload messages of Gradio's development mode",
    "token": "tells the access token of a login",
    "deep_link": "a GET that writes the state of a page to the disk",
    "process_recording": "writes a video to the disk and runs ffmpeg on it",
    "run-history": "writes to and reads from buckets of the Hub",
    "runs": "the page of that history",
    "run/": "events past the queue, where every refusal is a fault",
    "api/": "the old name of run/",
    "stream/": "media streams",
    "vibe-": "edits the source code of the app",
    "profiling": "tells what other visitors do",
}
# Schemes that file= would fetch or refuse; a file of ours is a plain path.
_REMOTE = ("http:", "https:", "ftp:", "file:", "data:", "//")
# Answers that depend on the desk, or tell its key.
PRIVATE_PAGES = ("/api/", "/gradio_api/", "/stats", "/healthz")
CLOSED_PAGES: dict[str, str] = {"/monitoring": "tells and prints how the app is used"}


class Guard:
    """Refuses a request with the error body of the interface, or passes it on.

    400 malformed headers, 403 another site, 404 closed routes, 413 too large, 414 too long, 421 a
    name that is not ours, 422 JSON nested too deeply.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        allowed_hosts: Iterable[str] = (),
        on_space: bool = False,
        space_host: str | None = None,
        max_json_bytes: int = 1_000_000,
        max_upload_bytes: int = 200_000_000,
        upload_paths: Iterable[str] = UPLOAD_PATHS,
        receive_file: ReceiveFile | None = None,
        open_page: Callable[[str], None] | None = None,
    ) -> None:
        self.app = app
        self.hosts = Hosts(allowed_hosts, on_space=on_space, space_host=space_host)
        self.max_json_bytes = max_json_bytes
        self.max_upload_bytes = max_upload_bytes
        self.upload_paths = frozenset(upload_paths)
        self.receive_file = receive_file
        self.open_page = open_page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        exchange = _Exchange(
            receive, send, is_private=_is_private(path_of(scope)), has_body=_has_body(scope)
        )
        is_form = scope["type"] == "http" and path_of(scope) == GRADIO_UPLOAD
        exchange.holds_faults = is_form
        try:
            exchange.is_own_site = self._check(scope)
            if scope["type"] == "http":
                scope = self._without_strange_hosts(scope)
                exchange.most_bytes, exchange.check = self._body_limits(scope)
                self._count_file(scope, exchange.most_bytes)
                if self.open_page is not None and path_of(scope) in COSTLY_PAGES:
                    self.open_page(_visitor(scope))
        except ApiError as refusal:
            if scope["type"] == "websocket":
                await receive()
                await send({"type": "websocket.close", "code": 1008, "reason": refusal.code})
            else:
                await exchange.refuse(refusal)
            return
        if scope["type"] == "websocket":
            await self.app(scope, receive, send)
            return
        try:
            await self.app(scope, exchange.receive, exchange.send)
        except Exception as error:
            if exchange.has_fault:  # of a form that Gradio could not read
                await exchange.refuse(_fault_of_a_form(error))
            elif not exchange.is_refused:  # else it only met the end that was put to the body
                raise

    def _check(self, scope: Scope) -> bool:
        """Raises `ApiError`, or tells whether the answer may be read by the page that asked."""
        path = scope.get("raw_path") or scope["path"].encode("utf-8", "surrogatepass")
        if len(path) > LONGEST_PATH or len(scope.get("query_string", b"")) > LONGEST_PATH:
            raise ApiError(
                f"The address is longer than {LONGEST_PATH} bytes: send long values in the body.",
                status=414,
                code="too_long",
            )
        host = self._host(scope)
        text = _single(scope, "origin")
        origin = read_origin(text) if text else None
        is_own_site = origin is not None and self.hosts.may_change(origin, host)
        if scope["type"] == "websocket" or scope["method"] not in ("GET", "HEAD", "OPTIONS"):
            site = _single(scope, "sec-fetch-site")
            if not is_own_site and (text is not None or site in ("cross-site", "same-site")):
                raise _other_site(origin, host)
        _refuse_closed(scope["path"])
        return is_own_site

    def _without_strange_hosts(self, scope: Scope) -> Scope:
        """The request as a proxy of ours would send it: Gradio builds addresses from these."""
        kept = [
            (name, value)
            for name, value in scope["headers"]
            if name.lower() != b"x-forwarded-host" or self._may_forward(value.decode("latin-1"))
            if name.lower() != b"x-forwarded-proto" or value.lower() in (b"http", b"https")
        ]
        return scope if len(kept) == len(scope["headers"]) else {**scope, "headers": kept}

    def _may_forward(self, text: str) -> bool:
        host = read_host(text.partition(",")[0].strip())  # the one that Gradio takes
        return host is not None and self.hosts.may_forward(host)

    def _host(self, scope: Scope) -> Place:
        text = _single(scope, "host")
        host = read_host(text) if text else None
        if host is None:
            raise ApiError("The request must carry one valid Host header.", field="host")
        if not self.hosts.is_ours(host):
            raise ApiError(
                "This server is not known under that name: open it as localhost, or add the name "
                "to GTT_ALLOWED_HOSTS.",
                field="host",
                status=421,
                code="wrong_host",
            )
        return host

    def _body_limits(self, scope: Scope) -> tuple[int, BodyCheck | None]:
        is_upload = path_of(scope) in self.upload_paths
        most = self.max_upload_bytes + UPLOAD_SLACK if is_upload else self.max_json_bytes
        length = _single(scope, "content-length")
        if length is not None and _single(scope, "transfer-encoding") is not None:
            # A proxy in front may end the body elsewhere than we do (RFC 9112, section 6.1).
            raise ApiError(
                "Send either Content-Length or Transfer-Encoding, not both.",
                field="content-length",
            )
        if length is not None:
            if not (length.isascii() and length.isdigit() and len(length) <= 18):
                raise ApiError("Content-Length must be a number of bytes.", field="content-length")
            if int(length) > most:
                raise _too_large(most)
        content_type = _single(scope, "content-type") or ""
        kind = content_type.partition(";")[0].strip().lower()
        if kind.startswith("multipart/"):
            return most, BodyCheck(PartCount(content_type, MOST_FILES).feed, _too_many_files())
        is_form = is_upload or kind == "application/x-www-form-urlencoded"
        # Everything else may be parsed as JSON, whatever it calls itself.
        return most, None if is_form else BodyCheck(NestingCheck(DEEPEST_JSON).feed, _too_deep())

    def _count_file(self, scope: Scope, most: int) -> None:
        """Raises where a visitor sends files to Gradio too often, or there is no room for them."""
        is_file = scope["method"] == "POST" and path_of(scope) == GRADIO_UPLOAD
        if is_file and self.receive_file is not None:
            length = _single(scope, "content-length")
            self.receive_file(
                _single(scope, "x-gtt-workspace"),
                _visitor(scope),
                int(length) if length is not None else most,
            )


ReceiveFile = Callable[[str | None, str, int], None]  # with key, visitor and bytes


class BodyCheck(NamedTuple):
    """Takes a body piece by piece, and says what is told where it answers no."""

    feed: Callable[[bytes], bool]
    refusal: ApiError


class _Exchange:
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
            return await self._end_body(_too_large(self.most_bytes))
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

    def _headers(self, given: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        ours = {name.encode(): value.encode() for name, value in SECURITY_HEADERS.items()}
        kept = []
        for name, value in given:
            small = name.lower()
            if small in ours or small == b"x-frame-options":
                continue
            if small.startswith(b"access-control-") and not self.is_own_site:
                continue
            kept.append((name, value))
        names = {name.lower() for name, _ in kept}
        if b"content-security-policy" not in names:
            kept.append((b"content-security-policy", CONTENT_SECURITY_POLICY.encode()))
        if b"cache-control" not in names and self._is_private:
            kept.append((b"cache-control", b"no-store"))
        kept.append((b"vary", VARY))
        return [*kept, *ours.items()]


Lifespan = Callable[[Starlette], AbstractAsyncContextManager[Mapping[str, Any] | None]]


def guarding(
    *, known: KnownCalls | None = None, cache: Path | None = None, **options: Any
) -> Lifespan:
    """A lifespan that puts a `Guard` with these options around the whole of an application.

    `known` are the events that there are; without it Gradio looks for every name itself. `cache`
    is where Gradio keeps files: the path of it is told to nobody.

    `add_middleware` would not do: Gradio adds its own afterwards, which then lies outside. Usage:
    `demo.launch(app_kwargs={"lifespan": guarding(on_space=True)})`.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        inside = app.middleware_stack or app.build_middleware_stack()
        if cache is None:
            app.middleware_stack = Guard(Pages(NoRemoteFiles(inside, known)), **options)
        else:
            hidden = HiddenPaths(inside, cache)
            checked = NoRemoteFiles(hidden, known, hidden.found_in)
            app.middleware_stack = Guard(Pages(checked), **options)
        try:
            yield
        finally:
            app.middleware_stack = inside

    return lifespan


def _refuse_closed(path: str) -> None:
    _, found, rest = path.partition("/gradio_api/")
    rest = rest if found else ""
    target = rest.removeprefix("file=").strip().lower() if rest.startswith("file=") else ""
    is_closed = rest.startswith(tuple(CLOSED_ROUTES)) or "://" in target
    is_closed = is_closed or target.startswith(_REMOTE)
    if is_closed or any(path == page or path.startswith(page + "/") for page in CLOSED_PAGES):
        raise NotFound("There is no such page here: see /docs for what there is.")


def _single(scope: Scope, name: str) -> str | None:
    """The value of a header that may come once; raises `ApiError` where it comes twice."""
    values = [value for key, value in scope["headers"] if key.lower() == name.encode()]
    if len(values) > 1:
        raise ApiError(f"The header {name} must come once.", field=name)
    return values[0].decode("latin-1").strip() if values else None


def _visitor(scope: Scope) -> str:
    """Who asks without a key."""
    via = [value for name, value in scope["headers"] if name.lower() == b"x-forwarded-for"]
    peer = (scope.get("client") or ("",))[0]
    return address_of(str(peer), (value.decode("latin-1") for value in via))


def _other_site(origin: Place | None, host: Place) -> ApiError:
    """Says under which names browser and server know the page, so that a proxy can be mended."""
    if origin is None:
        return Forbidden(
            "Another site may not do this: open the page itself, or have its host added to "
            "GTT_ALLOWED_HOSTS.",
            field="origin",
        )
    return Forbidden(
        "Another site may not do this, and this page looks like one: the browser shows "
        f"{_shown(origin)}, and the request came to the server as {_shown(host)}. Behind a proxy, "
        "have it pass on the Host header as it is (nginx: proxy_set_header Host $http_host), or "
        f"start the server with GTT_ALLOWED_HOSTS={origin.name}.",
        field="origin",
    )


def _shown(place: Place) -> str:
    return place.name if place.port is None else f"{place.name}:{place.port}"


def _has_body(scope: Scope) -> bool:
    headers = {name.lower(): value for name, value in scope["headers"]}
    return b"transfer-encoding" in headers or headers.get(b"content-length", b"0") != b"0"


def _is_private(path: str) -> bool:
    return path.startswith(PRIVATE_PAGES) and not path.startswith("/gradio_api/file=")


def _fault_of_a_form(error: Exception) -> ApiError:
    if isinstance(error, OSError) and error.errno in FULL_DISK:
        return disk_refuses(error)
    return ApiError(
        "The form cannot be read: send the file as multipart/form-data, with a name.",
        code="bad_form",
    )


def _too_slow() -> ApiError:
    sentence = "The request came too slowly: send it again, all at once."
    return ApiError(sentence, status=408, code="too_slow")


def _too_deep() -> ApiError:
    sentence = f"The JSON is nested more than {DEEPEST_JSON} deep: send it flatter."
    return ApiError(sentence, status=422, code="invalid_input")


def _too_many_files() -> ApiError:
    return TooLarge(f"A form may hold {MOST_FILES} files: send the others with another request.")


def _too_large(most: int) -> TooLarge:
    return TooLarge(f"The request is larger than {most / 1e6:g} MB: send less at once.")
