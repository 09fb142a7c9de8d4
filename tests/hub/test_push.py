"""A push with the real client of the Hub against a stand-in of the Hub on this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

import huggingface_hub.lfs
import psutil
import pytest
from hub_standin import Account, HubStandin, Repo
from huggingface_hub import ModelCard, constants
from huggingface_hub.utils import http_backoff
from serving import ROOT

from gtt.errors import BadInput, UnusableRun
from gtt.hub import part_uploads
from gtt.hub.names import repo_name
from gtt.hub.push import Push
from gtt.hub.push_start import checked_token, own_token, start_push
from gtt.hub.push_state import PushFolder, PushState
from gtt.runs.home import Home

Run = tuple[Home, Path]
REPO = "anna/tiny"


@pytest.fixture(autouse=True)
def in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models here are small: what is sent in parts begins at 5 kB, and a try is not repeated."""
    monkeypatch.setattr(part_uploads, "ALONE", 5_000)
    monkeypatch.setattr(part_uploads, "RETRIES", {"max_retries": 0})


def push(hub: HubStandin, run: Run, repo: str = REPO, **changes: Any) -> PushState:
    home, folder = run
    values = {"private": False, "token": "hf_anna", **changes}
    return Push(folder, home.corpora, repo, endpoint=hub.url, **values).run(os.getpid())


def test_what_arrives_is_the_best_checkpoint_with_its_card(hub: HubStandin, run: Run) -> None:
    state = push(hub, run, private=True)
    assert (state.stage, state.url) == ("done", f"{hub.url}/{REPO}"), state
    repo = hub.repos[REPO]
    assert repo.private and len(repo.commits) == 2, "one commit holds all of it"
    checkpoint = run[1] / "checkpoints" / (run[1] / "best").read_text().strip()
    for name in ("model.safetensors", "tokenizer.json", "config.json", "generation_config.json"):
        assert hub.content(REPO, name) == (checkpoint / name).read_bytes(), name
    assert {"README.md", "curve.png", "samples.png", "gtt.json"} < repo.files.keys()
    assert not any("resume" in name or name.endswith(".pt") for name in repo.files)
    assert hub.content(REPO, "curve.png").startswith(b"\x89PNG")
    assert not (run[1] / "push" / "files").exists(), "nothing is left over"
    assert (checkpoint / "README.md").read_text() != hub.content(REPO, "README.md").decode()


def test_nothing_of_this_computer_goes_along(hub: HubStandin, run: Run) -> None:
    """No path, no id that opens the run, no owner; and the token stands nowhere on the disk."""
    push(hub, run)
    secret = run[1].name.rpartition("-")[2]
    for name in hub.repos[REPO].files:
        content = hub.content(REPO, name)
        assert secret.encode() not in content, name
        assert b"/tmp/" not in content and str(run[0].path).encode() not in content, name
    assert json.loads(hub.content(REPO, "gtt.json"))["config"]["data"]["source"] == "tales.txt"
    kept = [path for path in run[0].path.rglob("*") if path.is_file()]
    assert kept and not any(b"hf_anna" in path.read_bytes() for path in kept)


def test_the_card_passes_the_checks_of_the_hubs_library(hub: HubStandin, run: Run) -> None:
    push(hub, run)
    text = hub.content(REPO, "README.md").decode()
    card = ModelCard(text)
    card.validate()  # over HTTP, by the endpoint of the stand-in
    assert card.data.library_name == "transformers"
    assert card.data.pipeline_tag == "text-generation"
    assert card.data.license is None, "that of somebody's file is not known"
    measured = {one.metric_type: one.metric_value for one in card.data.eval_results or []}
    about = json.loads(hub.content(REPO, "gtt.json"))
    assert measured["loss"] == pytest.approx(about["validation_loss"], abs=1e-6)
    with pytest.raises(ValueError, match="license_name"):
        ModelCard("---\nlicense: other\n---\n").validate()


def test_a_cut_connection_goes_on_without_sending_anew(hub: HubStandin, run: Run) -> None:
    size = (run[1] / "checkpoints" / "step-00000010" / "model.safetensors").stat().st_size
    assert size > 2 * hub.part_bytes, "some parts arrive whole before the cut"
    hub.cut_after = int(1.5 * hub.part_bytes)
    broken = push(hub, run)
    assert broken.stage == "broken" and "not sent again" in (broken.message or ""), broken
    assert hub.repos[REPO].files.keys() == {".gitattributes"}, "nothing half done"
    arrived, hub.received, hub.down = hub.part_bytes, 0, False
    again = push(hub, run)
    assert again.stage == "done", again
    assert again.kept >= arrived
    large = sum(
        hub.object(kept).stat().st_size
        for kept in hub.repos[REPO].files.values()
        if isinstance(kept, str)
    )
    assert hub.received == large - arrived, "each byte that had arrived is sent once"
    assert hub.content(REPO, "model.safetensors")
    assert not (run[1] / "push" / "parts.json").exists()


def test_an_upload_that_the_store_gave_up_begins_anew(hub: HubStandin, run: Run) -> None:
    hub.cut_after = int(1.5 * hub.part_bytes)
    assert push(hub, run).stage == "broken"
    hub.down, hub.gives_up_uploads = False, True
    state = push(hub, run)
    assert state.stage == "done", state
    assert state.sent + state.kept == state.total


def test_the_same_push_again_sends_no_large_file(hub: HubStandin, run: Run) -> None:
    push(hub, run)
    hub.received = 0
    state = push(hub, run)
    assert (state.stage, hub.received) == ("done", 0)


def refused(state: PushState, *words: str) -> None:
    """It failed with one sentence or two, which hold these words and no machinery."""
    assert state.stage == "failed" and state.message, state
    assert all(word in state.message for word in words), state.message
    for inside in ("http", "Error", "Request ID", "Traceback", "\n"):
        if inside != "http" or "huggingface.co/settings" not in state.message:
            assert inside not in state.message, state.message
    assert state.message.endswith((".", ")."))


def test_a_name_that_is_taken_is_left_as_it_is(hub: HubStandin, run: Run) -> None:
    hub.repos[REPO] = Repo(False, {".gitattributes": b"", "model.safetensors": b"precious"})
    refused(push(hub, run), "anna/tiny is taken", "another name")
    assert hub.content(REPO, "model.safetensors") == b"precious"
    assert hub.received == 0


def test_an_empty_repository_of_ones_own_is_filled(hub: HubStandin, run: Run) -> None:
    hub.repos[REPO] = Repo(True)
    state = push(hub, run)
    assert (state.stage, state.private) == ("done", True)


def test_private_never_becomes_public(hub: HubStandin, run: Run) -> None:
    hub.repos[REPO] = Repo(False)
    refused(push(hub, run, private=True), "public", "private")
    assert hub.repos[REPO].files.keys() == {".gitattributes"}


def test_somebody_elses_name(hub: HubStandin, run: Run) -> None:
    refused(push(hub, run, "berta/tiny"), "berta is not yours", "anna/tiny")
    hub.tokens["hf_anna"] = Account(orgs=("school",))
    assert push(hub, run, "school/tiny").stage == "done"


@pytest.mark.parametrize(
    ("account", "words"),
    [
        (Account(role="read"), ("may not write", "role write")),
        (Account(revoked=True), ("expired or was revoked", "Sign in again")),
    ],
    ids=["no write scope", "revoked"],
)
def test_a_token_that_may_not(
    hub: HubStandin, run: Run, account: Account, words: tuple[str, ...]
) -> None:
    hub.tokens["hf_anna"] = account
    refused(push(hub, run), *words)
    assert not hub.repos


def test_a_token_revoked_in_the_middle(hub: HubStandin, run: Run) -> None:
    hub.fails["/anna/tiny.git/"] = 401
    refused(push(hub, run), "expired or was revoked", f"{REPO} stands on the Hub, still empty.")
    assert hub.repos[REPO].files.keys() == {".gitattributes"}


def test_no_room_says_that_an_empty_repository_stays(hub: HubStandin, run: Run) -> None:
    hub.quota = 10_000
    words = ("no room left", "Nothing was published", f"{REPO} stands on the Hub, still empty.")
    refused(push(hub, run), *words)
    assert hub.repos[REPO].files.keys() == {".gitattributes"}
    hub.quota = None
    assert push(hub, run).stage == "done", "which the next push fills"


@pytest.mark.parametrize("place", ["/api/whoami-v2", "/api/repos/create", f"/{REPO}.git/"])
@pytest.mark.parametrize("fault", [500, 503, 429, 408, "portal"])
def test_a_hub_that_is_not_well(
    hub: HubStandin, run: Run, monkeypatch: pytest.MonkeyPatch, place: str, fault: int | str
) -> None:
    monkeypatch.setattr(huggingface_hub.lfs, "http_backoff", partial(http_backoff, max_retries=0))
    hub.fails[place] = fault
    state = push(hub, run)
    assert state.stage == "broken" and state.message
    assert "push again" in state.message.lower()
    assert ("sign-in of a network" in state.message) is (fault == "portal")


def test_no_network(hub: HubStandin, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = Push(
        run[1], run[0].corpora, REPO, private=False, token="hf_anna", endpoint="http://127.0.0.1:9"
    )
    state = nowhere.run(os.getpid())
    assert state.stage == "broken" and state.message
    assert "127.0.0.1 cannot be reached" in state.message
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    refused(push(hub, run), "HF_HUB_OFFLINE")
    assert not hub.requests


SMALLEST = 4096  # bytes that a file may have where the disk is full


def limited(limit: int) -> str:
    """What a Python begins with, whose files may not grow further; a full disk answers like it."""
    return (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}));"
    )


@pytest.mark.parametrize("limit", [0, SMALLEST], ids=["at the start", "at the files"])
def test_a_full_disk(
    hub: HubStandin, run: Run, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    """At the start no state can be written, later the pictures and the card find no room."""
    process_environment(hub, monkeypatch)
    monkeypatch.setenv("HF_TOKEN", "hf_anna")
    (run[1] / "push").mkdir()
    program = f"{limited(limit)} from gtt.cli import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", program, "push", str(run[1]), REPO],
        capture_output=True,
        text=True,
        env={**os.environ, "GTT_HOME": str(run[0].path), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=ROOT,
    )
    assert done.returncode == 2 and "Traceback" not in done.stderr, done.stderr
    assert "ake room" in done.stderr.splitlines()[-1], done.stderr
    assert not hub.repos and not (run[1] / "push" / "files").exists()
    state = PushFolder(run[1]).read()
    assert (state is None) is (limit == 0), state


def test_what_cannot_be_started_leaves_no_process(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (run[1] / "push" / "state.json").mkdir(parents=True)  # nothing takes the place of a folder
    begun = set(psutil.Process().children())
    with pytest.raises(UnusableRun, match="cannot be written to"):
        start_push(run[1], run[0], REPO, private=False, token="hf_anna")
    assert set(psutil.Process().children()) == begun


@pytest.mark.parametrize(
    "changes",
    [
        {"sent": "many"},
        {"kept": -1},
        {"total": 1e300},
        {"pid": -1},
        {"pid": 2**40},
        {"step": True},
        {"heads": ["anna/tiny"]},
        {"marks": {"anna/tiny": "x"}},
        {"private": "no"},
        {"stage": "resting"},
        {"form": "gguf"},
        {"message": {}},
        {"started": float("nan")},
        {"format": 1},
    ],
    ids=str,
)
def test_a_damaged_state_is_none(run: Run, changes: dict[str, Any]) -> None:
    folder = PushFolder(run[1])
    folder.write(PushState(REPO, False, stage="sending"))
    path = folder.path / "state.json"
    assert folder.read() is not None
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    assert folder.read() is None


def test_addresses_that_the_hub_signed_are_never_readable_for_others(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = PushFolder(run[1])
    folder.path.mkdir()
    seen = []
    replace = Path.replace

    def look(path: Path, target: Path) -> Path:
        before = path.stat().st_mode
        after = replace(path, target)
        seen.extend([before & 0o777, target.stat().st_mode & 0o777])
        return after

    monkeypatch.setattr(Path, "replace", look)
    left = folder.path / ".parts.json.partial"
    left.write_text("")
    left.chmod(0o644)  # by a process that died
    folder.keep_parts({"one": {"addresses": ["https://signed"]}})
    folder.keep_parts({"two": {}})
    assert seen == [0o600] * 4 and folder.parts() == {"two": {}}


def test_a_training_that_replaces_its_checkpoint_meanwhile(hub: HubStandin, run: Run) -> None:
    checkpoint = run[1] / "checkpoints" / "step-00000010"
    weights = (checkpoint / "model.safetensors").read_bytes()

    class Replacing(Push):
        def _require_repo(self) -> None:
            for path in checkpoint.iterdir():
                path.unlink()
            super()._require_repo()

    done = Replacing(
        run[1], run[0].corpora, REPO, private=False, token="hf_anna", endpoint=hub.url
    ).run(os.getpid())
    assert done.stage == "done", done
    assert hub.content(REPO, "model.safetensors") == weights


def test_a_run_without_a_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(UnusableRun, match="no checkpoint yet"):
        start_push(tmp_path, Home(tmp_path), REPO, private=False, token="hf_anna")


@pytest.mark.parametrize(
    "name",
    ["", "tiny", "anna/", "/tiny", "anna/my model", "anna/x/y", "anna/tiny.git", "anna/a--b",
     "anna/..", "../../etc", "anna/ü", "anna/-x", "anna/" + "x" * 96, "anna/<b>"],
)  # fmt: skip
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(BadInput) as refused:
        repo_name(name)
    assert refused.value.field == "repo"
    assert refused.value.message.endswith(".")


def test_a_name_may_be_copied_from_the_address_bar() -> None:
    assert repo_name(" https://huggingface.co/anna/tiny-GPT_1.0/ ") == "anna/tiny-GPT_1.0"


def test_tokens_that_are_none_are_never_shown() -> None:
    for token in ("", None, "two words", "hf_ü", "x" * 5000, "hf_\x00"):
        with pytest.raises(BadInput) as refused:
            checked_token(token)
        assert refused.value.field == "token"
        assert not token or token not in refused.value.message
    assert checked_token(" hf_anna\n") == "hf_anna"


def test_a_spaces_own_token_is_nobodys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_space")
    assert own_token() == "hf_space"
    assert own_token({"SPACE_ID": "a/b", "HF_TOKEN": "hf_space"}) is None


# Three that start the process of a push, which alone shows that it goes on, and with which token.


def process_environment(hub: HubStandin, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (
        ("HF_ENDPOINT", hub.url),
        ("HF_HUB_OFFLINE", "0"),
        ("NO_PROXY", "127.0.0.1"),
    ):
        monkeypatch.setenv(name, value)


def test_a_process_pushes_with_the_token_it_was_given(
    hub: HubStandin, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    process_environment(hub, monkeypatch)
    monkeypatch.setenv("HF_TOKEN", "hf_of_the_server")
    started = start_push(run[1], run[0], REPO, private=False, token="hf_anna")
    with pytest.raises(BadInput, match="already"):
        start_push(run[1], run[0], REPO, private=False, token="hf_anna")
    states = list(started.follow())
    assert states[-1].stage == "done", states[-1]
    assert set(hub.headers) == {"Bearer hf_anna"}
    assert len(hub.repos[REPO].commits) == 2, "of two pushes at once one is done"


def test_a_push_that_was_killed_is_told_and_goes_on(
    hub: HubStandin, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    process_environment(hub, monkeypatch)
    hub.delays["/preupload/main"] = 20.0
    started = start_push(run[1], run[0], REPO, private=False, token="hf_anna")
    for state in started.follow(0.05):
        if state.stage == "publishing":
            started.process.kill()
    state = PushFolder(run[1]).read()
    assert state is not None and state.stage == "broken" and state.message
    assert "may be on the Hub already" in state.message, "who published does not know"
    hub.delays = {"/api/repos/create": 20.0}
    started = start_push(run[1], run[0], "anna/other", private=False, token="hf_anna")
    while not hub.requested("POST", "/repos/create") > 1:
        time.sleep(0.02)
    started.process.kill()
    started.process.wait()
    state = PushFolder(run[1]).read()
    assert state is not None and state.stage == "broken" and state.message
    assert "cut off" in state.message
    hub.delays.clear()
    assert push(hub, run).stage == "done"


def test_the_terminal_pushes_with_the_login_of_the_computer(
    hub: HubStandin, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    process_environment(hub, monkeypatch)
    home = run[0].path

    def gtt(repo: str, token: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "GTT_HOME": str(home), "HF_TOKEN": token}
        return subprocess.run(
            [sys.executable, "-m", "gtt", "push", str(run[1]), repo, "--private"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    done = gtt(REPO, "hf_anna")
    assert (done.returncode, done.stdout) == (0, f"{hub.url}/{REPO}\n"), done.stderr
    assert hub.repos[REPO].private
    refused = gtt("anna/my model", "hf_anna")
    assert refused.returncode == 2 and refused.stderr.startswith("gtt: 'my model' cannot be part")
    revoked = gtt(REPO, "hf_nobody")
    assert revoked.returncode == 2 and "expired or was revoked" in revoked.stderr


def test_two_at_once_within_one_home(hub: HubStandin, run: Run) -> None:
    """Of different runs or to different names they do not disturb each other."""
    states: list[PushState] = []
    other = run[1].with_name("other-run")
    subprocess.run(["cp", "-r", str(run[1]), str(other)], check=True)
    threads = [
        threading.Thread(target=lambda r=r, n=n: states.append(push(hub, (run[0], r), n)))
        for r, n in ((run[1], REPO), (other, "anna/other"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.stage for one in states] == ["done", "done"], states
