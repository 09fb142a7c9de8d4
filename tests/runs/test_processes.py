"""`accelerate launch` on two processes: one journal, and the losses of one process."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = [
    "data.max_megabytes=0.02",
    "data.tokenizer=char",
    "model.n_layers=2",
    "model.n_heads=2",
    "model.n_embed=16",
    "model.block_size=16",
    "training.max_steps=20",
    "training.log_every=2",
    "training.eval_every=10",
    "training.checkpoint_every=10",
    "training.learning_rate=0.01",
    "training.warmup_steps=2",
    "training.precision=fp32",
]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def launch(
    home: Path,
    processes: int,
    *arguments: str,
    set_also: tuple[str, ...] = (),
    flags: tuple[str, ...] = ("--cpu",),
) -> list[dict[str, Any]]:
    launcher = ["-m", "accelerate.commands.launch", *flags, "--num_processes", str(processes)]
    launcher += ["--main_process_port", str(free_port()), "-m", "gtt"]
    settings = [part for setting in (*SETTINGS, *set_also) for part in ("--set", setting)]
    command = [sys.executable, *(launcher if processes > 1 else ["-m", "gtt"])]
    done = subprocess.run(
        [*command, *arguments, "--json", *settings],
        capture_output=True,
        text=True,
        timeout=240,
        cwd=home,
        env={
            **os.environ,
            "GTT_HOME": str(home),
            "PYTHONPATH": str(ROOT),
            "OMP_NUM_THREADS": "1",
            "HF_HUB_OFFLINE": "1",
        },
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def losses(lines: list[dict[str, Any]], kind: str = "StepLogged", key: str = "loss") -> list[float]:
    return [line[key] for line in lines if line["type"] == kind]


@pytest.mark.parametrize(("optimizer", "flags"), [("adamw", ("--cpu",)), ("muon", ())])
def test_two_processes_learn_as_one_with_the_same_global_batch(
    tmp_path: Path, optimizer: str, flags: tuple[str, ...]
) -> None:
    """Also without --cpu, where the launcher alone would start one process."""
    if not flags and torch.cuda.is_available():
        pytest.skip("with a GPU the launcher starts as many processes as asked for")
    train = ("train", "--recipe", "quickstart")
    kind = f"training.optimizer={optimizer}"
    one = launch(tmp_path, 1, *train, set_also=("training.batch_size=8", kind))
    two = launch(tmp_path, 2, *train, set_also=("training.batch_size=4", kind), flags=flags)
    assert two[0]["processes"] == 2
    assert two[0]["tokens_per_step"] == one[0]["tokens_per_step"]
    assert len(losses(two)) == 11  # the first step, then every second one
    assert losses(two) == pytest.approx(losses(one), abs=1e-3)
    assert losses(two, "Evaluated", "validation_loss") == pytest.approx(
        losses(one, "Evaluated", "validation_loss"), abs=1e-3
    )
    run = Path(two[-1]["run_dir"])
    journal = [json.loads(line) for line in (run / "journal.jsonl").read_text().splitlines()]
    assert [line["seq"] for line in journal] == list(range(1, len(journal) + 1))
    assert len([line for line in journal if line["type"] == "RunStarted"]) == 1
    assert len(list((tmp_path / "runs").iterdir())) == 2
    resume_folder = run / "checkpoints" / "step-00000020.resume"
    assert len(list(resume_folder.glob("random-*.safetensors"))) == 2
