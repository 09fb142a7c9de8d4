"""A push that somebody wants no more: nothing of it is on the Hub, and what arrived is kept."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hub_standin import HubStandin
from serving import ROOT
from waiting import until

from gtt.hub import part_uploads
from gtt.hub.push import Push
from gtt.hub.push_start import cancel_push, start_push
from gtt.hub.push_state import PushFolder
from gtt.runs.home import Home

Run = tuple[Home, Path]
REPO = "anna/tiny"


@pytest.fixture(autouse=True)
def reached(hub: HubStandin, monkeypatch: pytest.MonkeyPatch) -> None:
    """The processes of pushes find the stand-in."""
    for name, value in {
        "HF_ENDPOINT": hub.url,
        "HF_HUB_OFFLINE": "0",
        "HF_TOKEN": "hf_anna",
        "NO_PROXY": "127.0.0.1",
    }.items():
        monkeypatch.setenv(name, value)


def test_what_had_arrived_is_kept_and_nothing_is_published(
    hub: HubStandin, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In this process, so that the file is sent in parts although it is small."""
    monkeypatch.setattr(part_uploads, "ALONE", 5_000)
    monkeypatch.setattr(part_uploads, "RETRIES", {"max_retries": 0})
    pushing = Push(run[1], run[0].corpora, REPO, private=False, token="hf_anna", endpoint=hub.url)
    hub.slow = 0.05
    before = signal.signal(signal.SIGTERM, lambda *_: pushing.cancel())

    def cancel() -> None:
        until(lambda: hub.received > 1.5 * hub.part_bytes)
        os.kill(os.getpid(), signal.SIGTERM)

    canceller = threading.Thread(target=cancel)
    canceller.start()
    try:
        state = pushing.run(os.getpid())
    finally:
        canceller.join()
        signal.signal(signal.SIGTERM, before)
    assert state.stage == "cancelled" and "nothing was published" in (state.message or "")
    assert f"{REPO} stands on the Hub, still empty." in (state.message or "")
    assert hub.repos[REPO].files.keys() == {".gitattributes"}
    assert PushFolder(run[1]).parts() and not (run[1] / "push" / "files").exists()
    hub.slow = 0
    again = Push(
        run[1], run[0].corpora, REPO, private=False, token="hf_anna", endpoint=hub.url
    ).run(os.getpid())
    assert again.stage == "done" and again.kept >= hub.part_bytes, again


def test_while_the_repository_is_made_it_is_told_of(hub: HubStandin, run: Run) -> None:
    hub.delays["/repos/create"] = 1.0
    started = start_push(run[1], run[0], REPO, private=False, token="hf_anna")
    until(lambda: hub.requested("POST", "/repos/create"))
    state = started.cancel()
    assert state is not None and state.stage == "cancelled", state
    assert started.process.wait(20) == 1
    assert f"{REPO} stands on the Hub, still empty." in (state.message or "")
    assert hub.repos[REPO].files.keys() == {".gitattributes"} and not hub.requested("DELETE", ".")
    assert cancel_push(PushFolder(run[1])) == state, "a second time it changes nothing"
    hub.delays.clear()
    states = list(start_push(run[1], run[0], REPO, private=False, token="hf_anna").follow())
    assert states[-1].stage == "done", states[-1]
    assert cancel_push(PushFolder(run[1])) == states[-1], "what is done stays"


def test_at_once_before_its_process_has_begun(hub: HubStandin, run: Run) -> None:
    started = start_push(run[1], run[0], REPO, private=False, token="hf_anna")
    state = started.cancel()
    assert state is not None and state.stage == "cancelled", state
    assert not hub.repos


def test_what_is_being_published_is_waited_for(hub: HubStandin, run: Run) -> None:
    hub.delays["/commit/main"] = 1.0
    started = start_push(run[1], run[0], REPO, private=False, token="hf_anna")
    until(lambda: hub.requested("POST", "/commit/main"))
    state = started.cancel()
    assert state is not None and state.stage == "done", state
    assert "model.safetensors" in hub.repos[REPO].files


def test_what_takes_longer_to_publish_says_so_and_is_not_called_cancelled(
    hub: HubStandin, run: Run
) -> None:
    hub.delays["/commit/main"] = 4.0
    started = start_push(run[1], run[0], REPO, private=False, token="hf_anna")
    until(lambda: hub.requested("POST", "/commit/main"))
    state = cancel_push(started.folder, within=0.2)
    assert state is not None and state.stage == "publishing" and state.message
    assert state.message.startswith("It is too late to cancel")
    assert [one.stage for one in started.follow()][-1] == "done"


def test_ctrl_c_while_it_is_published_shows_how_that_ends(
    hub: HubStandin, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.delays["/commit/main"] = 4.0
    program = (
        "import sys, gtt.hub.push_start as one; one.cancel_push.__defaults__ = (0.2,);"
        "from gtt.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    terminal = subprocess.Popen(
        [sys.executable, "-c", program, "push", str(run[1]), REPO],
        cwd=ROOT,
        env={**os.environ, "GTT_HOME": str(run[0].path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until(lambda: hub.requested("POST", "/commit/main"))
    terminal.send_signal(signal.SIGINT)
    out, said = terminal.communicate(timeout=60)
    assert (terminal.returncode, out) == (0, f"{hub.url}/{REPO}\n"), said
    assert "too late to cancel" in said and "without a word" not in said


def test_ctrl_c_in_the_terminal(hub: HubStandin, run: Run) -> None:
    hub.delays["/whoami-v2"] = 3.0
    terminal = subprocess.Popen(
        [sys.executable, "-m", "gtt", "push", str(run[1]), REPO],
        cwd=ROOT,
        env={**os.environ, "GTT_HOME": str(run[0].path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until(lambda: hub.requested("GET", "/whoami-v2"))
    terminal.send_signal(signal.SIGINT)
    out, said = terminal.communicate(timeout=60)
    assert terminal.returncode == 1 and out == ""
    assert said.splitlines()[-1].startswith(
        "gtt: The push was cancelled, and nothing was published"
    )
    assert "Traceback" not in said and not hub.repos
    state = PushFolder(run[1]).read()
    assert state is not None and state.stage == "cancelled"
