"""The guard: which requests reach the application, and what its answers carry."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterable
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.types import Message
from starlette.websockets import WebSocket, WebSocketDisconnect

from gtt.api.api_errors import RateLimited
from gtt.api.guard import Guard, guarding
from gtt.api.guard.form_parts import PartCount
from gtt.api.guard.hosts import read_host, read_origin
from gtt.api.guard.json_depth import NestingCheck
from gtt.api.guard.middleware import MOST_FILES
from gtt.api.guard.security_headers import SECURITY_HEADERS

MEGABYTE = 1_000_000


async def echo(request: Request) -> JSONResponse:
    body = await request.body()
    return JSONResponse({"bytes": len(body)}, headers={"X-Frame-Options": "DENY"})


async def stream(request: Request) -> StreamingResponse:
    async def lines() -> AsyncIterator[str]:
        for number in range(3):
            yield f"data: {number}\n\n"

    return StreamingResponse(lines(), media_type="text/event-stream")


async def socket_echo(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("hello")
    await websocket.close()


ROUTES = [
    WebSocketRoute("/socket", socket_echo),
    Route("/stream", stream),
    Route("/{path:path}", echo, methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]),
]
# Gradio's own middleware lets any page read any answer; so does this one.
PERMISSIVE = Middleware(
    CORSMiddleware, allow_origins=["*"], allow_methods=["*"], allow_credentials=True
)


def guarded(**options: Any) -> Guard:
    options = {"max_upload_bytes": 3 * MEGABYTE, "routes": ROUTES, **options}
    return Guard(Starlette(routes=ROUTES, middleware=[PERMISSIVE]), **options)


def alone(route: Route) -> Guard:
    """An application of one route."""
    return Guard(Starlette(routes=[route]), routes=[route])


def client(base_url: str = "http://localhost:7860", **options: Any) -> TestClient:
    return TestClient(guarded(**options), base_url=base_url)


def is_refused(response: httpx.Response, status: int, code: str) -> bool:
    error = response.json()["error"]
    assert set(error) == {"code", "field", "message", "ways"} and error["message"].endswith(".")
    assert response.headers["x-content-type-options"] == "nosniff"
    return (response.status_code, error["code"]) == (status, code)


def raw(
    headers: Iterable[tuple[bytes, bytes]],
    *,
    path: str = "/api/train",
    method: str = "POST",
    pieces: tuple[bytes, ...] = (b"",),
    guard: Guard | None = None,
    **more: Any,
) -> tuple[int, dict[str, Any]]:
    """Status and body for a scope that no client library would send."""
    sent: list[Message] = []
    waiting = [
        {"type": "http.request", "body": piece, "more_body": at < len(pieces) - 1}
        for at, piece in enumerate(pieces)
    ]

    async def receive() -> Message:
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": list(headers),
        **more,
    }
    asyncio.run((guard or guarded())(scope, receive, send))
    starts = [message for message in sent if message["type"] == "http.response.start"]
    assert len(starts) == 1
    body = b"".join(message.get("body", b"") for message in sent)
    return starts[0]["status"], json.loads(body)


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:7860",
        "LOCALHOST.",
        "gtt.localhost",
        "127.0.0.1:7860",
        "192.168.1.5",
        "[::1]:7860",
        socket.gethostname(),
    ],
)
def test_names_of_this_machine_pass(host: str) -> None:
    assert client().get("/x", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "evillocalhost",
        "127.0.0.1.evil.example",
        "a-b.hf.space",
        "2130706433",
        "0x7f.1",
    ],
)
def test_a_name_that_is_not_ours_is_refused_for_every_method(host: str) -> None:
    for method in ("GET", "POST", "OPTIONS"):
        response = client().request(method, "/x", headers={"Host": host})
        assert is_refused(response, 421, "wrong_host")


def test_a_space_is_reached_under_its_names_and_a_server_under_those_it_is_given() -> None:
    space = {"on_space": True, "space_host": "me-gtt.hf.space"}
    for options, host in [
        (space, "me-gtt.hf.space"),
        (space, "me-gtt--1.hf.space"),
        ({"allowed_hosts": ["GPT.school.example"]}, "gpt.school.example:8080"),
        ({"allowed_hosts": ["*.school.example"]}, "a.school.example"),
    ]:
        assert client(**options).get("/x", headers={"Host": host}).status_code == 200
    for host in ("evilhf.space", "hf.space.evil.example"):
        assert is_refused(client(**space).get("/x", headers={"Host": host}), 421, "wrong_host")
    only_below = client(allowed_hosts=["*.school.example"])
    for host in ("evilschool.example", "school.example"):
        assert is_refused(only_below.get("/x", headers={"Host": host}), 421, "wrong_host")


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"host", b"")],
        [(b"host", b"localhost"), (b"host", b"localhost")],
        [(b"host", b"localhost"), (b"Host", b"evil.example")],
        [(b"host", b"localhost:port")],
        [(b"host", b"localhost:99999")],
        [(b"host", b"user@localhost")],
        [(b"host", b"localhost/evil.example")],
        [(b"host", b"localhost evil")],
        [(b"host", b"localh\xf6st")],
        [(b"host", b"[::1")],
        [(b"host", b"[1:2:3]")],
        [(b"host", b"a" * 5000)],
    ],
)
def test_a_malformed_host_is_a_bad_request(headers: list[tuple[bytes, bytes]]) -> None:
    for method in ("GET", "POST"):
        status, body = raw(headers, method=method)
        assert (status, body["error"]["code"], body["error"]["field"]) == (
            400,
            "bad_request",
            "host",
        )


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://localhost:8888"},
        {"Origin": "http://localhost.evil.example:7860"},
        {"Origin": "http://localhost:7860@evil.example"},
        {"Origin": "http://localhost:7860.evil.example"},
        {"Origin": "file://localhost:7860"},
        {"Origin": "localhost:7860"},
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_site_changes_nothing(method: str, headers: dict[str, str]) -> None:
    response = client().request(method, "/api/train", headers=headers)
    assert is_refused(response, 403, "forbidden")


@pytest.mark.parametrize(
    ("base_url", "headers"),
    [
        ("http://localhost:7860", {}),
        ("http://localhost:7860", {"Sec-Fetch-Site": "none"}),
        ("http://localhost:7860", {"Origin": "http://localhost:7860"}),
        ("http://localhost:7860", {"Origin": "HTTP://LOCALHOST:7860"}),
        ("http://[::1]:7860", {"Origin": "http://[::1]:7860"}),
        ("https://me-gtt.hf.space", {"Origin": "https://me-gtt.hf.space"}),
        ("http://me-gtt.hf.space", {"Origin": "https://me-gtt.hf.space:443"}),
        ("http://127.0.0.1:7860", {"Origin": "https://me-gtt.hf.space"}),
        ("http://127.0.0.1:7860", {"Origin": "https://course.example:8443"}),
        (
            "http://127.0.0.1:7860",
            {"Origin": "https://course.example", "Sec-Fetch-Site": "cross-site"},
        ),
    ],
)
def test_the_page_itself_scripts_and_named_sites_may_change_things(
    base_url: str, headers: dict[str, str]
) -> None:
    own = client(
        base_url,
        on_space=True,
        space_host="me-gtt.hf.space",
        allowed_hosts=["course.example"],
    )
    assert own.post("/api/train", json={"action": "stop"}, headers=headers).status_code == 200


def test_other_spaces_are_other_sites() -> None:
    space = client("https://me-gtt.hf.space", on_space=True, space_host="me-gtt.hf.space")
    response = space.post("/api/train", headers={"Origin": "https://evil-gtt.hf.space"})
    assert is_refused(response, 403, "forbidden")


def test_two_origins_are_a_bad_request() -> None:
    own = (b"origin", b"http://localhost")
    status, body = raw([(b"host", b"localhost"), own, own])
    assert (status, body["error"]["field"]) == (400, "origin")


def test_a_foreign_page_may_look_at_a_link_but_read_nothing() -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {}):
        response = client().get("/x", headers=headers)
        assert response.status_code == 200
        assert not [name for name in response.headers if name.startswith("access-control")]
    preflight = client().options(
        "/x", headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    )
    assert not [name for name in preflight.headers if name.startswith("access-control")]
    named = client(allowed_hosts=["course.example"])
    response = named.get("/x", headers={"Origin": "https://course.example"})
    assert response.headers["access-control-allow-credentials"] == "true"


def test_web_sockets_have_the_same_checks() -> None:
    own = client(allowed_hosts=["testserver"])  # the name that the test client always uses
    for headers in ({}, {"Origin": "http://testserver"}):
        with own.websocket_connect("/socket", headers=headers) as connection:
            assert connection.receive_text() == "hello"
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Host": "evil.example"},
    ):
        with (
            pytest.raises(WebSocketDisconnect),
            own.websocket_connect("/socket", headers=headers),
        ):
            pass


def test_every_answer_carries_the_headers_and_may_be_embedded() -> None:
    for response in (client().get("/x"), client().get("/stream"), client().post("/x" * 5000)):
        for name, value in SECURITY_HEADERS.items():
            assert response.headers.get_list(name) == [value]
        assert "x-frame-options" not in response.headers
        policy = response.headers["content-security-policy"]
        assert "default-src 'self'" in policy and "frame-ancestors *" in policy
        assert "http" not in policy  # no other host is named in it


def test_a_policy_of_the_application_is_kept() -> None:
    async def strict(request: Request) -> JSONResponse:
        return JSONResponse({}, headers={"Content-Security-Policy": "default-src 'none'"})

    app = alone(Route("/", strict))
    response = TestClient(app, base_url="http://localhost").get("/")
    assert response.headers.get_list("content-security-policy") == ["default-src 'none'"]


def test_streams_pass_piece_by_piece() -> None:
    assert client().get("/stream").text == "data: 0\n\ndata: 1\n\ndata: 2\n\n"


def chunked(count: int, size: int = 100_000) -> AsyncIterator[bytes]:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(count):
            yield b"x" * size

    return pieces()


def posted(path: str, **request: Any) -> httpx.Response:
    async def post() -> httpx.Response:
        transport = httpx.ASGITransport(guarded())
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as own:
            return await own.post(path, **request)

    return asyncio.run(post())


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/api/train", 10),
        ("/gradio_api/queue/join", 10),
        ("/api/datasets/upload/x", 10),
        ("/api/datasets/upload", 40),
        ("/gradio_api/upload/", 40),
    ],
)
def test_a_body_is_capped_with_a_length_and_without(path: str, most: int) -> None:
    for body in (b"x" * most * 100_000, chunked(most)):
        response = posted(path, content=body)
        assert response.json() == {"bytes": most * 100_000}
    for body in (b"x" * (most * 100_000 + 1), chunked(most + 1), chunked(most * 10)):
        assert is_refused(posted(path, content=body), 413, "too_large")


def test_a_body_that_is_longer_than_it_said_is_cut() -> None:
    headers = [(b"host", b"localhost"), (b"content-length", b"10")]
    status, body = raw(headers, pieces=(b"x" * MEGABYTE, b"x"))
    assert (status, body["error"]["code"]) == (413, "too_large")


def test_an_application_that_swallows_the_end_of_the_body_cannot_answer_over_it() -> None:
    async def stubborn(request: Request) -> JSONResponse:
        try:
            await request.body()
        except Exception:
            return JSONResponse({"done": "anyway"})
        return JSONResponse({"done": True})

    guard = alone(Route("/", stubborn, methods=["POST"]))
    pieces = (b"x" * MEGABYTE, b"x", b"x")
    status, body = raw([(b"host", b"localhost")], path="/", pieces=pieces, guard=guard)
    assert (status, body["error"]["code"]) == (413, "too_large")


def test_a_fault_of_the_application_is_not_hidden() -> None:
    async def broken(request: Request) -> JSONResponse:
        raise ZeroDivisionError

    guard = alone(Route("/", broken))
    with pytest.raises(ZeroDivisionError):
        TestClient(guard, base_url="http://localhost").get("/")


@pytest.mark.parametrize(
    "length", [b"-1", b"ten", b"1e3", b"0x10", b"1_0", b"", b"9" * 40, b"\xb2"]
)
def test_an_invalid_length_is_a_bad_request(length: bytes) -> None:
    status, body = raw([(b"host", b"localhost"), (b"content-length", length)])
    assert (status, body["error"]["field"]) == (400, "content-length")


def nested(depth: int) -> bytes:
    return (
        b'{"a":' * (depth // 2)
        + b"[" * (depth - depth // 2)
        + b"]" * (depth - depth // 2)
        + b"}" * (depth // 2)
    )


@pytest.mark.parametrize(
    "kind", ["application/json", "application/x+json; a=b", "text/plain", None]
)
def test_json_nested_too_deeply_is_refused_whatever_it_is_called(kind: str | None) -> None:
    headers = {"Content-Type": kind} if kind else {}
    assert client().post("/x", content=nested(64), headers=headers).status_code == 200
    for depth in (65, 1000, 100_000):
        response = client().post("/x", content=nested(depth), headers=headers)
        assert is_refused(response, 422, "invalid_input")


def test_forms_and_uploads_are_not_read_as_json() -> None:
    deep = b"[" * 1000
    assert client().post("/api/datasets/upload", content=deep).status_code == 200
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    assert client().post("/x", content=deep, headers=form).status_code == 200


@pytest.mark.parametrize(
    ("text", "is_fine"),
    [
        (json.dumps(["[" * 500, {"[{": '"[['}]).encode(), True),
        (json.dumps('"\\' * 50 + "[" * 500).encode(), True),
        (b'"\\\\"' + b"[" * 65, False),
        (b'"\\""' + b"[" * 64, True),
        (b"[" + b"[]," * 1000 + b"[]]", True),
        (b"[]" * 200_000, False),
        (b"]" * 100 + b"[" * 65, True),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 3, 10**9])
def test_depth_is_told_apart_from_brackets_in_strings_in_pieces_of_any_size(
    text: bytes, is_fine: bool, size: int
) -> None:
    check = NestingCheck(64)
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    assert all(check.feed(piece) for piece in pieces) is is_fine


def form(files: int) -> dict[str, Any]:
    return {"files": [("files", (f"{n}.txt", b"text", "text/plain")) for n in range(files)]}


@pytest.mark.parametrize("path", ["/gradio_api/upload", "/gradio_api/upload/", "/x"])
def test_a_form_holds_few_files(path: str) -> None:
    assert client().post(path, **form(MOST_FILES)).status_code == 200
    assert is_refused(client().post(path, **form(MOST_FILES + 1)), 413, "too_large")
    nameless = client().post(path, content=b"x", headers={"Content-Type": "multipart/form-data"})
    assert is_refused(nameless, 400, "bad_form")


def test_parts_are_counted_in_pieces_of_any_size() -> None:
    body = b"--mark\r\n\r\n-\r\n" * 4 + b"--mark--"
    for size in (1, 3, 7, len(body)):
        pieces = [body[at : at + size] for at in range(0, len(body), size)]
        for most, fits in ((4, True), (3, False)):
            count = PartCount('multipart/form-data; boundary="mark"', most)
            assert all(map(count.feed, pieces)) == fits


def test_files_for_gradio_are_counted_before_they_are_read() -> None:
    counted: list[tuple[str | None, str, int]] = []

    def receive_file(key: str | None, visitor: str, most: int) -> None:
        counted.append((key, visitor, most))
        if len(counted) > 1:
            raise RateLimited("Too many.", retry_after=3)

    one = client(receive_file=receive_file)
    headers = {"X-Forwarded-For": "10.0.0.1", "X-GTT-Workspace": "key"}
    assert one.post("/gradio_api/upload", **form(1), headers=headers).status_code == 200
    (key, visitor, most) = counted[0]
    assert key == "key" and visitor.endswith("10.0.0.1") and 0 < most < 1000
    assert one.get("/gradio_api/upload_progress").status_code == 200
    assert is_refused(one.get("/gradio_api/upload"), 405, "method_not_allowed")
    refused = one.post("/gradio_api/upload/", **form(1))
    assert is_refused(refused, 429, "rate_limited") and refused.headers["retry-after"] == "3"
    assert len(counted) == 2


def test_long_addresses_are_refused() -> None:
    for url in ("/" + "x" * 9000, "/x?q=" + "x" * 9000, "/" + "%41" * 3000):
        assert is_refused(client().get(url), 414, "too_long")
    assert client().get("/" + "x" * 8000).status_code == 200
    surrogate = raw([(b"host", b"localhost")], path="/\ud800", method="GET")
    assert surrogate[0] < 500


def test_the_lifespan_puts_the_guard_outside_of_later_middleware() -> None:
    app = Starlette(
        routes=ROUTES, lifespan=guarding(routes=ROUTES, allowed_hosts=["course.example"])
    )
    app.add_middleware(
        CORSMiddleware, allow_origins=["*"], allow_methods=["*"], allow_credentials=True
    )
    with TestClient(app, base_url="http://localhost") as own:
        foreign = {"Origin": "https://evil.example"}
        assert is_refused(own.post("/x", headers=foreign), 403, "forbidden")
        assert "access-control-allow-origin" not in own.get("/x", headers=foreign).headers
        assert own.get("/x").headers["x-content-type-options"] == "nosniff"


def test_hosts_and_origins_are_read_strictly() -> None:
    assert read_host("A.Example.:80") == ("a.example", None)
    assert read_host("[::1]:7860") == ("::1", 7860)
    assert read_origin("https://a.example:443") == ("a.example", None)
    for text in (
        "",
        "null",
        "https://",
        "https://a b",
        "https://a/x",
        "https://u@a",
        "ws://a",
        "//a",
    ):
        assert read_origin(text) is None


HOST = [(b"host", b"localhost"), (b"content-length", b"9")]


@pytest.mark.parametrize("ticks", range(6))
def test_a_wait_for_the_end_of_a_request_can_be_ended(ticks: int) -> None:
    """Also in the moment in which a piece comes: else an answer is never sent."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        async def hang_up() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass

        gone = asyncio.ensure_future(hang_up())
        for _ in range(ticks):
            await asyncio.sleep(0)
        gone.cancel()
        await asyncio.wait_for(asyncio.gather(gone, return_exceptions=True), 5)
        await JSONResponse({"ended": True})(scope, receive, send)

    for headers in (HOST[:1], HOST):
        pieces = iter([{"type": "http.request", "body": b"x", "more_body": False}])

        async def receive(pieces: Any = pieces) -> Message:
            for piece in pieces:
                return dict(piece)
            await asyncio.sleep(60)
            return {"type": "http.disconnect"}

        sent: list[Message] = []

        async def send(message: Message, sent: list[Message] = sent) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": "/api/x", "query_string": b""}
        asyncio.run(Guard(app, routes=ROUTES)({**scope, "headers": headers}, receive, send))
        assert sent[0]["status"] == 200


def test_a_body_that_does_not_come_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gtt.api.guard.exchange.LONGEST_PAUSE", 0.05)

    async def receive() -> Message:
        await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/api/train", "query_string": b""}
    asyncio.run(guarded()({**scope, "headers": HOST}, receive, send))
    assert sent[0]["status"] == 408 and b"too_slow" in sent[1]["body"]
