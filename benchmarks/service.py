"""The server under load: `python benchmarks/service.py latency|followers|load|status`.

Each starts `python app.py` on a free port with a home of its own and prints one JSON object, with
what it has missed of what the server must reach; the exit code is 1 then. Run them on an idle
machine: clients, server and training share its cores, as they would in a class.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import secrets
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import psutil

ROOT = Path(__file__).resolve().parent.parent
ACTIVE = ("queued", "preparing", "running", "stopping")
# What the server must reach.
FIRST_LOSS_S = 2.0  # from a create request, with a warm worker
FOLLOWED_RATIO = 0.95  # of the throughput in the terminal
READ_P95_MS = 300.0
GROWTH = 1.10  # of the server's memory between minute 2 and the last
STATUS_MS = 5.0
# What stays at work beside the server, and what of it when the server has ended.
AT_REST = {"app.py": 1, "gtt.runs.worker": 1, "gtt.inference.process": 1}
SMALL: dict[str, Any] = {
    "data": {"max_megabytes": 0.1},
    "model": {"n_layers": 2, "n_heads": 2, "n_embed": 32, "block_size": 32},
    "training": {"max_steps": 200, "batch_size": 8, "eval_every": 100, "eval_windows": 8},
}


class Server:
    """A running app and the address it answers at."""

    def __init__(self, home: Path, **environment: str) -> None:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port = listener.getsockname()[1]
        self.home, self.url = home, f"http://127.0.0.1:{port}"
        self.left: dict[str, int] = {}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GTT_MAX")}
        self.environment = {
            **kept,
            "GTT_HOME": str(home),
            "GRADIO_SERVER_PORT": str(port),
            "PYTHONPATH": str(ROOT),
            **environment,
        }
        log = (home / "server.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "app.py")], env=self.environment, stdout=log, stderr=log
        )
        log.close()

    def wait_until_warm(self) -> None:
        """Until the page answers and the spare worker is loaded."""
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                if httpx.get(f"{self.url}/stats").json()["spare_is_warm"]:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.2)
        raise SystemExit("the server did not become warm")

    def names(self) -> dict[str, int]:
        """How many processes of each kind work in this home."""
        names: Counter[str] = Counter()
        for process in self.processes():
            with suppress(psutil.Error):
                words = process.cmdline()
                names[next((word for word in words if word.startswith("gtt.")), "app.py")] += 1
        return dict(names)

    def memory(self) -> int:
        """Resident bytes of all of them."""
        total = 0
        for process in self.processes():
            with suppress(psutil.Error):
                total += process.memory_info().rss
        return total

    def close(self) -> None:
        """Ends the server, notes what it leaves behind, and ends that too."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)
        self.left = self.names()
        for process in self.processes():
            process.kill()

    def processes(self) -> list[psutil.Process]:
        """Every process that works in this home."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("GTT_HOME") == str(self.home):
                    found.append(process)
            except psutil.Error:
                continue
        return found


@contextmanager
def serving(**environment: str) -> Iterator[Server]:
    """A warm server; nothing of it is left afterwards."""
    with tempfile.TemporaryDirectory(prefix="gtt-bench-") as folder:
        server = Server(Path(folder), **environment)
        try:
            server.wait_until_warm()
            yield server
        finally:
            server.close()


# ------------------------------------------------------------------------------- latency


def latency(rounds: int) -> dict[str, Any]:
    """Seconds from a create request to the first loss and to the first training loss."""
    first_loss, first_step = [], []
    with serving() as server, httpx.Client(base_url=server.url, timeout=60) as client:
        for _ in range(rounds):
            server.wait_until_warm()
            began = time.perf_counter()
            body = {"recipe": "quickstart", "config": {"training": {"max_steps": 20}}}
            run = client.post("/api/runs", json=body).json()["run"]["id"]
            seen: dict[str, float] = {}
            accept = {"Accept": "text/event-stream"}
            with client.stream("GET", f"/api/runs/{run}/events", headers=accept) as stream:
                for line in stream.iter_lines():
                    kind = line.removeprefix("event: ") if line.startswith("event: ") else ""
                    if kind and kind not in seen:
                        seen[kind] = time.perf_counter() - began
            first_loss.append(min(seen["Evaluated"], seen["StepLogged"]))
            first_step.append(seen["StepLogged"])
    report = {"first_loss_s": summary(first_loss), "first_training_loss_s": summary(first_step)}
    return report | {"missed": unless(max(first_loss) < FIRST_LOSS_S, "the first loss")}


# ----------------------------------------------------------------------------- followers


def followers(rounds: int, clients: int, steps: int) -> dict[str, Any]:
    """Training throughput with followers over that of the same recipe in the terminal."""
    alone, followed = [], []
    with serving() as server:
        for _ in range(rounds):
            alone.append(in_terminal(server, steps))
            server.wait_until_warm()
            followed.append(asyncio.run(with_followers(server, clients, steps)))
    ratios = [b / a for a, b in zip(alone, followed)]
    return {
        "clients": clients,
        "steps": steps,
        "terminal_tokens_per_s": summary(alone),
        "followed_tokens_per_s": summary(followed),
        "ratio": summary(ratios),
        "missed": unless(statistics.median(ratios) >= FOLLOWED_RATIO, "the followed throughput"),
    }


def in_terminal(server: Server, steps: int) -> float:
    """Tokens per second of a whole run in the terminal, the spare of the server asleep beside."""
    command = [sys.executable, "-m", "gtt", "train", "--recipe", "quickstart", "--json"]
    command += ["--set", f"training.max_steps={steps}", "--out", tempfile.mkdtemp()]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=ROOT, env=server.environment
    )
    return throughput([json.loads(line) for line in done.stdout.splitlines()])


async def with_followers(server: Server, clients: int, steps: int) -> float:
    """Tokens per second of a run that so many clients follow, each on a stream of its own."""
    async with httpx.AsyncClient(base_url=server.url, timeout=None) as client:
        body = {"recipe": "quickstart", "config": {"training": {"max_steps": steps}}}
        run = (await client.post("/api/runs", json=body)).json()["run"]["id"]

        async def follow() -> list[dict[str, Any]]:
            accept = {"Accept": "text/event-stream"}
            events = []
            async with client.stream("GET", f"/api/runs/{run}/events", headers=accept) as stream:
                async for line in stream.aiter_lines():
                    if line.startswith("data: {") and line != "data: {}":
                        events.append(json.loads(line[6:]))
            return events

        seen = await asyncio.gather(*(follow() for _ in range(clients)))
    assert all(events == seen[0] for events in seen), "the followers saw different journals"
    return throughput(seen[0])


def throughput(events: list[dict[str, Any]]) -> float:
    """Tokens per second of training between the first and the last logged step."""
    logged = [event for event in events if event["type"] == "StepLogged"]
    first, last = logged[1], logged[-1]
    return float((last["tokens"] - first["tokens"]) / (last["seconds"] - first["seconds"]))


# ---------------------------------------------------------------------------------- load


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


def unless(reached: bool, aim: str) -> list[str]:
    """The aim, if it was missed."""
    return [] if reached else [aim]


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


# -------------------------------------------------------------------------------- status


def status(rounds: int) -> dict[str, Any]:
    """Milliseconds of server time for a status read, by events in the journal."""
    from gtt.api.infos import run_status
    from gtt.config import RunConfig
    from gtt.runs.folder import RunFolder
    from gtt.runs.journal import Journal
    from gtt.runs.managed import ManagedRun
    from gtt.training.events import StepLogged

    results = {}
    for events in (100, 10_000, 200_000):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder)
            RunFolder(path).create(RunConfig(), None)
            with Journal(path / "journal.jsonl") as journal:
                for step in range(1, events + 1):
                    journal.append(StepLogged(step, 2.0, 1e-3, 1.0, 1e4, step * 512, 0.1, step))
                run = ManagedRun.open(path)
                run_status(run)
                times = []
                for step in range(events + 1, events + rounds + 1):
                    journal.append(StepLogged(step, 2.0, 1e-3, 1.0, 1e4, step * 512, 0.1, step))
                    began = time.perf_counter()
                    run_status(run)
                    times.append(1000 * (time.perf_counter() - began))
            results[f"{events} events"] = summary(times)
    slowest = max(times["median"] for times in results.values())
    return {"status_ms": results, "missed": unless(slowest < STATUS_MS, "the time of a status")}


def summary(values: list[float]) -> dict[str, float]:
    """Minimum, median and maximum."""
    return {"min": min(values), "median": statistics.median(values), "max": max(values)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("latency")
    one.add_argument("--rounds", type=int, default=5)
    two = commands.add_parser("followers")
    two.add_argument("--rounds", type=int, default=3)
    two.add_argument("--clients", type=int, default=8)
    two.add_argument("--steps", type=int, default=200)
    three = commands.add_parser("load")
    three.add_argument("--clients", type=int, default=50)
    three.add_argument("--minutes", type=float, default=5)
    four = commands.add_parser("status")
    four.add_argument("--rounds", type=int, default=50)
    options = vars(parser.parse_args())
    command = options.pop("command")
    report = globals()[command](**options)
    print(json.dumps(report, indent=2))
    return 1 if report["missed"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
