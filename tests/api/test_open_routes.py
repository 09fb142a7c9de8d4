"""Open is what the guard names: every route of the installed Gradio is held against its list.

What is closed stands with its reason in the page of the design, so that a route which a new Gradio
brings fails here until somebody has looked at it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gradio.routes import App
from serving import ROOT
from starlette.routing import Mount, Route

from gtt.api.api_errors import ApiError
from gtt.api.guard import Guard
from gtt.api.guard.open_routes import (
    ALWAYS_OPEN,
    API,
    MCP_ROUTES,
    SIGN_IN_ROUTES,
    OpenRoutes,
    open_routes,
)
from gtt.api.service import Service
from gtt.rest import routes
from gtt.runs.home import Home
from gtt.runs.limits import Limits
from gtt.ui.assets import asset_routes
from gtt.ui.page import build

DESIGN = ROOT / "docs" / "decisions" / "0023-the-guard.md"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
FILLED = {"path": "a/b.txt", "path_or_url": "/tmp/a.txt", "url_path": "https://a.example/"}


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Any]]:
    service = Service(Home(tmp_path_factory.mktemp("routes")), Limits(), spare=False)
    yield [*asset_routes(), *routes(service)]
    service.close()


@pytest.fixture(scope="module")
def gradios(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """The methods of every path of the page that Gradio serves; a slash at the end does not count.

    FastAPI tells of its own routes in its description; what is mounted or plain stands beside it.
    """
    service = Service(Home(tmp_path_factory.mktemp("page")), Limits(), spare=False)
    try:
        app = App.create_app(build(service))
    finally:
        service.close()
    found: dict[str, set[str]] = {}
    for path, methods in app.openapi()["paths"].items():
        found.setdefault(path.rstrip("/"), set()).update(method.upper() for method in methods)
    for route in app.routes:
        if isinstance(route, Mount) or type(route) is Route:
            found.setdefault(route.path, set()).update(getattr(route, "methods", None) or {"GET"})
    return found


def plain(path: str) -> str:
    """A path as FastAPI describes it: without the kinds of its parts."""
    return re.sub(r":\w+}", "}", path).rstrip("/")


def passes(gate: OpenRoutes, method: str, path: str) -> bool:
    try:
        gate.check({"type": "http", "method": method, "path": path})
    except ApiError as refusal:
        assert refusal.status in (404, 405)
        return False
    return True


def closed_in_the_design() -> dict[str, set[str]]:
    """Method and path of the first column of its table of closed routes."""
    rows = re.findall(r"^\| `([A-Z ]+) (/[^`]*)` \|", DESIGN.read_text(encoding="utf-8"), re.M)
    return {path.rstrip("/"): set(methods.split()) for methods, path in rows}


def test_every_route_of_gradio_is_either_open_or_closed_for_a_reason(
    gradios: dict[str, set[str]],
) -> None:
    opened = {plain(one.path): set(one.methods) for one in ALWAYS_OPEN}
    conditional = {plain(one.path) for one in SIGN_IN_ROUTES}
    closed = closed_in_the_design()
    both = sorted(set(opened) & set(closed))
    assert not both, f"open and closed at once: {both}"
    unknown = {path: sorted(gradios[path]) for path in gradios if path not in {*opened, *closed}}
    unknown = {path: methods for path, methods in unknown.items() if path not in conditional}
    assert not unknown, (
        f"Gradio serves routes that nobody has looked at: {unknown}. They are closed. Open them in "
        f"gtt/api/guard/open_routes.py if the page or its clients need them; else list them in "
        f"{DESIGN.name} with a reason."
    )
    for path, methods in (opened | closed).items():
        assert methods == gradios.get(path), f"Gradio has {gradios.get(path)} of {path} by now"


def test_the_guard_lets_pass_what_is_named_and_nothing_else(
    gradios: dict[str, set[str]], ours: list[Any]
) -> None:
    gate = OpenRoutes(ours)
    opened = {plain(one.path): one.methods for one in ALWAYS_OPEN}
    for path in gradios:
        address = re.sub(r"{(\w+)}", lambda part: FILLED.get(part[1], "one"), path) or "/"
        for method in METHODS:
            assert passes(gate, method, address) == (method in opened.get(path, ())), (method, path)
            assert passes(gate, method, f"{address.rstrip('/')}/") == passes(gate, method, address)


def test_all_of_our_own_routes_are_open(ours: list[Any]) -> None:
    gate = OpenRoutes(ours)
    for route in ours:
        path = re.sub(r"{\w+(:path)?}", "one", route.path)
        path += "/one" if isinstance(route, Mount) else ""
        assert passes(gate, "GET", path), path
        assert passes(gate, "POST", path), "a wrong method is answered by the route itself"
    assert not passes(gate, "GET", "/openapi.json"), "FastAPI's own description, of Gradio's routes"


def test_a_path_of_ours_however_wide_opens_nothing_of_gradio() -> None:
    gate = OpenRoutes([Route("/{anything:path}", Path)])
    assert passes(gate, "GET", "/x/y") and not passes(gate, "GET", f"{API}/token")


@pytest.mark.parametrize(
    "path",
    [
        f"{API}/proxy=http://169.254.169.254/latest/meta-data",
        f"/sub{API}/proxy=https://evil.example",
        f"{API}/file=http://127.0.0.1:7860/",
        f"{API}/file=HTTPS://evil.example/x",
        f"{API}/file= https://evil.example/x",
        f"{API}/file=//evil.example/x",
        f"{API}/file=file:///etc/passwd",
        f"{API}/file/https://evil.example",
        f"{API}/undo-vibe-edit",
        f"{API}/run/generate",
        f"{API}//token",
        f"/{API}/info",
        f"{API}/queue/join/x",
        f"{API}/Queue/join",
        f"{API}",
        "/monitoring/summary",
        "/x",
    ],
)
def test_addresses_that_come_near_are_closed(ours: list[Any], path: str) -> None:
    gate = OpenRoutes(ours)
    assert not any(passes(gate, method, path) for method in (*METHODS, "OPTIONS"))


def test_below_the_path_of_a_proxy_the_same_is_open(ours: list[Any]) -> None:
    gate = OpenRoutes(ours)

    def below(path: str) -> bool:
        scope = {"type": "http", "method": "GET", "path": path, "root_path": "/gtt"}
        try:
            gate.check(scope)
        except ApiError:
            return False
        return True

    assert below("/gtt/config") and below("/config") and below("/gtt/api/runs") and below("/gtt")
    assert not below(f"/gtt{API}/token") and not below("/gtt/gtt/config")


def test_signing_in_and_the_tools_of_agents_are_open_where_they_are_on() -> None:
    assert open_routes({}) == ALWAYS_OPEN
    assert {*open_routes({"OAUTH_CLIENT_ID": "a"})} - {*ALWAYS_OPEN} == {*SIGN_IN_ROUTES}
    assert {*open_routes({"GRADIO_MCP_SERVER": "True"})} - {*ALWAYS_OPEN} == {*MCP_ROUTES}
    assert not passes(OpenRoutes(), "GET", "/login/huggingface")
    assert passes(OpenRoutes(gradios=SIGN_IN_ROUTES), "GET", "/login/callback")
    assert passes(OpenRoutes(gradios=MCP_ROUTES), "POST", f"{API}/mcp/")


def test_no_script_of_a_component_calls_python() -> None:
    assert not passes(OpenRoutes(), "POST", f"{API}/component_server")


def test_a_web_socket_of_gradio_is_closed() -> None:
    closed: list[Any] = []

    async def ask() -> None:
        async def receive() -> dict[str, Any]:
            return {"type": "websocket.connect"}

        async def send(message: Any) -> None:
            closed.append(message)

        async def app(scope: Any, receive: Any, send: Any) -> None:
            raise AssertionError("it was passed on")

        headers = [(b"host", b"localhost")]
        scope = {"type": "websocket", "path": f"{API}/queue/join", "headers": headers}
        await Guard(app)(scope, receive, send)

    asyncio.run(ask())
    assert closed[0]["type"] == "websocket.close"
