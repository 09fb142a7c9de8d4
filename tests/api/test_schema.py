"""Whatever the OpenAPI schema allows, and what it does not: no fault, no answer off the schema."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from serving import free_port, processes_of, tiny, wait_until_done
from small_lessons import offering
from starlette.applications import Starlette
from thorough import THOROUGH

from gtt.api.guard import Guard
from gtt.api.openapi import openapi
from gtt.api.rates import RateLimiter
from gtt.api.service import Service
from gtt.api.table import TABLE
from gtt.api.workspaces import new_key
from gtt.rest import routes
from gtt.runs.home import Home
from gtt.runs.limits import Limits

REQUESTS = 10_000 if THOROUGH else 1_000  # at least
EXAMPLES = 60 if THOROUGH else 8  # valid ones and as many invalid ones for each operation
SEED = 3
HANGING = 60  # seconds without a byte of an answer
CONFORMANCE = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
LIMITS = Limits.for_space(
    max_concurrent_runs=1,
    max_waiting_runs=2,
    max_runs_per_workspace=5,
    max_steps=8,
    max_parameters=20_000,
    max_minutes=0.1,
    max_upload_mb=1,
    allow_hub=False,
)
# What is asked of operations that hardly ever are asked for something they may do by chance.
SHORT = tiny(max_steps=4)
WISHES: dict[str, Any] = {
    "create_run": SHORT,
    "train": {**SHORT, "action": "start"},
    "restart_run": {"config": {"training": {"max_steps": 3}}},
    "resume_run": {"config": {"training": {"max_steps": 8}}},
    "push_to_hub": {"repo": "anna/tiny", "token": "hf_anna"},
    "answer_lesson": {"answer": 0},
    "run_on_hub": {"flavor": "cpu-basic", "minutes": 10, "at_most": 1, "token": "hf_anna"},
}
# The one lesson that there is: its first step asks, and starts a run.
LESSON = {"lesson": "small", "step": "train"}
LESSON_FILE = """\
title: A small lesson
minutes: 1
about: About it.
steps:
  - id: train
    title: Train
    text: Train it.
    predict:
      kind: choice
      question: Which?
      options:
        - { text: This, right: true, because: It is. }
        - { text: That, because: It is not. }
    start: { run: first, recipe: quickstart, settings: SETTINGS }
"""
OF_THE_HUB = ("push_to_hub", "job_hardware", "run_on_hub", "follow_job")
BEGINNING = ("create_run", "train")


@dataclass
class Desk:
    """A desk with something on it, and what the requests have met."""

    url: str
    key: str
    run_id: str
    doomed_id: str
    upload_id: str
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)


@contextmanager
def listening(app: Any) -> Iterator[str]:
    """The address of an application that is served from a thread."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="critical"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setenv("GTT_HOME", str(tmp_path))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    wanted = {
        f"{group}.{name}": value
        for group, values in SHORT["config"].items()
        for name, value in values.items()
    }
    lesson = LESSON_FILE.replace("SETTINGS", json.dumps(wanted))
    service = Service(Home(tmp_path), LIMITS, spare=False)
    service.rates = RateLimiter.at_home()  # nearly all requests are to reach an endpoint
    key = new_key()
    try:
        ours = routes(service)
        with (
            offering(tmp_path / "lessons", small=lesson),
            listening(Guard(Starlette(routes=ours), routes=ours)) as url,
        ):
            with httpx.Client(base_url=url, headers={"X-GTT-Workspace": key}, timeout=60) as http:
                text = "the cat sat on the mat. " * 300
                for name in ("a.txt", "b.txt"):
                    given = {"params": {"name": name}, "content": text}
                    upload = http.post("/api/datasets/upload", **given).raise_for_status().json()
                ids = [begun(http, upload["source"]) for _ in range(2)]
                asked = {"step": LESSON["step"], "answer": 0}
                http.post("/api/lessons/small/answer", json=asked).raise_for_status()
                uploads = http.get("/api/datasets").json()["uploads"]
            (other,) = {one["id"] for one in uploads} - {upload["id"]}
            yield Desk(url, key, *ids, other)
    finally:
        service.close()
        for process in processes_of(tmp_path):
            process.kill()
            process.wait(10)


def begun(http: httpx.Client, source: str) -> str:
    """A run of a few steps that is done, and saved so often that it can be looked into."""
    asked = tiny(max_steps=4, eval_every=2, log_every=1, checkpoint_every=2)
    # Tokens of bytes, so that no text is unknown.
    asked["config"]["data"] = {"source": source, "max_megabytes": 1, "vocab_size": 260}
    asked["config"]["generation"] = {"max_new_tokens": 4}
    run = http.post("/api/runs", json=asked).raise_for_status().json()["run"]
    assert wait_until_done(http, run["id"])["state"] == "completed"
    id: str = run["id"]
    return id


def made_real(case: Any, desk: Desk) -> None:
    """Puts the desk's key and ids that there are into a case, so that the endpoint gets to work."""
    operation = operation_of(case)
    # A desk of its own for each new run: one desk holds few of them.
    case.headers["X-GTT-Workspace"] = new_key() if operation in BEGINNING else desk.key
    run_id = desk.doomed_id if operation in ("delete_run", "restore_run") else desk.run_id
    known = {"run_id": run_id, "upload_id": desk.upload_id, "step": 4, "lesson": LESSON["lesson"]}
    for name in known.keys() & case.path_parameters.keys():
        case.path_parameters[name] = known[name]
    if isinstance(case.query, dict) and "run_id" in case.query:
        case.query["run_id"] = run_id
    if not isinstance(case.body, dict):
        return
    if "lesson" in case.path_parameters:
        case.body["step"] = LESSON["step"]
    for name, value in {
        "run_id": run_id,
        "run_ids": [desk.run_id, desk.doomed_id],
        "checkpoint": "latest",
        "layers": [1],
    }.items():
        if case.body.get(name) is not None:
            case.body[name] = value
    if operation in WISHES:
        case.body.pop("idempotency_key", None)
        case.body.update(WISHES[operation])


def operation_of(case: Any) -> str:
    name: str = case.operation.definition.raw["operationId"]
    return name


def answered(case: Any, desk: Desk, session: requests.Session, checks: list[Any]) -> None:
    """Sends a case and holds the answer against the schema."""
    tokens = case.body.get("max_new_tokens") if isinstance(case.body, dict) else None
    if type(tokens) is int and 8 < tokens <= 2000:
        case.body["max_new_tokens"] = 8  # more of them would only take longer
    for _ in range(30):  # on a slow machine a look may be told to come again
        response = case.call(base_url=desk.url, session=session, timeout=HANGING)
        desk.answers[operation_of(case), response.status_code] += 1
        if response.status_code != 503 or TABLE[operation_of(case)].rate == "create":
            break
        time.sleep(1)
    is_honest = response.status_code == 503 and "retry-after" in response.headers
    assert response.status_code < 500 or is_honest, (operation_of(case), response.text)
    if response.status_code == 413:  # a refusal too, which the check does not know as one
        checks = [check for check in checks if check is not negative_data_rejection]
    case.validate_response(response, checks=checks)


def exercise(
    operation: Any, mode: schemathesis.GenerationMode, desk: Desk, session: requests.Session
) -> None:
    """Many cases of one operation, each sent as it was drawn and then about what there is."""

    @seed(SEED)
    @settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode))
    def send(case: Any) -> None:
        answered(case, desk, session, [*CONFORMANCE, negative_data_rejection])
        made_real(case, desk)
        answered(case, desk, session, CONFORMANCE)

    send()


@pytest.mark.timeout(600)
def test_every_answer_is_as_the_schema_says(desk: Desk) -> None:
    schema = schemathesis.openapi.from_dict(openapi())
    operations = [found.ok() for found in schema.get_all_operations()]
    assert {one.definition.raw["operationId"] for one in operations} == set(TABLE)
    with requests.Session() as session:
        for operation in operations:
            for mode in schemathesis.GenerationMode:
                exercise(operation, mode, desk, session)
    assert desk.answers.total() >= REQUESTS
    # Each operation was reached with a request that it carries out, and with one that it refuses.
    # Where the machine is slow the queue is full all the while: what begins a run may then say so.
    for name, row in TABLE.items():
        is_full = row.rate == "create" and desk.answers[name, 503] > 0
        # This server does not use the Hub; tests/ui/test_push_page.py and test_jobs_page.py do.
        is_closed = name in OF_THE_HUB and desk.answers[name, 403] > 0
        assert desk.answers[name, row.status] or is_full or is_closed, name
        assert desk.answers[name, 422], name
