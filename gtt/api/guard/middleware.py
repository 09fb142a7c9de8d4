"""The outermost layer: checks host, origin, route and size of a request, sets headers.

An ASGI middleware without state between requests. It belongs outside of everything, Gradio's own
middleware included, which answers preflights and adds permissive headers: see `guarding`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from gtt.api.api_errors import ApiError, Forbidden, TooLarge
from gtt.api.guard.exchange import BodyCheck, Exchange, too_large
from gtt.api.guard.form_parts import PartCount
from gtt.api.guard.hosts import Hosts, Place, read_host, read_origin
from gtt.api.guard.json_depth import NestingCheck
from gtt.api.guard.open_routes import ALWAYS_OPEN, OpenRoute, OpenRoutes
from gtt.api.guard.page_cache import COSTLY_PAGES, path_of
from gtt.api.guard.visitor_address import address_of
from gtt.api.uploads import disk_refuses
from gtt.errors import FULL_DISK

LONGEST_PATH = 8192  # bytes, of the path and of the query each
GRADIO_UPLOAD = "/gradio_api/upload"
UPLOAD_PATHS = ("/api/datasets/upload", GRADIO_UPLOAD)
MOST_FILES = 10  # in one form
UPLOAD_SLACK = 1_000_000  # bytes around the file in a form
DEEPEST_JSON = 64
# Answers that depend on the desk, or tell its key.
PRIVATE_PAGES = ("/api/", "/gradio_api/", "/stats", "/healthz")

ReceiveFile = Callable[[str | None, str, int], None]  # with key, visitor and bytes


class Guard:
    """Refuses a request with the error body of the interface, or passes it on.

    400 malformed headers, 403 another site, 404 closed routes, 405 closed methods, 413 too large,
    414 too long, 421 a name that is not ours, 422 JSON nested too deeply. `routes` are those of
    ours, all of them open, and `gradios` those of Gradio that are.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        routes: Iterable[BaseRoute] = (),
        gradios: Iterable[OpenRoute] = ALWAYS_OPEN,
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
        self.open = OpenRoutes(routes, gradios)
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
        exchange = Exchange(
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
        self.open.check(scope)
        return is_own_site

    def _without_strange_hosts(self, scope: Scope) -> Scope:
        """The request as a proxy of ours would send it: Gradio builds addresses from these."""
        headers = [
            (name, value)
            for name, value in scope["headers"]
            if name.lower() != b"x-forwarded-host" or self._may_forward(value.decode("latin-1"))
            if name.lower() != b"x-forwarded-proto" or value.lower() in (b"http", b"https")
        ]
        return scope if len(headers) == len(scope["headers"]) else {**scope, "headers": headers}

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
                raise too_large(most)
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


def _single(scope: Scope, name: str) -> str | None:
    """The value of a header that may come once; raises `ApiError` where it comes twice."""
    values = [value for key, value in scope["headers"] if key.lower() == name.encode()]
    if len(values) > 1:
        raise ApiError(f"The header {name} must come once.", field=name)
    return values[0].decode("latin-1").strip() if values else None


def _visitor(scope: Scope) -> str:
    """The address of the visitor, for bounds on requests without a key."""
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
        f"{_address_text(origin)}, and the request came to the server as {_address_text(host)}. "
        "Behind a proxy, have it pass on the Host header as it is (nginx: proxy_set_header Host "
        f"$http_host), or start the server with GTT_ALLOWED_HOSTS={origin.name}.",
        field="origin",
    )


def _address_text(place: Place) -> str:
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


def _too_deep() -> ApiError:
    sentence = f"The JSON is nested more than {DEEPEST_JSON} deep: send it flatter."
    return ApiError(sentence, status=422, code="invalid_input")


def _too_many_files() -> ApiError:
    return TooLarge(f"A form may hold {MOST_FILES} files: send the others with another request.")
