"""A run that something damaged is shown as damaged, as far as it goes; the others never notice."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import socket
import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from gtt.api.rates import RateLimiter
from gtt.api.service import Service
from gtt.api.table import TABLE
from gtt.api.workspaces import new_key, owner_of
from gtt.config import RunConfig
from gtt.rest import routes
from gtt.runs.execute import start_run
from gtt.runs.home import Home
from gtt.runs.limits import Limits
from gtt.runs.managed_run import ManagedRun, new_note
from gtt.runs.run_reader import RunReader

MINE = new_key()
DEEP = "[" * 100_000 + "]" * 100_000
HUGE = "9" * 400


def line(number: int, text: str) -> Callable[[Path], None]:
    """Damage: another text in a line of the journal."""

    def damage(run: Path) -> None:
        journal = run / "journal.jsonl"
        lines = journal.read_text(encoding="utf-8").splitlines()
        lines[number] = text
        journal.write_text("\n".join(lines) + "\n", encoding="utf-8")

    return damage


def value(type_: str, **values: str) -> Callable[[Path], None]:
    """Damage: other values, written as JSON, in every event of a type."""

    def damage(run: Path) -> None:
        journal = run / "journal.jsonl"
        lines = []
        for text in journal.read_text(encoding="utf-8").splitlines():
            event = json.loads(text)
            if event["type"] == type_:
                given = {name: json.dumps(old) for name, old in event.items()} | values
                text = "{" + ", ".join(f'"{name}": {one}' for name, one in given.items()) + "}"
            lines.append(text)
        journal.write_text("\n".join(lines) + "\n", encoding="utf-8")

    return damage


def folder(name: str) -> Callable[[Path], None]:
    """Damage: a folder where a file should be."""

    def damage(run: Path) -> None:
        (run / name).unlink(missing_ok=True)
        (run / name).mkdir()

    return damage


PIPES: list[Path] = []


def pipe(*names: str) -> Callable[[Path], None]:
    """Damage: a pipe where files should be, which to open waits for whoever writes into it."""

    def damage(run: Path) -> None:
        for name in names:
            for place in list(run.glob(name)) or [run / name]:
                place.parent.mkdir(exist_ok=True)
                place.unlink(missing_ok=True)
                os.mkfifo(place)
                PIPES.append(place)

    return damage


def open_socket(name: str) -> Callable[[Path], None]:
    """Damage: the place of a program that listens; its path may have a hundred bytes."""

    def damage(run: Path) -> None:
        (run / name).unlink()
        with tempfile.TemporaryDirectory() as short, socket.socket(socket.AF_UNIX) as listener:
            listener.bind(f"{short}/here")
            shutil.move(f"{short}/here", run / name)

    return damage


def endless(name: str) -> Callable[[Path], None]:
    """Damage: a device that never ends."""

    def damage(run: Path) -> None:
        (run / name).unlink()
        (run / name).symlink_to("/dev/zero")

    return damage


def holds(name: str, text: str | bytes) -> Callable[[Path], None]:
    """Damage: something else in a file."""

    def damage(run: Path) -> None:
        (run / name).write_bytes(text if isinstance(text, bytes) else text.encode())

    return damage


def about(**values: Any) -> Callable[[Path], None]:
    """Damage: other values in `run.json`."""

    def damage(run: Path) -> None:
        kept = json.loads((run / "run.json").read_text())
        (run / "run.json").write_text(json.dumps({**kept, **values}))

    return damage


def in_checkpoints(name: str, text: bytes | None, keep: int = 0) -> Callable[[Path], None]:
    """Damage: other bytes in a file of every checkpoint, or its first `keep` bytes alone."""

    def damage(run: Path) -> None:
        for path in (run / "checkpoints").glob(f"step-*/{name}"):
            path.write_bytes(path.read_bytes()[:keep] if text is None else text)

    return damage


DAMAGES: dict[str, Callable[[Path], None]] = {
    "a line of zeros": line(3, "\0" * 20),
    "a line that is a list": line(3, "[]"),
    "no line": line(3, ""),
    "a line nested deeply": line(3, '{"seq": 4, "type": "StepLogged", "x": ' + DEEP + "}"),
    "a line nested a little too deeply": line(3, '{"seq": 4, "x": ' + "[" * 500 + "]" * 500 + "}"),
    "a huge number": line(3, f'{{"seq": 4, "type": "StepLogged", "step": {HUGE}}}'),
    "a huge seq": line(3, f'{{"seq": {HUGE}, "type": "StepLogged"}}'),
    "a seq far ahead": line(3, '{"seq": 9000000000, "type": "StepLogged"}'),
    "a seq that was": line(3, '{"seq": 1, "type": "StepLogged", "step": 1}'),
    "a seq that is true": line(3, '{"seq": true}'),
    "infinity": line(3, '{"seq": 4, "type": "StepLogged", "step": 1, "loss": 1e999}'),
    "no number": line(3, '{"seq": 4, "type": "StepLogged", "step": 1, "loss": NaN}'),
    "half a pair": line(3, '{"seq": 4, "type": "Sampled", "step": 1, "text": "\\ud800"}'),
    "no type": line(3, '{"seq": 4}'),
    "a type that is a list": line(3, '{"seq": 4, "type": [1]}'),
    "a type with line ends": line(3, '{"seq": 4, "type": "a\\n\\ndata: b"}'),
    "losses that are lists": value("StepLogged", loss="[1, 2]", step='"three"', time="{}"),
    "steps below zero": value("StepLogged", step="-7"),
    "losses that are true": value("Evaluated", validation_loss="true", best="3"),
    "a start of other kinds": value(
        "RunStarted",
        config="[]",
        parameters='"many"',
        total_steps="{}",
        vocab_size="-1",
        baselines='{"uniform": "a", "floor": []}',
        notes='[1, {"a": 2}]',
        device="7",
        precision="[]",
    ),
    "an end of other kinds": value("RunEnded", reason="[]", message="{}", seconds='"long"'),
    "samples of other kinds": value("Sampled", prompt="[1]", text="{}"),
    "snapshots of other kinds": value("Snapshotted", path="[]", statistics='{"a": {"b": "c"}}'),
    "snapshots that lie elsewhere": value("Snapshotted", path='"../../../../etc/passwd"'),
    "checkpoints of other kinds": value("CheckpointSaved", path="{}", best="[]"),
    "a start with strange settings": value("RunStarted", config='{"model": {"n_layers": "x"}}'),
    "an empty journal": holds("journal.jsonl", ""),
    "a folder as journal": folder("journal.jsonl"),
    "a program as journal": holds("journal.jsonl", bytes(range(256)) * 40),
    "an empty run.json": holds("run.json", ""),
    "a folder as run.json": folder("run.json"),
    "a deep run.json": holds("run.json", DEEP),
    "a run.json that is a list": holds("run.json", "[]"),
    "a run.json of a huge number": holds("run.json", f'{{"format": 1, "owner": {HUGE}}}'),
    "no run.json": lambda run: (run / "run.json").unlink(),
    "an owner that is a number": about(owner=7),
    "a config that is a list": about(config=[]),
    "a config of strange values": about(config={"model": {"n_layers": -3}}),
    "a fingerprint that is a list": about(fingerprint=[1]),
    "a mark of strange values": about(mark={"key": 7, "time": "then"}),
    "made at no time": about(created={"a": "\ud800"}),
    "a note that is no text": holds("manager.json", b"\xff\xfe"),
    "a deep note": holds("manager.json", DEEP),
    "a folder as note": folder("manager.json"),
    "a folder as view": folder("view.json"),
    "a deep view": holds("view.json", DEEP),
    "a view of other kinds": holds("view.json", '{"format": 6, "fold": {"seq": "a"}, "place": 3}'),
    "a deep worker": holds("worker.json", DEEP),
    "weights cut short": in_checkpoints("model.safetensors", None, 100),
    "weights with a huge header": in_checkpoints("model.safetensors", b"\xff" * 7 + b"\x7f"),
    "weights that are text": in_checkpoints("model.safetensors", b"not tensors"),
    "a garbage tokenizer": in_checkpoints("tokenizer.json", b"\x00\xff{]"),
    "a deep tokenizer": in_checkpoints("tokenizer.json", DEEP.encode()),
    "a deep gtt.json": in_checkpoints("gtt.json", DEEP.encode()),
    "a gtt.json of a huge model": in_checkpoints(
        "gtt.json", b'{"format": 1, "model": {}, "vocab_size": 1000000000000}'
    ),
    "a gtt.json of a huge number": in_checkpoints(
        "gtt.json", (b'{"format": 1, "model": {}, "vocab_size": 1e999}')
    ),
    "a deep config.json": in_checkpoints("config.json", DEEP.encode()),
    "marks that are folders": lambda run: [
        folder(name)(run)
        for name in ("latest", "best")  # type: ignore[func-returns-value]
    ],
    "a pipe as journal": pipe("journal.jsonl"),
    "a socket as journal": open_socket("journal.jsonl"),
    "an endless device as journal": endless("journal.jsonl"),
    "a pipe as run.json": pipe("run.json"),
    "a socket as run.json": open_socket("run.json"),
    "an endless device as run.json": endless("run.json"),
    "a pipe as note": pipe("manager.json"),
    "a pipe as view": pipe("view.json"),
    "a pipe as worker": pipe("worker.json"),
    "a pipe as lock": pipe("run.lock"),
    "pipes as marks": pipe("latest", "best"),
    "pipes as snapshots": pipe("snapshots/*"),
    "pipes as job and push": pipe("job/state.json", "push/state.json", "push/parts.json"),
    "a pipe as gtt.json": pipe("checkpoints/step-*/gtt.json"),
    "an endless gtt.json": lambda run: [  # type: ignore[func-returns-value]
        endless("gtt.json")(place) for place in (run / "checkpoints").glob("step-????????")
    ],
    "a pipe as weights": pipe("checkpoints/step-????????/model.safetensors"),
    "a pipe as tokenizer": pipe("checkpoints/step-????????/tokenizer.json"),
    "a pipe as tokenizer_config.json": pipe("checkpoints/step-????????/tokenizer_config.json"),
    "a pipe as config.json": pipe("checkpoints/step-????????/config.json"),
    "pipes as what resuming needs": pipe("checkpoints/step-*.resume/*"),
    "marks that lead away": holds("best", "../../../elsewhere\n"),
}


@pytest.fixture(scope="module")
def trained(tiny_config: RunConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run, end = start_run(tiny_config, Home(tmp_path_factory.mktemp("trained")))
    assert end.reason == "completed"
    kept = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**kept, "owner": owner_of(MINE)}))
    ManagedRun(run, {**kept, "owner": owner_of(MINE)}, new_note("tiny", 0)).write_note(waiting=None)
    return run


@pytest.fixture(scope="module")
def names() -> dict[str, str]:
    """The ids of the damaged runs, by what was done to them."""
    return {what: f"run-20260101-000000-{n:016x}" for n, what in enumerate(DAMAGES)}


@pytest.fixture(scope="module")
def service(
    trained: Path, names: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    home = tmp_path_factory.mktemp("damaged")
    (home / "runs").mkdir()
    shutil.copytree(trained, home / "runs" / "sound-20260101-000000-0000000000000000")
    for what, name in names.items():
        shutil.copytree(trained, home / "runs" / name)
        DAMAGES[what](home / "runs" / name)
    one = Service(Home(home), Limits(shared_desk=False, run_ttl_hours=1000), spare=False)
    one.rates = RateLimiter.at_home()
    yield one
    one.close()


@pytest.fixture(autouse=True)
def nobody_waits() -> Iterator[None]:
    """Whoever waits at a pipe is let go after a second, and the test has failed."""
    waited: list[Path] = []
    over = threading.Event()

    def look() -> None:
        while not over.wait(1):
            for place in filter(Path.is_fifo, PIPES):  # some are replaced by what is saved
                with suppress(OSError):  # nobody reads there, or it is gone
                    os.close(os.open(place, os.O_WRONLY | os.O_NONBLOCK))
                    waited.append(place)

    thread = threading.Thread(target=look)
    thread.start()
    yield
    over.set()
    thread.join()
    assert waited == []


@pytest.fixture(scope="module")
def http(service: Service) -> Iterator[TestClient]:
    app = Starlette(routes=routes(service))
    with TestClient(app, headers={"X-GTT-Workspace": MINE}, raise_server_exceptions=True) as one:
        yield one


def listed(http: TestClient) -> dict[str, dict[str, Any]]:
    return {run["id"]: run for run in http.get("/api/runs?limit=200").json()["runs"]}


def test_every_damaged_run_is_listed_and_the_others_are_as_they_were(
    http: TestClient, names: dict[str, str], service: Service
) -> None:
    runs = listed(http)
    # Whose run it is, a damaged note or owner does not tell: but one of the two does.
    assert set(names.values()) <= runs.keys() and len(runs) == len(names) + 1
    (sound,) = (run for id, run in runs.items() if id.startswith("sound"))
    assert sound["state"] == "completed" and sound["step"] == 10
    assert http.get("/stats").json()["runs"]["completed"] >= 1
    assert http.get("/api/train/status").status_code == 200
    service.sweep()
    service.manager.supervisor.sweep()
    service.manager.supervisor.save_views()
    service.manager.supervisor.find_runs()
    assert listed(http).keys() == runs.keys()


SHOWN = [
    what
    for what in DAMAGES
    if "line" in what
    or "kinds" in what
    or "losses" in what
    or "run.json" in what
    or what in ("a folder as journal", "a program as journal", "a config that is a list")
    or what in ("a pipe as journal", "a socket as journal", "an endless device as journal")
    or what
    in ("infinity", "half a pair", "a huge number", "a huge seq", "an owner that is a number")
]


@pytest.mark.parametrize("what", [what for what in SHOWN if what != "a view of other kinds"])
def test_it_is_shown_as_damaged_with_what_can_be_done(
    http: TestClient, names: dict[str, str], what: str
) -> None:
    run = http.get(f"/api/runs/{names[what]}").json()["run"]
    assert run["state"] == "damaged" and run["resumable"] is False
    assert "damaged" in run["message"] and "restart" in run["message"]
    if "journal" not in what:
        assert run["step"] == 10, "what can be read of the journal is shown"
    refused = http.post(f"/api/runs/{names[what]}/resume", json={})
    assert refused.status_code == 409 and "damaged" in refused.json()["error"]["message"]


@pytest.mark.parametrize("what", DAMAGES)
def test_nothing_about_it_is_a_fault(http: TestClient, names: dict[str, str], what: str) -> None:
    id = names[what]
    paths = [row.path for row in TABLE.values() if row.method == "GET" and "{run_id}" in row.path]
    assert len(paths) >= 7
    for path in paths:
        answer = http.get(path.format(run_id=id, step=10, format="transformers"))
        assert answer.status_code in (200, 404, 409, 422), (path, answer.text[:300])
        if answer.headers["content-type"] == "application/json":
            answer.json()
    for path in ("/api/metrics/history", "/api/metrics.csv", "/api/metrics.json", "/api/diagnosis"):
        answer = http.get(path, params={"run_id": id})
        assert answer.status_code in (200, 404, 409, 422), (path, answer.text[:300])
    stream = http.get(f"/api/runs/{id}/events", headers={"Accept": "text/event-stream"})
    assert stream.status_code == 200 and stream.text.endswith("event: end\ndata: {}\n\n")
    assert "event: error" not in stream.text and "\ndata: b" not in stream.text
    whole = zipfile.ZipFile(io.BytesIO(http.get(f"/api/runs/{id}/archive").content))
    assert whole.testzip() is None and f"{id}/README.txt" in whole.namelist()


@pytest.mark.parametrize(
    "what",
    [
        what
        for what in DAMAGES
        if re.search("gtt|tok|weights|config.json", what) and "tokenizer_config" not in what
    ],
)
def test_a_question_to_a_damaged_checkpoint_says_so(
    http: TestClient, names: dict[str, str], what: str
) -> None:
    answer = http.post("/api/read", json={"run_id": names[what], "text": "One day"})
    assert answer.status_code == 422, answer.text
    assert "/" not in answer.json()["error"]["message"].replace("another checkpoint", "")


def test_it_can_be_renamed_deleted_and_restored(http: TestClient, names: dict[str, str]) -> None:
    for what in ("a deep run.json", "a folder as journal", "no run.json", "a huge seq"):
        path = f"/api/runs/{names[what]}"
        assert http.patch(path, json={"name": "mended"}).json()["run"]["name"] == "mended"
        assert http.delete(path).status_code == 200
        assert http.post(f"{path}/restore").status_code == 200
        assert http.get(path).json()["run"]["state"] == "damaged"


def test_a_run_that_was_mended_is_whole_again(
    http: TestClient, names: dict[str, str], service: Service, trained: Path
) -> None:
    id = names["a run.json that is a list"]
    assert listed(http)[id]["state"] == "damaged"
    shutil.copy(trained / "run.json", service.home.runs / id / "run.json")
    service.manager.supervisor.find_runs()
    assert listed(http)[id]["state"] == "completed"
    id = names["a line of zeros"]
    (service.home.runs / id / "journal.jsonl").write_bytes((trained / "journal.jsonl").read_bytes())
    assert listed(http)[id]["state"] == "completed"


def test_lines_behind_a_damaged_one_are_read_as_they_come(trained: Path, tmp_path: Path) -> None:
    lines = (trained / "journal.jsonl").read_bytes().splitlines(keepends=True)
    journal = tmp_path / "journal.jsonl"
    reader, parts = RunReader(tmp_path), [*lines[:4], b"damaged\n", *lines[5:]]
    for end in range(1, len(parts) + 1):
        journal.write_bytes(b"".join(parts[:end]))
        view = reader.view()
    assert view.damage == "line 5 of its journal is damaged"
    reader.save_fold()
    assert RunReader(tmp_path).view() == view
    assert [event["seq"] for event in reader.events(0)] == [
        seq for seq in range(1, len(lines) + 1) if seq != 5
    ]
    assert view.ended is not None and view.ended.reason == "completed"
