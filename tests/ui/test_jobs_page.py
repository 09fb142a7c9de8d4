"""A run on a machine of the Hub from the page: its price, a plain yes, the live curve, a stop.

The Hub stands on this machine, and what it is asked to run it really runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from browsing import (
    CHROMIUM,
    Watched,
    part,
    shoot,
    unfold,
    wait_for_state,
    wait_for_step,
)
from hub_standin import HubStandin
from jobs_standin import Jobs, jobs_standin
from playwright.sync_api import Browser, Locator, Page, expect
from serving import Server, processes_of, serving, tiny
from thorough import THOROUGH

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")
Place = tuple[Server, HubStandin, Jobs]
NAME = "Run it on the Hub's machines"


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The page on a computer that is signed in to a Hub."""
    with jobs_standin(tmp_path_factory.mktemp("hub")) as (hub, jobs):
        there = {"HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0", "HF_TOKEN": "hf_anna"}
        home = tmp_path_factory.mktemp("jobs") / "home"
        with serving(home, OMP_NUM_THREADS="1", **there) as server:
            yield server, hub, jobs


@pytest.fixture
def place(everything: Place) -> Iterator[Place]:
    """The same without the faults of another test."""
    server, _, jobs = everything
    jobs.credit, jobs.script = True, None
    yield everything
    with server.client() as http:
        for run in http.get("/api/runs").json()["runs"]:
            http.post(f"/api/runs/{run['id']}/stop")


def of_jobs(page: Page, name: str) -> Locator:
    return page.locator(f'#jobs [data-part="{name}"]')


def drafted(server: Server, **training: Any) -> None:
    with server.client() as http:
        http.post("/api/config", json=tiny(**training)).raise_for_status()


def opened(browser: Browser, server: Server, width: int = 1200, theme: str = "light") -> Watched:
    watched = Watched(browser, f"{server.url}/?__theme={theme}", width)
    watched.open()
    unfold(watched.page, NAME)
    expect(of_jobs(watched.page, "ask")).to_be_enabled()
    return watched


def start(page: Page, machine: str, minutes: int = 15) -> None:
    of_jobs(page, "flavor").select_option(machine)
    of_jobs(page, "minutes").fill(str(minutes))
    of_jobs(page, "ask").click()
    of_jobs(page, "begin").click()


def test_the_hub_is_asked_for_nothing_before_this_is_opened(browser: Browser, place: Place) -> None:
    server, hub, _ = place
    before = hub.requested("GET", "/api/jobs")
    watched = Watched(browser, server.url)
    watched.open()
    watched.page.wait_for_timeout(5000)
    assert hub.requested("GET", "/api/jobs") == before
    watched.require_calm()


def test_a_hub_that_does_not_answer_is_asked_again(browser: Browser, place: Place) -> None:
    server, hub, _ = place
    watched = Watched(browser, server.url)
    hub.fails["/api/jobs"] = 503
    try:
        page = watched.open()
        unfold(page, NAME)
        expect(of_jobs(page, "again")).to_be_visible()
        expect(of_jobs(page, "flavor")).to_contain_text("no answer yet")
        expect(of_jobs(page, "said")).not_to_be_empty()
    finally:
        hub.fails.clear()
    of_jobs(page, "again").click()
    expect(of_jobs(page, "flavor")).to_be_enabled()
    expect(of_jobs(page, "again")).to_be_hidden()
    expect(of_jobs(page, "said")).to_be_empty()
    watched.require_calm()


def test_the_price_is_shown_and_agreed_to_before_anything_starts(
    browser: Browser, place: Place
) -> None:
    server, hub, jobs = place
    drafted(server, max_steps=20)
    watched = opened(browser, server)
    page = watched.page
    of_jobs(page, "flavor").select_option("a10g-small")
    of_jobs(page, "minutes").fill("30")
    expect(of_jobs(page, "price")).to_contain_text("$1.00 an hour, at most $0.50 in 30 minutes.")
    of_jobs(page, "minutes").fill("2")
    expect(of_jobs(page, "ask")).to_be_disabled()
    of_jobs(page, "minutes").fill("30")
    of_jobs(page, "ask").click()
    expect(of_jobs(page, "terms")).to_contain_text("“Nvidia A10G - small” at $1.00 an hour")
    expect(of_jobs(page, "begin")).to_have_text("Start it for at most $0.50")
    shoot(page, "jobs-price-light")
    of_jobs(page, "no").click()
    expect(of_jobs(page, "confirm")).to_be_hidden()
    assert not jobs.jobs and not hub.repos
    watched.require_calm()


def test_a_run_there_is_watched_here_to_its_end(browser: Browser, place: Place) -> None:
    server, hub, jobs = place
    drafted(server, max_steps=20)
    watched = opened(browser, server)
    page = watched.page
    start(page, "cpu-basic")
    wait_for_state(page, "completed")
    expect(part(page, "state")).to_contain_text("step 20 of 20")
    expect(page.locator("#runs tr.chosen .state")).to_have_text("completed on the Hub")
    expect(of_jobs(page, "where")).to_contain_text("cost less than $0.01")
    (job,) = jobs.jobs.values()
    assert job.stage == "COMPLETED" and job.spec["timeoutSeconds"] == 900
    assert of_jobs(page, "link").get_attribute("href") == f"{hub.url}/jobs/anna/{job.id}"
    with server.client() as http:
        run = http.get("/api/train/status").json()["run"]
        written = http.post("/api/generate", json={"prompt": "One", "max_new_tokens": 5})
        assert written.status_code == 200, written.text
    assert run["job"]["stage"] == "over" and run["step"] == 20
    watched.require_calm()


def test_it_outlives_the_server_and_is_stopped_from_the_page(
    browser: Browser, place: Place
) -> None:
    server, _, jobs = place
    jobs.jobs.clear()
    drafted(server, max_steps=400_000, checkpoint_every=200)
    watched = opened(browser, server, width=390, theme="dark")
    page = watched.page
    start(page, "a10g-small")
    step = wait_for_step(page, 100)
    expect(part(page, "state")).to_contain_text("on the Hub: a10g-small, $1.00 an hour")
    expect(of_jobs(page, "where")).to_contain_text(re.compile(r"at most \$0.25"))
    shoot(page, "jobs-live-dark-390")
    server.kill()
    (follower,) = (
        one for one in processes_of(server.home) if "gtt.hub.jobs.follow_process" in one.cmdline()
    )
    server.start()
    page = watched.open()
    step = wait_for_step(page, step)
    assert follower.is_running(), "it was followed meanwhile"
    server.kill()
    follower.kill()  # as a computer that is switched off; the job goes on
    server.start()
    page = watched.open()
    wait_for_step(page, step)
    page.locator("#stop").click()
    wait_for_state(page, "stopped")
    expect(part(page, "state")).to_contain_text("the job was cancelled")
    shoot(page, "jobs-stopped-dark-390")
    assert [job.stage for job in jobs.jobs.values()] == ["CANCELED"]
    with server.client() as http:
        run = http.get("/api/train/status").json()["run"]
        kept = http.get(f"/api/runs/{run['id']}/checkpoints").json()["checkpoints"]
        events = http.get(f"/api/runs/{run['id']}/events", params={"limit": 1000}).json()["events"]
    assert kept and run["resumable"]
    steps = [one["step"] for one in events if one["type"] == "StepLogged"]
    assert steps == sorted(set(steps)), "nothing twice"
    watched.require_calm()


@pytest.mark.parametrize("theme", ["dark", "light"] if THOROUGH else ["dark"])
def test_without_credit_there_is_a_sentence(browser: Browser, place: Place, theme: str) -> None:
    server, hub, jobs = place
    jobs.credit = False
    jobs.jobs.clear()
    repos = set(hub.repos)
    drafted(server, max_steps=20)
    watched = opened(browser, server, theme=theme)
    page = watched.page
    with server.client() as http:
        before = http.get("/api/runs").json()["runs"]
        start(page, "cpu-basic")
        expect(of_jobs(page, "said")).to_contain_text("no credit left", timeout=60_000)
        expect(of_jobs(page, "flavor")).to_have_attribute("aria-invalid", "true")
        shoot(page, f"jobs-no-credit-{theme}")
        assert http.get("/api/runs").json()["runs"] == before, "and none that failed"
    assert not jobs.jobs and set(hub.repos) == repos, "nothing is left there"
    watched.require_calm()
