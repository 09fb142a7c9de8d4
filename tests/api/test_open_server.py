"""What strangers send to the routes of an open server that are not ours: refused, bounded, gone."""

from __future__ import annotations

import io
import json
import os
import socket
import time
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from serving import Server, serving, tiny, wait_until_done

from gtt.api.workspaces import new_key

EVENT = "/gradio_api/call/v2/status"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("open") / "a home of somebody"
    with serving(home, GTT_MAX_STEPS="1000", GRADIO_TEMP_DIR="") as one:
        yield one


@pytest.fixture
def http(server: Server) -> Iterator[httpx.Client]:
    with server.client(new_key()) as one:
        yield one


@pytest.fixture(scope="module")
def trained(server: Server) -> tuple[str, str]:
    """A key, and a run on its desk."""
    key = new_key()
    with server.client(key) as http:
        run = http.post("/api/runs", json=tiny()).raise_for_status().json()["run"]["id"]
        assert wait_until_done(http, run)["state"] == "completed"
    return key, run


def form(*parts: str, boundary: str = "b") -> dict[str, Any]:
    body = "".join(f"--{boundary}\r\n{part}\r\n" for part in parts) + f"--{boundary}--\r\n"
    return {
        "content": body.encode(),
        "headers": {"Content-Type": f"multipart/form-data; boundary={boundary}"},
    }


FILE = 'Content-Disposition: form-data; name="files"; filename="{}"\r\n\r\ntext'
FORMS = {
    "no file name": form(FILE.format("")),
    "a file name of dots": form(FILE.format("..")),
    "half a pair": form(FILE.format("\\ud800")),
    "no name": form('Content-Disposition: form-data; filename="a.txt"\r\n\r\ntext'),
    "no heading": form("\r\ntext"),
    "no file": form('Content-Disposition: form-data; name="files"\r\n\r\ntext'),
    "another boundary": {**form(FILE.format("a")), "headers": form(boundary="c")["headers"]},
    "no end": {"content": b"--b\r\n" + FILE.format("a").encode(), "headers": form()["headers"]},
    "no form": {"content": b"text", "headers": form()["headers"]},
    "nothing": {"content": b"", "headers": form()["headers"]},
    "no boundary": {"content": b"", "headers": {"Content-Type": "multipart/form-data"}},
    "no kind": {"content": b"text"},
}


@pytest.mark.parametrize("what", FORMS)
@pytest.mark.parametrize("query", ["", "?upload_id=a"])
def test_a_malformed_form_is_refused_in_words(
    server: Server, http: httpx.Client, what: str, query: str
) -> None:
    before = server.log()
    answer = http.post(f"/gradio_api/upload{query}", **FORMS[what])
    assert answer.status_code in (200, 400, 413, 422), answer.text
    assert str(server.home) not in answer.text
    assert "Traceback" not in server.log()[len(before) :]


BODIES: dict[str, tuple[str, bytes]] = {
    "half a pair": (EVENT, rb'{"workspace": "\ud800"}'),
    "half a pair in a name": (EVENT, rb'{"\udfff": 1}'),
    "no number": ("/gradio_api/call/status", b'{"data": [NaN]}'),
    "infinity": ("/gradio_api/queue/join", b'{"data": [-Infinity], "fn_index": 1}'),
    "a list": (EVENT, b"[1]"),
    "no JSON": ("/gradio_api/queue/join", b"{"),
    "no session": ("/gradio_api/queue/join", b'{"data": [], "fn_index": 1, "session_hash": ""}'),
    "a strange session": ("/gradio_api/reset", b'{"event_id": [], "session_hash": "a"}'),
    "a session of a kind": (
        "/gradio_api/cancel",
        b'{"session_hash": {}, "fn_index": 1, "event_id": "a"}',
    ),
}


@pytest.mark.parametrize("what", BODIES)
def test_a_body_that_gradio_would_meet_with_a_fault_is_refused(
    server: Server, http: httpx.Client, what: str
) -> None:
    path, body = BODIES[what]
    before = server.log()
    answer = http.post(
        path,
        content=body,
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code in (400, 404, 422), answer.text
    assert answer.json()["error"]["message"]
    assert server.log() == before


def test_results_that_nobody_waits_for_are_no_fault(server: Server, http: httpx.Client) -> None:
    before = server.log()
    for path in (
        "/gradio_api/queue/data?session_hash=nobody",
        "/gradio_api/queue/data?session_hash=",
        "/gradio_api/call/status/nothing",
    ):
        answer = http.get(path)
        assert answer.status_code in (404, 422) and "error" in answer.json(), answer.text
    assert server.log() == before


def test_a_file_has_no_path_of_the_server(
    server: Server, http: httpx.Client, trained: tuple[str, str]
) -> None:
    (path,) = http.post("/gradio_api/upload", files={"files": ("a.txt", b"some text")}).json()
    assert path.startswith("/gtt-files/") and path.endswith("/a.txt")
    assert http.get(f"/gradio_api/file={path}").text == "some text"
    for other in ("/gtt-files/../server.log", "/gtt-files/x", "/gtt-files/"):
        assert http.get(f"/gradio_api/file={other}").status_code in (403, 404)
    key, run = trained
    values = {"run_id": run, "workspace": key}
    begun = http.post("/gradio_api/call/v2/journal", json=values).raise_for_status().json()
    told = http.get(f"/gradio_api/call/journal/{begun['event_id']}").text
    assert "event: complete" in told and str(server.home) not in told, told
    file = json.loads(told.split("event: complete\ndata: ")[1].split("\n")[0])[0]
    assert http.get(f"/gradio_api/file={file['path']}").text.startswith('{"seq": 1')
    assert str(server.home) not in http.get("/config").text


def test_results_that_nobody_fetches_are_bounded(server: Server) -> None:
    key, most = new_key(), 0
    with server.client(key) as http:
        for _ in range(40):
            answer = http.post("/gradio_api/call/v2/settings", json={"workspace": key})
            assert answer.status_code == 200, answer.text
            event = answer.json()["event_id"]
            most = max(most, http.get("/stats").json()["unread_bytes"])
        assert 0 < most < 17_000_000
        assert "event: complete" in http.get(f"/gradio_api/call/settings/{event}").text


def test_the_server_itself_draws_nothing(
    server: Server, http: httpx.Client, trained: tuple[str, str]
) -> None:
    """Neither for an event, around which Gradio would set matplotlib up, nor for a figure."""
    key, run = trained
    with server.client(key) as owner:
        assert "<svg" in owner.get(f"/api/runs/{run}/figure").raise_for_status().text
        whole = zipfile.ZipFile(io.BytesIO(owner.get(f"/api/runs/{run}/archive").content))
    assert b"<svg" in whole.read(f"{run}/curves.svg")
    event = http.post(EVENT, json={"workspace": new_key()}).raise_for_status().json()["event_id"]
    assert "event: complete" in http.get(f"/gradio_api/call/status/{event}").text
    loaded = {one.path for one in psutil.Process(server.process.pid).memory_maps()}
    assert any("orjson" in path for path in loaded)  # Gradio's own are seen
    assert not [path for path in loaded if "matplotlib" in path]


def test_what_depends_on_a_desk_is_kept_nowhere(http: httpx.Client, server: Server) -> None:
    for path in ("/api/config", "/api/train/status", "/stats", "/gradio_api/info"):
        answer = http.get(path)
        assert answer.headers["cache-control"] == "no-store", path
        assert "X-GTT-Workspace" in answer.headers["vary"]
    assert httpx.get(f"{server.url}/api/config").headers["cache-control"] == "no-store"


@pytest.mark.parametrize("host", ["evil.example", "6.6.6.6", "a, b", "evil.example:80, localhost"])
def test_a_stranger_does_not_say_where_the_page_is(http: httpx.Client, host: str) -> None:
    headers = {"X-Forwarded-Host": host, "X-Forwarded-Proto": "javascript"}
    assert "6.6.6.6" not in (page := http.get("/", headers=headers)).text
    assert "evil.example" not in page.text
    config = http.get("/config", headers=headers).json()
    assert config["root"] == str(http.base_url).rstrip("/")
    left = http.get("/logout", headers=headers)
    assert "evil" not in left.headers.get("location", "") and left.status_code < 500


def test_the_page_has_a_rate(server: Server) -> None:
    with server.client() as http:
        one = {"X-Forwarded-For": "9.9.9.9"}
        told = [200]
        while told[-1] == 200 and len(told) < 1000:
            told.append(http.get("/config", headers=one).status_code)
        assert told[-1] == 429 and len(told) > 90
        other = http.get("/config", headers={"X-Forwarded-For": "9.9.9.8"})
        assert other.status_code == 200


def test_pages_that_nobody_reads_take_no_memory(server: Server) -> None:
    assert server.process is not None
    process = psutil.Process(server.process.pid)
    with server.client() as http:
        size = len(http.get("/").content)
        assert size > 500_000
    before, number = process.memory_info().rss, 60
    with ExitStack() as stack:
        for _ in range(number):
            one = socket.create_connection(("127.0.0.1", server.port), timeout=10)
            stack.enter_context(one)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            one.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert one.recv(15) == b"HTTP/1.1 200 OK"
        time.sleep(0.5)
        assert process.memory_info().rss - before < number * size / 3


def test_silent_connections_keep_nobody_out(server: Server) -> None:
    with ExitStack() as stack:
        for _ in range(300):
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=5))
        began = time.monotonic()
        assert httpx.get(f"{server.url}/healthz").status_code == 200
        assert time.monotonic() - began < 2


LARGE = {
    "model": {"n_layers": 2, "n_heads": 2, "n_embed": 512, "block_size": 16},
    "training": {"max_steps": 1, "snapshots": False},
}


def test_downloads_that_nobody_reads_hold_places_and_let_go_of_their_files(
    server: Server, trained: tuple[str, str]
) -> None:
    key, _ = trained
    with server.client(key) as http:
        asked = tiny()["config"]
        config = {name: {**asked[name], **LARGE.get(name, {})} for name in asked}
        body = {"recipe": "quickstart", "config": config}
        run = http.post("/api/runs", json=body).raise_for_status().json()["run"]["id"]
        assert wait_until_done(http, run)["state"] == "completed"
    request = (
        f"GET /api/runs/{run}/archive HTTP/1.1\r\nHost: localhost\r\nX-GTT-Workspace: {key}\r\n\r\n"
    ).encode()
    told = []
    with ExitStack() as stack:
        for _ in range(12):
            one = stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            one.sendall(request)
            one.settimeout(20)
            told.append(one.recv(12)[9:])  # and no more of it
        assert told == [b"200"] * 8 + [b"429"] * 4
        assert httpx.get(f"{server.url}/stats").json()["streams"] == 8
        assert len(files_of_runs(server)) >= 8
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        streams = httpx.get(f"{server.url}/stats").json()["streams"]
        if streams == 0 and not files_of_runs(server):
            break
        time.sleep(0.1)
    assert streams == 0 and files_of_runs(server) == []


def files_of_runs(server: Server) -> list[str]:
    """What the server has open below its runs."""
    assert server.process is not None
    files = psutil.Process(server.process.pid).open_files()
    return [file.path for file in files if file.path.startswith(f"{server.home}/runs/")]


def test_drafts_are_small_and_desks_of_one_address_are_bounded(server: Server) -> None:
    loud = {"generation": {"stop": ["\U0001f600" * 100] * 16, "prompt": "\U0001f600" * 4000}}
    before = httpx.get(f"{server.url}/stats").json()
    home = {"X-Forwarded-For": "7.7.7.7"}
    with server.client() as http:
        refused = http.post("/api/config", json={"config": {"generation": {"stop": ["x" * 101]}}})
        assert refused.status_code == 422
        told = [
            http.post("/api/config", json={"config": loud}, headers=home).status_code
            for _ in range(120)
        ]
        assert told[0] == 200 and told[-1] == 429 and told.count(200) <= 105
        other = http.post(
            "/api/config", json={"config": loud}, headers={"X-Forwarded-For": "7.1.1.1"}
        )
        assert other.status_code == 200
        after = http.get("/stats").json()
    assert after["disk_bytes"] - before["disk_bytes"] < 110 * 50_000
    assert max(path.stat().st_size for path in server.home.glob("workspaces/*/desk.json")) < 50_000


def test_a_form_that_never_ends_is_written_into_the_home(server: Server) -> None:
    head = (
        "POST /api/datasets/upload HTTP/1.1\r\nHost: localhost\r\n"
        f"X-GTT-Workspace: {new_key()}\r\nContent-Length: 8000000\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n"
        'Content-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
    ).encode()
    assert server.process is not None
    with socket.create_connection(("127.0.0.1", server.port)) as one:
        one.sendall(head + b"x" * 3_000_000)
        time.sleep(1)
        kept = Path(f"/proc/{server.process.pid}/fd")
        names = [os.readlink(path) for path in kept.iterdir() if path.is_symlink()]
    # It has no name any more, so that nothing is left of it after a crash.
    assert any(name.startswith(f"{server.home}/gradio/forms/") for name in names), names
