"""GTT from Python: the README's lines run, and what a person gets wrong is said in a sentence."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

import gtt
from gtt.errors import BadInput, GTTError
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


def test_a_run_that_is_left_is_saved_and_one_that_is_stopped_says_so(tmp_path: Path) -> None:
    run = gtt.train("quickstart", **TINY, max_steps=100_000, out=tmp_path / "left")
    for event in run:
        if isinstance(event, StepLogged):
            break
    run.stop()
    last = list(run)[-1]
    assert isinstance(last, RunEnded) and last.reason == "stopped"
    assert gtt.load(tmp_path / "left", "latest").generate("a", max_new_tokens=1)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"max_step": 3}, "did you mean 'max_steps'?"),
        ({"seed": 3}, "write data={'seed': 3}"),
        ({"training": {"max_step": 3}}, "did you mean 'max_steps'?"),
        ({"model": 3}, "model"),
        ({"max_steps": "many"}, "training.max_steps"),
        ({"recipe": "quikstart"}, "did you mean 'quickstart'?"),
    ],
)
def test_what_is_misspelt_is_said_before_anything_is_trained(
    changes: dict[str, Any], said: str, home: Path
) -> None:
    with pytest.raises(BadInput) as caught:
        gtt.train(**changes)
    assert said in str(caught.value)
    assert not (home / "runs").exists()


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
