"""Whose a repository is, and what is true where the answer to the publishing of one is lost."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hub_standin import HubStandin, Repo

from gtt.hub.state import PushFolder, PushState
from gtt.runs.home import Home

Run = tuple[Home, Path]
Pushing = Callable[..., PushState]
REPO = "anna/tiny"


def weights(folder: Path) -> bytes:
    best = (folder / "best").read_text().strip()
    return (folder / "checkpoints" / best / "model.safetensors").read_bytes()


def commit_by_hand(hub: HubStandin, repo: str = REPO, **files: bytes) -> None:
    """As somebody does on the Hub's own page."""
    hub.repos[repo].files |= files
    hub.repos[repo].commits.append(secrets.token_hex(20))


@pytest.mark.parametrize("form", ["transformers", "pocket"])
def test_another_run_of_the_account_is_never_overwritten(
    hub: HubStandin, run: Run, another: Path, push: Pushing, form: str
) -> None:
    """The name was this run's, empty, when it broke off; by now another run stands there."""
    place = REPO if form == "transformers" else f"spaces/{REPO}"
    hub.fails[f"/api/{'models/' * (form == 'transformers')}{place}/preupload"] = 503
    first = push(form=form)
    assert first.stage == "broken" and hub.repos[place]
    hub.fails.clear()
    if form == "transformers":
        assert push(another).stage == "done"
    else:
        commit_by_hand(hub, place, **{"index.html": b"precious"})
    before = dict(hub.repos[place].files)
    again = push(form=form)
    assert again.stage == "failed" and "was changed on the Hub" in (again.message or ""), again
    assert hub.repos[place].files == before
    if form == "transformers":
        assert hub.content(place, "model.safetensors") == weights(another)


def test_two_runs_at_once_to_one_new_name(
    hub: HubStandin, run: Run, another: Path, push: Pushing
) -> None:
    """Both find it empty; one of them stands there in the end, and the other one is told so."""
    hub.slow = 0.05
    states: dict[Path, PushState] = {}
    threads = [
        threading.Thread(target=lambda folder=folder: states.update({folder: push(folder)}))
        for folder in (run[1], another)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done = [folder for folder, state in states.items() if state.stage == "done"]
    (lost,) = (state for state in states.values() if state.stage != "done")
    assert len(done) == 1 and hub.content(REPO, "model.safetensors") == weights(done[0])
    assert lost.stage == "failed" and "changed by somebody else" in (lost.message or ""), lost
    assert "empty" not in (lost.message or "") and len(hub.repos[REPO].commits) == 2


def test_who_comes_between_look_and_commit_stays(hub: HubStandin, run: Run, push: Pushing) -> None:
    def quicker(repo: Repo) -> None:
        hub.before_commit = None
        commit_by_hand(hub, **{"model.safetensors": b"precious"})

    hub.before_commit = quicker
    state = push()
    assert state.stage == "failed" and "changed by somebody else" in (state.message or "")
    assert hub.content(REPO, "model.safetensors") == b"precious", "and it is not deleted"
    assert push().stage == "failed"


def test_a_card_that_was_written_anew_on_the_hub_stays(
    hub: HubStandin, run: Run, push: Pushing
) -> None:
    assert push().stage == "done" and push().stage == "done"
    commit_by_hand(hub, **{"README.md": b"My own words"})
    state = push()
    assert state.stage == "failed" and "was changed on the Hub" in (state.message or ""), state
    assert hub.content(REPO, "README.md") == b"My own words"
    hub.repos.clear()
    assert push().stage == "done", "a name that was deleted is free"


@pytest.mark.parametrize("how", ["cut", "gateway"])
@pytest.mark.parametrize("form", ["transformers", "pocket"])
def test_published_although_the_answer_was_lost(
    hub: HubStandin, run: Run, push: Pushing, how: str, form: str
) -> None:
    place = REPO if form == "transformers" else f"spaces/{REPO}"
    hub.loses_commit = how  # type: ignore[assignment]
    state = push(form=form)
    assert (state.stage, state.url) == ("done", f"{hub.url}/{place}"), state
    assert state.message is None and len(hub.repos[place].commits) == 2
    hub.loses_commit = None
    assert push(form=form).stage == "done", "it is this run's"


def test_whether_it_was_published_is_not_claimed_where_nobody_answers(
    hub: HubStandin, run: Run, push: Pushing
) -> None:
    hub.loses_commit, hub.down_after_commit = "cut", True
    state = push()
    assert state.stage == "broken" and state.message
    assert "may be on the Hub already" in state.message and "othing was" not in state.message
    assert "empty" not in state.message
    hub.loses_commit, hub.down_after_commit, hub.down = None, False, False
    for path in run[1].glob("checkpoints/*/gtt.json"):  # it was trained on meanwhile
        path.write_text(path.read_text() + "\n")
    assert push().stage == "done", "its mark is found: it is this run's"
    assert "model.safetensors" in hub.repos[REPO].files


def test_a_commit_that_did_not_come_about(hub: HubStandin, run: Run, push: Pushing) -> None:
    hub.fails[f"/api/models/{REPO}/commit/main"] = 504
    state = push()
    assert state.stage == "broken" and state.message
    assert "does not show it so far" in state.message
    assert f"{REPO} stands on the Hub, still empty." in state.message
    hub.fails.clear()
    assert push().stage == "done"


def test_a_process_that_died_while_publishing_does_not_know(run: Run) -> None:
    folder = PushFolder(run[1])
    folder.write(PushState(REPO, False, stage="publishing", pid=2**22 + 1, born=1.0))
    state = folder.read()
    assert state is not None and state.stage == "broken" and state.message
    assert "may be on the Hub already" in state.message
    folder.write(PushState(REPO, False, stage="sending", is_empty=True, pid=2**22 + 1, born=1.0))
    state = folder.read()
    assert state is not None and state.message
    assert "nothing was published" in state.message and "still empty" in state.message


def test_an_answer_lost_at_the_making_of_a_space(hub: HubStandin, run: Run, push: Pushing) -> None:
    """It has what the Hub laid there, and is nobody's: the same push fills it."""
    place = f"spaces/{REPO}"
    files = {".gitattributes": b"", "README.md": b"", "index.html": b"", "style.css": b""}
    hub.repos[place] = Repo(False, dict(files))
    assert push(form="pocket").stage == "done"
    hub.repos["spaces/anna/page"] = Repo(False, dict(files))
    commit_by_hand(hub, "spaces/anna/page", **{"index.html": b"precious"})
    state = push(form="pocket", repo="anna/page")
    assert state.stage == "failed" and "is taken" in (state.message or ""), state
