"""Runs taken home and held against each other: what is in the files, and who may have them."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
import sys
import tracemalloc
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from serving import ROOT
from starlette.applications import Starlette
from starlette.testclient import TestClient
from transformers import AutoModelForCausalLM, AutoTokenizer

from gtt.api import archive
from gtt.api.endpoints import downloads
from gtt.api.schemas import DrawFigure
from gtt.api.service import Service
from gtt.api.workspaces import new_key, owner_of
from gtt.config import RunConfig
from gtt.errors import InvalidSetting
from gtt.inference.text_jobs import figure
from gtt.recipes import load_recipe
from gtt.rest import routes
from gtt.runs.execute import start_run
from gtt.runs.folder import RunFolder
from gtt.runs.home import Home
from gtt.runs.limits import Limits
from gtt.runs.managed_run import ManagedRun
from gtt.settings import parse

MINE, THEIRS = new_key(), new_key()


def run_archive(run: ManagedRun) -> Iterator[bytes]:
    """An archive whose figure is drawn here."""
    return downloads.run_archive(run, figure)


NAME = "5 $ for <b>_all_"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("downloads"))


@pytest.fixture(scope="module")
def folders(home: Home, tiny_config: RunConfig) -> list[Path]:
    """Two runs on the desk of `MINE`: one better trained than the other."""
    made = []
    for rate in (1e-2, 1e-4):
        changes = {"training": {"learning_rate": rate}, "name": NAME}
        folder, end = start_run(tiny_config.updated(changes), home)
        assert end.reason == "completed"
        about = json.loads((folder / "run.json").read_text())
        (folder / "run.json").write_text(json.dumps({**about, "owner": owner_of(MINE)}))
        made.append(folder)
    return made


@pytest.fixture(scope="module")
def service(home: Home, folders: list[Path]) -> Iterator[Service]:
    one = Service(home, Limits(shared_desk=False), spare=False)
    yield one
    one.close()


@pytest.fixture(scope="module")
def http(service: Service) -> Iterator[TestClient]:
    with TestClient(Starlette(routes=routes(service)), headers={"X-GTT-Workspace": MINE}) as one:
        yield one


@pytest.fixture
def copied(folders: list[Path], tmp_path: Path) -> ManagedRun:
    """A run that a test may damage."""
    return ManagedRun.open(Path(shutil.copytree(folders[0], tmp_path / folders[0].name)))


def opened(data: bytes) -> dict[str, bytes]:
    """The files of an archive by their names below its only folder."""
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        assert file.testzip() is None
        names = file.namelist()
        top = {name.split("/")[0] for name in names}
        assert len(top) == 1 and len(set(names)) == len(names)
        return {name.partition("/")[2]: file.read(name) for name in names}


def texts_of(svg: bytes) -> set[str]:
    return {"".join(one.itertext()) for one in ElementTree.fromstring(svg).iter() if one.text}


# ------------------------------------------------------------------------------ archive


def test_an_archive_holds_the_whole_run_and_not_its_owner(
    http: TestClient, folders: list[Path]
) -> None:
    run = folders[0]
    answer = http.get(f"/api/runs/{run.name}/archive")
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/zip"
    files = opened(answer.content)
    assert {"run.json", "recipe.yaml", "journal.jsonl", "metrics.csv", "curves.svg"} <= set(files)
    assert files["journal.jsonl"] == (run / "journal.jsonl").read_bytes()
    assert files["metrics.csv"] == http.get(f"/api/metrics.csv?run_id={run.name}").content
    assert "Training" in texts_of(files["curves.svg"])
    sampled = [r for r in RunFolder(run).records() if r["type"] == "Sampled"]
    assert sampled and all(one["text"] in files["samples.txt"].decode() for one in sampled)
    kept = RunFolder(run).checkpoints
    assert {name.split("/")[1] for name in files if name.startswith("checkpoints/")} == {
        kept.newest().name,
        kept.best().name,
    }
    assert json.loads(files["run.json"])["config"]["name"] == NAME
    for name, data in files.items():
        assert ".resume" not in name and "owner" not in name
        assert owner_of(MINE).encode() not in data and MINE.encode() not in data, name


def test_an_unpacked_archive_is_a_run_whose_checkpoints_load(
    http: TestClient, folders: list[Path], tmp_path: Path
) -> None:
    data = http.get(f"/api/runs/{folders[0].name}/archive").content
    zipfile.ZipFile(io.BytesIO(data)).extractall(tmp_path)
    run, before = RunFolder(tmp_path / folders[0].name), RunFolder(folders[0])
    assert run.config() == before.config()
    assert run.checkpoints.best().name == before.checkpoints.best().name
    for checkpoint in run.checkpoints.all():
        model = AutoModelForCausalLM.from_pretrained(checkpoint)
        ids = AutoTokenizer.from_pretrained(checkpoint)("One day", return_tensors="pt").input_ids
        assert model(ids).logits.shape[:2] == ids.shape


def test_the_recipe_in_an_archive_trains_again_to_the_same_losses(
    http: TestClient, folders: list[Path], tmp_path: Path
) -> None:
    files = opened(http.get(f"/api/runs/{folders[0].name}/archive").content)
    (tmp_path / "recipe.yaml").write_bytes(files["recipe.yaml"])
    config = load_recipe(str(tmp_path / "recipe.yaml")).config
    again, _ = start_run(config, Home(tmp_path / "home"))
    losses = [
        [record["loss"] for record in RunFolder(run).records() if record["type"] == "StepLogged"]
        for run in (folders[0], again)
    ]
    assert len(losses[0]) == 10 and losses[1] == losses[0]


def test_an_archive_of_a_run_that_goes_on_is_of_one_moment(copied: ManagedRun) -> None:
    before = {path.name: path.read_bytes() for path in copied.folder.checkpoints.newest().iterdir()}
    newest, told = copied.folder.checkpoints.newest().name, copied.folder.journal.read_bytes()
    with copied.folder.journal.open("ab") as file:
        file.write(b'{"seq": 99, "time": 0, "ty')  # being written just now
    pieces = run_archive(copied)
    data = next(pieces)
    with copied.folder.journal.open("ab") as file:
        file.write(b'pe": "StepLogged", "step": 11, "loss": 1.0}\n')
    shutil.rmtree(copied.folder.checkpoints.folder)  # as when newer ones have replaced them
    files = opened(data + b"".join(pieces))
    assert files["journal.jsonl"] == told
    rows = list(csv.DictReader(io.StringIO(files["metrics.csv"].decode())))
    assert rows[-1]["step"] == "10"
    assert {name: files[f"checkpoints/{newest}/{name}"] for name in before} == before


def test_an_archive_of_a_run_that_has_not_begun_says_what_it_is(copied: ManagedRun) -> None:
    shutil.rmtree(copied.folder.checkpoints.folder)
    copied.folder.journal.unlink()
    (copied.path / "view.json").unlink(missing_ok=True)
    files = opened(b"".join(run_archive(copied)))
    assert set(files) == {"README.txt", "recipe.yaml", "run.json"}


def test_the_recipe_of_an_uploaded_text_says_that_the_text_is_missing(copied: ManagedRun) -> None:
    about = json.loads((copied.path / "run.json").read_text())
    about["config"]["data"]["source"] = "upload:0123456789abcdef"
    (copied.path / "run.json").write_text(json.dumps(about))
    recipe = opened(b"".join(run_archive(copied)))["recipe.yaml"].decode()
    assert recipe.startswith("# Its text was uploaded") and "--data FILE" in recipe


def test_a_large_archive_is_never_whole_in_memory(copied: ManagedRun) -> None:
    size = 50_000_000
    with (copied.folder.checkpoints.newest() / "large.bin").open("wb") as file:
        file.truncate(size)
    next(run_archive(copied))  # the drawing is no matter of size
    tracemalloc.start()
    sent = sum(len(piece) for piece in run_archive(copied))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sent > size and peak < size / 5


def test_large_files_take_the_form_that_holds_them(
    copied: ManagedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "PLAIN_ZIP", 0)
    newest = copied.folder.checkpoints.newest()
    data = b"".join(archive.zipped(newest, "mine"))
    assert opened(data)["config.json"] == (newest / "config.json").read_bytes()
    assert data[4:6] == b"\x2d\x00"  # of the first file: version 4.5, which has 64-bit sizes


# ------------------------------------------------------------------------------ figures


def test_a_figure_is_drawn_in_every_form(http: TestClient, folders: list[Path]) -> None:
    path = f"/api/runs/{folders[0].name}/figure"
    plain = http.get(path)
    assert plain.headers["content-type"] == "image/svg+xml"
    assert f"{folders[0].name}-loss.svg" in plain.headers["content-disposition"]
    assert {NAME, "Training", "Validation", "Loss (nats per token)"} <= texts_of(plain.content)
    assert http.get(path).content == plain.content
    bits = http.get(path, params={"unit": "bits", "dark": "true", "log": "true"}).content
    assert "Bits per byte" in texts_of(bits) and bits != plain.content
    picture = http.get(path, params={"format": "png"})
    assert picture.headers["content-type"] == "image/png"
    assert picture.content.startswith(b"\x89PNG\r\n\x1a\n")
    both = http.get(path, params={"also": folders[1].name}).content
    assert "Training" not in texts_of(both) and both != plain.content


def test_a_figure_that_cannot_be_drawn_is_refused(http: TestClient, folders: list[Path]) -> None:
    path = f"/api/runs/{folders[0].name}/figure"
    for params, field in (
        ({"format": "pdf"}, "format"),
        ({"log": "1"}, "log"),
        ({"also": folders[0].name}, "also"),
        ({"also": "a,,b"}, "also"),
    ):
        answer = http.get(path, params=params)
        assert (answer.status_code, answer.json()["error"]["field"]) == (422, field), params


def test_a_figure_before_the_first_step_is_refused(
    http: TestClient, service: Service, folders: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = service.manager.get(folders[0].name)
    assert run is not None
    monkeypatch.setattr(run.reader, "curve", lambda *asked: [])
    answer = http.get(f"/api/runs/{folders[0].name}/figure")
    assert answer.status_code == 409 and "nothing" in answer.json()["error"]["message"]


def test_truth_may_come_as_text_and_as_nothing_else() -> None:
    asked = {"run_id": "a", "log": "True", "dark": False}  # as Gradio's fields send it
    read = parse(DrawFigure, asked, strict=True)
    assert (read.log, read.dark, read.unit) == (True, False, None)
    for wrong in ("yes", "1", 1, ""):
        with pytest.raises(InvalidSetting):
            parse(DrawFigure, {"run_id": "a", "log": wrong}, strict=True)


def test_a_server_starts_without_matplotlib() -> None:
    code = "import sys, gtt.rest; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


# ------------------------------------------------------------------------------ numbers


def test_metrics_as_json_are_those_of_the_table(http: TestClient, folders: list[Path]) -> None:
    run = folders[0].name
    found = http.get("/api/metrics.json", params={"run_id": run}).json()
    rows = csv.DictReader(io.StringIO(http.get(f"/api/metrics.csv?run_id={run}").text))
    table = [{name: value for name, value in row.items() if value} for row in rows]
    points = [
        {name: str(value) for name, value in point.items() if value is not None}
        for point in found["points"]
    ]
    assert len(points) > 10 and points == table
    assert found["config"]["training"]["max_steps"] == 10 and found["baselines"]["uniform"]


def test_runs_are_compared(http: TestClient, folders: list[Path]) -> None:
    ids = [folder.name for folder in folders]
    found: dict[str, Any] = http.post("/api/compare", json={"run_ids": ids}).json()
    assert [run["id"] for run in found["runs"]] == ids
    (difference,) = found["settings"]
    assert difference["key"] == "training.learning_rate"
    assert difference["values"] == dict(zip(ids, (1e-2, 1e-4), strict=True))
    first, second = (run["figures"] for run in found["runs"])
    assert first["best_validation_loss"] < second["best_validation_loss"]
    assert found["best"]["best_validation_loss"] == found["best"]["bits_per_byte"] == [ids[0]]
    assert found["cautions"] == []
    for run in found["runs"]:
        assert len(run["loss"]) == 10 and run["validation_loss"][-1][0] == 10
        steps, tokens, seconds = zip(*run["progress"], strict=True)
        assert steps[0] == 0 and steps[-1] == 10 and tokens[-1] == 10 * 4 * 16
        assert list(seconds) == sorted(seconds) and seconds[-1] == run["figures"]["seconds"]


def test_a_comparison_of_nothing_much_is_refused(http: TestClient, folders: list[Path]) -> None:
    id = folders[0].name
    for ids in ([id], [id, id], [id, f"{id}/.."], [f"{id}{n}" for n in range(9)]):
        answer = http.post("/api/compare", json={"run_ids": ids})
        assert answer.status_code == 422, ids
        assert answer.json()["error"]["field"].startswith("run_ids")


# -------------------------------------------------------------------------- other desks


def test_nobody_else_gets_anything(http: TestClient, folders: list[Path]) -> None:
    mine, other = folders[0].name, folders[1].name
    theirs = {"X-GTT-Workspace": THEIRS}
    asked = [
        http.get(f"/api/runs/{mine}/archive", headers=theirs),
        http.get(f"/api/runs/{mine}/figure", headers=theirs),
        http.get("/api/metrics.json", params={"run_id": mine}, headers=theirs),
        http.get("/api/metrics.json", headers=theirs),
        http.post("/api/compare", json={"run_ids": [mine, other]}, headers=theirs),
        http.get(f"/api/runs/{mine}/figure", params={"also": "none-such"}),
    ]
    for answer in asked:
        assert answer.status_code == 404, answer.url
        assert answer.json()["error"]["code"] == "not_found" and mine not in answer.text
