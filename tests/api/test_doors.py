"""Every private door leads where it did, in the libraries as they are installed.

After an upgrade a test here says which door has moved; docs/private-doors.md says what it is for.
"""

from __future__ import annotations

import ast
import asyncio
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from gradio import component_meta, state_holder, utils
from gradio.context import LocalContext
from gradio.routes import App
from serving import ROOT
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn import Config
from uvicorn.protocols.http import auto

from gtt.api.doors import DoorMoved, behind, stubs
from gtt.api.doors import gradio as doors
from gtt.api.doors import server as server_doors
from gtt.api.first_script import ScriptFirst
from gtt.api.guard.layers import guarding, refuse_unguarded
from gtt.errors import GTTError

LIST = ROOT / "docs" / "private-doors.md"
DOORS = ROOT / "gtt" / "api" / "doors"
# Named tuples have no other names for these, and leaving at once is what `os` documents.
PUBLIC = {"_asdict", "_replace", "_fields", "_make", "_exit"}


@pytest.fixture
def page() -> gr.Blocks:
    """A page with an event by a public name, one without, and a function that a script may call."""

    def answer(given: Any) -> Any:
        return given

    with gr.Blocks() as page:
        box = gr.Textbox()
        gr.HTML(server_functions=[answer])
        box.change(seen, box, box, api_name="seen")
        box.submit(lambda text: text, box, box, api_visibility="private")
    page.queue()
    return page


def seen(text: str, request: gr.Request) -> str:
    """What the doors say inside of an event."""
    known = doors.request_at_work()
    return f"{doors.event_at_work()} {known is request} {request.headers['x-told']}"


# ------------------------------------------------------------------------------- Gradio


def test_the_queue_looks_for_events_as_rarely_as_it_is_told(page: gr.Blocks) -> None:
    """Without the door it sleeps a thousand times in a second."""
    doors.look_for_events_rarely(page)
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        page._queue.stopped = len(slept) >= 3

    async def run() -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("gradio.queueing.asyncio", SimpleNamespace(sleep=sleep))
            page._queue.active_jobs = [None]
            await page._queue.start_processing()
            page._queue.stopped = False
            await page._queue.start_progress_updates()

    asyncio.run(run())
    assert set(slept) == {doors.BETWEEN_LOOKS, doors.BETWEEN_PROGRESS}


class Kept(dict[str, Any]):
    """Notes which sessions Gradio keeps results of."""


def test_results_and_sessions_are_where_they_are_looked_for(page: gr.Blocks) -> None:
    kept = Kept()
    doors.keep_results_in(page, kept)
    app = gr.mount_gradio_app(FastAPI(), page, path="/")
    with TestClient(app) as client:
        call = "/gradio_api/call/seen"
        headers = {"X-Told": "hello"}
        made = client.post(call, json={"data": ["a"]}, headers=headers).json()
        event = made["event_id"]
        assert list(kept) == [event], "Gradio keeps the results of a call elsewhere"
        assert doors.has_session(page, event) and doors.has_event(page, event)
        assert not doors.has_session(page, "other") and not doors.has_event(page, "other")
        told = client.get(f"{call}/{event}").text
        assert f"{event} True hello" in told, f"inside of an event the doors say {told!r}"
        made = client.post(call, json={"data": ["a"], "session_hash": "mine"}, headers=headers)
        event = made.json()["event_id"]
        assert doors.has_event(page, event) and doors.has_session(page, "mine")
        doors.forget_session(page, "mine")
        assert "mine" not in page._queue.pending_event_ids_session


def test_who_is_signed_in_is_found_in_the_session() -> None:
    info = {"access_token": "hf_anna", "scope": "write-repos", "expires_at": time.time() + 60}
    assert doors.signed_in_token({}) is None
    assert doors.signed_in_token({"oauth_info": info}) == "hf_anna"
    assert doors.signed_in_token({"oauth_info": {**info, "expires_at": 1}}) is None


def test_outside_of_an_event_there_is_none() -> None:
    assert doors.event_at_work() is None and doors.request_at_work() is None
    assert LocalContext.event_id is not None


def test_events_and_functions_of_scripts_are_known(page: gr.Blocks) -> None:
    names = doors.event_names(page)
    assert "seen" in names.values() and len(names) == 2
    assert set(names) == {event["id"] for event in page.get_config_file()["dependencies"]}


def test_files_of_events_lie_in_the_folder_that_was_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    with gr.Blocks():
        assert doors.cache_folder(gr.File()) == tmp_path


def test_sessions_are_small_and_events_load_no_library_for_figures(
    page: gr.Blocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place, name in ((state_holder, "SessionState"), (utils, "MatplotlibBackendMananger")):
        monkeypatch.setattr(place, name, getattr(place, name))  # to go back to
    doors.keep_sessions_small()
    doors.leave_matplotlib_out()
    made: list[Any] = []

    class Told(doors.SmallSession):
        def __init__(self, blocks: Any) -> None:
            super().__init__(blocks)
            made.append(self)

    class Backend:
        def __enter__(self) -> None:
            made.append("backend")

        def __exit__(self, *error: object) -> None:
            pass

    monkeypatch.setattr(state_holder, "SessionState", Told)
    monkeypatch.setattr(utils, "MatplotlibBackendMananger", Backend)
    app = gr.mount_gradio_app(FastAPI(), page, path="/")
    with TestClient(app) as client:
        event = client.post(
            "/gradio_api/call/seen", json={"data": ["a"]}, headers={"X-Told": "b"}
        ).json()["event_id"]
        client.get(f"/gradio_api/call/seen/{event}")
    assert "backend" in made, "Gradio sets matplotlib's backend in another way by now"
    assert any(isinstance(one, Told) for one in made), "Gradio makes sessions in another way by now"


def test_the_import_of_gradio_writes_no_stubs() -> None:
    """In a process of its own, which has not imported Gradio yet."""
    counting = """
import ast, sys
from gtt.api.doors import stubs
finders = len(sys.meta_path)
stubs.write_no_stubs()
read, ast.get_source_segment = [], lambda *given: read.append(given) or ""
import gradio
assert len(sys.meta_path) == finders, "the import was not watched"
print(len(read))
"""
    read = subprocess.check_output([sys.executable, "-c", counting], cwd=ROOT)
    assert int(read) == 0, "Gradio writes its stubs in another way by now"


def test_where_gradio_is_imported_already_no_more_stubs_are_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written: list[Any] = []
    monkeypatch.setattr(component_meta, "create_or_modify_pyi", lambda *one: written.append(one))
    type("Before", (gr.HTML,), {})
    assert len(written) == 1, "Gradio writes its stubs in another way by now"
    stubs.write_no_stubs()
    type("After", (gr.HTML,), {})
    assert len(written) == 1
    monkeypatch.delattr(component_meta, "create_or_modify_pyi")
    with pytest.raises(DoorMoved, match="create_or_modify_pyi"):
        stubs.write_no_stubs()


# ------------------------------------------------------------------------------- Starlette, uvicorn


async def plain(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"plain"})


def test_what_is_wrapped_meets_a_request_before_all_middleware() -> None:
    """Also before that of Gradio, which adds its own when the application is made."""
    seen: list[str] = []

    def around(inside: ASGIApp) -> ASGIApp:
        async def first(scope: Scope, receive: Receive, send: Send) -> None:
            seen.append(scope["path"])
            await plain(scope, receive, send)

        return first

    with gr.Blocks() as page:
        gr.Textbox()
    app = App.create_app(page)
    with server_doors.wrapped(app, around):
        client = TestClient(app)
        preflight = {"Origin": "http://a.example", "Access-Control-Request-Method": "POST"}
        assert client.options("/x", headers=preflight).text == "plain"
        assert seen == ["/x"] and server_doors.outermost(app) is not None
    assert TestClient(app).get("/robots.txt").text != "plain"


def test_gradio_runs_the_lifespan_that_puts_the_guard_on() -> None:
    with gr.Blocks() as page:
        gr.Textbox()
    app = App.create_app(page, app_kwargs={"lifespan": guarding()})
    with pytest.raises(GTTError, match="without its guard"):
        refuse_unguarded(app)
    with TestClient(app, base_url="http://localhost") as client:
        refuse_unguarded(app)
        assert client.get("/gradio_api/token").json()["error"]["code"] == "not_found"


def test_a_script_comes_first_on_the_page_that_gradio_makes() -> None:
    with gr.Blocks(title="A page") as page:
        gr.Textbox()
    first = {"middleware": [Middleware(ScriptFirst, "window.first = 1;")]}
    with TestClient(gr.mount_gradio_app(FastAPI(), page, path="/", app_kwargs=first)) as client:
        got = client.get("/")
        assert got.text.index("window.first = 1;") < got.text.index("<script type=")
        assert 'href="manifest.json"' in got.text and 'href="/manifest' not in got.text
        assert int(got.headers["content-length"]) == len(got.content)
        assert "window.first" not in client.get("/config").text


def test_whatever_starts_uvicorn_gets_the_changed_protocol(monkeypatch: pytest.MonkeyPatch) -> None:
    base = auto.AutoHTTPProtocol
    monkeypatch.setattr(auto, "AutoHTTPProtocol", base)  # to go back to
    server_doors.replace_http_protocol(lambda known: type("Changed", (known,), {}))
    config = Config(plain, log_level="warning")  # as Gradio makes it
    config.load()
    assert config.http_protocol_class.__name__ == "Changed"
    assert issubclass(config.http_protocol_class, base)


def test_a_connection_is_idle_between_requests_and_takes_no_web_sockets() -> None:
    protocol = server_doors.without_upgrades(auto.AutoHTTPProtocol)
    seen: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append((scope["type"], one.is_idle()))
        await plain(scope, receive, send)

    async def ask() -> bytes:
        nonlocal one
        config = Config(app, log_level="warning", lifespan="off")
        config.load()
        state = SimpleNamespace(
            total_requests=0, connections=set(), tasks=set(), default_headers=[]
        )
        loop = asyncio.get_running_loop()

        def made() -> Any:
            nonlocal one
            one = protocol(config=config, server_state=state, app_state={})
            return one

        server = await loop.create_server(made, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        await asyncio.sleep(0.05)
        assert one.is_idle(), "a connection without a request is at work"
        writer.write(f"GET / HTTP/1.1\r\nHost: a\r\n{upgrade}\r\n".encode())
        answer = await asyncio.wait_for(reader.readuntil(b"plain"), 10)
        assert one.is_idle()
        writer.close()
        server.close()
        with suppress(OSError):
            await writer.wait_closed()
        return answer

    one: Any = None
    assert b"200 OK" in asyncio.run(ask())
    assert seen == [("http", False)]


# ------------------------------------------------------------------------------- none beside them


def test_a_door_that_has_moved_says_so_in_words() -> None:
    with pytest.raises(DoorMoved, match=r"starlette \d\S* has no Starlette\.middleware_heap any"):
        behind("starlette", Starlette(), "middleware_heap")
    assert callable(behind("gradio", gr, "Blocks", "launch"))


Found = tuple[str, str]  # file, and the private name as the code has it


def test_nothing_beside_the_doors_touches_a_private_name() -> None:
    """What cannot go through a door stands with its reason in the list, and nothing else does."""
    elsewhere = LIST.read_text(encoding="utf-8").partition("## Elsewhere")[2]
    listed = set(re.findall(r"^\| `(gtt/[\w/.]+|app\.py)` \| `([^`]+)` \|", elsewhere, re.M))
    found = {one for path in sources() for one in private_names(path)}
    new, gone = sorted(found - listed), sorted(listed - found)
    assert not new, (
        f"private names: put a door in gtt/api/doors, or list them in {LIST.name}: {new}"
    )
    assert not gone, f"{LIST.name} lists what the code does not use any more: {gone}"


@pytest.mark.parametrize("path", sorted(DOORS.glob("*.py")), ids=lambda path: path.name)
def test_every_door_gives_its_reason_and_is_listed(path: Path) -> None:
    listed, tree = LIST.read_text(encoding="utf-8"), ast.parse(path.read_text(encoding="utf-8"))
    if path.stem == "__init__":
        return
    for one in tree.body:
        if isinstance(one, ast.FunctionDef) and not one.name.startswith("_"):
            assert f"`{one.name}`" in listed, f"{one.name} is missing in {LIST.name}"
            assert one.name in Path(__file__).read_text(encoding="utf-8"), f"no test of {one.name}"


def test_private_names_are_found() -> None:
    """The search itself: what it finds, and what is nobody else's."""
    code = """
import lib
from lib import _a
from lib._b import c
from gtt.own import thing
class Own(lib.Base):
    def _mine(self): return self._kept + super()._put + thing()._mine
def f(x): return x._private, x._asdict(), lib.sub._deep
lib.name = f
"""
    found = {name for _, name in private_names(Path("x.py"), code)}
    assert found == {"lib._a", "lib._b", "x._private", "lib.sub._deep", "lib.name = …"}


def sources() -> Iterator[Path]:
    yield ROOT / "app.py"
    for path in sorted((ROOT / "gtt").rglob("*.py")):
        if DOORS not in path.parents:
            yield path


def private_names(path: Path, code: str | None = None) -> Iterator[Found]:
    """Names of others that begin with an underscore, and attributes of their modules that are set.

    A name that the file itself defines is its own.
    """
    tree = ast.parse(path.read_text(encoding="utf-8") if code is None else code)
    nodes = list(ast.walk(tree))
    file = str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
    own = {one.name for one in nodes if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}
    private = [one for one in nodes if isinstance(one, ast.Attribute) and is_private(one.attr)]
    within = {id(one.value) for one in private}
    modules: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            if isinstance(node, ast.Import):
                modules.update(one.asname or one.name.partition(".")[0] for one in node.names)
                names = [one.name for one in node.names]
            elif node.module == "__future__" or (node.module or "").startswith("gtt"):
                continue
            elif any(part.startswith("_") for part in str(node.module).split(".")):
                names = [str(node.module)]
            else:
                names = [f"{node.module}.{one.name}" for one in node.names]
            for name in names:
                if any(part.startswith("_") for part in name.split(".")):
                    yield file, name
        if isinstance(node, ast.Attribute) and is_private(node.attr) and node.attr not in own:
            holder = node.value
            if id(node) in within:  # the whole of it is told
                continue
            is_own = isinstance(holder, ast.Name) and holder.id in ("self", "cls")
            is_super = isinstance(holder, ast.Call) and ast.unparse(holder) == "super()"
            if not is_own and not is_super:
                yield file, ast.unparse(node)
    for node in nodes:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                begin = ast.unparse(target).partition(".")[0]
                if isinstance(target, ast.Attribute) and begin in modules:
                    yield file, f"{ast.unparse(target)} = …"


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name not in PUBLIC


def test_the_permissive_middleware_of_gradio_is_still_the_reason() -> None:
    """Why the guard lies outside: Gradio's own lets a page of a site read an answer."""
    with gr.Blocks() as page:
        gr.Textbox()
    app = App.create_app(page)
    kinds = [one.cls for one in app.user_middleware]
    assert any(issubclass(kind, CORSMiddleware) or "CORS" in kind.__name__ for kind in kinds)
    foreign = {"Origin": "https://evil.example", "Host": "some.example"}
    told: httpx.Response = TestClient(app).get("/config", headers=foreign)
    assert told.headers["access-control-allow-origin"] == "https://evil.example"
