"""SIGKILL to the worker, the server, or both: what was told stays told, and losses are the same."""

from __future__ import annotations

import random
import time
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from serving import ACTIVE, Server, processes_of, serving, tiny, wait_until_done
from thorough import THOROUGH
from waiting import until

from gtt.runs.processes import Worker

KILLS = (
    ["worker"] * 12 + ["server"] * 4 + ["both"] * 4 if THOROUGH else ["worker", "server", "both"]
)
STEPS = 120
BODY = tiny(
    max_steps=STEPS,
    log_every=1,
    eval_every=30,
    checkpoint_every=5,
    snapshots=False,
    batch_size=16,
    learning_rate=0.003,
)
BODY["config"]["model"] = {"n_layers": 2, "n_heads": 2, "n_embed": 64, "block_size": 64}
BODY["config"]["generation"] = {"max_new_tokens": 5}


def all_events(client: httpx.Client, run_id: str) -> list[dict[str, Any]]:
    """The journal of a run as REST tells it."""
    events: list[dict[str, Any]] = []
    while True:
        after = events[-1]["seq"] if events else 0
        page = client.get(f"/api/runs/{run_id}/events", params={"after": after, "limit": 500})
        new = page.raise_for_status().json()["events"]
        if not new:
            return events
        events += new


def measured(events: list[dict[str, Any]]) -> dict[tuple[str, int], float]:
    """Losses by kind and step; what was trained beyond the point of a resume counts no more."""
    kept: dict[tuple[str, int], float] = {}
    for event in events:
        step = event["step"]
        if event["type"] == "RunStarted":
            kept = {place: loss for place, loss in kept.items() if place[1] <= step}
        elif event["type"] == "StepLogged":
            kept["loss", step] = event["loss"]
        elif event["type"] == "Evaluated":
            kept["validation_loss", step] = event["validation_loss"]
    return kept


def create(client: httpx.Client, body: dict[str, Any]) -> str:
    run_id: str = client.post("/api/runs", json=body).raise_for_status().json()["run"]["id"]
    return run_id


def kill(server: Server, run_id: str, kind: str) -> bool:
    """Ends what is named, at once; whether it was there to be ended."""
    worker = Worker.find(server.home / "runs" / run_id)
    if kind != "server" and worker is None:
        return False
    if kind != "worker":
        server.kill()
    if kind != "server" and worker is not None:
        worker.kill()
        assert until(lambda: not worker.is_alive())
    return True


def going(client: httpx.Client, run_id: str, reference: dict[tuple[str, int], float]) -> str:
    """A run at work: this one, gone on with if it was cut short, or a new one."""
    run = client.get(f"/api/runs/{run_id}").raise_for_status().json()["run"]
    if run["state"] in ACTIVE:
        return run_id
    if run["state"] == "completed":
        assert measured(all_events(client, run_id)) == reference
        return create(client, BODY)
    run = client.get(f"/api/runs/{run_id}").raise_for_status().json()["run"]
    assert run["state"] in ("failed", "interrupted") and run["message"], run
    assert run["resumable"]  # from its start, where it was killed before its first checkpoint
    client.post(f"/api/runs/{run_id}/resume", json={}).raise_for_status()
    return run_id


def has_left(client: httpx.Client, run_id: str, *states: str) -> bool:
    """Whether a run is in none of these states."""
    return client.get(f"/api/runs/{run_id}").json()["run"]["state"] not in states


@pytest.mark.timeout(600)
def test_kills_lose_no_event_and_change_no_loss(tmp_path: Path, tiny_text: Path) -> None:
    chance = random.Random(3)
    kills = chance.sample(KILLS, len(KILLS))
    with serving(tmp_path / "home", OMP_NUM_THREADS="1") as server, server.client() as client:
        text = {"file": ("tales.txt", tiny_text.read_bytes())}
        uploaded = client.post("/api/datasets/upload", files=text).raise_for_status().json()
        BODY["config"]["data"] = {"source": uploaded["source"], "tokenizer": "char"}
        run_id = create(client, BODY)
        assert wait_until_done(client, run_id)["state"] == "completed"
        reference = measured(all_events(client, run_id))
        assert len([kind for kind, _ in reference if kind == "loss"]) == STEPS

        done: list[str] = []
        while len(done) < len(kills):
            kind = kills[len(done)]
            run_id = going(client, run_id, reference)
            if chance.random() < 0.7:  # else while it waits or prepares, most likely
                assert until(partial(has_left, client, run_id, "queued", "preparing"))
            time.sleep(chance.uniform(0, 0.8))
            before = all_events(client, run_id)
            if not kill(server, run_id, kind):
                continue  # it had ended
            done.append(kind)
            if kind != "worker":
                server.start()
            after = all_events(client, run_id)
            assert after[: len(before)] == before, f"kill {len(done)} ({kind}) lost events"
            assert [event["seq"] for event in after] == list(range(1, len(after) + 1))
        assert until(lambda: has_left(client, run_id, *ACTIVE))
        while has_left(client, run_id, "completed"):
            run_id = going(client, run_id, reference)
            wait_until_done(client, run_id)
        assert measured(all_events(client, run_id)) == reference
        for run in client.get("/api/runs").json()["runs"]:
            events = all_events(client, run["id"])
            assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
            losses = measured(events)
            assert losses == {place: reference[place] for place in losses}
    assert processes_of(server.home) == []
