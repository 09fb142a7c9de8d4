"""How fast the server is with few visitors: the first loss, a followed run, a status."""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import here  # noqa: F401 - before gtt, which it makes known
import httpx
from service_server import ROOT, Server, serving, summary, unless

# What the server must reach.
FIRST_LOSS_S = 2.0  # from a create request, with a warm worker
FOLLOWED_RATIO = 0.95  # of the throughput in the terminal
STATUS_MS = 5.0


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


def status(rounds: int) -> dict[str, Any]:
    """Milliseconds of server time for a status read, by events in the journal."""
    from gtt.api.responses import run_status
    from gtt.config import RunConfig
    from gtt.runs.folder import RunFolder
    from gtt.runs.journal import Journal
    from gtt.runs.managed_run import ManagedRun
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
