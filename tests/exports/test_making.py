"""Every format from the terminal and over the interface: whole, or a sentence and nothing."""

from __future__ import annotations

import errno
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import get_args

import pytest
from serving import ROOT
from starlette.applications import Starlette
from starlette.testclient import TestClient

from gtt.api.service import Service
from gtt.api.workspaces import new_key, owner_of
from gtt.cli import main
from gtt.data.corpus import build_corpus
from gtt.errors import BadInput
from gtt.exports.formats import FORMATS, FormatName
from gtt.exports.making import WRITERS, RunToExport, export
from gtt.exports.pocket_page import pocket_page
from gtt.model.export import save_model
from gtt.model.gpt import GPT
from gtt.recipes import load_recipe
from gtt.rest import routes
from gtt.runs.folder import RunFolder
from gtt.runs.home import Home
from gtt.runs.limits import Limits

MINE, THEIRS = new_key(), new_key()
FILES = sorted(name for name, form in FORMATS.items() if not form.is_folder)
# Every one ends with more than this many bytes.
SMALLEST = 1000


@pytest.fixture(scope="module")
def served(taken: RunToExport, home: Home) -> Iterator[Service]:
    about = json.loads((taken.run.path / "run.json").read_text())
    (taken.run.path / "run.json").write_text(json.dumps({**about, "owner": owner_of(MINE)}))
    one = Service(home, Limits(shared_desk=False), spare=False)
    yield one
    one.close()


@pytest.fixture(scope="module")
def http(served: Service) -> Iterator[TestClient]:
    with TestClient(Starlette(routes=routes(served)), headers={"X-GTT-Workspace": MINE}) as one:
        yield one


@pytest.fixture
def without_checkpoint(taken: RunToExport, tmp_path: Path) -> RunFolder:
    folder = Path(shutil.copytree(taken.run.path, tmp_path / taken.run.path.name))
    shutil.rmtree(folder / "checkpoints")
    return RunFolder(folder)


def test_downloads_of_two_formats_have_two_names() -> None:
    names = [form.file_name("run") for form in FORMATS.values()]
    assert len(set(names)) == len(names) and FORMATS["gguf"].file_name("run") == "run.gguf"


def test_the_table_of_formats_is_one() -> None:
    assert list(FORMATS) == list(get_args(FormatName)) == list(WRITERS)


@pytest.mark.parametrize("name", FORMATS)
def test_the_terminal_and_the_interface_give_the_same(
    name: str,
    taken: RunToExport,
    home: Home,
    http: TestClient,
    out: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GTT_HOME", str(home.path))
    assert main(["export", str(taken.run.path), str(out), "--as", name]) == 0
    answer = http.get(f"/api/runs/{taken.run.path.name}/exports/{name}")
    form, made = FORMATS[name], FORMATS[name].named(out)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == form.media_type
    assert form.file_name(taken.run.path.name) in answer.headers["content-disposition"]
    if form.is_folder:
        with zipfile.ZipFile(io.BytesIO(answer.content)) as file:
            found = {one.split("/")[-1]: file.read(one) for one in file.namelist()}
        assert found == {path.name: path.read_bytes() for path in out.iterdir()}
    else:
        assert answer.content == made.read_bytes() and len(answer.content) > SMALLEST
    assert list(home.exports.iterdir()) == []  # nothing stays with the server
    assert sorted(path.name for path in out.parent.iterdir()) == [made.name]


def test_the_weights_of_a_pocket_model_are_chosen_on_both(
    taken: RunToExport, home: Home, http: TestClient, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GTT_HOME", str(home.path))
    out = out.with_suffix(".html")
    asked = ["export", str(taken.run.path), str(out), "--as", "pocket", "--weights", "int8"]
    assert main(asked) == 0
    place = f"/api/runs/{taken.run.path.name}/exports/pocket"
    assert http.get(f"{place}?weights=int8").content == out.read_bytes()
    assert len(http.get(place).content) > len(out.read_bytes())
    refused = http.get(f"{place}?weights=int4")
    assert refused.status_code == 422 and refused.json()["error"]["field"] == "weights"


@pytest.mark.parametrize("name", FILES)
def test_an_ending_that_is_left_out_is_added(
    name: str, taken: RunToExport, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ending = FORMATS[name].ending
    named = tmp_path / "mine"
    assert main(["export", str(taken.run.path), str(named), "--as", name]) == 0
    assert capsys.readouterr().out.strip() == f"{named}{ending}"
    assert [one.name for one in tmp_path.iterdir()] == [f"mine{ending}"]
    assert FORMATS[name].named(tmp_path / "mine.txt") == tmp_path / "mine.txt"


def test_weights_are_a_choice_of_the_pocket_model_alone(
    taken: RunToExport, out: Path, http: TestClient, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["export", str(taken.run.path), str(out), "--as", "report", "--weights", "int8"]
    assert main(words) == 2 and "Only a pocket model" in capsys.readouterr().err
    refused = http.get(f"/api/runs/{taken.run.path.name}/exports/report?weights=int8")
    assert refused.status_code == 422 and "Only a pocket model" in refused.text
    assert not out.exists()


def test_only_a_full_disk_asks_for_room(
    taken: RunToExport, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reasons = {errno.EROFS: False, errno.ENOTDIR: False, errno.ENOSPC: True, None: True}
    for number, wants_room in reasons.items():
        error = OSError(number, os.strerror(number)) if number else OSError("1 requested and 0")
        monkeypatch.setitem(WRITERS, "report", partial(_fail, error))
        with pytest.raises(BadInput, match="name another place") as refused:
            export(taken, FORMATS["report"], out)
        assert ("make room" in refused.value.message) is wants_room


def test_two_exports_to_one_place_leave_a_whole_one(
    taken: RunToExport, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = WRITERS["script"]

    def slow(taken: RunToExport, folder: Path) -> None:
        monkeypatch.setitem(WRITERS, "script", plain)
        plain(taken, folder)
        export(taken, FORMATS["script"], out)  # somebody else's, in the middle of this one

    monkeypatch.setitem(WRITERS, "script", slow)
    with pytest.raises(BadInput, match="another export"):
        export(taken, FORMATS["script"], out)
    assert (out / "train.py").is_file() and list(out.parent.iterdir()) == [out]


def _fail(error: OSError, *_: object) -> None:
    raise error


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_there_is_not_replaced(
    name: str, taken: RunToExport, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = FORMATS[name].named(out)
    if FORMATS[name].is_folder:
        out.mkdir()
        (out / "mine.txt").write_text("mine")
    else:
        out.write_text("mine")
    assert main(["export", str(taken.run.path), str(out), "--as", name]) == 2
    said = capsys.readouterr().err
    assert "name a new" in said and said.count("\n") == 1
    kept = out / "mine.txt" if out.is_dir() else out
    assert kept.read_text() == "mine" and sorted(out.parent.iterdir()) == [out]


@pytest.mark.parametrize("name", FORMATS)
def test_a_full_disk_leaves_nothing(name: str, taken: RunToExport, home: Home, out: Path) -> None:
    """A limit on the size of files, which a disk that is full answers like."""
    program = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({SMALLEST}, {SMALLEST}));"
        "from gtt.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "export", str(taken.run.path), str(out), "--as", name],
        capture_output=True,
        text=True,
        env={"GTT_HOME": str(home.path), "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode == 2, done.stderr
    assert "cannot be written" in done.stderr and "make room" in done.stderr
    assert list(out.parent.iterdir()) == []


def test_a_full_disk_of_the_server_is_told_without_paths(
    taken: RunToExport, home: Home, out: Path
) -> None:
    job = {
        "checkpoint": str(taken.checkpoint),
        "run": str(taken.run.path),
        "form": "pocket",
        "out": str(out),
        "corpora": str(home.corpora),
    }
    program = (
        "import json, resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({SMALLEST}, {SMALLEST}));"
        "from gtt.inference.export_job import export_job;"
        "from gtt.inference.questions import ExportJob;"
        "export_job(ExportJob(**json.loads(sys.argv[1])))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, json.dumps(job)],
        capture_output=True,
        text=True,
        env={"GTT_HOME": str(home.path), "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    said = done.stderr.strip().splitlines()[-1]
    assert said == (
        "gtt.inference.pipe.Busy: The server has no room on its disk for this file now."
    )
    assert list(out.parent.iterdir()) == []


@pytest.mark.parametrize("name", [name for name, form in FORMATS.items() if form.is_of_model])
def test_a_run_without_a_checkpoint_is_told_so(
    name: str, without_checkpoint: RunFolder, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(without_checkpoint.path), str(out), "--as", name]) == 2
    assert "holds no checkpoint yet: train on" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize("name", ["Pocket", "onnx", ""])
def test_an_unknown_format_is_told_which_there_are(
    name: str, taken: RunToExport, out: Path, http: TestClient, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(taken.run.path), str(out), "--as", name]) == 2
    assert "transformers" in capsys.readouterr().err
    answer = http.get(f"/api/runs/{taken.run.path.name}/exports/{name or '-'}")
    assert answer.status_code == 422 and answer.json()["error"]["field"] == "format"


def test_a_damaged_checkpoint_is_told_without_paths(
    taken: RunToExport, served: Service, http: TestClient, out: Path, home: Home
) -> None:
    weights = taken.model_folder / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2])
    try:
        with pytest.raises(BadInput, match="take another checkpoint"):
            export(taken, FORMATS["pocket"], out)
        answer = http.get(f"/api/runs/{taken.run.path.name}/exports/pocket")
    finally:
        weights.write_bytes(whole)
    assert answer.status_code == 422
    message = answer.json()["error"]["message"]
    assert "take another checkpoint" in message and str(home.path) not in message
    assert not out.exists() and list(home.exports.iterdir()) == []


def test_a_run_of_another_desk_is_not_found(taken: RunToExport, http: TestClient) -> None:
    place = f"/api/runs/{taken.run.path.name}/exports/pocket"
    assert http.get(place, headers={"X-GTT-Workspace": THEIRS}).status_code == 404
    assert http.get(f"{place}?checkpoint=7").status_code == 404


def test_the_pocket_model_of_the_first_recipe_fits_a_telephone(tmp_path: Path) -> None:
    """Its size is that of its shape and its tokenizer, whatever the weights have learned."""
    config = load_recipe("quickstart").config
    data = config.data.model_copy(update={"max_megabytes": 0.5})  # as many tokens from less text
    corpus = build_corpus(data, tmp_path / "corpora")
    assert corpus.vocab_size == config.data.vocab_size
    save_model(GPT(config.model, corpus.vocab_size), tmp_path, config.generation, {})
    corpus.tokenizer.save(tmp_path)
    size = len(pocket_page(tmp_path, config).encode("utf-8"))
    assert 1_000_000 < size <= 3_000_000
