"""A job that the Hub refuses is an answer that says why, and leaves nothing on the desk."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from hub_standin import HubStandin
from jobs_standin import Jobs, jobs_standin
from serving import Server, serving, tiny
from waiting import until

from gtt.config import RunConfig
from gtt.runs.folder import RunFolder
from gtt.runs.home import Home
from gtt.runs.hub_job import UNASKED, JobFolder, JobState, may_cost
from gtt.runs.limits import Limits
from gtt.runs.manager import UNDO_SECONDS, Manager

Place = tuple[Server, HubStandin, Jobs]
ORDER: dict[str, Any] = {"flavor": "cpu-basic", "minutes": 15, "at_most": 1}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A server that is signed in to a Hub; a real one, since processes of it ask the Hub."""
    with jobs_standin(tmp_path_factory.mktemp("hub")) as (hub, jobs):
        there = {"HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0", "HF_TOKEN": "hf_anna"}
        home = tmp_path_factory.mktemp("jobs") / "home"
        with serving(home, OMP_NUM_THREADS="1", **there) as server:
            yield server, hub, jobs


def test_what_the_hub_refuses_leaves_no_run_and_no_used_key(place: Place) -> None:
    server, hub, jobs = place
    order = {**ORDER, "idempotency_key": "once"}
    with server.client() as http:
        http.post("/api/config", json=tiny(max_steps=20)).raise_for_status()
        status = http.get("/api/train/status").json()
        jobs.credit = False
        refused = http.post("/api/jobs", json=order)
        assert refused.status_code in (400, 422), refused.text
        assert "no credit left" in refused.text and '"flavor"' in refused.text
        wrong = http.post("/api/jobs", json={**ORDER, "token": "hf_nobody"})
        assert "expired or was revoked" in wrong.text and '"token"' in wrong.text
        assert http.get("/api/runs").json()["runs"] == []
        assert http.get("/api/train/status").json() == status, "what was looked at still is"
        assert not [path for path in (server.home / "runs").iterdir() if path.is_dir()]
        assert not hub.repos and not jobs.jobs
        jobs.credit = True  # added meanwhile: the same request, with the same key
        begun = http.post("/api/jobs", json=order)
        assert begun.status_code == 201, begun.text
        assert begun.json()["run"]["job"]["url"], "the Hub has it"
        again = http.post("/api/jobs", json=order)
        assert again.json()["run"]["id"] == begun.json()["run"]["id"] and len(jobs.jobs) == 1
        http.post(f"/api/runs/{begun.json()['run']['id']}/stop").raise_for_status()
        until(lambda: all(job.is_over for job in jobs.jobs.values()))


def test_a_refusal_is_told_to_all_who_asked_and_leaves_alone_what_is_looked_at_by_now(
    place: Place,
) -> None:
    """The same request twice, another run begun meanwhile; and a caller who does not wait."""
    server, hub, jobs = place
    jobs.jobs.clear()
    jobs.credit, hub.delays["/commit/main"] = False, 2.0
    order, asked = {**ORDER, "idempotency_key": "again"}, list[httpx.Response]()
    with server.client() as http:
        before = {one["id"] for one in http.get("/api/runs").json()["runs"]}

        def begun() -> set[str]:
            return {one["id"] for one in http.get("/api/runs").json()["runs"]} - before

        ask = [
            threading.Thread(target=lambda: asked.append(http.post("/api/jobs", json=order)))
            for _ in range(2)
        ]
        ask[0].start()
        until(begun)
        ask[1].start()
        with pytest.raises(httpx.ReadTimeout):
            http.post("/api/jobs", json=ORDER, timeout=0.5)
        answer = http.post("/api/runs", json=tiny(max_steps=1))
        here = answer.raise_for_status().json()["run"]["id"]
        for one in ask:
            one.join(60)
        assert [one.status_code for one in asked] == [422, 422], [one.text for one in asked]
        assert all("no credit left" in one.text for one in asked)
        assert http.get("/api/train/status").json()["run"]["id"] == here
        until(lambda: begun() == {here})
    jobs.credit = True
    hub.delays.clear()
    assert not jobs.jobs


def test_a_process_that_died_before_it_asked_is_told_as_that(place: Place) -> None:
    server, hub, jobs = place
    jobs.jobs.clear()
    hub.delays["/commit/main"] = 3.0
    with server.client() as http:
        asked: list[httpx.Response] = []
        sent = hub.requested("POST", "/commit/main")
        before = {path.name for path in (server.home / "runs").iterdir()}
        one = threading.Thread(target=lambda: asked.append(http.post("/api/jobs", json=ORDER)))
        one.start()
        until(lambda: hub.requested("POST", "/commit/main") > sent)
        (folder,) = [path for path in (server.home / "runs").iterdir() if path.name not in before]
        pid = json.loads((folder / "worker.json").read_text())["pid"]
        psutil.Process(pid).kill()
        one.join(60)
    hub.delays.clear()
    assert UNASKED in asked[0].text and not folder.exists() and not jobs.jobs


def test_a_run_whose_job_may_cost_is_not_swept_away(tmp_path: Path) -> None:
    now = [1_000_000.0]
    home = Home(tmp_path / "home")
    limits = Limits(run_ttl_hours=1.0)
    manager = Manager(home, limits, spare=False, clock=lambda: now[0])
    try:
        run = manager.create(RunConfig(), None)
        manager.stop(run)
        until(lambda: any(one["type"] == "RunEnded" for one in run.folder.records()))
        state = JobState("cpu-basic", "CPU", 0.01, 60.0, 1.0, stage="lost", mark="x")
        JobFolder(run.path).write(replace(state, updated=now[0]))
        now[0] = until(lambda: run.view().updated_at) + 7200
        JobFolder(run.path).write(replace(state, updated=now[0] - 3600))
        manager.supervisor.sweep()
        assert manager.get(run.id) is run and may_cost(run.path, now[0])
        now[0] += 3 * 24 * 3600
        manager.supervisor.sweep()
        assert manager.get(run.id) is None, "no job goes on for so long"
    finally:
        manager.close()


@pytest.mark.parametrize("is_gone", [False, True])
def test_a_deleted_run_whose_job_could_not_be_ended_is_shown_again(
    tmp_path: Path, is_gone: bool
) -> None:
    """Its token was revoked in the middle. Of a desk that is gone nobody could see it."""
    now, home = [1_000_000.0], Home(tmp_path / "home")
    folder = home.new_run("costly")
    folder.mkdir(parents=True)
    RunFolder(folder).create(RunConfig(), None, "somebody")
    state = JobState("cpu-basic", "CPU", 0.01, 60.0, 1.0, stage="lost", id="x", updated=now[0])
    JobFolder(folder).write(state)
    manager = Manager(home, Limits(), spare=False, clock=lambda: now[0])
    try:
        run = manager.get(folder.name)
        assert run is not None
        manager.delete(run)
        if is_gone:
            manager.forget_owner("somebody")
        now[0] += UNDO_SECONDS + 1
        manager.supervisor.sweep()
        assert (manager.get(run.id) is run) != is_gone and folder.exists() != is_gone
        if not is_gone:
            JobFolder(folder).write(replace(state, stage="over"))
            manager.delete(run)
            now[0] += UNDO_SECONDS + 1
            manager.supervisor.sweep()
        assert manager.get(run.id) is None and not folder.exists()
    finally:
        manager.close()
