"""Visitors of the page without browsers: they poll as its scripts do, and click."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from typing import Any

import here  # noqa: F401 - before gtt, which it makes known
import httpx
from service_server import ENDLESS, percentiles, serving


def visitors(clients: int, seconds: float) -> dict[str, Any]:
    """Visitors who follow a run and click, while it trains; times of clicks in seconds.

    Each sends what a page sends: polls of the live view, the table of runs and the findings, and
    from time to time a click that saves a setting. A third follow a run of their own on a desk of
    their own, which waits or trains; the others share one desk.
    """
    answers = asyncio.run(visit(clients, seconds))
    return {"visitors": clients, "seconds": seconds, **answers}


async def visit(clients: int, seconds: float) -> dict[str, Any]:
    limits = {"GTT_SHARED_DESK": "false", "GTT_MAX_STEPS": "1000000", "GTT_MAX_MINUTES": "60"}
    with serving(**limits) as server:
        shared = secrets.token_urlsafe(32)
        async with httpx.AsyncClient(base_url=server.url, timeout=30) as http:
            body = {"recipe": "quickstart", "config": ENDLESS}
            headers = {"X-GTT-Workspace": shared}
            begun = await http.post("/api/runs", json=body, headers=headers)
            begun.raise_for_status()
            until = time.perf_counter() + seconds
            people = [
                Visitor(http, shared if n % 3 else secrets.token_urlsafe(32), n)
                for n in range(clients)
            ]
            await asyncio.gather(*(one.visit(until) for one in people))
            await http.post("/api/train/stop", headers=headers)
    clicks = sorted(second for one in people for second in one.clicks)
    per_minute = 60 * max(len(one.clicks) for one in people) / seconds
    polls = sorted(second for one in people for second in one.polls)
    owners = {one.key: one.runs for one in people}
    strangers = [one for one in people if one.key != shared]
    assert not any(one.runs & owners[shared] for one in strangers), "a run was seen by a stranger"
    return {
        "passed": not any(one.refused or one.refused_polls for one in people),
        "clicks": len(clicks),
        "clicks_per_minute_at_most": round(per_minute, 1),
        "click_s": percentiles(clicks),
        "polls": len(polls),
        "poll_s": percentiles(polls),
        "refused": sum(one.refused for one in people),
        "refused_polls": sum(one.refused_polls for one in people),
        "faults": [fault for one in people for fault in one.faults][:5],
    }


class Visitor:
    """A page without a browser: it polls as the live view does, and clicks."""

    def __init__(self, http: httpx.AsyncClient, key: str, seed: int) -> None:
        self.http, self.key, self.random = http, key, random.Random(seed)
        self.headers = {"X-GTT-Workspace": key}
        self.clicks: list[float] = []
        self.polls: list[float] = []
        self.runs: set[str] = set()
        self.refused = self.refused_polls = 0
        self.faults: list[str] = []

    async def visit(self, until: float) -> None:
        await asyncio.gather(
            self.poll(until, 0.8, "/api/train/watch"),
            self.poll(until, 2.5, "/api/runs"),
            self.poll(until, 4.0, "/api/diagnosis"),
            self.click_on(until),
        )

    async def poll(self, until: float, pause: float, path: str) -> None:
        """One of the polls of a page; that of the live view goes on where it was."""
        await asyncio.sleep(self.random.uniform(0, pause))
        place: dict[str, int] = {}
        while time.perf_counter() < until:
            began = time.perf_counter()
            try:
                response = await self.http.get(path, params=place, headers=self.headers)
                self.polls.append(time.perf_counter() - began)
                self.refused_polls += response.status_code in (429, 503)
                answer = response.json()
                if response.is_success and path.endswith("watch") and answer["run"]:
                    self.runs.add(answer["run"]["id"])
                    place = {"after": answer["cursor"], "resumes": answer["resumes"]}
                elif not response.is_success and response.status_code not in (404, 429, 503):
                    self.faults.append(f"{path}: {response.status_code}")
            except (httpx.HTTPError, ValueError) as error:
                self.faults.append(f"{path}: {error!r}")
            await asyncio.sleep(pause)

    async def click_on(self, until: float) -> None:
        """Saves a setting every few seconds, as a slider that is moved."""
        while time.perf_counter() < until:
            await asyncio.sleep(self.random.uniform(2, 6))
            change = {"config": {"model": {"n_layers": self.random.randint(1, 12)}}}
            began = time.perf_counter()
            try:
                answer = await self.http.post("/api/config", json=change, headers=self.headers)
                self.clicks.append(time.perf_counter() - began)
                # Nobody clicks more often than a person does here: each refusal is a failure.
                self.refused += answer.status_code in (429, 503)
                if answer.status_code not in (200, 429, 503):
                    self.faults.append(f"click: {answer.status_code}")
            except httpx.HTTPError as error:
                self.faults.append(f"click: {error!r}")
