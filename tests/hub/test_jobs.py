"""A run on a machine of the Hub: the real client, a stand-in whose jobs are processes of here."""

from __future__ import annotations

import io
import json
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hub_standin import Account as Visitor
from hub_standin import HubStandin, Repo
from huggingface_hub import HfApi, close_session, constants
from jobs_standin import Jobs, jobs_standin

import gtt
from gtt.config import RunConfig
from gtt.errors import BadInput
from gtt.hub.jobs import follower as following
from gtt.hub.jobs.account import Account
from gtt.hub.jobs.arrivals import Arrivals
from gtt.hub.jobs.far import JOURNAL, seconds_left
from gtt.hub.jobs.follower import Follower
from gtt.hub.jobs.hardware import (
    checked_minutes,
    checked_price,
    flavor_named,
    flavors,
    proposed_minutes,
)
from gtt.hub.jobs.parcel import make_parcel
from gtt.hub.jobs.starting import start_job
from gtt.runs.elsewhere import JobFolder, JobState, is_unsettled
from gtt.runs.folder import RunFolder
from gtt.runs.home import Home
from gtt.runs.journal import read_journal

TOKEN = "hf_anna"
Machines = tuple[HubStandin, Jobs]
Trained = tuple[Home, Path]


@pytest.fixture
def machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machines]:
    """The Hub with its machines; this process and those it starts may reach it."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
    monkeypatch.setattr(following, "LOOK_EVERY", 0.2)
    monkeypatch.setattr(following, "LAST_LINES", 2.0)
    with jobs_standin(tmp_path / "hub") as (hub, jobs):
        monkeypatch.setattr(constants, "ENDPOINT", hub.url)
        template = hub.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield hub, jobs
    close_session()


def begun(home: Home, config: RunConfig, **changes: Any) -> tuple[Path, JobState]:
    """A run that is to train on the Hub, and its job before it is submitted."""
    folder = home.new_run(config.name)
    folder.mkdir(parents=True)
    RunFolder(folder).create(config, None)
    values = {"dollars_per_hour": 0.01, "minutes": 15.0, "at_most": 0.01, **changes}
    state = JobState("cpu-basic", "CPU Basic", **values)
    return folder, state


def followed(
    hub: HubStandin, folder: Path, state: JobState | None = None, token: str = TOKEN
) -> JobState:
    """Submits and follows in this process, to the end."""
    if state is not None:
        JobFolder(folder).write(state)
    account = Account(HfApi(endpoint=hub.url, token=token), token)
    return Follower(folder, account, threading.Event()).run()


def events(folder: Path, kind: str | None = None) -> list[dict[str, Any]]:
    records = list(read_journal(folder / "journal.jsonl"))
    return [one for one in records if kind in (None, one["type"])]


def wait_for(what: Callable[[], Any], seconds: float = 60.0) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.1)
    return found


def test_a_job_is_a_run_like_any_other(
    machines: Machines,
    trained: Trained,
    tiny_config: RunConfig,
    tmp_path: Path,
) -> None:
    """Submitted, really run, its journal and model back: the very losses of a run of here."""
    hub, jobs = machines
    home = Home(tmp_path / "home")
    folder, state = begun(home, tiny_config)
    worker = start_job(folder, state, home, token=TOKEN, uploads=None)
    assert worker.child is not None and worker.elsewhere
    assert worker.child.wait(120) == 0, (folder / "job" / "follower.log").read_text()
    here = [(one["step"], one["loss"]) for one in events(trained[1], "StepLogged")]
    assert [(one["step"], one["loss"]) for one in events(folder, "StepLogged")] == here
    last = events(folder)[-1]
    assert (last["type"], last["reason"]) == ("RunEnded", "completed")
    assert [one["seq"] for one in events(folder)] == list(range(1, len(events(folder)) + 1))
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
    (job,) = jobs.jobs.values()
    assert job.spec["timeoutSeconds"] == 900 and job.spec["flavor"] == "cpu-basic"
    assert job.spec["secrets"] == {"HF_TOKEN": TOKEN} and TOKEN not in str(job.spec["environment"])
    assert TOKEN not in str(job.spec["command"]) and "torch==" in str(job.spec["command"])
    state = JobFolder(folder).read() or state
    assert state.stage == "over" and 0 < state.dollars() < 0.01
    assert hub.repos[str(state.repo)].private
    kept = [path for path in home.path.rglob("*") if path.is_file()]
    assert kept and not any(TOKEN.encode() in path.read_bytes() for path in kept)
    assert all(TOKEN not in line for _, line in job.lines)
    assert "uv stand-in: not installed" in (folder / "job" / "log.txt").read_text()


def test_a_stop_cancels_the_job_and_keeps_what_it_saved(
    machines: Machines, tiny_config: RunConfig, tmp_path: Path
) -> None:
    """The machine goes without a last word; the checkpoint before is here and can be resumed."""
    _, jobs = machines
    changes = {"max_steps": 400_000, "checkpoint_every": 100, "log_every": 50, "eval_every": 100}
    config = tiny_config.updated({"training": {**changes, "snapshots": False}})
    home = Home(tmp_path / "home")
    folder, state = begun(home, config)
    worker = start_job(folder, state, home, token=TOKEN, uploads=None)
    wait_for(lambda: (folder / "latest").exists())
    worker.ask_to_stop()
    assert worker.child is not None and worker.child.wait(60) == 0
    (job,) = jobs.jobs.values()
    assert job.stage == "CANCELED"
    last = events(folder)[-1]
    assert last["reason"] == "stopped" and "is here" in last["message"], last
    assert RunFolder(folder).checkpoints.resumable() is not None
    assert not is_unsettled(folder)


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
        ("unwell", "not well just now"),
        ("tokenizer", "a file of this computer"),
    ],
)
def test_what_the_hub_refuses_is_a_sentence_and_leaves_nothing(
    machines: Machines,
    tiny_config: RunConfig,
    tmp_path: Path,
    fault: str,
    words: str,
) -> None:
    hub, jobs = machines
    config, changes = tiny_config, {}
    jobs.credit = fault != "credit"
    hub.tokens[TOKEN].revoked = fault == "revoked"
    if fault == "scope":
        jobs.scoped.clear()
    if fault == "role":
        hub.tokens[TOKEN] = Visitor(role="read")
    if fault == "flavor":
        changes = {"flavor": "cpu-basics"}
    if fault == "price":
        changes = {"flavor": "a10g-small", "minutes": 3600}
    if fault == "taken":
        changes, hub.repos["anna/mine"] = {"repo": "anna/mine"}, Repo(private=True)
    if fault == "not mine":
        changes = {"repo": "bert/mine"}
    hub.down = fault == "down"
    if fault == "unwell":
        hub.fails["/api/jobs/anna"] = 503
    if fault == "tokenizer":
        (tmp_path / "tokenizer.json").write_text("{}")
        data = {"tokenizer": "pretrained", "pretrained_tokenizer": str(tmp_path)}
        config = tiny_config.updated({"data": data})
    folder, state = begun(Home(tmp_path / "home"), config)
    state = followed(hub, folder, replace(state, **changes))
    assert state.stage == "over" and words in str(state.message), state.message
    (end,) = events(folder, "RunEnded")
    assert end["reason"] == "failed" and end["message"] == state.message
    assert not jobs.jobs
    assert set(hub.repos) == ({"anna/mine"} if fault == "taken" else set())


def script(trained: Trained) -> list[str]:
    """What a job says that trained as that run did."""
    records = events(trained[1])
    return ["Installed 90 packages", *(f"{JOURNAL}{json.dumps(one)}" for one in records)]


def test_a_log_that_breaks_off_is_read_on_and_nothing_counts_twice(
    machines: Machines,
    trained: Trained,
    tiny_config: RunConfig,
    tmp_path: Path,
) -> None:
    hub, jobs = machines
    jobs.script, jobs.cut_logs_after = script(trained), 9
    folder, state = begun(Home(tmp_path / "home"), tiny_config)
    state = followed(hub, folder, state)
    assert hub.requested("GET", "/logs") > 1, "it did break off"
    there = [one["step"] for one in events(trained[1], "StepLogged")]
    assert [one["step"] for one in events(folder, "StepLogged")] == there
    (end,) = events(folder, "RunEnded")
    assert end["reason"] == "completed" and "did not arrive here" in end["message"], end
    assert str(state.repo) in end["message"], "where to look for it"


def test_lines_that_are_lost_come_with_the_journal_that_is_sent_home(
    machines: Machines,
    trained: Trained,
    tiny_config: RunConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub, jobs = machines
    jobs.script, jobs.lose_lines = script(trained), {6, 7, 12}
    submit = Account.submit

    def with_outcome(self: Account, *given: Any) -> JobState:
        """What the job sends home, as it would when it really ran."""
        state = submit(self, *given)
        for path in trained[1].rglob("*"):
            name = path.relative_to(trained[1]).as_posix()
            if path.is_file() and name.startswith(("checkpoints/", "journal", "best", "latest")):
                hub.repos[str(state.repo)].files[f"run/{name}"] = path.read_bytes()
        return state

    monkeypatch.setattr(Account, "submit", with_outcome)
    hub.repos["anna/x"] = Repo(private=True)
    folder, state = begun(Home(tmp_path / "home"), tiny_config)
    followed(hub, folder, state)
    there = [{**one, "seq": 0} for one in events(trained[1])]
    ours = [one for one in events(folder) if one.get("stage") not in following.OURS]
    assert [{**one, "seq": 0, "time": 0} for one in ours[:-1]] == [
        {**one, "time": 0} for one in there[:-1]
    ]
    assert ours[-1]["message"] == there[-1]["message"], "and its model is here"
    assert RunFolder(folder).checkpoints.best().name == "step-00000010"


def test_a_token_that_expires_in_the_middle_loses_nothing(
    machines: Machines,
    trained: Trained,
    tiny_config: RunConfig,
    tmp_path: Path,
) -> None:
    hub, jobs = machines
    lines = script(trained)
    jobs.script, jobs.script_ends = lines[:8], "RUNNING"
    folder, state = begun(Home(tmp_path / "home"), tiny_config)
    JobFolder(folder).write(state)
    found: list[JobState] = []
    one = threading.Thread(target=lambda: found.append(followed(hub, folder)))
    one.start()
    wait_for(lambda: len(events(folder)) > 6)
    hub.tokens[TOKEN].revoked = True
    one.join()
    assert found[0].stage == "lost" and "follow it again" in str(found[0].message), found
    assert is_unsettled(folder) and not events(folder, "RunEnded")
    hub.tokens["hf_new"] = Visitor()
    (job,) = jobs.jobs.values()
    for line in lines[8:]:
        job.say(line)
    job.stage = "COMPLETED"
    assert followed(hub, folder, token="hf_new").stage == "over"
    steps = [one["step"] for one in events(folder, "StepLogged")]
    assert steps == [one["step"] for one in events(trained[1], "StepLogged")]
    assert len(jobs.jobs) == 1, "it was not submitted again"


def test_the_hub_may_be_away_for_a_while(
    machines: Machines,
    trained: Trained,
    tiny_config: RunConfig,
    tmp_path: Path,
) -> None:
    hub, jobs = machines
    jobs.script, jobs.script_ends = script(trained), "RUNNING"
    folder, state = begun(Home(tmp_path / "home"), tiny_config)
    JobFolder(folder).write(state)
    one = threading.Thread(target=lambda: followed(hub, folder))
    one.start()
    wait_for(lambda: len(events(folder, "StepLogged")) == 10)
    hub.down = True
    wait_for(lambda: "asked again" in str(getattr(JobFolder(folder).read(), "message", "")))
    hub.down = False
    (job,) = jobs.jobs.values()
    job.stage = "COMPLETED"
    one.join()
    assert events(folder)[-1]["reason"] == "completed"


@pytest.mark.parametrize(
    ("lines", "stage", "message", "reason", "words"),
    [
        (
            ["error: no solution found for torch"],
            "ERROR",
            None,
            "failed",
            "while it was installing: error: no solution found for torch",
        ),
        ([], "ERROR", "Job timeout", "out_of_time", "its time limit of 15 minutes"),
        (["fetching"], "CANCELED", None, "stopped", "Cancelled on the Hub"),
        ([], "gone", None, "failed", "knows nothing of this job any more"),
    ],
)
def test_a_job_that_ends_without_a_word_has_an_end_here(
    machines: Machines,
    tiny_config: RunConfig,
    tmp_path: Path,
    lines: list[str],
    stage: str,
    message: str | None,
    reason: str,
    words: str,
) -> None:
    hub, jobs = machines
    jobs.script, jobs.script_ends, jobs.script_message = lines, stage, message
    if stage == "gone":
        jobs.script_ends = "RUNNING"
    folder, state = begun(Home(tmp_path / "home"), tiny_config)
    JobFolder(folder).write(state)
    one = threading.Thread(target=lambda: followed(hub, folder))
    one.start()
    if stage == "gone":
        wait_for(lambda: (JobFolder(folder).read() or state).stage == "running")
        jobs.jobs.clear()
    one.join(60)
    (end,) = events(folder, "RunEnded")
    assert end["reason"] == reason and words in end["message"], end
    assert not is_unsettled(folder)


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
    assert "gtt/training/trainer.py" in names and "gtt/hub/jobs/far.py" in names
    assert not any(name.startswith(("gtt/ui", "gtt/api")) for name in names)
    assert parcel.files["job/text.txt"] == Path(tiny_config.data.source)


def test_nothing_that_comes_back_leads_out_of_the_run(
    machines: Machines,
    trained: Trained,
    tiny_config: RunConfig,
    tmp_path: Path,
) -> None:
    """Names and lines that no job of ours makes change nothing here."""
    hub, jobs = machines
    wrong = [
        f"{JOURNAL}not json",
        f'{JOURNAL}{{"seq": 1, "type": "Nothing"}}',
        f'{JOURNAL}{{"seq": 1, "type": "StepLogged", "step": "x"}}',
        f'{JOURNAL}{{"seq": 99999999, "type": "RunEnded", "step": 0}}',
    ]
    jobs.script = wrong + script(trained)
    hub.repos["anna/evil"] = Repo(private=True)
    folder, state = begun(Home(tmp_path / "home"), tiny_config)
    state = followed(hub, folder, state)
    repo = hub.repos[str(state.repo)]
    for name in ("run/../out.txt", "run/checkpoints/step-1/../../../x", "run/run.json", "run/a.py"):
        repo.files[name] = b"evil"
    repo.files["run/journal.jsonl"] = b"{}\n"
    repo.files["run/best"] = b"../../../etc\n"
    before = sorted(path for path in tmp_path.rglob("*") if "store" not in path.parts)
    Arrivals(HfApi(endpoint=hub.url, token=TOKEN), str(state.repo), RunFolder(folder)).fetch()
    after = sorted(path for path in tmp_path.rglob("*") if "store" not in path.parts)
    assert before == after
    steps = [one["step"] for one in events(folder, "StepLogged")]
    assert steps == [one["step"] for one in events(trained[1], "StepLogged")]
