"""The page is made once for everybody who reaches it under one address, and for nobody else."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from gtt.api.guard.page_cache import MOST_KEPT, Pages


class Page:
    """An application that tells what it was asked, and how often."""

    def __init__(self) -> None:
        self.times, self.status, self.fault = 0, 200, False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.times += 1
        if self.fault:
            raise OSError("no")
        assert (await receive())["body"] == b""
        await asyncio.sleep(0)
        seen: dict[str, Any] = {name.decode(): value.decode() for name, value in scope["headers"]}
        seen |= {"query": scope["query_string"].decode(), "client": scope["client"]}
        body = json.dumps(seen | {"method": scope["method"], "number": self.times}).encode()
        started: Message = {"type": "http.response.start", "status": self.status}
        await send({**started, "headers": [(b"x-made", str(self.times).encode())]})
        await send({"type": "http.response.body", "body": body[:5], "more_body": True})
        await send({"type": "http.response.body", "body": body[5:]})


@pytest.fixture
def page() -> Page:
    return Page()


def asked(page: Page, *requests: httpx.Request) -> list[httpx.Response]:
    """The answers to requests at the same time."""

    async def act() -> list[httpx.Response]:
        transport = httpx.ASGITransport(Pages(page))
        async with httpx.AsyncClient(transport=transport) as http:
            return await asyncio.gather(*(http.send(request) for request in requests))

    return asyncio.run(act())


def get(path: str = "/", method: str = "GET", host: str = "a.example", **headers: str) -> Any:
    return httpx.Request(method, f"http://{host}{path}", headers=headers)


def test_all_who_ask_at_once_get_one_page(page: Page) -> None:
    answers = asked(page, *(get() for _ in range(20)))
    assert page.times == 1 and {answer.json()["number"] for answer in answers} == {1}


def test_nothing_of_a_visitor_reaches_the_page(page: Page) -> None:
    secret = {"cookie": "secret", "authorization": "secret", "x-gtt-workspace": "secret"}
    secret |= {"origin": "http://secret.example", "referer": "secret", "user-agent": "secret"}
    first, other = asked(page, get("/?page=secret&deep_link=secret", **secret), get("/?x=1"))
    assert first.text == other.text and page.times == 1
    assert "secret" not in first.text and first.json()["client"] is None
    assert first.headers["access-control-allow-origin"] == "http://secret.example"
    assert "access-control-allow-origin" not in other.headers


@pytest.mark.parametrize(
    "other",
    [
        get(host="b.example"),
        get("/config"),
        get(**{"x-forwarded-proto": "https"}),
        get(**{"x-forwarded-host": "b.example"}),
        get(**{"accept-encoding": "identity"}),
        httpx.Request("GET", "https://a.example/"),
    ],
    ids=["host", "path", "proxy's scheme", "proxy's host", "packing", "scheme"],
)
def test_another_address_is_another_page(page: Page, other: httpx.Request) -> None:
    one, two = asked(page, get(**{"accept-encoding": "gzip;q=0.5, br"}), other)
    assert page.times == 2 and one.text != two.text
    assert one.json()["accept-encoding"] == "br"


def test_what_came_as_it_is_is_packed_once_for_whoever_takes_it(page: Page) -> None:
    one, two = asked(page, *(get(**{"accept-encoding": "gzip, br"}) for _ in range(2)))
    (plain,) = asked(page, get())
    assert one.headers["content-encoding"] == "gzip" and one.headers["vary"] == "Accept-Encoding"
    assert int(one.headers["content-length"]) == one.num_bytes_downloaded
    assert one.json() == two.json() and one.json()["accept-encoding"] == "br"
    assert "content-encoding" not in plain.headers and "vary" not in plain.headers


def test_what_a_client_of_gradio_asks_for_is_told_apart(page: Page) -> None:
    info = "/gradio_api/info"
    answers = asked(page, get(f"{info}?serialize=False&x=1"), get(info))
    assert [answer.json()["query"] for answer in answers] == ["serialize=False", ""]


def test_a_look_at_the_headers_has_no_body(page: Page) -> None:
    head, whole = asked(page, get(method="HEAD"), get())
    assert head.content == b"" and head.headers == whole.headers and page.times == 1
    assert whole.json()["method"] == "GET"


def test_other_requests_are_passed_on(page: Page) -> None:
    asked(page, get("/api/config", cookie="mine"), get("/", "POST"), get("/api/config"))
    assert page.times == 3
    (answer,) = asked(page, get("/api/config?x=1", cookie="mine"))
    assert answer.json()["cookie"] == "mine" and answer.json()["query"] == "x=1"


def test_a_fault_is_not_kept_and_pages_are_bounded(page: Page) -> None:
    pages = Pages(page)

    async def act() -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(pages)) as http:
            page.fault = True
            with pytest.raises(OSError):
                await http.send(get())
            page.fault, page.status = False, 503
            assert (await http.send(get())).status_code == 503
            page.status = 200
            assert (await http.send(get())).status_code == 200 and page.times == 3
            for number in range(3 * MOST_KEPT):
                await http.send(get(host=f"{number}.example"))
            assert len(pages._pages) == MOST_KEPT

    asyncio.run(act())
