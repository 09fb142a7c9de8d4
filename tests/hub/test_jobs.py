"""A run on a machine of the Hub: the real client, a stand-in whose jobs are processes of here."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from following_jobs import TOKEN, Case, begun, events, script
from hub_standin import Account as Visitor
from hub_standin import HubStandin, Repo
from huggingface_hub import HfApi
from jobs_standin import Jobs
from waiting import until

import gtt
from gtt.config import RunConfig
from gtt.errors import BadInput
from gtt.hub.jobs.arrivals import Arrivals
from gtt.hub.jobs.follow_start import start_job
from gtt.hub.jobs.hardware import (
    checked_minutes,
    checked_price,
    flavor_named,
    flavors,
    proposed_minutes,
)
from gtt.hub.jobs.parcel import make_parcel
from gtt.hub.jobs.remote_run import JOURNAL, seconds_left
from gtt.runs.folder import RunFolder
from gtt.runs.home import Home
from gtt.runs.hub_job import JobFolder, JobState, is_unsettled

Machines = tuple[HubStandin, Jobs]
Trained = tuple[Home, Path]


def test_a_job_is_a_run_like_any_other(case: Case, trained: Trained) -> None:
    """Submitted, really run, its journal and model back: the very losses of a run of here."""
    home, folder = case.home, case.folder
    worker = start_job(folder, case.state, home, token=TOKEN, uploads=None)
    assert worker.child is not None and worker.elsewhere
    assert worker.child.wait(120) == 0, (folder / "job" / "follower.log").read_text()
    here = [(one["step"], one["loss"]) for one in events(trained[1], "StepLogged")]
    assert [(one["step"], one["loss"]) for one in case.events("StepLogged")] == here
    assert case.events()[-1] == case.end and case.end["reason"] == "completed"
    assert [one["seq"] for one in case.events()] == list(range(1, len(case.events()) + 1))
    for part in ("model.safetensors", "tokenizer.json", "config.json"):
        ours, theirs = (
            run / "checkpoints" / "step-00000010" / part for run in (trained[1], folder)
        )
        assert ours.read_bytes() == theirs.read_bytes(), part
    assert RunFolder(folder).checkpoints.resumable() is not None
    assert {path.name for path in (folder / "snapshots").iterdir()} == {
        path.name for path in (trained[1] / "snapshots").iterdir()
    }
    assert gtt.load(folder).generate("One", seed=3) == gtt.load(trained[1]).generate("One", seed=3)
    spec, state = case.job.spec, case.state
    assert spec["timeoutSeconds"] == 900 and spec["flavor"] == "cpu-basic"
    assert spec["labels"]["gtt"] == state.mark and spec["labels"]["name"] in str(state.repo)
    assert spec["secrets"] == {"HF_TOKEN": TOKEN} and TOKEN not in str(spec["environment"])
    assert TOKEN not in str(spec["command"]) and "torch==" in str(spec["command"])
    assert state.stage == "over" and 0 < state.dollars() < 0.01
    assert case.hub.repos[str(state.repo)].private
    kept = [path for path in home.path.rglob("*") if path.is_file()]
    assert kept and not any(TOKEN.encode() in path.read_bytes() for path in kept)
    assert all(TOKEN not in line for _, line in case.job.lines)
    assert "uv stand-in: not installed" in (folder / "job" / "log.txt").read_text()


def test_a_stop_cancels_the_job_and_keeps_what_it_saved(
    machines: Machines, tiny_config: RunConfig, tmp_path: Path
) -> None:
    """The machine goes without a last word; the checkpoint before is here and can be resumed."""
    changes = {"max_steps": 400_000, "checkpoint_every": 100, "log_every": 50, "eval_every": 100}
    config = tiny_config.updated({"training": {**changes, "snapshots": False}})
    case = begun(*machines, Home(tmp_path / "home"), config)
    worker = start_job(case.folder, case.state, case.home, token=TOKEN, uploads=None)
    until(lambda: (case.folder / "latest").exists())
    worker.ask_to_stop()
    assert worker.child is not None and worker.child.wait(60) == 0
    assert case.job.stage == "CANCELED"
    assert case.end["reason"] == "stopped" and "is here" in case.end["message"], case.end
    assert RunFolder(case.folder).checkpoints.resumable() is not None
    assert not is_unsettled(case.folder)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("credit", "no credit left"),
        ("scope", "may not run jobs"),
        ("role", "may not run jobs"),
        ("revoked", "expired or was revoked"),
        ("flavor", "no machine 'cpu-basics'"),
        ("price", "at most $60"),
        ("taken", "is taken"),
        ("not mine", "is not yours"),
        ("down", "connection to 127.0.0.1 broke off"),
        ("gateway", "may stand on the Hub"),
        ("tokenizer", "a file of this computer"),
        ("disk", "No space left"),
    ],
)
def test_what_the_hub_refuses_is_a_sentence_and_leaves_nothing(
    case: Case,
    tiny_config: RunConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
    words: str,
) -> None:
    hub, jobs = case.hub, case.jobs
    jobs.credit = fault != "credit"
    hub.tokens[TOKEN].revoked = fault == "revoked"
    if fault == "scope":
        jobs.scoped.clear()
    if fault == "role":
        hub.tokens[TOKEN] = Visitor(role="read")
    if fault == "flavor":
        case.change(flavor="cpu-basics")
    if fault == "price":
        case.change(flavor="a10g-small", minutes=3600.0)
    if fault == "taken":
        case.change(repo="anna/mine")
        hub.repos["anna/mine"] = Repo(private=True)
    if fault == "not mine":
        case.change(repo="bert/mine")
    hub.down = fault == "down"
    if fault == "gateway":
        hub.fails["/api/repos/create"] = 504
    if fault == "tokenizer":
        (tmp_path / "tokenizer.json").write_text("{}")
        data = {"tokenizer": "pretrained", "pretrained_tokenizer": str(tmp_path)}
        case = begun(hub, jobs, case.home, tiny_config.updated({"data": data}))
    if fault == "disk":
        write = JobFolder.write

        def full(self: JobFolder, state: JobState) -> None:
            """The disk is full once the mark is to be kept, and has room for less after."""
            if state.mark is not None:
                raise OSError(28, "No space left on device")
            write(self, state)

        monkeypatch.setattr(JobFolder, "write", full)
    state = case.follow()
    assert state.stage == "over" and words in str(state.message), state.message
    assert case.end["reason"] == "failed" and case.end["message"] == state.message
    assert not jobs.jobs and not is_unsettled(case.folder)
    assert set(hub.repos) == ({"anna/mine"} if fault == "taken" else set())


def test_a_stop_in_the_middle_of_sending_begins_nothing(case: Case) -> None:
    case.hub.delays["/commit/main"] = 1.0
    with case.following():
        until(lambda: case.hub.requested("POST", "/commit/main"))
        case.stop.set()
    assert case.end["reason"] == "stopped" and "nothing was charged" in case.end["message"]
    assert not case.jobs.jobs and not case.hub.repos


def test_machines_are_told_with_their_prices(machines: Machines) -> None:
    hub, _ = machines
    known = flavors(HfApi(endpoint=hub.url, token=False))
    assert [one.name for one in known] == ["cpu-basic", "cpu-upgrade", "t4-small", "a10g-small"]
    flavor = flavor_named(known, "a10g-small")
    assert flavor.dollars_per_hour == pytest.approx(1.0) and flavor.gpu == "Nvidia A10G, 24 GB"
    assert flavor.at_most(30) == pytest.approx(0.5)
    assert not any(one.startswith("Bearer") for one in hub.headers), "nobody's token goes along"
    checked_price(flavor, 30, 0.5)
    with pytest.raises(BadInput, match=r"at most \$0.50 in 30 minutes"):
        checked_price(flavor, 30, 0.49)
    with pytest.raises(BadInput, match="5 to 1,440 minutes"):
        checked_minutes(2)


@pytest.mark.parametrize(
    "change",
    [
        {"flavor": 5},
        {"minutes": 1e300},
        {"seconds": -1},
        {"stage": "resting"},
        {"started": "now"},
        {"format": 2},
        {"message": "\ud800"},
    ],
)
def test_a_damaged_state_counts_as_none(tmp_path: Path, change: dict[str, Any]) -> None:
    folder, place = JobFolder(tmp_path), tmp_path / "job" / "state.json"
    folder.write(JobState("cpu-basic", "CPU Basic", 0.01, 15, 1, stage="running", id="x"))
    assert folder.read() is not None and is_unsettled(tmp_path)
    place.write_text(json.dumps({**json.loads(place.read_text()), **change}))
    assert folder.read() is None and not is_unsettled(tmp_path)


def test_time_limits_leave_room() -> None:
    assert proposed_minutes(None) == 60 and proposed_minutes(60) == 15
    assert proposed_minutes(3600) == 185 and proposed_minutes(10**7) == 1440
    assert seconds_left(30, began=0, now=200) == 1800 - 200 - 180
    assert seconds_left(5, began=0, now=100) == 300 - 100 - 60
    assert seconds_left(5, began=0, now=1000) == 30, "what is left over after a slow installation"


def test_the_parcel_trains_without_the_page(tiny_config: RunConfig, tmp_path: Path) -> None:
    """What is sent holds the text under a name that tells nothing, and no file of the page."""
    parcel = make_parcel(tiny_config, 15, None)
    code = parcel.files["job/gtt.zip"]
    assert isinstance(code, bytes) and len(code) < 2_000_000
    names = zipfile.ZipFile(io.BytesIO(code)).namelist()
    assert "gtt/training/trainer.py" in names and "gtt/hub/jobs/remote_run.py" in names
    assert not any(name.startswith(("gtt/ui", "gtt/api")) for name in names)
    assert parcel.files["job/text.txt"] == Path(tiny_config.data.source)


def test_nothing_that_comes_back_leads_out_of_the_run(
    case: Case, trained: Trained, tmp_path: Path
) -> None:
    """Names and lines that no job of ours makes change nothing here."""
    hub = case.hub
    wrong = [
        f"{JOURNAL}not json",
        f'{JOURNAL}{{"seq": 1, "type": "Nothing"}}',
        f'{JOURNAL}{{"seq": 1, "type": "StepLogged", "step": "x"}}',
        f'{JOURNAL}{{"seq": 99999999, "type": "RunEnded", "step": 0}}',
    ]
    case.jobs.script = wrong + script(trained[1])
    state = case.follow()
    repo = hub.repos[str(state.repo)]
    for name in ("run/../out.txt", "run/checkpoints/step-1/../../../x", "run/run.json", "run/a.py"):
        repo.files[name] = b"evil"
    repo.files["run/journal.jsonl"] = b"{}\n"
    repo.files["run/best"] = b"../../../etc\n"
    before = sorted(path for path in tmp_path.rglob("*") if "store" not in path.parts)
    api = HfApi(endpoint=hub.url, token=TOKEN)
    Arrivals(api, str(state.repo), RunFolder(case.folder)).fetch()
    after = sorted(path for path in tmp_path.rglob("*") if "store" not in path.parts)
    assert before == after
    steps = [one["step"] for one in case.events("StepLogged")]
    assert steps == [one["step"] for one in events(trained[1], "StepLogged")]
