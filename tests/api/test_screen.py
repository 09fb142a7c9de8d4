"""What our own page sends with its requests: what it shows, and how sentences name settings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from worker_standin import COMMAND as STANDIN

from gtt.api.screen import changes_on_screen, on_screen_of
from gtt.api.service import Service
from gtt.config import RunConfig
from gtt.rest import PAGE, SERVER, routes
from gtt.runs.home import Home
from gtt.runs.limits import Limits


@pytest.fixture
def page(tmp_path: Path) -> Iterator[TestClient]:
    service = Service(Home(tmp_path), Limits(), spare=False, worker=STANDIN)
    with TestClient(Starlette(routes=routes(service)), headers={PAGE: "?"}) as client:
        yield client
        for run in service.manager.runs():
            service.manager.delete(run)
    service.close()


def test_what_the_screen_shows_is_changed_only_where_it_differs() -> None:
    config = RunConfig().updated({"generation": {"stop": ["one", "two"]}})
    shown = on_screen_of(config)
    assert shown["generation.stop"] == "one\ntwo"
    assert changes_on_screen(config, shown) == {}
    assert changes_on_screen(config, {**shown, "data.column": ""}) == {}
    assert changes_on_screen(
        config, {**shown, "model.n_layers": 3, "generation.stop": "two\n"}
    ) == {
        "model": {"n_layers": 3},
        "generation": {"stop": ["two"]},
    }


def test_a_refusal_names_the_control_and_is_no_fault_of_the_browser(page: TestClient) -> None:
    wrong = {"config": {"model": {"n_embed": 63, "n_heads": 2}}}
    told = page.post("/api/config", json=wrong)
    plain = page.post("/api/config", json=wrong, headers={PAGE: ""})
    assert told.status_code == 200 and told.json()["error"]["code"] == "invalid_input"
    assert "n_embed" not in told.json()["error"]["message"]
    assert plain.json() == told.json()  # an empty header is the page's as well
    del page.headers[PAGE]
    script = page.post("/api/config", json=wrong)
    assert script.status_code == 422 and "n_embed" in script.json()["error"]["message"]


def test_a_question_about_the_draft_is_about_what_the_address_asks_for(page: TestClient) -> None:
    asked = {PAGE: "?recipe=quickstart&set=model.n_layers:5"}
    kept = page.get("/api/config").json()["config"]["model"]["n_layers"]
    shown = page.get("/api/config", headers=asked).json()["config"]["model"]["n_layers"]
    assert (kept, shown) == (2, 5)
    assert page.get("/api/config").json()["config"]["model"]["n_layers"] == kept
    wrong = page.get("/api/config", headers={PAGE: "?set=nothing"}).json()
    assert "which is no setting" in wrong["error"]["message"]


def test_a_control_alone_is_kept_and_a_change_is_made_to_what_the_address_shows(
    page: TestClient,
) -> None:
    assert "error" in page.post("/api/config", json={"screen": {"model.n_heads": 3}}).json()
    fitting = {"model.n_heads": 3, "model.n_embed": 126}
    kept = page.post("/api/config", json={"screen": fitting}).json()
    assert (kept["config"]["model"]["n_heads"], kept["config"]["model"]["n_embed"]) == (3, 126)
    assert "set=model.n_heads:3" in kept["link"]
    asked = {PAGE: "?recipe=quickstart&set=model.n_layers:5"}
    page.post("/api/config", json={"screen": {"training.seed": 7}}, headers=asked)
    config = page.get("/api/config").json()["config"]
    assert (config["model"]["n_layers"], config["training"]["seed"]) == (5, 7)
    # A recipe begins anew, whatever the address asks for.
    page.post("/api/config", json={"recipe": "beginner"}, headers=asked)
    assert page.get("/api/config").json()["link"] == "recipe=beginner"


def test_a_start_keeps_what_the_screen_shows_in_one_request(page: TestClient) -> None:
    shown = on_screen_of(RunConfig(**page.get("/api/config").json()["config"]))
    screen = {**shown, "training.max_steps": 7, "model.n_layers": 1}
    begun = page.post("/api/runs", json={"screen": screen})
    assert begun.status_code == 201, begun.json()
    draft = page.get("/api/config").json()["config"]
    run = page.get(f"/api/runs/{begun.json()['run']['id']}").json()["config"]
    assert run["training"]["max_steps"] == draft["training"]["max_steps"] == 7
    assert run["model"]["n_layers"] == draft["model"]["n_layers"] == 1


def test_a_screen_that_cannot_be_starts_nothing_and_changes_nothing(page: TestClient) -> None:
    before = page.get("/api/config").json()
    told = page.post("/api/runs", json={"screen": {"model.n_embed": 63, "model.n_heads": 2}}).json()
    assert told["error"]["field"] == "model.n_embed"
    assert page.get("/api/config").json() == before
    assert page.get("/api/runs").json()["runs"] == []


def test_each_start_of_a_server_has_another_mark(page: TestClient, tmp_path: Path) -> None:
    first = page.get("/api/config").headers[SERVER]
    assert first == page.get("/api/runs").headers[SERVER]
    other = Service(Home(tmp_path / "other"), Limits(), spare=False)
    try:
        assert other.mark != first
    finally:
        other.close()
