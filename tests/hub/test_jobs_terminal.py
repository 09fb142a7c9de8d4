"""Jobs in the terminal: `jobs`, `train --on`, `jobs RUN_DIR`, against the stand-in's machines."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hub_standin import HubStandin
from jobs_standin import Jobs, jobs_standin
from serving import ROOT

SMALL = (
    *("--set", "model.n_layers=1", "--set", "model.n_embed=16", "--set", "model.n_heads=2"),
    *("--set", "training.max_steps=10", "--set", "training.precision=fp32"),
)
Place = tuple[HubStandin, Jobs, dict[str, str]]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with jobs_standin(tmp_path / "hub") as (hub, jobs):
        yield (
            hub,
            jobs,
            {
                **{name: value for name, value in os.environ.items() if "HF_" not in name},
                "HF_ENDPOINT": hub.url,
                "HF_HUB_DISABLE_XET": "1",
                "HF_TOKEN": "hf_anna",
                "HF_HOME": str(tmp_path / "hf"),
                "GTT_HOME": str(tmp_path / "home"),
                "PYTHONPATH": str(ROOT),
                "OMP_NUM_THREADS": "1",
            },
        )


def gtt(
    environment: Mapping[str, str], *words: str, given: str | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gtt", *words],
        env=dict(environment),
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL if given is None else None,
        input=given,
    )


def test_a_run_on_the_hub_is_shown_as_one_of_here(place: Place) -> None:
    _, jobs, environment = place
    listed = gtt(environment, "jobs")
    assert "a10g-small: Nvidia A10G - small, $1.00 an hour" in listed.stdout, listed.stderr
    done = gtt(environment, "train", "--on", "cpu-basic", "--minutes", "15", "--yes", *SMALL)
    assert done.returncode == 0, done.stderr
    assert "$0.01 an hour, at most $0.01 in 15 minutes, on your account" in done.stderr
    assert (
        "Finished all 10 steps" in done.stdout and "Sending the recipe to the Hub\n" in done.stdout
    )
    folder = Path(done.stdout.splitlines()[-1])
    assert (folder / "checkpoints" / "step-00000010" / "model.safetensors").is_file()
    written = gtt(
        {**environment, "HF_HUB_OFFLINE": "1"}, "generate", str(folder), "--prompt", "One"
    )
    assert written.stdout.startswith("One"), written.stderr
    again = gtt(environment, "jobs", str(folder))
    assert again.returncode == 2 and "no job on the Hub" in again.stderr
    assert len(jobs.jobs) == 1


@pytest.mark.parametrize(
    ("words", "changes", "says"),
    [
        (["--on", "cpu-basic"], {}, "add --yes"),
        (["--on", "cpu-basics", "--yes"], {}, "did you mean 'cpu-basic'"),
        (["--on", "cpu-basic", "--yes", "--minutes", "2"], {}, "5 to 1,440 minutes"),
        (["--on", "cpu-basic", "--yes", "--repo", "no slash"], {}, "USER/NAME"),
        (["--on", "cpu-basic", "--yes", "--track", "tensorboard"], {}, "training.track"),
        (["--on", "cpu-basic", "--yes"], {"HF_TOKEN": ""}, "hf auth login"),
        (["--on", "cpu-basic", "--yes"], {"credit": ""}, "no credit left"),
        (["--on", "cpu-basic", "--yes"], {"HF_HUB_OFFLINE": "1"}, "unset HF_HUB_OFFLINE"),
        (["--minutes", "20"], {}, "name one with --on"),
    ],
)
def test_what_cannot_be_begun_is_a_sentence(
    place: Place, words: list[str], changes: dict[str, str], says: str
) -> None:
    hub, jobs, environment = place
    jobs.credit = "credit" not in changes
    done = gtt({**environment, **changes}, "train", *words, *SMALL)
    assert done.returncode == 2 and says in done.stderr, (done.returncode, done.stderr)
    assert "Traceback" not in done.stderr
    assert not jobs.jobs and not hub.repos
    runs = Path(environment["GTT_HOME"]) / "runs"
    assert not runs.exists() or not list(runs.iterdir()), "nothing is left of it"


def test_interrupting_it_cancels_the_job(place: Place) -> None:
    _, jobs, environment = place
    endless = ["--set", "training.max_steps=400000", "--set", "training.checkpoint_every=50"]
    words = ["train", "--on", "cpu-basic", "--yes", *SMALL, *endless]
    process = subprocess.Popen(
        [sys.executable, "-m", "gtt", *words],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "sample" in line:
            break
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 0, told
    assert "Cancelling the job" in told and "Stopped: the job was cancelled" in told
    assert [job.stage for job in jobs.jobs.values()] == ["CANCELED"]
