"""Answers that take their time: how many may be open, and what becomes of those nobody reads."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.types import Message

from gtt.api.api_errors import RateLimited
from gtt.api.endpoints import journal
from gtt.api.rates import STREAMS_PER_DESK, Places
from gtt.api.schemas import EventsPage
from gtt.api.service import Service
from gtt.api.table import TABLE
from gtt.api.workspaces import new_key
from gtt.errors import BadInput
from gtt.rest import _events, routes
from gtt.runs.home import Home
from gtt.runs.journal import Journal
from gtt.runs.limits import Limits
from gtt.runs.scheduling import Scheduler
from gtt.settings import parse
from gtt.training.events import StepLogged


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setattr(Scheduler, "start_waiting", lambda self: None)  # runs stay in the queue
    one = Service(Home(tmp_path / "home"), Limits.for_space(), spare=False)
    yield one
    one.close()


class Visit:
    """A request that the test reads, or does not, and hangs up when it likes."""

    def __init__(self, service: Service, key: str, method: str, path: str, body: Any = None):
        self.sent: list[Message] = []
        self.has_gone = asyncio.Event()
        self._body = [json.dumps(body).encode() if body is not None else b""]
        headers = [(b"x-gtt-workspace", key.encode()), (b"accept", b"text/event-stream")]
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": b"",
            "headers": headers if body is None else headers[:1],
        }
        app = Starlette(routes=routes(service))
        self.task = asyncio.ensure_future(app(scope, self._receive, self._send))

    async def _receive(self) -> Message:
        if self._body:
            return {"type": "http.request", "body": self._body.pop(), "more_body": False}
        await self.has_gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        self.sent.append(message)

    async def begins(self) -> int:
        """Its status, once there is one."""
        while not self.sent:
            await asyncio.sleep(0.01)
        status: int = self.sent[0]["status"]
        return status

    async def leave(self) -> None:
        self.has_gone.set()
        await asyncio.wait_for(self.task, 20)


def run_on(service: Service, key: str) -> str:
    row = TABLE["create_run"]
    answer = row.call(service.caller(key), parse(row.request, {"recipe": "quickstart"}))
    id: str = answer.run.id
    return id


def test_a_desk_has_few_streams_and_a_place_comes_back(service: Service) -> None:
    key, other = new_key(), new_key()
    path, theirs = (f"/api/runs/{run_on(service, one)}/events" for one in (key, other))

    async def crowd() -> None:
        open_ones = [Visit(service, key, "GET", path) for _ in range(STREAMS_PER_DESK)]
        assert [await one.begins() for one in open_ones] == [200] * STREAMS_PER_DESK
        refused = Visit(service, key, "GET", path)
        assert await refused.begins() == 429
        assert b"retry-after" in dict(refused.sent[0]["headers"])
        away = Visit(service, other, "GET", theirs)
        assert await away.begins() == 200
        await open_ones.pop().leave()
        again = Visit(service, key, "GET", path)
        assert await again.begins() == 200
        unknown = Visit(service, other, "GET", "/api/runs/none/events")
        assert await unknown.begins() == 404  # which keeps no place
        for one in (*open_ones, away, again):
            await one.leave()
        assert not service.streams._places

    asyncio.run(asyncio.wait_for(crowd(), 60))


def test_all_desks_together_have_an_end() -> None:
    places = Places(per_desk=2, for_all=3)
    for who in ("a", "a", "b"):
        places.take(who)
    with pytest.raises(RateLimited, match="this server") as caught:
        places.take("c")
    assert caught.value.retry_after
    places.leave("a")
    with places.held("c"), pytest.raises(RateLimited):
        places.take("a")
    places.take("a")


def test_a_page_of_a_stream_is_small(service: Service) -> None:
    key = new_key()
    run = service.manager.get(run_on(service, key))
    assert run is not None
    with Journal(run.folder.journal) as written:
        for step in range(1, 1000):
            written.append(StepLogged(step, 2.0, 1e-3, 1.0, 1e4, step, 0.1, step))
    row = TABLE["events"]

    async def first() -> Any:
        assert row.stream is not None
        caller = service.caller(key)
        return await anext(row.stream(caller, parse(row.request, {"run_id": run.id})))

    page = asyncio.run(first())
    assert len(page.events) == journal.STREAM_EVENTS < 999


def test_a_plain_question_ends_when_its_caller_hangs_up(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, begun, ended = new_key(), asyncio.Event(), asyncio.Event()

    async def ask(job: Any, owner: str) -> None:
        begun.set()
        try:
            await asyncio.sleep(1000)
        finally:
            ended.set()

    monkeypatch.setattr(service.inference, "ask", ask)

    async def hang_up() -> None:
        visit = Visit(service, key, "POST", "/api/tokenize", {"text": "to be"})
        await asyncio.wait_for(begun.wait(), 20)
        assert not ended.is_set()
        with suppress(Exception):
            await visit.leave()
        await asyncio.wait_for(ended.wait(), 20)

    asyncio.run(asyncio.wait_for(hang_up(), 60))


def test_a_question_is_asked_in_the_name_of_the_desk(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, owners = new_key(), []

    async def ask(job: Any, owner: str) -> Any:
        owners.append(owner)
        raise RateLimited("Enough.", retry_after=1)

    monkeypatch.setattr(service.inference, "ask", ask)

    async def visit() -> None:
        one = Visit(service, key, "POST", "/api/tokenize", {"text": "to be"})
        assert await one.begins() == 429

    asyncio.run(asyncio.wait_for(visit(), 60))
    assert owners == [service.caller(key).desk.owner]


@pytest.mark.parametrize(
    ("for_page", "said"), [(True, "Embedding width 7 is odd."), (False, "n_embed 7 is odd.")]
)
def test_what_breaks_a_stream_is_said_in_the_words_of_its_reader(for_page: bool, said: str) -> None:
    async def parts() -> AsyncIterator[EventsPage]:
        raise BadInput("n_embed 7 is odd.")
        yield  # a generator

    async def read() -> bytes:
        breaking = parts()
        first = asyncio.ensure_future(anext(breaking))
        return b"".join([part async for part in _events(first, breaking, for_page)])

    kind, data = asyncio.run(read()).decode().strip().split("\n")
    assert kind == "event: error"
    assert json.loads(data.removeprefix("data: "))["error"]["message"] == said
