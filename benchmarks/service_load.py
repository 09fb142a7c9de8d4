"""Many visitors at once who do a bit of everything: faults, the time of reads, memory."""

from __future__ import annotations

import asyncio
import random
import secrets
import statistics
import time
from collections import Counter
from contextlib import suppress
from typing import Any

import httpx
import psutil
from service_server import ACTIVE, SMALL, Server, serving, unless

# What the server must reach.
READ_P95_MS = 300.0
GROWTH = 1.10  # of the server's memory between minute 2 and the last
# What stays at work beside the server, and what of it when the server has ended.
AT_REST = {"app.py": 1, "gtt.runs.worker": 1, "gtt.inference.process": 1}


class Visitor:
    """One client with a desk of its own, doing a bit of everything."""

    def __init__(self, client: httpx.AsyncClient, seed: int) -> None:
        self.client = client
        self.random = random.Random(seed)
        self.headers = {"X-GTT-Workspace": secrets.token_urlsafe(32)}
        self.mine: set[str] = set()
        self.statuses: Counter[str] = Counter()
        self.reads: list[float] = []
        self.faults: list[str] = []

    async def visit(self, until: float) -> None:
        """Acts until a moment of the monotonic clock, half a second of thought between."""
        acts = {
            self.status: 30,
            self.metrics: 12,
            self.lists: 12,
            self.generate: 12,
            self.start: 8,
            self.stop: 6,
            self.gradio_status: 8,
            self.gradio_page: 4,
            self.stream: 5,
            self.upload: 3,
        }
        while time.monotonic() < until:
            await self.random.choices(list(acts), list(acts.values()))[0]()
            await asyncio.sleep(self.random.uniform(0.2, 0.8))
        await self.stop()

    async def ask(
        self, method: str, path: str, *, read: bool, **more: Any
    ) -> httpx.Response | None:
        began = time.perf_counter()
        try:
            response = await self.client.request(
                method, path, headers=self.headers, timeout=60, **more
            )
        except httpx.HTTPError as error:
            self.faults.append(f"{method} {path}: {type(error).__name__} {error}")
            return None
        if read:
            self.reads.append(time.perf_counter() - began)
        self.note(method, path, response)
        return response

    def note(self, method: str, path: str, response: httpx.Response) -> None:
        """Counts an answer, and as a fault one that nobody should get."""
        self.statuses[f"{response.status_code}"] += 1
        patient = response.status_code in (429, 503) and "retry-after" in response.headers
        expected = response.status_code in (200, 201, 404, 409)
        if not patient and not expected:
            self.faults.append(f"{method} {path}: {response.status_code}")

    async def status(self) -> None:
        response = await self.ask("GET", "/api/train/status", read=True)
        if response is not None and response.status_code == 200:
            run = response.json()["run"]
            if run is not None and run["id"] not in self.mine:
                self.faults.append(f"a foreign run: {run['id']}")

    async def metrics(self) -> None:
        await self.ask("GET", "/api/metrics/history?points=200", read=True)

    async def lists(self) -> None:
        response = await self.ask("GET", "/api/runs", read=True)
        if response is not None and response.status_code == 200:
            strange = {run["id"] for run in response.json()["runs"]} - self.mine
            if strange:
                self.faults.append(f"foreign runs: {strange}")

    async def generate(self) -> None:
        await self.ask(
            "POST", "/api/generate", read=False, json={"prompt": "One day", "max_new_tokens": 40}
        )

    async def start(self) -> None:
        body = {"recipe": "quickstart", "config": SMALL}
        response = await self.ask("POST", "/api/runs", read=False, json=body)
        if response is not None and response.status_code == 201:
            self.mine.add(response.json()["run"]["id"])

    async def stop(self) -> None:
        await self.ask("POST", "/api/train/stop", read=False)

    async def gradio_status(self) -> None:
        """The same look as an event of Gradio, which makes a session for it."""
        values = {"workspace": self.headers["X-GTT-Workspace"]}
        begun = await self.ask("POST", "/gradio_api/call/v2/status", read=False, json=values)
        if begun is not None and begun.status_code == 200:
            event = begun.json()["event_id"]
            await self.ask("GET", f"/gradio_api/call/status/{event}", read=False)

    async def gradio_page(self) -> None:
        """What a browser fetches first of the page."""
        for path in ("/", "/config", "/theme.css"):
            await self.ask("GET", path, read=False)

    async def stream(self) -> None:
        """Follows the newest run for a while and hangs up."""
        if not self.mine:
            return
        path = f"/api/runs/{self.random.choice(sorted(self.mine))}/events"
        headers = {**self.headers, "Accept": "text/event-stream"}
        try:
            async with self.client.stream("GET", path, headers=headers, timeout=60) as answer:
                self.note("GET", path, answer)
                with suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(self.read_lines(answer), 3)
        except httpx.HTTPError as error:
            self.faults.append(f"GET {path}: {type(error).__name__} {error}")

    async def read_lines(self, answer: httpx.Response) -> None:
        async for _ in answer.aiter_lines():
            pass

    async def upload(self) -> None:
        """Brings a text and takes it away again."""
        text = secrets.token_hex(50_000)
        brought = await self.ask("POST", "/api/datasets/upload", read=False, content=text)
        if brought is not None and brought.status_code == 201:
            await self.ask("DELETE", f"/api/datasets/{brought.json()['id']}", read=False)


def load(clients: int, minutes: float) -> dict[str, Any]:
    """So many clients for so long: faults, the time of reads, memory, what is left over."""
    limits = {"GTT_MAX_STEPS": "1000", "GTT_MAX_MINUTES": "2"}
    with serving(**limits) as server:
        report = asyncio.run(visits(server, clients, minutes))
        deadline = time.monotonic() + 90
        with httpx.Client(base_url=server.url) as client:
            while time.monotonic() < deadline:
                runs = client.get("/stats").json()["runs"]
                if not any(runs.get(state) for state in ACTIVE):
                    break
                time.sleep(1)
            report["runs"] = runs
        time.sleep(5)
        report["processes_left"] = server.names()
        partial = [path.name for path in server.home.rglob("*.partial")]
        partial += [path.name for path in server.home.rglob(".partial-*")]
        report["files_left"] = partial + [p.name for p in server.home.rglob(".deleted-*")]
    report["processes_after_end"] = server.left
    return report | {"missed": missed_under_load(report)}


def missed_under_load(report: dict[str, Any]) -> list[str]:
    """What the server must reach under load and has not."""
    minutes = list(report["server_mb"].values())
    is_flat = len(minutes) < 3 or max(minutes[2:]) <= GROWTH * minutes[1]
    left = report["processes_left"]
    return [
        *unless(not report["faults"], "no faults"),
        *unless(report["read_ms"]["p95"] < READ_P95_MS, "the time of reads"),
        *unless(is_flat, "flat memory"),
        *unless(all(left[name] <= AT_REST.get(name, 0) for name in left), "no process left over"),
        *unless(not report["processes_after_end"], "no process left at the end"),
        *unless(not report["files_left"], "no file left over"),
    ]


async def visits(server: Server, clients: int, minutes: float) -> dict[str, Any]:
    began = time.monotonic()
    until = began + 60 * minutes
    # Shorter than the five seconds after which the server closes a connection that nobody uses.
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=2)
    memory: list[tuple[float, int]] = []
    everything: list[tuple[float, int]] = []

    async def watch() -> None:
        process = psutil.Process(server.process.pid)
        while time.monotonic() < until:
            memory.append((time.monotonic() - began, process.memory_info().rss))
            whole = await asyncio.to_thread(server.memory)
            everything.append((time.monotonic() - began, whole))
            await asyncio.sleep(5)

    async with httpx.AsyncClient(base_url=server.url, limits=limits) as client:
        visitors = [Visitor(client, seed) for seed in range(clients)]
        await asyncio.gather(watch(), *(visitor.visit(until) for visitor in visitors))
    reads = [second for visitor in visitors for second in visitor.reads]
    return {
        "clients": clients,
        "minutes": minutes,
        "requests": sum(sum(visitor.statuses.values()) for visitor in visitors),
        "statuses": dict(sum((visitor.statuses for visitor in visitors), Counter())),
        "faults": [fault for visitor in visitors for fault in visitor.faults][:10],
        "read_ms": {
            "median": 1000 * statistics.median(reads),
            "p95": 1000 * statistics.quantiles(reads, n=20)[-1],
            "max": 1000 * max(reads),
        },
        "server_mb": {
            f"minute {minute}": memory_at(memory, 60 * minute)
            for minute in range(1, int(minutes) + 1)
        },
        "all_processes_mb": {
            f"minute {minute}": memory_at(everything, 60 * minute)
            for minute in range(1, int(minutes) + 1)
        },
    }


def memory_at(memory: list[tuple[float, int]], second: float) -> float:
    """Resident megabytes nearest to a second."""
    return min(memory, key=lambda point: abs(point[0] - second))[1] / 1e6
