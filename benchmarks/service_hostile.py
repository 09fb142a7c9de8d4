"""Strangers who attack an open server, beside visitors who must not notice."""

from __future__ import annotations

import asyncio
import json
import secrets
import shutil
import statistics
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
from service_attacks import ATTACKS
from service_server import ACTIVE, Server, serving, unless

# What the server must reach.
P95_S = 1.0  # of what ordinary visitors ask
FLAT = 1.10  # of memory and open files afterwards, to before
START_S = 10.0  # from a create request to the first loss
# Of visitors alone, who by then have done all that they do: what that takes once is no growth.
CALM_S = 45.0
# After the last attack, in which all that it left must be gone: results that nobody reads are kept
# for a minute, desks in memory and spare processes likewise (docs/security.md).
REST_S = 80.0
OPEN = {"GTT_MAX_STEPS": "1000", "GTT_MAX_MINUTES": "2"}
SMALL: dict[str, Any] = {  # a text without an exam: twenty such runs take a minute
    "data": {"source": "python", "max_megabytes": 0.05},
    "model": {"n_layers": 2, "n_heads": 2, "n_embed": 32, "block_size": 32},
    "training": {"max_steps": 30, "batch_size": 4, "eval_every": 30, "eval_windows": 4},
}
CLICK = "/gradio_api/call/v2/status"  # as every control of the page does it, in a session of Gradio
DAMAGES = {
    "journal.jsonl": b'{"seq": 1, "type": ' + b"[" * 50_000 + b"]" * 50_000 + b"}\n",
    "run.json": b'{"format": 1, "config": []}',
}


class Ordinary:
    """A visitor with a trained run, who looks, changes a setting, writes and looks inside."""

    def __init__(self, client: httpx.AsyncClient, number: int) -> None:
        self.client, self.number = client, number
        self.key = secrets.token_urlsafe(32)
        self.headers = {"X-GTT-Workspace": self.key, "X-Forwarded-For": f"9.9.{number}.1"}
        self.run = ""
        self.times: list[float] = []
        self.worst = (0.0, "")  # and what was asked
        self.faults: list[str] = []

    async def ask(self, method: str, path: str, **more: Any) -> Any:
        """An answer; whatever is none that a visitor wants is a fault."""
        began = time.perf_counter()
        try:
            answer = await self.client.request(
                method, path, headers=self.headers, timeout=60, **more
            )
        except httpx.HTTPError as error:
            self.faults.append(f"{method} {path}: {type(error).__name__} {error}")
            return None
        took = time.perf_counter() - began
        self.times.append(took)
        self.worst = max(self.worst, (took, path.partition("?")[0]))
        if answer.status_code not in (200, 201):
            self.faults.append(f"{method} {path}: {answer.status_code} {answer.text[:200]}")
            return None
        return answer

    async def train(self) -> None:
        """Makes the run that the visitor works with, or takes the damaged one's place."""
        body = {"recipe": "quickstart", "config": SMALL}
        while not self.run:
            made = await self.client.post("/api/runs", headers=self.headers, json=body, timeout=60)
            if made.status_code == 201:
                self.run = made.json()["run"]["id"]
            else:
                await asyncio.sleep(2)
        while True:
            path = f"/api/runs/{self.run}"
            state = (await self.client.get(path, headers=self.headers)).json()["run"]["state"]
            if state not in ACTIVE:
                return
            await asyncio.sleep(1)

    async def visit(self, until: float) -> None:
        """One question a second and a half, by turns."""
        text = "One day the wise girl"
        asks: list[tuple[str, str, dict[str, Any]]] = [
            ("GET", "/api/train/status", {}),
            ("GET", "/api/runs", {}),
            ("POST", "/api/generate", {"json": {"prompt": text, "max_new_tokens": 20}}),
            ("GET", "/api/metrics/history?points=200", {}),
            ("POST", "/api/config", {"json": {"config": {"training": {"seed": self.number}}}}),
            ("GET", f"/api/runs/{self.run}/events?limit=50", {}),
            ("POST", "/api/tokenize", {"json": {"text": text}}),
            ("GET", "/", {}),
            ("POST", "/api/read", {"json": {"text": text}}),
            ("GET", "/stats", {}),
            ("POST", CLICK, {"json": {"workspace": self.key}}),
        ]
        turn = self.number
        while time.monotonic() < until:
            method, path, more = asks[turn % len(asks)]
            answer = await self.ask(method, path, **more)
            if path == CLICK and answer is not None:
                await self.ask("GET", f"/gradio_api/call/status/{answer.json()['event_id']}")
            turn += 1
            await asyncio.sleep(1.5)


def hostile(visitors: int, seconds: float, only: str | None) -> dict[str, Any]:
    """Each attack for some seconds beside so many visitors; what they noticed, and what is left."""
    names = only.split(",") if only else list(ATTACKS)
    with serving(**OPEN) as server:
        report = asyncio.run(attacked(server, visitors, seconds, names))
        report["seconds_to_a_run"] = seconds_to_a_run(server)
        log = (server.home / "server.log").read_text(errors="replace")
        report["tracebacks"], report["log_kb"] = log.count("Traceback"), len(log) / 1000
    return report | {"missed": missed_when_hostile(report)}


def missed_when_hostile(report: dict[str, Any]) -> list[str]:
    """What the server must reach under attack and has not."""
    slow = [name for name, one in report["attacks"].items() if one["p95_s"] >= P95_S]
    failed = [name for name, one in report["attacks"].items() if one["faults"]]
    grown = [
        name for name, before in report["before"].items() if report["after"][name] > FLAT * before
    ]
    return [
        *unless(not slow, f"the time of visitors during {', '.join(slow)}"),
        *unless(not failed, f"no question that fails during {', '.join(failed)}"),
        *unless(not grown, f"flat {', '.join(grown)}"),
        *unless(report["seconds_to_a_run"] < START_S, "a run that starts at once"),
        *unless(not report["tracebacks"], "no fault in the log"),
    ]


async def attacked(
    server: Server, visitors: int, seconds: float, names: list[str]
) -> dict[str, Any]:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=2)
    attacks: dict[str, Any] = {}
    async with httpx.AsyncClient(base_url=server.url, limits=limits) as client:
        everybody = [Ordinary(client, number) for number in range(visitors)]
        stranger = Ordinary(client, 250)
        await asyncio.gather(*(one.train() for one in (*everybody, stranger)))
        damage_one(server, stranger.run)
        await together(everybody, CALM_S)
        attacks["none"] = await noticed(everybody, seconds, None)
        before, processes = footprint(server), megabytes(server)
        for name in names:
            args = (name, server.url, str(seconds), everybody[0].key, everybody[0].run)
            attacks[name] = await noticed(everybody, seconds, args)
            print(name, json.dumps(attacks[name]), file=sys.stderr)
        await together(everybody, REST_S)
        attacks["afterwards"] = await noticed(everybody, seconds, None)
        after = footprint(server)
        by_process = {"before": processes, "after": megabytes(server)}
    report = {"visitors": visitors, "attacks": attacks, "before": before, "after": after}
    return report | {"processes_mb": by_process}


def damage_one(server: Server, run: str) -> None:
    """Damages copies of a run, which lie beside everybody's from then on."""
    for number, (name, content) in enumerate(DAMAGES.items()):
        place = server.home / "runs" / f"damaged-20260101-000000-{number:016x}"
        shutil.copytree(server.home / "runs" / run, place)
        (place / name).write_bytes(content)
    time.sleep(3)  # in which the server finds them


async def together(everybody: list[Ordinary], seconds: float) -> None:
    until = time.monotonic() + seconds
    await asyncio.gather(*(one.visit(until) for one in everybody))


async def noticed(
    everybody: list[Ordinary], seconds: float, attack: tuple[str, ...] | None
) -> dict[str, Any]:
    """What visitors notice of an attack, and what became of it."""
    for one in everybody:
        one.times, one.faults, one.worst = [], [], (0.0, "")
    script = str(Path(__file__).with_name("service_attacks.py"))
    process = None
    if attack is not None:
        process = await asyncio.create_subprocess_exec(
            sys.executable, script, *attack, stdout=asyncio.subprocess.PIPE
        )
    await together(everybody, seconds + 2)
    told: Counter[str] = Counter()
    if process is not None:
        out, _ = await process.communicate()
        told.update(json.loads(out or b"{}"))
    times = [time for one in everybody for time in one.times]
    faults = [fault for one in everybody for fault in one.faults]
    return {
        "questions": len(times),
        "median_s": round(statistics.median(times), 3),
        "p95_s": round(statistics.quantiles(times, n=20)[-1], 3),
        "worst_s": round(max(times), 3),
        "worst_asked": max(one.worst for one in everybody)[1],
        "faults": faults[:5],
        "attack_was_told": dict(told),
    }


def footprint(server: Server) -> dict[str, float]:
    """Megabytes and open files of the server, and megabytes of all its processes."""
    process = psutil.Process(server.process.pid)
    return {
        "server_mb": process.memory_info().rss / 1e6,
        "all_mb": server.memory() / 1e6,
        "open_files": process.num_fds(),
    }


def megabytes(server: Server) -> dict[str, list[int]]:
    """Of each process, by what it is."""
    found: dict[str, list[int]] = {}
    for process in server.processes():
        with suppress(psutil.Error):
            words, size = process.cmdline(), process.memory_info().rss
            name = next((word for word in words if word.startswith("gtt.")), "app.py")
            found.setdefault(name, []).append(round(size / 1e6))
    return found


def seconds_to_a_run(server: Server) -> float:
    """From a create request to the first loss, once nothing waits any more."""
    headers = {"X-GTT-Workspace": secrets.token_urlsafe(32), "X-Forwarded-For": "9.8.7.6"}
    with httpx.Client(base_url=server.url, headers=headers, timeout=60) as http:
        began = time.monotonic()
        body = {"recipe": "quickstart", "config": SMALL}
        made = http.post("/api/runs", json=body).raise_for_status()
        path = f"/api/runs/{made.json()['run']['id']}/events"
        with http.stream("GET", path, headers={"Accept": "text/event-stream"}) as stream:
            for line in stream.iter_lines():
                if line in ("event: Evaluated", "event: StepLogged"):
                    break
        return round(time.monotonic() - began, 2)
