"""Nothing that leaves the computer tells where a text or a tokenizer lay on it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from gtt.config import RunConfig
from gtt.exports.formats import FORMATS
from gtt.exports.making import RunToExport, export
from gtt.hub.push_files import prepare_files
from gtt.hub.space import prepare_space
from gtt.runs.execute import start_run
from gtt.runs.folder import RunFolder
from gtt.runs.home import Home
from gtt.training.tracking import flat_settings

SECRETS = (b"secret-client", b"home-of-anna")


@pytest.fixture(scope="module")
def private(
    tmp_path_factory: pytest.TempPathFactory, taken: RunToExport, tiny_text: Path
) -> Iterator[RunToExport]:
    """A run whose text and tokenizer are named by paths from the folder where it was begun."""
    place = tmp_path_factory.mktemp("home-of-anna")
    folder = place / "secret-client" / "tok"
    folder.mkdir(parents=True)
    assert taken.checkpoint is not None
    shutil.copyfile(taken.checkpoint / "tokenizer.json", folder / "tokenizer.json")
    shutil.copyfile(tiny_text, place / "secret-client" / "notes.txt")
    config = RunConfig.parse(
        {
            "name": "told",
            "data": {
                "source": "secret-client/notes.txt",
                "tokenizer": "pretrained",
                "pretrained_tokenizer": "secret-client/tok",
            },
            "model": {"n_layers": 1, "n_heads": 2, "n_embed": 16, "block_size": 16},
            "training": {"max_steps": 4, "batch_size": 2, "eval_every": 2, "precision": "fp32"},
            "generation": {"max_new_tokens": 5},
        }
    )
    home = Home(tmp_path_factory.mktemp("told"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        run = RunFolder(start_run(config, home)[0])
    yield RunToExport(run, run.checkpoints.best(), home.corpora)


def require_silence(folder: Path) -> None:
    files = [path for path in [folder, *folder.rglob("*")] if path.is_file()]
    assert files
    for path in files:
        content = path.read_bytes()
        assert not any(secret in content for secret in SECRETS), path.name


@pytest.mark.parametrize("name", FORMATS)
def test_taken_home(private: RunToExport, out: Path, name: str) -> None:
    export(private, FORMATS[name], out)
    require_silence(out)


@pytest.mark.parametrize("form", ["model", "space"])
def test_pushed(private: RunToExport, out: Path, form: str) -> None:
    if form == "model":
        prepare_files(private.run.path, private.corpora, out, "anna/tiny")
        card = (out / "README.md").read_text(encoding="utf-8")
        assert "pretrained_tokenizer: tok\n" in card and "source: notes.txt\n" in card
    else:
        prepare_space(private.run.path, private.corpora, out, lambda story: story)
    require_silence(out)


def test_told_to_a_tracker(private: RunToExport) -> None:
    config = private.run.config()
    assert SECRETS[0].decode() in config.data.source, "the run itself knows it"
    told = flat_settings(config)
    assert (told["data.source"], told["data.pretrained_tokenizer"]) == ("notes.txt", "tok")
