"""`accelerate launch` on two processes: one journal, and the losses of one process."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
import torch
from thorough import THOROUGH

from gtt.cli import main

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
]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def surroundings(home: Path, **more: str) -> dict[str, str]:
    return {
        **os.environ,
        "GTT_HOME": str(home),
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
        **more,
    }


def command_line(
    processes: int, *arguments: str, set_also: tuple[str, ...] = (), flags: tuple[str, ...]
) -> list[str]:
    launcher = ["-m", "accelerate.commands.launch", *flags, "--num_processes", str(processes)]
    launcher += ["--main_process_port", str(free_port()), "-m", "gtt"]
    return [sys.executable, *launcher, *arguments, "--json", *settings(*set_also)]


def settings(*changes: str) -> list[str]:
    return [part for change in changes for part in ("--set", change)]


def alone(home: Path, *arguments: str) -> list[dict[str, Any]]:
    """The lines of the same command in the one process of this test."""
    out = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out):
        patch.setenv("GTT_HOME", str(home))
        patch.chdir(home)
        assert main([*arguments, "--json"]) == 0
    return [json.loads(line) for line in out.getvalue().splitlines()]


def launch(
    home: Path,
    processes: int,
    *arguments: str,
    set_also: tuple[str, ...] = (),
    flags: tuple[str, ...] = ("--cpu",),
) -> list[dict[str, Any]]:
    if processes == 1:
        return alone(home, *arguments, *settings(*SETTINGS, *set_also))
    done = subprocess.run(
        command_line(processes, *arguments, set_also=(*SETTINGS, *set_also), flags=flags),
        capture_output=True,
        text=True,
        timeout=240,
        cwd=home,
        env=surroundings(home),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def losses(lines: list[dict[str, Any]], kind: str = "StepLogged", key: str = "loss") -> list[float]:
    return [line[key] for line in lines if line["type"] == kind]


@pytest.mark.parametrize(
    ("optimizer", "precision", "flags", "parts"),
    [
        ("muon", "fp32", (), 1),  # of which AdamW has the embeddings
        # docs/launch.md: each part rounds its gradients to bf16
        *([("adamw", "bf16", ("--cpu",), 2)] if THOROUGH else []),
    ],
)
def test_two_processes_learn_as_one_with_the_same_global_batch(
    tmp_path: Path, optimizer: str, precision: str, flags: tuple[str, ...], parts: int
) -> None:
    """Also without --cpu, where the launcher alone would start one process.

    The one process works out its batch in so many parts.
    """
    if not flags and torch.cuda.is_available():
        pytest.skip("with a GPU the launcher starts as many processes as asked for")
    train = ("train", "--recipe", "quickstart")
    kind = (f"training.optimizer={optimizer}", f"training.precision={precision}")
    batch = (f"training.batch_size={8 // parts}", f"training.grad_accumulation_steps={parts}")
    one = launch(tmp_path, 1, *train, set_also=(*batch, *kind))
    two = launch(tmp_path, 2, *train, set_also=("training.batch_size=4", *kind), flags=flags)
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


def test_a_signal_to_the_group_stops_all_and_the_run_is_resumed_by_all(tmp_path: Path) -> None:
    """With the losses of a run that nobody stopped; once to, once from a model in shards."""
    train = ("train", "--recipe", "quickstart")
    kind = ("training.precision=fp32", "training.snapshots=false", "training.eval_every=100")
    kind += ("training.max_steps=30", "training.optimizer=adamw")
    long = (*SETTINGS, *kind, "training.batch_size=4")
    command = command_line(2, *train, "--out", "run", set_also=long, flags=("--cpu",))
    training = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=tmp_path,
        env=surroundings(tmp_path, GTT_SHARD="false"),
        start_new_session=True,
    )
    assert training.stdout is not None
    for line in training.stdout:
        if '"StepLogged"' in line:
            os.killpg(training.pid, signal.SIGTERM)
            break
    training.communicate(timeout=120)

    def told() -> list[dict[str, Any]]:
        return read_lines(tmp_path / "run")

    ended = told()[-1]
    assert (ended["type"], ended["reason"]) == ("RunEnded", "stopped") and ended["step"] < 30
    for sharded, until in (("true", 30), ("false", 40)):
        before, more = told()[-1]["step"], settings(f"training.max_steps={until}")
        resumed = resume(tmp_path, 2, "run", *more, GTT_SHARD=sharded)
        assert resumed[0]["step"] == before and resumed[-1]["reason"] == "completed"
        differing = [note for note in resumed[0]["notes"] if "differ" in note]
        assert all("max_steps changed" in note for note in differing)
        is_shared_out = [note for note in resumed[0]["notes"] if "shared out over 2" in note]
        assert bool(is_shared_out) == (sharded == "true")
    # Planned for 30 steps and gone on with to 40, as the two were.
    batch = (*SETTINGS, *kind, "training.batch_size=8")
    alone(tmp_path, *train, "--out", "whole", *settings(*batch))
    alone(tmp_path, "resume", "whole", *settings("training.max_steps=40"))
    assert losses(told()) == pytest.approx(losses(read_lines(tmp_path / "whole")), abs=1e-3)


def read_lines(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "journal.jsonl").read_text().splitlines()]


def without_launcher(
    home: Path, processes: int, *arguments: str, **environment: str
) -> list[subprocess.Popen[str]]:
    """The processes as a launcher starts them, without its own."""
    meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()),
               "WORLD_SIZE": str(processes), "LOCAL_WORLD_SIZE": str(processes),
               "ACCELERATE_USE_CPU": "true"}  # fmt: skip
    return [
        subprocess.Popen(
            [sys.executable, "-m", "gtt", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=home,
            env=surroundings(home, RANK=str(rank), LOCAL_RANK=str(rank), **meeting, **environment),
        )
        for rank in range(processes)
    ]


def resume(home: Path, processes: int, *arguments: str, **environment: str) -> list[dict[str, Any]]:
    """What all of them tell together, with the settings of the run."""
    all_of_them = without_launcher(home, processes, "resume", *arguments, "--json", **environment)
    told = [process.communicate(timeout=240) for process in all_of_them]
    assert [process.returncode for process in all_of_them] == [0] * processes, told
    return [
        json.loads(line) for out, _ in told for line in out.splitlines() if line.startswith("{")
    ]


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("train", "--recipe", "quickstart", "--data", "short.txt"), "3 characters"),
        *(
            [(("train", "--recipe", "quickstart", "--out", "taken"), "not empty")]
            if THOROUGH
            else []
        ),
        (("train", "--recipe", "quickstart", "--set", "model.n_layers=0"), "greater than"),
        (("resume", "taken"), "no run.json"),
        (("train", "--recipe", "quickstart", "--out", "taken"), "not empty"),
    ][: None if THOROUGH else 3],
)
def test_what_one_process_refuses_all_refuse_in_one_sentence(
    tmp_path: Path, arguments: tuple[str, ...], hint: str
) -> None:
    """Two processes as a launcher starts them, whose own exit codes can be seen."""
    (tmp_path / "short.txt").write_text("abc")
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").touch()
    both = without_launcher(tmp_path, 2, *arguments)
    errors = [process.communicate(timeout=120)[1] for process in both]
    assert [process.returncode for process in both] == [2, 2], errors
    assert errors[0].startswith("gtt: ") and hint in errors[0] and errors[0].count("\n") == 1
    assert errors[1] == ""
    assert not list((tmp_path / "runs").glob("*"))
