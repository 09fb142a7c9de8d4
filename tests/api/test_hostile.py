"""An open server under attack: each hostile input is refused in a sentence and changes nothing.

One table of inputs against one real server, on which a victim has a finished run, a deleted one and
a text. Whatever is sent, no answer names a path of the server or anything of the victim's, and
afterwards everything that is not on an attacker's desk is as it was.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import re
import socket
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from serving import ROOT, TINY, Server, serving, tiny, wait_until_done

import gtt.api.endpoints  # noqa: F401 - fills the table
from gtt.api.table import TABLE, Endpoint
from gtt.api.workspaces import new_key, owner_of

CANARY = "canary-5d1c"  # stands in everything that the victim has
TEXT = f"the {CANARY} sat on the mat. " * 200
MEGABYTE = 10**6
HTML = "<img src=x onerror=alert(1)><script>alert(2)</script>"


@dataclass(frozen=True)
class Reply:
    """An answer in short: `told` is its status (or `event` or `stream`), code and field."""

    told: str
    message: str
    text: str
    headers: httpx.Headers
    sent: str


@dataclass(frozen=True)
class World:
    """The server, what lies on the victim's desk, and who has attacked."""

    server: Server
    victim: str
    run_id: str
    deleted_id: str
    upload_id: str
    attackers: list[str]
    parameters: dict[str, list[str]]
    numbers: dict[str, int]

    def attacker(self) -> Attacker:
        self.attackers.append(new_key())
        return Attacker(self, self.attackers[-1])

    def filled(self, value: Any) -> Any:
        """A value with the victim's ids and the server's paths in it."""
        if isinstance(value, dict):
            return {self.filled(key): self.filled(part) for key, part in value.items()}
        if isinstance(value, list):
            return [self.filled(part) for part in value]
        if not isinstance(value, str):
            return value
        for name, text in (
            ("<run>", self.run_id),
            ("<deleted>", self.deleted_id),
            ("<upload>", self.upload_id),
            ("<owner>", owner_of(self.victim)),
            ("<home>", str(self.server.home)),
        ):
            value = value.replace(name, text)
        return value

    def desk(self) -> dict[str, Any]:
        """All that the victim sees, but for what moves by itself."""
        with self.server.client(self.victim) as http:
            paths = ("config", "runs", f"runs/{self.run_id}", f"runs/{self.run_id}/events")
            answers = [http.get(f"/api/{path}") for path in (*paths, "datasets", "train/status")]
            return {str(one.url.path): one.raise_for_status().json() for one in answers}

    def files(self) -> dict[str, str]:
        """A digest of every file of the server that is not on an attacker's desk."""
        home = self.server.home
        theirs = {owner_of(key) for key in self.attackers}
        found = {}
        # Runs of the attackers go on meanwhile: what vanishes under the walk is passed over.
        walked = [Path(folder) / name for folder, _, names in os.walk(home) for name in names]
        for path in sorted(walked):
            name = path.relative_to(home)
            if name.parts[0] == "runs" and len(name.parts) > 1:
                about = home / "runs" / name.parts[1] / "run.json"
                if about.is_file() and json.loads(about.read_text())["owner"] in theirs:
                    continue
            if name.parts[0] == "workspaces" and len(name.parts) > 1 and name.parts[1] in theirs:
                continue
            if path.is_file() and name.name != "server.log":
                found[str(name)] = hashlib.sha256(path.read_bytes()).hexdigest()
        return found


class Attacker:
    """Someone with a desk of their own and bad intentions."""

    def __init__(self, world: World, key: str) -> None:
        self.world, self.key = world, key
        self.http = world.server.client(key)

    def send(self, method: str, path: str, **request: Any) -> Reply:
        """An HTTP request; one that is only too early is sent again."""
        request = self.world.filled(request)
        path = self.world.filled(path)
        for _ in range(20):
            response = self.http.request(method, path, **request)
            if response.status_code != 429:
                break
            time.sleep(float(response.headers["Retry-After"]))
        return reply_of(response, str([path, request]))

    def call(self, name: str, /, **values: Any) -> Reply:
        """An event of Gradio by its name, as its simple interface takes it."""
        values = self.world.filled({"workspace": self.key, **values})
        data = [values.get(parameter) for parameter in self.world.parameters[name]]
        reply = self.send("POST", f"/gradio_api/call/{name}", json={"data": data})
        if not reply.told.startswith("200"):
            return reply
        event_id = json.loads(reply.text)["event_id"]
        answer = self.http.get(f"/gradio_api/call/{name}/{event_id}")
        last = answer.text.strip().rpartition("event: ")[2]
        kind, _, told = last.partition("\ndata: ")
        return event_reply(kind == "complete", json.loads(told), answer, reply.sent)

    def join(self, number: int, data: list[Any]) -> Reply:
        """An event of Gradio by its number, as a page sends it."""
        session = new_key()
        body = {"data": data, "fn_index": number, "session_hash": session}
        reply = self.send("POST", "/gradio_api/queue/join", json=body)
        if not reply.told.startswith("200"):
            return reply
        answer = self.http.get("/gradio_api/queue/data", params={"session_hash": session})
        lines = [json.loads(line[6:]) for line in answer.text.splitlines() if line]
        (last,) = [line for line in lines if line["msg"] == "process_completed"]
        return event_reply(last["success"], last["output"], answer, reply.sent)

    def raw(self, text: str, body: bytes = b"") -> Reply:
        """An HTTP request byte by byte; `Host` and `Connection` are added to its head."""
        text = self.world.filled(text)
        first, _, rest = text.partition("\n")
        port = self.world.server.port
        head = [first, *rest.splitlines(), "Connection: close"]
        if "\nhost:" not in text.lower():
            head.append(f"Host: 127.0.0.1:{port}")
        data = "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            connection.sendall(data)
            answer = b""
            while piece := connection.recv(2**16):
                answer += piece
        top, _, content = answer.partition(b"\r\n\r\n")
        status, *lines = top.decode("latin-1").split("\r\n")
        headers = [line.partition(": ")[::2] for line in lines]
        response = httpx.Response(
            int(status.split()[1]),
            headers=[(name, value) for name, value in headers if name != "transfer-encoding"],
            content=content,
        )
        return reply_of(response, text)


def reply_of(response: httpx.Response, sent: str) -> Reply:
    told, message = [str(response.status_code)], ""
    if response.headers.get("content-type") == "application/json":
        body = response.json()
        error = body.get("error") if isinstance(body, dict) else None
        if isinstance(error, dict):
            assert set(body) == {"error"} and set(error) == {"code", "field", "message", "ways"}
            told += [error["code"], error["field"] or ""]
            message = error["message"]
    return Reply(" ".join(told).strip(), message, response.text, response.headers, sent)


def event_reply(fine: bool, output: Any, answer: httpx.Response, sent: str) -> Reply:
    """The end of an event: `stream` where it did what it was asked, else `event`."""
    output = output if isinstance(output, dict) else {}
    title = re.sub(r"[()]", "", output.get("title") or "")
    told = "stream" if fine else f"event {title}".strip()
    return Reply(told, str(output.get("error") or ""), answer.text, answer.headers, sent)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home = tmp_path_factory.mktemp("hostile") / "home"
    with serving(
        home,
        GTT_SHARED_DESK="false",
        GTT_MAX_CONCURRENT_RUNS="1",
        GTT_MAX_STEPS="50",
        GTT_MAX_UPLOAD_MB="1",
        GRADIO_TEMP_DIR=str(home.parent / "gradio"),
        OMP_NUM_THREADS="1",
    ) as server:
        key = new_key()
        with server.client(key) as http:
            name = {"name": f"{CANARY}.txt"}
            upload = http.post("/api/datasets/upload", params=name, content=TEXT.encode()).json()
            asked = tiny(max_steps=10, eval_every=10)
            asked["config"] |= {
                "data": {"source": upload["source"], "tokenizer": "char", "max_megabytes": 1},
                "generation": {"prompt": f"the {CANARY}"},
            }
            asked |= {"name": f"{CANARY} run"}
            ids = [begun(http, {**asked, "idempotency_key": key}) for key in ("1", "2")]
            http.delete(f"/api/runs/{ids[0]}").raise_for_status()
            info = http.get("/gradio_api/info").json()["named_endpoints"]
            config = http.get("/config").json()
            wait_for_spare(http)
        yield World(
            server=server,
            victim=key,
            run_id=ids[1],
            deleted_id=ids[0],
            upload_id=upload["id"],
            attackers=[],
            parameters={
                name[1:]: [one["parameter_name"] for one in about["parameters"]]
                for name, about in info.items()
            },
            numbers={one["api_name"]: one["id"] for one in config["dependencies"]},
        )


def begun(http: httpx.Client, asked: dict[str, Any]) -> str:
    """A run that has come to its end."""
    run = http.post("/api/runs", json=asked).raise_for_status().json()["run"]
    assert wait_until_done(http, run["id"])["state"] == "completed"
    id: str = run["id"]
    return id


def wait_for_spare(http: httpx.Client) -> None:
    """Until the server has nothing more to write by itself."""
    deadline = time.monotonic() + 120
    while not http.get("/stats").json()["spare_is_warm"]:
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.fixture(scope="module")
def unharmed(world: World) -> Iterator[None]:
    """Holds after all tests of the module that they changed nothing but the attackers' desks."""
    desk, files = world.desk(), world.files()
    yield
    assert world.desk() == desk
    after = world.files()
    assert {name: after.get(name) for name in files} == files
    # The attackers' own runs have a text, which lies where anybody's run would look for it.
    new = {name.partition("/")[0] for name in after.keys() - files.keys()}
    assert new <= {"corpora", "caches"}
    with world.server.client(world.victim) as http:
        restored = http.post(f"/api/runs/{world.deleted_id}/restore")
        assert restored.json()["run"]["name"] == f"{CANARY} run"
    # What Gradio refuses by itself it tells in its log; no fault of ours is there.
    assert f"{ROOT}/gtt/" not in world.server.log(), world.server.log()[-4000:]


# ------------------------------------------------------------------------- what is sent

Send = Callable[[Attacker], Reply]
Cases = dict[str, tuple[Send, str]]


def rest(method: str, path: str, **request: Any) -> Send:
    return lambda attacker: attacker.send(method, path, **request)


def body(path: str, content: bytes | str, kind: str = "application/json") -> Send:
    return rest("POST", path, content=content, headers={"Content-Type": kind})


def headers(*pairs: tuple[str, str | bytes], method: str = "POST") -> Send:
    """A request to stop the current run with these headers beside the attacker's key."""
    encoded = [
        (name, value if isinstance(value, bytes) else value.encode()) for name, value in pairs
    ]

    def send(attacker: Attacker) -> Reply:
        if not any(name == "X-GTT-Workspace" for name, _ in pairs):
            encoded.append(("X-GTT-Workspace", attacker.key.encode()))
        plain = httpx.Client(base_url=attacker.world.server.url, timeout=60)
        return reply_of(plain.request(method, "/api/train/stop", headers=encoded), "")

    return send


def raw(text: str, content: bytes = b"") -> Send:
    return lambda attacker: attacker.raw(text, content)


def call(name: str, /, **values: Any) -> Send:
    return lambda attacker: attacker.call(name, **values)


def data(**settings: Any) -> Send:
    """A run on this data."""
    asked = tiny()
    asked["config"] = {**TINY, "data": {**TINY["data"], **settings}}
    return rest("POST", "/api/runs", json=asked)


def uploaded(name: str, content: bytes | list[bytes]) -> Send:
    """The file as the body; a list of pieces goes without its length."""

    def send(attacker: Attacker) -> Reply:
        pieces = iter(content) if isinstance(content, list) else content
        return attacker.send("POST", "/api/datasets/upload", params={"name": name}, content=pieces)

    return send


def file_value(path: str, meta: bool = True) -> dict[str, Any]:
    """A file as Gradio's components take it."""
    return {"path": path, **({"meta": {"_type": "gradio.FileData"}} if meta else {})}


def zipped(size: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../evil.txt", b"\0" * size)
    return out.getvalue()


def parquet(rows: int) -> bytes:
    """A table that unpacks to far more than it takes."""
    out = io.BytesIO()
    pq.write_table(
        pa.table({"text": pa.array(["x" * 1000] * rows)}),
        out,
        compression="zstd",
        use_dictionary=False,
    )
    return out.getvalue()


def nested(depth: int) -> str:
    return '{"config":' * depth + "1" + "}" * depth


# ------------------------------------------------------- what belongs to somebody else

NEEDED = {
    "step": 10,
    "name": "mine",
    "text": "One",
    "heads": [{"layer": 0, "head": 0}],
    "repo": "anna/tiny",
    "format": "pocket",
}
BESIDE = {"read_text": {"text": "One"}}  # which may be left out only for something else


def of_victim(row: Endpoint) -> dict[str, Any]:
    """The request of an endpoint that takes an id, about what the victim has."""
    values = {
        name: NEEDED[name]
        for name, field in row.request.model_fields.items()
        if field.is_required() and name in NEEDED
    } | BESIDE.get(row.name, {})
    if "upload_id" in row.request.model_fields:
        return {**values, "upload_id": "<upload>"}
    return {**values, "run_id": "<deleted>" if row.name == "restore_run" else "<run>"}


def over_rest(row: Endpoint) -> Send:
    values = of_victim(row)
    path = re.sub(r"{(\w+)}", lambda field: str(values.pop(field[1])), row.path)
    return rest(row.method, path, **{"json" if row.has_body else "params": values or None})


def by_number(name: str, values: dict[str, Any]) -> Send:
    def send(attacker: Attacker) -> Reply:
        given = {"workspace": attacker.key, **values}
        order = attacker.world.parameters[name]
        return attacker.join(attacker.world.numbers[name], [given.get(one) for one in order])

    return send


def theirs() -> Cases:
    """Somebody else's run or text, by every endpoint that takes an id, on every surface."""
    cases: Cases = {}
    for row in TABLE.values():
        if not {"run_id", "upload_id"} & set(row.request.model_fields):
            continue
        # Which desk it lies on, if on any, is not told.
        field = "upload" if "upload_id" in row.request.model_fields else "run_id"
        cases[f"their id: {row.name} over REST"] = over_rest(row), f"404 not_found {field}"
        about = of_victim(row)
        cases[f"their id: {row.name} by name"] = call(row.name, **about), f"event not_found {field}"
        cases[f"their id: {row.name} by number"] = (
            by_number(row.name, about),
            f"event not_found {field}",
        )
        if row.stream is not None and "run_id" in row.path_fields:
            stream = rest("GET", row.path.replace("{run_id}", "<run>"), headers=STREAM)
            cases[f"their id: {row.name} as a stream"] = stream, "404 not_found run_id"
    return cases


STREAM = {"Accept": "text/event-stream"}
RUN, EVENTS = "/api/runs", "/api/runs/<run>/events"
UPLOAD = "/api/datasets/upload"


# What server functions of the page take, as their scripts send it.
OF_VICTIM = {
    "run_id": "<run>",
    "step": 10,
    "before": "<run>",
    "run_ids": ["<run>", "<deleted>"],
    "text": "One day",
    "after": 0,
    "resumes": 0,
}


def beside_own(attacker: Attacker) -> str:
    """The id of a run of the attacker's own."""
    made = attacker.send("POST", RUN, json=tiny())
    id: str = json.loads(made.text)["run"]["id"]
    return id


def compared(attacker: Attacker) -> Reply:
    """The victim's run held against one's own."""
    return attacker.send("POST", "/api/compare", json={"run_ids": [beside_own(attacker), "<run>"]})


def compared_by_name(attacker: Attacker) -> Reply:
    return attacker.call("compare", run_ids=[beside_own(attacker), "<run>"])


def laid_over(attacker: Attacker) -> Reply:
    """The victim's run laid over the figure of one's own."""
    own = beside_own(attacker)
    return attacker.send("GET", f"/api/runs/{own}/figure", params={"also": "<run>"})


def laid_over_by_name(attacker: Attacker) -> Reply:
    return attacker.call("figure", run_id=beside_own(attacker), also="<run>")


def page_only(attacker: Attacker) -> Reply:
    """Every private event and every server function of the page, about the victim's run: none."""
    config = attacker.http.get("/config").json()
    inputs = {one["id"]: one["type"] for one in config["components"]}
    texts = []
    for one in config["dependencies"]:
        if one["api_visibility"] == "public" or not one["backend_fn"]:
            continue
        data = [
            attacker.world.run_id if inputs[number] != "browserstate" else attacker.key
            for number in one["inputs"]
        ]
        texts.append(attacker.join(one["id"], data).text)
    assert not any(one["props"].get("server_fns") for one in config["components"])
    assert not texts, "the page has a private event that calls Python again: is it safe?"
    sent = attacker.world.run_id
    return Reply("seen", "", "\n".join(texts), httpx.Headers(), sent)


def replayed(change: dict[str, Any]) -> Send:
    """A run with an idempotency key, and the same key again with a change."""

    def send(attacker: Attacker) -> Reply:
        asked = {**tiny(), "idempotency_key": "again", "name": "one"}
        assert attacker.send("POST", RUN, json=asked).told == "201"
        return attacker.send("POST", RUN, json={**asked, **change})

    return send


def drafted(attacker: Attacker) -> Reply:
    """A path put into the draft, which is then trained."""
    attacker.send("POST", "/api/config", json={"config": {"data": {"source": "/etc/passwd"}}})
    return attacker.send("POST", "/api/train", json={"action": "start"})


def a_page_as_file(attacker: Attacker) -> Reply:
    """A page in Gradio's cache, opened: it must come as a download."""
    files = {"files": ("evil.html", HTML, "text/html")}
    paths = attacker.http.post("/gradio_api/upload", files=files).raise_for_status().json()
    answer = attacker.http.get(f"/gradio_api/file={paths[0]}")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["x-content-type-options"] == "nosniff"
    return Reply(str(answer.status_code), "", "", answer.headers, "")


SOURCES = (
    "README.md",
    "/etc/passwd",
    "../../etc/passwd",
    "docs/launch.md",
    "~/.ssh/id_rsa",
    "file:///etc/passwd",
    "http://127.0.0.1:22/x",
    "https://evil.example/text.txt",
    "gtt.runs.worker",
    "os:system",
    "owner/..",
    "upload:<upload>",
    "upload:../<upload>",
    "upload:<owner>/uploads/<upload>",
    "<home>/workspaces/<owner>/uploads/<upload>/text.txt",
    "tales\x00/etc/passwd",
    "\\\\evil\\share",
)
TOKENIZERS = ("../corpora/x", "/etc", "https://evil.example/t", "C:\\x", "a/b/c", "-rf")
RECIPES = ("../recipes/quickstart", "/etc/passwd", "quickstart.yaml", "quickstart\x00", "__class__")
FILES = (
    "/etc/passwd",
    "<home>/runs/<run>/run.json",
    "<home>/workspaces/<owner>/uploads/<upload>/text.txt",
    "<home>/server.log",
    "../../../../etc/passwd",
)
ADDRESSES = ("https://evil.example/x", "http://169.254.169.254/", "file:///etc/passwd", "//evil/x")
NINES = "9" * 5000
TOO_MUCH = b"a" * (MEGABYTE + 1)

PATHS: Cases = {
    "their id in run_ids": (compared, "404 not_found run_id"),
    "their id in run_ids by name": (compared_by_name, "event not_found run_id"),
    "their id in also": (laid_over, "404 not_found run_id"),
    "their id in also by name": (laid_over_by_name, "event not_found run_id"),
    "an unknown event by name": (
        rest("POST", "/gradio_api/call/nosuch", json={"data": []}),
        "404 not_found",
    ),
    "an unknown event by name and values": (
        rest("POST", "/gradio_api/call/v2/nosuch", json={}),
        "404 not_found",
    ),
    "an unknown value by name": (
        rest("POST", "/gradio_api/call/v2/train", json={"recepie": "quickstart"}),
        "422 invalid_input recepie",
    ),
    "a missing value by name": (
        rest("POST", "/gradio_api/call/v2/rename_run", json={"name": "mine"}),
        "422 invalid_input run_id",
    ),
    **{
        f"the unknown event {number!r}": (
            rest(
                "POST",
                "/gradio_api/queue/join",
                json={"data": [], "fn_index": number, "session_hash": "a"},
            ),
            "404 not_found fn_index",
        )
        for number in (99_999, -1, "99999", 1.5, True, [1])
    },
    "a function of a component": (
        rest("POST", "/gradio_api/component_server", json={"component_id": 1, "fn_name": "list"}),
        "404 not_found",
    ),
    **{
        f"{route} past the queue": (
            rest("POST", f"/gradio_api/{route}/{name}", json={"data": []}),
            "404 not_found",
        )
        for route in ("run", "api")
        for name in ("nosuch", "train", "status/")
    },
    **{
        f"source {name!r}": (data(source=name), "422 invalid_input data.source") for name in SOURCES
    },
    **{
        f"tokenizer {name!r}": (
            data(tokenizer="pretrained", pretrained_tokenizer=name),
            "422 invalid_input data.pretrained_tokenizer",
        )
        for name in TOKENIZERS
    },
    **{
        f"recipe {name!r}": (
            rest("POST", RUN, json={"recipe": name}),
            "422 invalid_input recipe",
        )
        for name in RECIPES
    },
    "a path in the draft, trained": (drafted, "422 invalid_input data.source"),
    "source by Gradio": (
        call("train", recipe="quickstart", config={"data": {"source": "/etc/passwd"}}),
        "event invalid_input data.source",
    ),
    "traversal as an id": (raw("GET /api/runs/..%2f..%2f..%2fetc%2fpasswd HTTP/1.1"), "404"),
    "dots as an id": (raw("GET /api/runs/%2e%2e/events HTTP/1.1"), "422 invalid_input run_id"),
    "dots in the path": (raw("GET /api/../../etc/passwd HTTP/1.1"), "404"),
    "NUL as an id": (raw("GET /api/runs/a%00b HTTP/1.1"), "422 invalid_input run_id"),
    "an overlong id": (rest("GET", f"/api/runs/{'a' * 5000}"), "422 invalid_input run_id"),
    "an overlong path": (rest("GET", f"/api/{'a' * 9000}"), "414 too_long"),
    "traversal as a text's id": (
        raw("DELETE /api/datasets/..%2f..%2fruns HTTP/1.1"),
        "404",
    ),
    "traversal as a checkpoint": (
        rest("POST", "/api/generate", json={"checkpoint": "../../run"}),
        "422 invalid_input checkpoint",
    ),
    "traversal as a step": (raw(f"GET {EVENTS}/..%2f..%2frun.json HTTP/1.1"), "404"),
    "a negative step": (rest("GET", "/api/runs/<run>/checkpoints/-1"), "422 invalid_input step"),
    "a step in other digits": (
        rest("GET", "/api/runs/<run>/checkpoints/\u0661\u0660"),
        "422 invalid_input step",
    ),
    "traversal in the assets": (raw("GET /docs/assets/..%2f..%2fREADME.md HTTP/1.1"), "404"),
    **{f"file= {path}": (raw(f"GET /gradio_api/file={path} HTTP/1.1"), "403") for path in FILES},
    **{
        f"file= {path}": (rest("GET", f"/gradio_api/file={path}"), "404 not_found")
        for path in ADDRESSES
    },
    "a proxy": (rest("GET", "/gradio_api/proxy=https://evil.example/"), "404 not_found"),
    "a proxy in other letters": (
        raw("GET /gradio_api/%70roxy=https://evil.example/ HTTP/1.1"),
        "404 not_found",
    ),
    "the monitor": (rest("GET", "/monitoring"), "404 not_found"),
    "a deep link": (rest("GET", "/gradio_api/deep_link?session_hash=x"), "404 not_found"),
    "Gradio's own assets": (raw("GET /assets/..%2f..%2f..%2fetc%2fpasswd HTTP/1.1"), "403"),
    **{
        f"an uploaded file that is {path}": (
            call("upload", file=file_value(path)),
            "event",
        )
        for path in FILES
    },
    **{
        f"a bare file that is {path}": (call("upload", file=file_value(path, False)), "event")
        for path in FILES
    },
    **{
        f"an uploaded file at {path}": (
            call("upload", file=file_value(path)),
            "403 forbidden path",
        )
        for path in ADDRESSES
    },
    **{
        f"a bare file at {path}": (call("upload", file=file_value(path, False)), "event")
        for path in ADDRESSES
    },
    "an address in another parameter": (
        call("create_run", config={"x": [file_value("https://evil.example/x")]}),
        "403 forbidden path",
    ),
}

HEADERS: Cases = {
    "another host": (headers(("Host", "evil.example")), "421 wrong_host host"),
    "two hosts": (raw("GET /stats HTTP/1.1\nHost: 127.0.0.1\nHost: evil.example"), "400"),
    "a broken host": (headers(("Host", "127.0.0.1:x")), "400 bad_request host"),
    "another origin": (headers(("Origin", "https://evil.example")), "403 forbidden"),
    "no origin": (headers(("Origin", "null")), "403 forbidden"),
    "another site": (headers(("Sec-Fetch-Site", "cross-site")), "403 forbidden"),
    "another origin at Gradio's door": (
        rest(
            "POST",
            "/gradio_api/call/status",
            json={"data": [None]},
            headers={"Origin": "https://evil.example"},
        ),
        "403 forbidden",
    ),
    "two keys": (
        headers(("X-GTT-Workspace", "a" * 40), ("X-GTT-Workspace", "b" * 40)),
        "400 bad_request x-gtt-workspace",
    ),
    "a short key": (headers(("X-GTT-Workspace", "short")), "422 invalid_input workspace"),
    "a path as key": (
        headers(("X-GTT-Workspace", "../../workspaces/aaaaaaaaaaaaaaa")),
        "422 invalid_input workspace",
    ),
    "a key of strange bytes": (
        headers(("X-GTT-Workspace", b"\xff" * 30)),
        "422 invalid_input workspace",
    ),
    "an endless key": (headers(("X-GTT-Workspace", "a" * 5000)), "422 invalid_input workspace"),
    "the owner as key": (rest("GET", RUN, headers={"X-GTT-Workspace": "<owner>"}), "200"),
    "a key that is no text": (call("list_runs", workspace=["<owner>"]), "event"),
    "a length that is no number": (raw("POST /api/train HTTP/1.1\nContent-Length: ten"), "400"),
    "a negative length": (raw("POST /api/train HTTP/1.1\nContent-Length: -1"), "400"),
    "two lengths": (
        raw("POST /api/train HTTP/1.1\nContent-Length: 2\nContent-Length: 3", b"{} "),
        "400",
    ),
    "a length and pieces": (
        raw(
            "POST /api/train HTTP/1.1\nContent-Length: 2\nTransfer-Encoding: chunked",
            b"0\r\n\r\n",
        ),
        "400",
    ),
    "an enormous length": (
        raw("POST /api/train HTTP/1.1\nContent-Length: 999999999999"),
        "413 too_large",
    ),
    "JSON called text": (body("/api/train", "{}", "text/plain"), "415 not_json content-type"),
    "a form": (
        body("/api/train", "action=stop", "application/x-www-form-urlencoded"),
        "415 not_json content-type",
    ),
    "a compressed body": (
        rest(
            "POST",
            "/api/train",
            content=gzip.compress(b" " * 10**7),
            headers={"Content-Encoding": "gzip", "Content-Type": "application/json"},
        ),
        "400 not_json",
    ),
    "another method": (rest("PUT", "/api/train", json={}), "405 method_not_allowed"),
    "TRACE": (rest("TRACE", "/api/train"), "405 method_not_allowed"),
    "a method in a header": (
        rest("GET", "/api/runs/<run>", headers={"X-HTTP-Method-Override": "DELETE"}),
        "404 not_found run_id",
    ),
    "a strange Last-Event-ID": (
        rest("GET", EVENTS, headers={"Last-Event-ID": "-1"}),
        "422 invalid_input after",
    ),
}

VALUES: Cases = {
    "5000 digits": (
        body("/api/generate", f'{{"seed": {NINES}}}'),
        "400 not_json",
    ),
    "5000 digits in a query": (
        rest("GET", "/api/runs/x/events", params={"after": NINES}),
        "422 invalid_input after",
    ),
    "5000 digits for Gradio": (
        body("/gradio_api/call/generate", f'{{"data": [{NINES}]}}'),
        "400",
    ),
    "a huge exponent": (body("/api/generate", '{"temperature": 1e999}'), "422 invalid_input"),
    "a huge number of steps": (
        rest("POST", RUN, json=tiny(max_steps=10**15)),
        "422 invalid_input config.training.max_steps",
    ),
    "more steps than allowed": (
        rest("POST", RUN, json=tiny(max_steps=1000)),
        "422 invalid_input training.max_steps",
    ),
    "a number beyond 64 bits": (
        rest("POST", "/api/generate", json={"seed": 2**70}),
        "422 invalid_input seed",
    ),
    "a negative cursor": (rest("GET", EVENTS, params={"after": -1}), "422 invalid_input after"),
    "a page of nothing": (rest("GET", RUN, params={"limit": 0}), "422 invalid_input limit"),
    "a page too large": (rest("GET", RUN, params={"limit": 10**9}), "422 invalid_input limit"),
    "a cursor of somebody else": (
        rest("GET", RUN, params={"before": "<run>"}),
        "404 not_found before",
    ),
    **{
        f"{literal} in JSON": (
            body("/api/generate", f'{{"temperature": {literal}}}'),
            "400 not_json",
        )
        for literal in ("NaN", "Infinity", "-Infinity")
    },
    "NaN in a query": (
        rest("GET", "/api/lr_schedule", params={"points": "NaN"}),
        "422 invalid_input points",
    ),
    "text for a number": (
        rest("POST", "/api/generate", json={"seed": "1"}),
        "422 invalid_input seed",
    ),
    "deep JSON": (body("/api/config", nested(10_000)), "422 invalid_input"),
    "deep lists": (body("/api/config", "[" * 10_000), "422 invalid_input"),
    "deep JSON for Gradio": (
        body("/gradio_api/call/set_config", f'{{"data": [{nested(10_000)}]}}'),
        "422 invalid_input",
    ),
    "a long body": (body("/api/config", b" " * (MEGABYTE + 1)), "413 too_large"),
    "a long body without length": (
        lambda attacker: attacker.send(
            "POST", "/api/config", content=iter([b" " * 10**5 for _ in range(20)])
        ),
        "413 too_large",
    ),
    "blanks that JSON has not": (body("/api/config", "\x0c"), "400 not_json"),
    "a list as body": (body("/api/config", "[]"), "422 invalid_input"),
    "half a body": (body("/api/config", '{"config": '), "400 not_json"),
    "a body in UTF-16": (
        body("/api/config", '{"config": {"x": 1}}'.encode("utf-16")),
        "422 invalid_input config.x",
    ),
    "bytes that are no text": (body("/api/config", b'{"recipe": "\xff"}'), "400 not_json"),
    "a lone surrogate": (
        body("/api/tokenize", '{"text": "\\ud800"}'),
        "422 invalid_input text",
    ),
    "a lone surrogate as key": (
        body("/api/tokenize", '{"text": "a", "\\udfff": 1}'),
        "422 invalid_input key",
    ),
    "a lone surrogate in a query": (
        raw("GET /api/runs?before=%ED%A0%80 HTTP/1.1"),
        "422 invalid_input before",
    ),
    "NUL in a name": (
        rest("POST", RUN, json={**tiny(), "name": "a\x00b"}),
        "422 invalid_input name",
    ),
    "control characters in a name": (
        rest("POST", RUN, json={**tiny(), "name": "a\x1b[2J\u202eb"}),
        "422 invalid_input name",
    ),
    "control characters as a configuration's name": (
        rest("POST", "/api/config", json={"config": {"name": "a\x00b"}}),
        "422 invalid_input config.name",
    ),
    "control characters as idempotency key": (
        rest("POST", RUN, json={**tiny(), "idempotency_key": "a\x00"}),
        "422 invalid_input idempotency_key",
    ),
    "__class__ as a key": (
        rest("POST", "/api/config", json={"__class__": {"__init__": 1}}),
        "422 invalid_input __class__",
    ),
    "__class__ in a group": (
        rest("POST", "/api/config", json={"config": {"model": {"__class__": "x"}}}),
        "422 invalid_input config.model.__class__",
    ),
    "__proto__ as a group": (
        rest("POST", "/api/config", json={"config": {"__proto__": {"admin": True}}}),
        "422 invalid_input config.__proto__",
    ),
    "model_config as a key": (
        rest("POST", "/api/config", json={"model_config": {"extra": "allow"}}),
        "422 invalid_input model_config",
    ),
    "an unknown key for Gradio": (
        call("set_config", config={"model": {"n_layer": 4}}),
        "event invalid_input config.model.n_layer",
    ),
    "a key twice in the query": (
        rest("GET", "/api/runs?limit=1&limit=2"),
        "422 invalid_input limit",
    ),
    "the path's value in the body": (
        rest("PATCH", "/api/runs/<run>", json={"name": "x", "run_id": "other"}),
        "422 invalid_input run_id",
    ),
    "a query beside a body": (
        rest("POST", "/api/train?action=stop", json={}),
        "422 invalid_input action",
    ),
    "the same idempotency key, another body": (
        replayed({"name": "two"}),
        "409 conflict idempotency_key",
    ),
    "compiling on somebody else's machine": (
        rest("POST", RUN, json=tiny(compile=True)),
        "422 invalid_input training.compile",
    ),
}

FILES_BROUGHT: Cases = {
    "a zip bomb": (uploaded("a.txt", zipped(10**8)), "422 invalid_input file"),
    "a zip by its name": (uploaded("a.zip", zipped(100)), "422 invalid_input file"),
    "a gzip bomb": (uploaded("a.txt", gzip.compress(b"\0" * 10**8)), "422 invalid_input file"),
    "a parquet bomb": (uploaded("a.parquet", parquet(100_000)), "422 invalid_input file"),
    "a broken parquet": (
        uploaded("a.parquet", b"PAR1" + b"\xff" * 100 + b"PAR1"),
        "422 invalid_input file",
    ),
    "a program": (uploaded("a.txt", b"\x7fELF" + b"\0" * 1000), "422 invalid_input file"),
    "a program by its name": (uploaded("a.exe", b"MZ"), "422 invalid_input file"),
    "a pickle": (uploaded("model.pt", b"\x80\x04."), "422 invalid_input file"),
    "UTF-16": (uploaded("a.txt", "text".encode("utf-16")), "422 invalid_input file"),
    "Latin-1": (uploaded("a.txt", "f\xfcr".encode("latin-1") * 9), "422 invalid_input file"),
    "an empty file": (uploaded("a.txt", b""), "422 invalid_input file"),
    "a large file": (uploaded("a.txt", TOO_MUCH), "413 too_large file"),
    "a large file in pieces": (
        uploaded("a.txt", [b"a" * 10**5] * 50),
        "413 too_large",
    ),
    "a large file for Gradio": (
        rest("POST", "/gradio_api/upload", files={"files": ("a.txt", TOO_MUCH)}),
        "413",
    ),
    "two files": (
        rest("POST", UPLOAD, files=[("file", ("a.txt", b"a")), ("file", ("b.txt", b"b"))]),
        "400 bad_form",
    ),
    "a form without a file": (
        rest("POST", UPLOAD, files={"other": ("a.txt", b"a")}),
        "422 invalid_input file",
    ),
    "a broken form": (
        body(UPLOAD, b"--x", "multipart/form-data"),
        "400 bad_form",
    ),
}

# What is taken, since it does no harm: it comes back as text.
HARMLESS: Cases = {
    "HTML as a run's name": (rest("POST", RUN, json={**tiny(), "name": HTML}), "201"),
    "HTML as a prompt": (
        rest("POST", "/api/config", json={"config": {"generation": {"prompt": HTML}}}),
        "200",
    ),
    "HTML as a configuration's name": (
        rest("POST", "/api/config", json={"config": {"name": HTML}}),
        "200",
    ),
    "HTML as a file's name": (uploaded(f"{HTML}.txt", HTML.encode()), "201"),
    "HTML as a text": (rest("POST", "/api/tokenize", json={"text": HTML}), "200"),
    "HTML as a source": (data(source=HTML), "422 invalid_input data.source"),
    "HTML as a recipe": (rest("POST", RUN, json={"recipe": HTML}), "422 invalid_input recipe"),
    "HTML as a key": (rest("POST", "/api/config", json={HTML: 1}), f"422 invalid_input {HTML}"),
    "HTML as a path": (rest("GET", f"/api/{HTML}"), "404 not_found"),
    "HTML as an id": (rest("GET", f"/api/runs/{HTML[:20]}"), "422 invalid_input run_id"),
    "HTML as a page": (a_page_as_file, "200"),
    "a path as a file's name": (uploaded("../../../etc/cron.d/x.txt", b"text"), "201"),
    "NUL in a text": (rest("POST", "/api/tokenize", json={"text": "a\x00\x1b"}), "200"),
    "the victim's idempotency key": (
        rest("POST", RUN, json={**tiny(), "idempotency_key": "1"}),
        "201",
    ),
    "the page's own doors": (page_only, "seen"),
    "a recipe whose text is larger than an upload may be": (
        rest(
            "POST",
            RUN,
            json={"recipe": "quickstart", "config": {"training": {"max_steps": 5}}},
        ),
        "201",
    ),
}

CASES: Cases = {**theirs(), **PATHS, **HEADERS, **VALUES, **FILES_BROUGHT, **HARMLESS}
# A slip of the finger gets the nearest name.
HINTS = {
    "an unknown key for Gradio": "n_layers",
    "source 'README.md'": "uploaded",
    "__class__ as a key": "config",
}


@pytest.mark.parametrize("case", CASES)
def test_hostile_input_is_refused_and_tells_nothing(
    world: World, unharmed: None, case: str
) -> None:
    send, expected = CASES[case]
    reply = send(world.attacker())
    wanted = expected.split()
    assert reply.told.split()[: len(wanted)] == wanted, (reply.told, reply.text[:500])
    for secret in (str(world.server.home), str(ROOT), CANARY, world.victim, "Traceback"):
        # What comes back to whoever sent it is no news.
        assert secret in reply.sent or secret not in reply.text, reply.text[:2000]
    assert HINTS.get(case, "") in reply.message
    if reply.message:
        assert reply.message.endswith((".", "?"))
    kind = reply.headers.get("content-type", "application/json")
    if reply.headers and case != "HTML as a page":
        assert kind.startswith(("application/json", "text/event-stream", "text/plain")), kind
        if not kind.startswith("text/plain"):
            assert reply.headers["x-content-type-options"] == "nosniff"
