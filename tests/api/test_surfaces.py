"""The surfaces agree: table, REST, OpenAPI and Gradio have the same endpoints, answers, errors."""

from __future__ import annotations

import ast
import csv
import io
import json
import re
import zipfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from jobs_standin import jobs_standin
from serving import ROOT, Server, serving, tiny, wait_until_done
from transformers import AutoModelForCausalLM, AutoTokenizer

import gtt.api.endpoints  # noqa: F401 - fills the table
from gtt.api.table import TABLE, Endpoint
from gtt.api.workspaces import new_key

# What differs between two equal runs: when they were, how fast, who they are.
MOVING = {
    "begun_at",
    "created",
    "done_at",
    "time",
    "seconds",
    "tokens_per_second",
    "memory_bytes",
    "eta_seconds",
    "undo_seconds",
    "wait_seconds",
}
Given = tuple[dict[str, Any], dict[str, Any]]  # what differs between the desks' requests


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("surfaces")
    with jobs_standin(tmp_path_factory.mktemp("store")) as (hub, jobs):
        jobs.script, jobs.script_ends = ["no solution found"], "ERROR"
        there = {"HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0"}
        with serving(home, GTT_SHARED_DESK="false", OMP_NUM_THREADS="1", **there) as one:
            yield one


@pytest.fixture(scope="module")
def client(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Client:
    return connect(server, tmp_path_factory.mktemp("downloads"))


def connect(server: Server, downloads: Path, **headers: str) -> Client:
    return Client(
        server.url,
        analytics_enabled=False,
        verbose=False,
        download_files=downloads,
        headers=headers,
    )


class Rest:
    """A desk seen over REST; `call` goes by the table alone."""

    def __init__(self, server: Server) -> None:
        self.key = new_key()
        self.http = server.client(self.key)

    def response(self, name: str, /, **values: Any) -> httpx.Response:
        row = TABLE[name]
        path = row.path.format(**{field: values.pop(field) for field in row.path_fields})
        if row.takes_file:
            file = Path(values.pop("file"))
            values.setdefault("name", file.name)
            given: dict[str, Any] = {"params": values, "content": file.read_bytes()}
        else:
            given = {"json" if row.has_body else "params": values}
        response: httpx.Response = self.http.request(row.method, path, **given)
        return response

    def call(self, name: str, /, **values: Any) -> Any:
        response = self.response(name, **values)
        assert response.status_code == TABLE[name].status, response.text
        return response.content if TABLE[name].is_download else response.json()

    def error(self, name: str, /, **values: Any) -> tuple[str, str]:
        """Title and message as a toast would have them."""
        response = self.response(name, **values)
        assert 400 <= response.status_code < 500, response.text
        error = response.json()["error"]
        field = f" ({error['field']})" if error["field"] else ""
        return error["code"] + field, error["message"]


class Gradio:
    """A desk seen through the Gradio client."""

    def __init__(self, client: Client) -> None:
        self.key = new_key()
        self.client = client

    def call(self, name: str, /, **values: Any) -> Any:
        row = TABLE[name]
        if row.takes_file:
            values["file"] = handle_file(values["file"])
        done = self.client.predict(**values, workspace=self.key, api_name=f"/{name}")
        return Path(done).read_bytes() if row.is_download else done

    def error(self, name: str, /, **values: Any) -> tuple[str, str]:
        with pytest.raises(AppError) as caught:
            self.call(name, **values)
        return caught.value.title, caught.value.message


def same(value: Any, ids: dict[str, str]) -> Any:
    """A response without what differs between two equal runs."""
    if isinstance(value, dict):
        return {
            key: "moving" if key in MOVING and part is not None else same(part, ids)
            for key, part in value.items()
        }
    if isinstance(value, list):
        return [same(part, ids) for part in value]
    if isinstance(value, str):
        for id, name in ids.items():
            value = value.replace(id, name)
    return value


# ------------------------------------------------------------------- names and parameters


def fields_of(row: Endpoint) -> dict[str, bool]:
    """The parameters of a row by name, with whether they are required."""
    return {name: field.is_required() for name, field in row.request.model_fields.items()}


def test_openapi_lists_the_table(server: Server) -> None:
    with server.client() as http:
        described = http.get("/api/openapi.json").raise_for_status().json()
    found = {
        operation["operationId"]: (method.upper(), path, operation)
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    }
    assert set(found) == set(TABLE)
    for name, row in TABLE.items():
        method, path, operation = found[name]
        assert (method, path) == (row.method, row.path)
        assert operation["description"] == row.description
        fields = {
            one["name"]: one["required"]
            for one in operation["parameters"]
            if one["in"] in ("path", "query")
        }
        words = {one["name"]: one["description"] for one in operation["parameters"]}
        content = operation.get("requestBody", {}).get("content", {})
        if "application/json" in content:
            body = content["application/json"]["schema"]
            fields |= {key: key in body.get("required", ()) for key in body["properties"]}
            words |= {key: one["description"] for key, one in body["properties"].items()}
        assert fields == fields_of(row), name
        for field, one in row.request.model_fields.items():
            assert words[field] == one.description, (name, field)
        headers = {one["name"] for one in operation["parameters"] if one["in"] == "header"}
        assert "X-GTT-Workspace" in headers


def test_gradio_lists_the_table(server: Server) -> None:
    with server.client() as http:
        info = http.get("/gradio_api/info").raise_for_status().json()
    assert info["unnamed_endpoints"] == {}
    assert set(info["named_endpoints"]) == {f"/{name}" for name in TABLE}
    for name, row in TABLE.items():
        one = info["named_endpoints"][f"/{name}"]
        fields = {
            parameter["parameter_name"]: not parameter["parameter_has_default"]
            for parameter in one["parameters"]
        }
        beside = {"workspace": False} | ({"file": True} if row.takes_file else {})
        assert fields == fields_of(row) | beside, name
        assert one["description"].split() == row.description.split(), name


def test_gradio_has_the_defaults_of_the_table(server: Server) -> None:
    with server.client() as http:
        info = http.get("/gradio_api/info").raise_for_status().json()
    compared = 0
    for name, row in TABLE.items():
        for parameter in info["named_endpoints"][f"/{name}"]["parameters"]:
            field = row.request.model_fields.get(parameter["parameter_name"])
            if field is not None and not field.is_required():
                given = parameter["parameter_default"]
                # An upload is named after its file where it is not named.
                assert given == (None if row.takes_file else field.default), (name, parameter)
                compared += 1
    assert compared > 20


def test_every_row_is_described_with_every_field() -> None:
    for name, row in TABLE.items():
        assert row.title.endswith((".", ";", ":")) or row.description.endswith("."), name
        for field, one in row.request.model_fields.items():
            assert one.description, f"{name}.{field} has no description"


# -------------------------------------------------------------------------- equal answers


def test_every_row_answers_the_same_on_both_surfaces(
    server: Server, client: Client, trained: Rest, tmp_path: Path
) -> None:
    assert run_of(trained)  # the corpus is there, so that neither run has to prepare it
    text = tmp_path / "mine.txt"
    text.write_text("the cat sat on the mat. " * 200, encoding="utf-8")
    desks: list[Rest | Gradio] = [Rest(server), Gradio(client)]
    ids: dict[str, str] = {}
    called = set()

    def both(name: str, /, given: Given = ({}, {}), **values: Any) -> list[Any]:
        """The answers of both desks to the same question."""
        called.add(name)
        return [desk.call(name, **values, **more) for desk, more in zip(desks, given)]

    def equal(name: str, /, given: Given = ({}, {}), **values: Any) -> Any:
        """The answer of both desks, which must be one."""
        first, second = both(name, given, **values)
        assert same(second, ids) == same(first, ids), name
        return first

    def begun(name: str, /, given: Given = ({}, {}), **values: Any) -> Given:
        """Who is meant by the runs that both desks have just begun, once they are done."""
        answers = both(name, given, **values)
        assert answers[0].keys() == answers[1].keys()
        assert answers[0]["run"].keys() == answers[1]["run"].keys()
        assert answers[0].get("config") == answers[1].get("config")
        names = [answer["run"]["id"] for answer in answers]
        ids.update(dict.fromkeys(names, name))
        for desk, id in zip(desks, names):
            with server.client(desk.key) as http:
                assert wait_until_done(http, id)["state"] == "completed"
        return {"run_id": names[0]}, {"run_id": names[1]}

    for name in ("get_config", "recipes", "settings", "datasets", "status", "list_runs"):
        assert equal(name)
    assert equal("healthz") == {"status": "ok"}
    stats = both("stats")
    assert stats[0].keys() == stats[1].keys()
    equal("set_config", config={"model": {"n_layers": 3}})
    assert equal("get_config")["config"]["model"]["n_layers"] == 3
    assert equal("lr_schedule", total_steps=50, points=5)["total_steps"]
    assert equal("tokenize", text="to be or not to be", tokenizer="char")["count"] == 18

    assert equal("estimate")["parameters"] > 0
    assert equal("preview", source="tales")["title"]
    sentence = "Once a wise girl lived in a tower."
    assert equal("merges", text=sentence, source="tales")["steps"]
    assert equal("compare_tokenizers", text=sentence, source="tales")

    uploads = both("upload", file=str(text))
    ids.update({upload["id"]: "upload" for upload in uploads})
    assert same(uploads[0], ids) == same(uploads[1], ids)
    assert equal("datasets")["uploads"][0]["name"] == "mine.txt"
    equal("delete_upload", ({"upload_id": uploads[0]["id"]}, {"upload_id": uploads[1]["id"]}))

    run = begun("create_run", **tiny(), name="twin", idempotency_key="once")
    for name in ("read_run", "checkpoints", "architecture", "lr_schedule", "watch"):
        assert equal(name, run)
    page, same_page = both("events", run, after=1, limit=8)
    assert len(page["events"]) == 8 and any("path" in event for event in page["events"])
    for event in page["events"]:
        if "path" in event:  # which Gradio's client would take for a file to download
            event["file"] = event.pop("path")
    assert same(same_page, ids) == same(page, ids)
    assert len(equal("metrics", run)["curves"]["loss"]["steps"]) > 1
    assert equal("status")["run"]["state"] == "completed"
    equal("stop_run", run)
    assert equal("generate", run, prompt="One", max_new_tokens=30, seed=3)["text"]
    equal("next_token", run, text="One day", count=5)
    equal("attention", run, text="One day", layers=[1], heads=[0], scores=True)
    assert equal("heads", run)["heads"]
    assert equal("head_history", run)["steps"]
    off = [{"layer": 0, "head": 1}]
    assert equal("ablate", run, text="One day", heads=off)["windows"]
    assert equal("read_text", run, text="One day", alternatives=2)["perplexity"]
    assert equal("logit_lens", run, text="One day", positions=2)["layers"]
    assert equal("follow_token", run, text="One day", layer=1)["steps"]
    assert equal("copies", run, text="One day the king went out to the tower again.")["whole"]
    equal("tokenize", run, text="One day")
    tables = [list(csv.DictReader(io.StringIO(one.decode()))) for one in both("metrics_csv", run)]
    assert tables[0] and same(tables[0], ids) == same(tables[1], ids)
    lines = [[json.loads(line) for line in one.splitlines()] for one in both("journal", run)]
    assert lines[0] and same(lines[0], ids) == same(lines[1], ids)
    files = [zipfile.ZipFile(io.BytesIO(one)) for one in both("download_checkpoint", run, step=20)]
    listed = [sorted(Path(name).name for name in file.namelist()) for file in files]
    assert listed[0] == listed[1]
    weights = [
        file.read(next(name for name in file.namelist() if name.endswith("model.safetensors")))
        for file in files
    ]
    assert weights[0] == weights[1]
    assert equal("snapshot", run, step=12, tokens=8)["step"] == 12
    equal("diagnosis", run)
    estimates = both("estimate", run)  # each by the speed of its own run
    assert estimates[0].keys() == estimates[1].keys()
    assert estimates[0]["memory_parts"] == estimates[1]["memory_parts"]
    figures = both("figure", run, format="svg", unit="bits")
    assert all(figure.startswith(b"<?xml") and b"Validation" in figure for figure in figures)
    metrics = [json.loads(one) for one in both("metrics_json", run)]
    assert metrics[0]["points"] and same(metrics[0], ids) == same(metrics[1], ids)
    archives = [zipfile.ZipFile(io.BytesIO(one)) for one in both("archive", run)]
    names = [same(sorted(archive.namelist()), ids) for archive in archives]
    assert names[0] == names[1]

    homes = [
        zipfile.ZipFile(io.BytesIO(one)).namelist()
        for one in both("export_run", run, format="transformers")
    ]
    assert all(any(name.endswith("model.safetensors") for name in names) for names in homes)
    assert equal("push_status", run)["push"] is None
    assert equal("cancel_push", run)["push"] is None, "there is none to cancel"
    where = {"repo": "anna/first"}, {"repo": "anna/second"}
    pushes = both("push_to_hub", ({**run[0], **where[0]}, {**run[1], **where[1]}), token="hf_anna")
    assert pushes[0].keys() == pushes[1].keys()
    assert pushes[1]["push"]["stage"] == "done", "the Gradio client waits for the end"
    assert [one["push"]["repo"] for one in pushes] == ["anna/first", "anna/second"]

    machines = [one["machines"] for one in both("job_hardware")]
    assert machines[0] == machines[1] and machines[0][0]["name"] == "cpu-basic"
    order = {"flavor": "cpu-basic", "minutes": 15, "at_most": 0.01, "token": "hf_anna"}
    jobs = both("run_on_hub", **tiny(), **order)
    assert jobs[0]["config"] == jobs[1]["config"]
    for desk, answer in zip(desks, jobs):
        with server.client(desk.key) as http:
            done = wait_until_done(http, answer["run"]["id"])
            assert "no solution found" in done["message"] and done["job"]["stage"] == "over"
    called.add("follow_job")
    refused = [
        desk.error("follow_job", run_id=answer["run"]["id"], token="hf_anna")
        for desk, answer in zip(desks, jobs)
    ]
    assert refused[0] == refused[1] and "no job on the Hub" in refused[0][1]

    lesson = {"lesson": "noise_to_words"}
    assert equal("lessons")["taken"] is None
    assert equal("answer_lesson", **lesson, step="before", answer=1)["steps"][0]["explain"]
    assert equal("advance_lesson", **lesson, step="before")["lesson"]["step"] == 1
    equal("answer_lesson", **lesson, step="train", answer=0)
    starts = both("start_lesson_run", **lesson, step="train")
    for desk, answer in zip(desks, starts):
        id = answer["runs"][0]["run_id"]
        ids[id] = "first"
        desk.call("delete_run", run_id=id)
    assert starts[0].keys() == starts[1].keys()
    assert [one["step"] for one in equal("lesson_summary")["lessons"][0]["predictions"]] == [
        "Before the first step",
        "Train it",
    ]
    equal("forget_lesson", **lesson)
    assert equal("lesson", **lesson)["lesson"]["state"] == "new"

    assert equal("rename_run", run, name="renamed")["run"]["name"] == "renamed"
    resumed = begun("resume_run", run, config={"training": {"max_steps": 30}})
    assert equal("read_run", resumed)["run"]["step"] == 30
    restarted = begun("restart_run", run, config={"training": {"learning_rate": 0.0005}})
    assert equal("read_run", restarted)["config"]["training"]["learning_rate"] == 0.0005
    pairs = [{"run_ids": [one["run_id"], two["run_id"]]} for one, two in zip(run, restarted)]
    first, second = both("compare", (pairs[0], pairs[1]))
    assert [one["key"] for one in first["settings"]] == [one["key"] for one in second["settings"]]
    begun("train", **tiny(max_steps=10))
    assert equal("stop")["run"]["state"] == "completed"
    assert len(equal("list_runs", limit=2)["runs"]) == 2
    equal("delete_run", restarted)
    assert equal("restore_run", restarted)["run"]["state"] == "completed"
    assert called == set(TABLE)


REFUSED: dict[str, tuple[str, dict[str, Any]]] = {
    "no such run": ("read_run", {"run_id": "20260101-000000-none"}),
    "no run yet": ("metrics", {}),
    "nothing to stop": ("stop", {}),
    "an id that cannot be": ("read_run", {"run_id": "x_y"}),
    "an unknown setting": ("set_config", {"config": {"training": {"max_step": 3}}}),
    "an unknown group": ("create_run", {"recipe": "quickstart", "config": {"modle": {}}}),
    "outside of its limits": ("create_run", {"config": {"model": {"n_layers": 65}}}),
    "text for a number": ("set_config", {"config": {"model": {"n_layers": "four"}}}),
    "settings at odds": ("set_config", {"config": {"model": {"n_embed": 30, "n_heads": 4}}}),
    "an unknown recipe": ("train", {"recipe": "quickstrat"}),
    "an unknown action": ("train", {"action": "pause"}),
    "too long a text": ("tokenize", {"text": "a" * 20_001}),
    "no text": ("tokenize", {"text": ""}),
    "beyond the last page": ("list_runs", {"limit": 5, "before": "nothing"}),
    "too many points": ("metrics", {"points": 100_000}),
    "no such lesson": ("lesson", {"lesson": "noise_to_word"}),
    "no such step": ("advance_lesson", {"lesson": "noise_to_words", "step": "befor"}),
    "an unknown checkpoint": ("generate", {"checkpoint": "newest"}),
}


@pytest.mark.parametrize("case", REFUSED)
def test_errors_are_the_same_on_both_surfaces(server: Server, client: Client, case: str) -> None:
    name, values = REFUSED[case]
    title, message = Rest(server).error(name, **values)
    message = re.sub(r"'(\d+)'", r"\1", message)  # what stands in an address is text
    assert Gradio(client).error(name, **values) == (title, message)
    assert message.endswith((".", "?"))


def test_a_broken_key_is_refused_on_both_surfaces(server: Server, client: Client) -> None:
    rest, desk = Rest(server), Gradio(client)
    rest.http.headers["X-GTT-Workspace"] = desk.key = "short"
    title, message = rest.error("status")
    assert title == "invalid_input (workspace)"
    assert desk.error("status") == (title, message)


def test_a_file_that_is_not_taken_is_refused_alike(
    server: Server, client: Client, tmp_path: Path
) -> None:
    for name, content in (("a.zip", b"PK\x03\x04"), ("a.txt", b"\xff\xfe\x00"), ("b.txt", b"")):
        (tmp_path / name).write_bytes(content)
        asked = {"file": str(tmp_path / name)}
        assert Gradio(client).error("upload", **asked) == Rest(server).error("upload", **asked)


def test_the_page_is_built_on_the_table() -> None:
    allowed = (
        "gtt.api.endpoints.",
        "gtt.api.gradio_adapter.",
        "gtt.api.schemas.",
        "gtt.config.",
        "gtt.settings.",
        "gtt.explain.",
    )
    alone = (
        "gtt.api.service.",
        "gtt.exports.formats.",  # what there is, which the API describes too
        "gtt.api.labels.",  # a setting is called as its control is
        "gtt.runs.limits.is_on_space",
        "gtt.training.events.METRICS",  # what is measured, for the charts
        "gtt.training.quantities.",
        "gtt.ui.",
    )
    seen = 0
    for path in sorted((ROOT / "gtt" / "ui").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [one.name + "." for one in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path}: a relative import"
                names = [f"{node.module}.{one.name}" for one in node.names]
            else:
                continue
            for name in names:
                if name.partition(".")[0] == "gtt":
                    assert name.startswith(allowed + alone), f"{path} imports {name}"
                    seen += 1
    assert seen


# ------------------------------------------------------------------ streams, files, desks


def test_training_streams_and_leaving_does_not_harm_it(server: Server, client: Client) -> None:
    rest = Rest(server)
    asked = {**tiny(max_steps=400, log_every=1, eval_every=200), "workspace": rest.key}
    job = client.submit(**asked, api_name="/train")
    seen = []
    for record in job:
        seen.append(record["run"])
        if len({run["step"] for run in seen}) >= 3:
            break
    assert [run["seq"] for run in seen] == sorted(run["seq"] for run in seen)
    assert [run["step"] for run in seen] == sorted(run["step"] for run in seen)
    assert seen[-1]["state"] == "running" and 0 < seen[-1]["step"] < 400
    job.cancel()
    done = wait_until_done(rest.http, seen[0]["id"])
    assert (done["state"], done["step"]) == ("completed", 400)


def test_the_stream_of_a_training_ends_with_its_end(client: Client) -> None:
    job = client.submit(**tiny(), workspace=new_key(), api_name="/train")
    records = [record["run"] for record in job]
    assert records[-1]["state"] == "completed" and records[-1]["step"] == 20
    assert len({run["seq"] for run in records}) > 2


@pytest.fixture(scope="module")
def trained(server: Server) -> Rest:
    """A desk with a finished run."""
    rest = Rest(server)
    run = rest.call("create_run", **tiny())["run"]
    wait_until_done(rest.http, run["id"])
    return rest


def run_of(rest: Rest) -> str:
    id: str = rest.call("list_runs")["runs"][-1]["id"]
    return id


def test_generation_streams_and_ends_with_what_rest_says(client: Client, trained: Rest) -> None:
    asked = {"prompt": "One day", "max_new_tokens": 300, "seed": 5, "temperature": 1.0}
    job = client.submit(**asked, workspace=trained.key, api_name="/generate")
    texts = [part["text"] for part in job]
    assert len(texts) > 2
    assert all(after.startswith(before) for before, after in pairwise(texts))
    assert texts[-1] == trained.call("generate", **asked)["text"]


def test_a_text_is_uploaded_and_trained_on(client: Client, server: Server, tmp_path: Path) -> None:
    path = tmp_path / "cats.txt"
    path.write_text("the cat sat on the mat. " * 300, encoding="utf-8")
    key = new_key()
    kept = client.predict(file=handle_file(path), workspace=key, api_name="/upload")
    assert (kept["name"], kept["bytes"]) == ("cats.txt", path.stat().st_size)
    asked = tiny()
    asked["config"]["data"] = {"source": kept["source"], "tokenizer": "char"}
    job = client.submit(**asked, workspace=key, api_name="/train")
    last = [record["run"] for record in job][-1]
    assert last["state"] == "completed"
    assert last["vocab_size"] <= len(set("the cat sat on the mat. ")) + 3


def test_a_downloaded_checkpoint_loads_in_transformers(
    client: Client, trained: Rest, tmp_path: Path
) -> None:
    path = client.predict(
        run_id=run_of(trained), step=20, workspace=trained.key, api_name="/download_checkpoint"
    )
    assert path.endswith(".zip")
    with zipfile.ZipFile(path) as file:
        file.extractall(tmp_path)
    folder = next(tmp_path.rglob("config.json")).parent
    model = AutoModelForCausalLM.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    read = tokenizer("one day", return_tensors="pt")
    assert model(**read).logits.shape == (1, read["input_ids"].shape[1], model.config.vocab_size)


def test_a_call_without_a_key_gets_a_desk_and_its_key(client: Client) -> None:
    key = client.predict(api_name="/status")["workspace"]
    assert len(key) > 30
    client.predict(config={"model": {"n_layers": 5}}, workspace=key, api_name="/set_config")
    again = client.predict(workspace=key, api_name="/get_config")
    assert again["config"]["model"]["n_layers"] == 5 and "workspace" not in again


def with_run(row: Endpoint, id: str) -> dict[str, Any]:
    """A request about this run with just what the endpoint requires."""
    needed: dict[str, Any] = {"step": 20, "name": "mine", "text": "One", "heads": []}
    needed |= {"repo": "anna/tiny", "format": "pocket"}
    fields = [name for name, required in fields_of(row).items() if required]
    return {"run_id": id, **{name: needed[name] for name in fields if name != "run_id"}}


def test_a_desk_sees_nothing_of_another(client: Client, trained: Rest) -> None:
    other, id = Gradio(client), run_of(trained)
    assert other.call("list_runs")["runs"] == [] and other.call("status")["run"] is None
    rows = [row for row in TABLE.values() if "run_id" in row.request.model_fields]
    assert len(rows) > 10
    for row in rows:
        title, message = other.error(row.name, **with_run(row, id))
        assert title == "not_found (run_id)" and id not in message, row.name
    assert trained.call("read_run", run_id=id)["run"]["state"] == "completed"


def test_the_key_may_come_as_the_header(server: Server, trained: Rest, tmp_path: Path) -> None:
    own = connect(server, tmp_path, **{"X-GTT-Workspace": trained.key})
    assert own.predict(api_name="/list_runs")["runs"][-1]["id"] == run_of(trained)
    other = connect(server, tmp_path, **{"X-GTT-Workspace": new_key()})
    assert other.predict(api_name="/list_runs")["runs"] == []
    with pytest.raises(AppError):
        other.predict(run_id=run_of(trained), api_name="/read_run")
