"""What a run will take, asked over REST, and the ways out of settings that cannot be."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.testclient import TestClient

from gtt.api.api_errors import error_body
from gtt.api.schemas import ErrorResponse, RunEstimate
from gtt.api.service import Service
from gtt.api.workspaces import new_key, owner_of
from gtt.config import RunConfig
from gtt.errors import BadInput, InvalidSetting
from gtt.rest import routes
from gtt.runs import calibration
from gtt.runs.execute import start_run
from gtt.runs.home import Home
from gtt.runs.limits import Limits

MINE, THEIRS = new_key(), new_key()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("estimating"))


@pytest.fixture(scope="module")
def run_id(home: Home, tiny_config: RunConfig) -> str:
    """A finished run on the desk of `MINE`."""
    folder, end = start_run(tiny_config, home)
    assert end.reason == "completed"
    about = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**about, "owner": owner_of(MINE)}))
    return folder.name


@pytest.fixture(scope="module")
def service(home: Home, run_id: str) -> Iterator[Service]:
    limits = Limits(shared_desk=False, max_parameters=10**6, max_minutes=10)
    one = Service(home, limits, spare=False)
    yield one
    one.close()


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("gtt.api.estimate_inputs", "gtt.api.endpoints.estimates"):
        monkeypatch.setattr(f"{module}.gpu_count", lambda: 0)


def client(service: Service, key: str) -> TestClient:
    return TestClient(Starlette(routes=routes(service)), headers={"X-GTT-Workspace": key})


def told(http: TestClient, **query: Any) -> RunEstimate:
    response = http.get("/api/estimate", params=query)
    assert response.status_code == 200, response.text
    return RunEstimate.model_validate(response.json())


def save(http: TestClient, **config: Any) -> None:
    http.post("/api/config", json={"config": config}).raise_for_status()


def test_the_draft_is_estimated_and_says_so(service: Service) -> None:
    http = client(service, new_key())
    http.post("/api/config", json={"recipe": "quickstart"}).raise_for_status()
    answer = told(http)
    assert answer.is_estimate and answer.parameters == 541_312 and answer.vocab_size == 1024
    assert not answer.vocabulary_is_assumed and answer.steps == 600
    assert sum(part.parameters for part in answer.parameter_parts) == answer.parameters
    assert sum(part.bytes for part in answer.memory_parts) == answer.memory_bytes
    assert answer.tokens_per_step == 32 * 128
    assert answer.seconds is None and answer.measurable and "not yet measured" in answer.basis
    save(http, model={"n_layers": 4})
    assert told(http).parameters > answer.parameters


def test_what_the_text_decides_is_assumed_until_it_is_read(
    service: Service, run_id: str, tiny_config: RunConfig
) -> None:
    http = client(service, new_key())
    save(http, training={"max_steps": None})
    save(http, data={"source": "tinyshakespeare", "tokenizer": "char"})
    answer = told(http)
    assert answer.vocabulary_is_assumed and answer.steps is None and answer.vocab_size == 96
    save(http, data={"tokenizer": "pretrained"})
    answer = told(http)
    assert answer.vocab_size == 50_257 and not answer.vocabulary_is_assumed
    save(http, data={"pretrained_tokenizer": "someone/words"})
    assert told(http).vocabulary_is_assumed
    # The same settings as a corpus that was prepared: what that one has.
    run = told(client(service, MINE), run_id=run_id)
    data = tiny_config.data.model_dump(mode="json")
    service.caller(MINE).desk.save_draft(RunConfig().updated({"data": data}))
    answer = told(client(service, MINE))
    assert answer.vocab_size == run.vocab_size and not answer.vocabulary_is_assumed
    assert answer.steps is not None


def test_a_run_tells_how_fast_its_shape_is(service: Service, run_id: str) -> None:
    mine = client(service, MINE)
    answer = told(mine, run_id=run_id)
    status = mine.get(f"/api/runs/{run_id}").json()["run"]
    assert answer.parameters == status["parameters"] and answer.steps == status["total_steps"]
    assert answer.tokens_per_second is not None and "nearly this shape" in answer.basis
    assert not answer.vocabulary_is_assumed and answer.measurable  # the machine was not yet
    theirs = client(service, THEIRS)
    assert theirs.get("/api/estimate", params={"run_id": run_id}).status_code == 404
    save(theirs, model={"n_layers": 2, "n_heads": 2, "n_embed": 16, "block_size": 16})
    save(theirs, training={"precision": "fp32"})
    assert told(theirs).seconds_per_step is None  # of another desk's runs nothing is told


def test_what_a_start_would_be_told_is_told_before(service: Service) -> None:
    http = client(service, new_key())
    save(http, model={"n_embed": 512, "n_layers": 12})
    assert any("are allowed here" in note for note in told(http).notes)
    save(http, model={"n_embed": 64, "n_layers": 1})
    assert told(http).notes == []


def test_the_machine_is_measured_when_that_is_asked_for(service: Service) -> None:
    file = service.home.path / calibration.FILE
    with client(service, new_key()) as http:
        before = told(http)
        assert before.measurable and not file.exists()
        after = told(http, measure=True)
        assert after.seconds_per_step is not None and "measurement" in after.basis
        assert not after.measurable and file.exists()
        values = {**json.loads(file.read_text()), "busy": False}  # whatever else runs here
        file.write_text(json.dumps(values))
        kept = file.read_bytes()
        assert told(http, measure=True).seconds_per_step == after.seconds_per_step
        assert file.read_bytes() == kept  # it was not measured again
        # Measured while other programs were at work, and they rest: told ten times too long.
        for one in values["timed"]:
            one["seconds"] *= 10
        file.write_text(json.dumps({**values, "busy": True, "measured_at": time.time() - 60}))
        slow = told(http)
        assert slow.measurable and slow.provisional and "measured again" in slow.basis
        assert slow.seconds_per_step == pytest.approx(10 * after.seconds_per_step, rel=0.01)
        renewed = told(http, measure=True)
        assert renewed.seconds_per_step < slow.seconds_per_step / 2 and not renewed.measurable


def test_while_something_trains_nothing_is_measured(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    (service.home.path / calibration.FILE).unlink(missing_ok=True)
    stats = service.manager.stats
    monkeypatch.setattr(service.manager, "stats", lambda: {**stats(), "runs": {"running": 1}})
    answer = told(client(service, new_key()), measure=True)
    assert answer.seconds_per_step is None and not answer.measurable
    assert not (service.home.path / calibration.FILE).exists()


def test_a_measurement_that_fails_leaves_the_time_unknown(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def busy(job: object, owner: str) -> dict[str, Any]:
        raise BadInput("not now")

    (service.home.path / calibration.FILE).unlink(missing_ok=True)
    monkeypatch.setattr(service.inference, "ask", busy)
    assert told(client(service, new_key()), measure=True).seconds_per_step is None


@pytest.mark.parametrize("content", ["", "{", '{"settings": 3}', '{"settings": {}}'])
def test_damaged_corpora_are_passed_over(service: Service, content: str) -> None:
    folder: Path = service.home.corpora / "damaged"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "corpus.json").write_text(content, encoding="utf-8")
    assert told(client(service, new_key())).parameters > 0


# ------------------------------------------------------------------- ways out


def refusal(changes: dict[str, Any]) -> InvalidSetting:
    with pytest.raises(InvalidSetting) as caught:
        RunConfig().updated(changes)
    return caught.value


@settings(deadline=None)
@given(width=st.integers(4, 8192), heads=st.integers(1, 64))
def test_each_way_out_leads_out(width: int, heads: int) -> None:
    model = {"n_embed": width, "n_heads": heads}
    if width % heads == 0:
        RunConfig().updated({"model": model})
        return
    ways = refusal({"model": model}).ways
    assert {way.setting for way in ways} == {"model.n_embed", "model.n_heads"}
    for way in ways:
        name = way.setting.removeprefix("model.")
        fitting = RunConfig().updated({"model": {**model, name: way.value}})
        assert getattr(fitting.model, name) == way.value and str(way.value) in way.label


def test_the_ways_out_of_a_width_are_near() -> None:
    ways = refusal({"model": {"n_embed": 100, "n_heads": 8}}).ways
    assert [(way.setting, way.value, way.label) for way in ways] == [
        ("model.n_embed", 96, "Embedding width 96"),
        ("model.n_embed", 104, "Embedding width 104"),
        ("model.n_heads", 5, "Attention heads 5"),
        ("model.n_heads", 10, "Attention heads 10"),
    ]


@pytest.mark.parametrize(
    ("group", "name", "value", "ways"),
    [
        ("model", "n_layers", 0, [1]),
        ("model", "n_layers", 100, [64]),
        ("model", "n_layers", 2.5, [2, 3]),
        ("model", "dropout", 1.5, [0.9]),
        ("training", "learning_rate", -1, [1e-5]),
        ("training", "beta2", 1, [0.999]),
        ("training", "optimizer", "moun", ["muon", "adamw"]),
        ("training", "batch_size", "many", []),
        ("training", "batch_size", 1e300, []),
        ("generation", "stop", ["x"] * 17, []),
    ],
)
def test_the_nearest_allowed_value_is_a_way_out(
    service: Service, group: str, name: str, value: Any, ways: list[Any]
) -> None:
    http = client(service, new_key())
    response = http.post("/api/config", json={"config": {group: {name: value}}})
    error = ErrorResponse.model_validate(response.json()).error
    assert response.status_code == 422
    assert [(way.setting, way.value) for way in error.ways] == [
        (f"{group}.{name}", way) for way in ways
    ]
    for way in ways:
        save(http, **{group: {name: way}})


def test_other_errors_have_no_ways() -> None:
    for error in (BadInput("no"), ValueError("a bug"), refusal({"model": {"n_layer": 3}})):
        _, body, _ = error_body(error)
        assert body["error"]["ways"] == []
