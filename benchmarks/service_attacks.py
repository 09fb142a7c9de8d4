"""What strangers do to an open server, each for some seconds: `service_attacks.py NAME URL …`.

They run in a process of their own, as strangers do, so that what they cost themselves slows nobody
who is measured. An attack says on stdout, as JSON, what came of it: answers by status, at most.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import secrets
import socket
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
from job_attacks import JOB_ATTACKS

LARGEST_DRAFT: dict[str, Any] = {
    "generation": {"stop": ["\U0001f600" * 100] * 16, "prompt": "\U0001f600" * 4000}
}
# As many parameters as an open server allows: what is reserved for it is 640 MB.
LARGEST_MODEL: dict[str, Any] = {
    "data": {"source": "tales"},
    "model": {"n_layers": 12, "n_heads": 8, "n_embed": 368, "block_size": 256},
    "training": {"max_steps": 1000},
}


class Target:
    """A server, and until when it is attacked. `run` and `key` are a run on a stranger's desk."""

    def __init__(self, url: str, seconds: float, key: str, run: str) -> None:
        parts = urlsplit(url)
        self.url, self.address = url, (str(parts.hostname), int(parts.port or 80))
        self.until = time.monotonic() + seconds
        self.key, self.run = key, run
        self.told: Counter[str] = Counter()

    def goes_on(self) -> bool:
        return time.monotonic() < self.until

    def client(self, key: str | None = None, **more: Any) -> httpx.AsyncClient:
        """A stranger from an address of their own."""
        address = ".".join(str(random.randint(1, 250)) for _ in range(4))
        headers = {"X-Forwarded-For": address} | ({"X-GTT-Workspace": key} if key else {})
        return httpx.AsyncClient(base_url=self.url, headers=headers, timeout=60, **more)

    async def ask(self, http: httpx.AsyncClient, method: str, path: str, **more: Any) -> Any:
        """An answer, counted; None where there is none."""
        try:
            answer = await http.request(method, path, **more)
        except httpx.HTTPError as error:
            self.told[type(error).__name__] += 1
            return None
        self.told[str(answer.status_code)] += 1
        return answer

    async def many(self, number: int, act: Callable[[int], Awaitable[None]]) -> None:
        """So many at once, each again and again."""

        async def one(which: int) -> None:
            while self.goes_on():
                await act(which)

        await asyncio.gather(*(one(which) for which in range(number)))

    def connected(self, said: bytes = b"") -> socket.socket | None:
        """A bare connection on which something was said."""
        try:
            one = socket.create_connection(self.address, timeout=5)
            one.sendall(said)
        except OSError as error:
            self.told[type(error).__name__] += 1
            return None
        self.told["connected"] += 1
        return one

    async def hold(self, number: int, said: bytes, more: bytes = b"") -> None:
        """So many connections that say something and then nothing, or a byte now and then."""
        held: list[socket.socket] = []
        while self.goes_on():
            if len(held) < number:
                one = await asyncio.to_thread(self.connected, said)
                held += [one] if one is not None else []
                continue
            for one in held:
                try:
                    one.sendall(more)
                except OSError:
                    self.told["closed"] += 1
                    held.remove(one)
            await asyncio.sleep(1)
        for one in held:
            one.close()


# ------------------------------------------------------------------------- what each does


async def unread_results(target: Target) -> None:
    """Calls of large endpoints whose answers are never fetched."""
    names = ("settings", "recipes", "get_config", "metrics", "events")

    async def act(which: int) -> None:
        async with target.client() as http:
            key = secrets.token_urlsafe(32)
            for name in names:
                values = {"workspace": target.key if name in ("metrics", "events") else key}
                values |= {"run_id": target.run} if name in ("metrics", "events") else {}
                await target.ask(http, "POST", f"/gradio_api/call/v2/{name}", json=values)

    await target.many(4, act)


async def drafts_without_end(target: Target) -> None:
    """A new desk with the largest draft for every request."""

    async def act(which: int) -> None:
        async with target.client() as http:
            await target.ask(http, "POST", "/api/config", json={"config": LARGEST_DRAFT})

    await target.many(4, act)


async def runs_without_end(target: Target) -> None:
    """Runs with the largest settings that are stopped at once."""

    async def act(which: int) -> None:
        async with target.client(secrets.token_urlsafe(32)) as http:
            config = {**LARGEST_MODEL, **LARGEST_DRAFT}
            made = await target.ask(http, "POST", "/api/runs", json={"config": config})
            if made is not None and made.status_code == 201:
                await target.ask(http, "POST", f"/api/runs/{made.json()['run']['id']}/stop")

    await target.many(3, act)


async def ghosts(target: Target) -> None:
    """Runs that are deleted while they wait: what they had reserved must be free again."""

    async def act(which: int) -> None:
        async with target.client(secrets.token_urlsafe(32)) as http:
            for _ in range(2):
                made = await target.ask(http, "POST", "/api/runs", json={"config": LARGEST_MODEL})
                if made is not None and made.status_code == 201:
                    id = made.json()["run"]["id"]
                    await target.ask(http, "DELETE", f"/api/runs/{id}")

    await target.many(3, act)


async def silent_connections(target: Target) -> None:
    """More connections than a process usually has files, which never say a word."""
    await target.hold(1100, b"")


async def slow_requests(target: Target) -> None:
    """Requests that come a letter a second."""
    await target.hold(200, b"GET / HTTP/1.1\r\nHost: localhost\r\nX-", b"a")


async def unread_downloads(target: Target) -> None:
    """Archives that nobody reads."""
    head = (
        f"GET /api/runs/{target.run}/archive HTTP/1.1\r\nHost: localhost\r\n"
        f"X-GTT-Workspace: {target.key}\r\n\r\n"
    )
    await target.hold(40, head.encode())


async def unfinished_forms(target: Target) -> None:
    """Uploads of which a part comes and the rest never."""
    for path, field in (("/api/datasets/upload", "file"), ("/gradio_api/upload", "files")):
        head = (
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 19000000\r\n"
            "Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n"
            f'Content-Disposition: form-data; name="{field}"; filename="a.txt"\r\n\r\n'
        )
        part = Target(target.url, (target.until - time.monotonic()) / 2, target.key, target.run)
        await part.hold(20, head.encode() + b"x" * 4_000_000)
        target.told += part.told


async def pages(target: Target) -> None:
    """The page itself, over and over."""

    async def act(which: int) -> None:
        async with target.client() as http:
            for path in ("/", "/config", "/gradio_api/info"):
                await target.ask(http, "GET", path)

    await target.many(20, act)


async def unread_pages(target: Target) -> None:
    """The page, asked for on many connections that read none of it."""
    await target.hold(80, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")


async def strange_bodies(target: Target) -> None:
    """What Gradio would meet with a fault and a page of log."""
    bodies = (
        ("/gradio_api/call/v2/status", rb'{"workspace": "\ud800"}'),
        ("/gradio_api/queue/join", b'{"data": [NaN], "fn_index": 1, "session_hash": ""}'),
        ("/gradio_api/component_server", b'{"data": 1, "component_id": 1, "fn_name": []}'),
        ("/gradio_api/upload", b"--b\r\n\r\nx"),
    )
    kinds = ["application/json"] * 3 + ["multipart/form-data; boundary=b"]

    async def act(which: int) -> None:
        async with target.client() as http:
            for (path, body), kind in zip(bodies, kinds):
                headers = {"Content-Type": kind}
                await target.ask(http, "POST", path, content=body, headers=headers)
            for path in ("queue/data?session_hash=nobody", "call/status/nothing"):
                await target.ask(http, "GET", f"/gradio_api/{path}")

    await target.many(3, act)


async def restores(target: Target) -> None:
    """One deleted run brought back by many requests at once, and as many starts beside it."""

    async def act(which: int) -> None:
        async with target.client(secrets.token_urlsafe(32)) as http:
            body = {"config": LARGEST_MODEL}
            made = await target.ask(http, "POST", "/api/runs", json=body)
            if made is None or made.status_code != 201:
                await asyncio.sleep(0.5)
                return
            path = f"/api/runs/{made.json()['run']['id']}"
            await target.ask(http, "DELETE", path)
            again = [target.ask(http, "POST", f"{path}/restore") for _ in range(8)]
            starts = [target.ask(http, "POST", "/api/runs", json=body) for _ in range(4)]
            await asyncio.gather(*again, *starts)
            listed = await target.ask(http, "GET", "/api/runs")
            for run in listed.json()["runs"] if listed is not None else ():
                await target.ask(http, "DELETE", f"/api/runs/{run['id']}")

    await target.many(2, act)


ATTACKS: dict[str, Callable[[Target], Awaitable[None]]] = {
    act.__name__: act
    for act in (
        unread_results,
        drafts_without_end,
        runs_without_end,
        ghosts,
        restores,
        silent_connections,
        slow_requests,
        unread_downloads,
        unfinished_forms,
        pages,
        unread_pages,
        strange_bodies,
    )
} | JOB_ATTACKS


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=list(ATTACKS))
    parser.add_argument("url")
    parser.add_argument("seconds", type=float)
    parser.add_argument("key", help="of a desk")
    parser.add_argument("run", help="on that desk")
    options = parser.parse_args()
    if hasattr(os, "nice"):
        os.nice(10)  # strangers bring machines of their own
    with_files()
    target = Target(options.url, options.seconds, options.key, options.run)
    asyncio.run(_attack(ATTACKS[options.name], target))
    print(json.dumps(dict(target.told)))
    return 0


async def _attack(act: Callable[[Target], Awaitable[None]], target: Target) -> None:
    await act(target)


def with_files() -> None:
    """As many open files as this process may have."""
    try:
        import resource
    except ImportError:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    raise SystemExit(main())
