"""GTT from Python: the README's lines run, and what a person gets wrong is said in a sentence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from serving import ROOT

import gtt
from gtt.errors import BadInput, GTTError
from gtt.runs.journal import read_journal
from gtt.training.events import CheckpointSaved, Evaluated, RunEnded, RunStarted, StepLogged

TINY: dict[str, Any] = {
    "data": {"source": "python", "max_megabytes": 0.02, "tokenizer": "char"},
    "model": {"n_layers": 2, "n_heads": 2, "n_embed": 16, "block_size": 16},
    "batch_size": 4,
    "log_every": 2,
    "eval_every": 5,
    "eval_windows": 4,
    "precision": "fp32",
    "optimizer": "adamw",
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, corpora: Path) -> Path:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "corpora").symlink_to(corpora)
    monkeypatch.setenv("GTT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_events_come_and_the_model_writes_and_shows_its_attention(home: Path) -> None:
    run = gtt.train("quickstart", **TINY, max_steps=10)
    events = list(run)
    assert isinstance(events[0], RunStarted) and events[0].config["training"]["batch_size"] == 4
    assert {type(event) for event in events} >= {StepLogged, Evaluated, CheckpointSaved}
    last = events[-1]
    assert isinstance(last, RunEnded) and (last.reason, last.step) == ("completed", 10)
    assert run.folder.parent == home / "runs"
    model = gtt.load(run.folder)
    written = model.generate("import ", max_new_tokens=12, temperature=0)
    assert written.startswith("import ") and len(written) == 19
    assert written == model.generate("import ", max_new_tokens=12, temperature=0)
    looked = model.attention("import os")
    assert "".join(looked.tokens) == "import os" and looked.weights.shape == (2, 2, 9, 9)
    assert torch.allclose(looked.weights.sum(-1), torch.ones(2, 2, 9))
    (again,) = (run.folder / "checkpoints").glob("step-00000010")
    assert gtt.load(again).generate("import ", max_new_tokens=12, temperature=0) == written


def test_the_run_begins_with_the_call_and_is_followed_from_its_beginning(tmp_path: Path) -> None:
    run = gtt.train("quickstart", **TINY, max_steps=4, out=tmp_path / "run")
    assert run.folder.is_dir(), "it has its place"
    deadline = time.monotonic() + 60
    while not (run.folder / "best").exists():  # nobody iterates
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert isinstance(next(run), RunStarted)
    events = list(run)
    assert not isinstance(events[0], RunStarted) and isinstance(events[-1], RunEnded)
    assert events[-1].reason == "completed" and list(run) == []


def first_step(run: gtt.Training) -> None:
    for event in run:
        if isinstance(event, StepLogged):
            break


def broken(run: gtt.Training) -> None:
    with pytest.raises(RuntimeError, match="no plot"):
        for event in run:
            if isinstance(event, StepLogged):
                raise RuntimeError("no plot")


def in_a_block(run: gtt.Training) -> None:
    with pytest.raises(RuntimeError, match="no plot"), run as same:
        events = iter(same)
        while not isinstance(next(events), StepLogged):
            pass
        raise RuntimeError("no plot")


def closed(run: gtt.Training) -> None:
    events = iter(run)
    while not isinstance(next(events), StepLogged):
        pass
    run.close()


@pytest.mark.parametrize("leave", [first_step, broken, in_a_block, closed])
def test_leaving_ends_the_run_saved_though_it_is_kept(
    tmp_path: Path, leave: Callable[[gtt.Training], None]
) -> None:
    run = gtt.train("quickstart", **TINY, max_steps=100_000, out=tmp_path / "left")
    leave(run)
    assert not [one for one in threading.enumerate() if one.name == "training"]
    assert gtt.load(tmp_path / "left", "latest").generate("a", max_new_tokens=1)
    last = list(run)[-1]
    assert isinstance(last, RunEnded) and last.reason == "stopped", "its rest can be read still"
    assert list(run) == []


def test_a_run_that_nobody_holds_ends(tmp_path: Path) -> None:
    run = gtt.train("quickstart", **TINY, max_steps=100_000, out=tmp_path / "left")
    del run
    (thread,) = [one for one in threading.enumerate() if one.name == "training"]
    thread.join(60)
    assert not thread.is_alive()
    assert gtt.load(tmp_path / "left", "latest").generate("a", max_new_tokens=1)


PROGRAM = """
import json, sys, time
import gtt

out, changes, way = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3]
run = gtt.train("quickstart", **changes, max_steps=1_000_000, out=out)
if way == "unread":
    while not (run.folder / "journal.jsonl").exists():
        time.sleep(0.05)
else:
    for event in run:
        if hasattr(event, "learning_rate"):
            if way == "error":
                raise RuntimeError("the plot failed")
            sys.exit(0)
"""


@pytest.mark.parametrize("way", ["error", "exit", "unread"])
def test_a_program_ends_soon_and_its_run_is_saved(home: Path, tmp_path: Path, way: str) -> None:
    """A program of its own, since what is asked is whether it ends."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "run"), json.dumps(TINY), way],
        env={**os.environ, "GTT_HOME": str(home), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert done.returncode == (1 if way == "error" else 0), done.stderr
    assert ("the plot failed" in done.stderr) is (way == "error"), done.stderr
    (end,) = [
        one for one in read_journal(tmp_path / "run" / "journal.jsonl") if one["type"] == "RunEnded"
    ]
    assert end["reason"] == "stopped" and end["step"] < 100_000
    assert gtt.load(tmp_path / "run", "latest").generate("a", max_new_tokens=1)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"max_step": 3}, "did you mean 'max_steps'?"),
        ({"seed": 3}, "write data={'seed': 3}"),
        ({"training": {"max_step": 3}}, "did you mean 'max_steps'?"),
        ({"model": 3}, "model"),
        ({"max_steps": "many"}, "training.max_steps"),
        ({"recipe": "quikstart"}, "did you mean 'quickstart'?"),
        ({"data": {"source": "missing.txt"}}, "There is no file 'missing.txt'"),
        ({"data": {"source": "tale"}}, "did you mean 'tales'?"),
    ],
)
def test_what_is_misspelt_is_said_before_anything_is_trained(
    changes: dict[str, Any], said: str, home: Path
) -> None:
    with pytest.raises(BadInput) as caught:
        gtt.train(**changes)
    assert said in str(caught.value)
    assert not (home / "runs").exists()


def test_a_folder_that_does_not_serve_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("mine")
    for out, said in ((tmp_path, "is not empty"), (tmp_path / "note.txt", "cannot be written to")):
        with pytest.raises(BadInput, match=said):
            gtt.train("quickstart", **TINY, out=out)
    assert [one for one in threading.enumerate() if one.name == "training"] == []


def test_what_shows_while_the_text_is_read_is_raised_in_the_loop(tmp_path: Path) -> None:
    (tmp_path / "short.txt").write_text("too short")
    source = {**TINY["data"], "source": str(tmp_path / "short.txt")}
    run = gtt.train("quickstart", **{**TINY, "data": source}, out=tmp_path / "run")
    with pytest.raises(BadInput):
        list(run)
    assert not run.folder.exists() and list(run) == []


def test_a_folder_that_is_no_run_and_a_text_that_is_too_long_are_refused(tmp_path: Path) -> None:
    with pytest.raises(GTTError):
        gtt.load(tmp_path)
    list(gtt.train("quickstart", **TINY, max_steps=1, out=tmp_path / "run"))
    model = gtt.load(tmp_path / "run")
    with pytest.raises(BadInput, match="17 tokens and the model reads 16"):
        model.attention("a" * 17)
    with pytest.raises(BadInput, match="empty"):
        model.attention("")
    with pytest.raises(BadInput, match=r"did you mean 'temperature'\?"):
        model.generate("a", temperatur=1)


def test_importing_gtt_is_cheap() -> None:
    code = "import sys, gtt; sys.exit('torch' in sys.modules or 'pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
