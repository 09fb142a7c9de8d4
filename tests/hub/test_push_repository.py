"""Whose a repository is, and what is true where the answer to the publishing of one is lost."""

from __future__ import annotations

import json
import os
import secrets
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hub_standin import HubStandin, Repo
from huggingface_hub import _commit_api
from huggingface_hub.utils import _pagination, http_backoff

from gtt.hub.push import Push, PushCancelled
from gtt.hub.push_state import PushFolder, PushState
from gtt.hub.refusals import PushRefused
from gtt.runs.home import Home

Run = tuple[Home, Path]
Pushing = Callable[..., PushState]
REPO = "anna/tiny"


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The Hub's client asks anew without long pauses."""
    for module in (_pagination, _commit_api):
        quick = partial(http_backoff, base_wait_time=0.01, max_wait_time=0.02)
        monkeypatch.setattr(module, "http_backoff", quick)


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


ODD = ["cut", "portal", 408, 504]  # answers that tell nothing of what the Hub did


@pytest.mark.parametrize("how", ODD)
@pytest.mark.parametrize("form", ["transformers", "pocket"])
def test_published_although_the_answer_was_lost(
    hub: HubStandin, run: Run, push: Pushing, how: int | str, form: str
) -> None:
    place = REPO if form == "transformers" else f"spaces/{REPO}"
    hub.lost["/commit/main"] = how
    state = push(form=form)
    assert (state.stage, state.url) == ("done", f"{hub.url}/{place}"), state
    assert state.message is None and len(hub.repos[place].commits) == 2
    hub.lost.clear()
    assert push(form=form).stage == "done", "it is this run's"


@pytest.mark.parametrize("how", [*ODD, "portal at the look"])
def test_whether_it_was_published_is_not_claimed_where_nobody_answers(
    hub: HubStandin, run: Run, push: Pushing, how: int | str
) -> None:
    if how == "portal at the look":
        hub.lost = {"/commit/main": "cut", "/commits/main": "portal"}
    else:
        hub.lost, hub.down_after_commit = {"/commit/main": how}, True
    state = push()
    assert state.stage == "broken" and state.message
    assert "may be on the Hub already" in state.message and "othing was" not in state.message
    assert "empty" not in state.message
    hub.lost, hub.down_after_commit, hub.down = {}, False, False
    for path in run[1].glob("checkpoints/*/gtt.json"):  # it was trained on meanwhile
        path.write_text(path.read_text() + "\n")
    assert push().stage == "done", "its mark is found: it is this run's"
    assert "model.safetensors" in hub.repos[REPO].files


@pytest.mark.parametrize("how", ODD)
def test_a_commit_that_did_not_come_about(
    hub: HubStandin, run: Run, push: Pushing, how: int | str
) -> None:
    hub.fails[f"/api/models/{REPO}/commit/main"] = how
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


@pytest.mark.parametrize("how", ODD)
@pytest.mark.parametrize("form", ["transformers", "pocket"])
def test_an_answer_lost_at_the_making(
    hub: HubStandin, run: Run, push: Pushing, how: int | str, form: str
) -> None:
    hub.lost["/repos/create"] = how
    state = push(form=form)
    assert state.stage == "broken" and state.message and len(hub.repos) == 1
    assert state.message.endswith(f" An empty {REPO} may stand on the Hub."), state.message
    hub.lost.clear()
    assert push(form=form).stage == "done"


@pytest.mark.parametrize("status", [402, 403, 429])
def test_a_making_that_was_refused_leaves_nothing_to_tell(
    hub: HubStandin, run: Run, push: Pushing, status: int
) -> None:
    hub.fails["/api/repos/create"] = status
    assert "empty" not in (push().message or "empty")


def test_a_process_that_died_at_the_making(run: Run) -> None:
    folder = PushFolder(run[1])
    folder.write(PushState(REPO, False, may_stand=True, pid=2**22 + 1, born=1.0))
    state = folder.read()
    assert state is not None and state.message
    assert state.message.endswith(f"An empty {REPO} may stand on the Hub.")


@pytest.mark.parametrize("end", ["cancelled", "refused"])
@pytest.mark.parametrize("when", ["sending", "done"])
def test_what_another_push_fills_is_never_deleted(
    hub: HubStandin, run: Run, another: Path, push: Pushing, end: str, when: str
) -> None:
    """One push makes it, another one finds it empty; then the first one ends without a word."""
    began, may_go_on, states = threading.Event(), threading.Event(), []

    class Other(Push):
        def _publish(self, *order: Any) -> None:
            began.set()
            assert may_go_on.wait(60)
            super()._publish(*order)

    class Ending(Push):
        def _send(self, operations: Any) -> None:
            other = Other(another, run[0].corpora, REPO, **self.order)
            thread.append(threading.Thread(target=lambda: states.append(other.run(os.getpid()))))
            thread[0].start()
            assert began.wait(60)
            if when == "done":
                finish()
            if end == "cancelled":
                raise PushCancelled
            raise PushRefused("There is no room.")

        order: ClassVar[dict[str, Any]] = {
            "private": False,
            "token": "hf_anna",
            "endpoint": hub.url,
        }

    thread: list[threading.Thread] = []

    def finish() -> None:
        may_go_on.set()
        thread[0].join()

    state = Ending(run[1], run[0].corpora, REPO, **Ending.order).run(os.getpid())
    finish()
    assert state.stage == {"cancelled": "cancelled", "refused": "failed"}[end]
    assert [one.stage for one in states] == ["done"], states
    assert hub.content(REPO, "model.safetensors") == weights(another)
    assert not hub.requested("DELETE", ".")
    if (end, when) == ("refused", "done"):
        assert state.message == "There is no room.", "it is no longer empty"


def test_what_was_deleted_on_the_hub_is_not_called_empty(
    hub: HubStandin, run: Run, push: Pushing
) -> None:
    class Late(Push):
        def _publish(self, *order: Any) -> None:
            assert self.state.is_empty
            hub.repos.clear()
            super()._publish(*order)

    late = Late(run[1], run[0].corpora, REPO, private=False, token="hf_anna", endpoint=hub.url)
    state = late.run(os.getpid())
    assert state.stage == "failed" and "empty" not in (state.message or "empty"), state


@pytest.mark.parametrize("form", ["transformers", "pocket"])
def test_a_run_that_was_pushed_before_commits_were_remembered(
    hub: HubStandin, run: Run, another: Path, push: Pushing, form: str
) -> None:
    """Its state is of format 1: which repositories were its own, and no commit."""
    place = REPO if form == "transformers" else f"spaces/{REPO}"
    assert push(form=form).stage == "done"
    head = hub.repos[place].commits[-1]
    title, words = hub.repos[place].words[head]
    hub.repos[place].words[head] = (title, "")  # no mark as yet

    path = run[1] / "push" / "state.json"

    def forget() -> None:
        values = json.loads(path.read_text())
        for name in ("heads", "marks", "is_empty", "may_stand"):
            values.pop(name, None)
        path.write_text(json.dumps({**values, "format": 1, "repos": [place]}))

    forget()
    assert push(form=form).stage == "done", "its newest commit is of this run"
    assert push(form=form).stage == "done" and push(another, form=form).stage == "failed"
    before = dict(hub.repos[place].files)
    for other in ((title, words), ("another, step 10", "")):
        forget()
        hub.repos[place].words[head] = other  # with a mark, or by a run of another name
        assert push(form=form).stage == "failed"
    commit_by_hand(hub, place, **{"README.md": b"My own words"})
    state = push(form=form)
    assert state.stage == "failed" and "was changed on the Hub" in (state.message or ""), state
    assert hub.repos[place].files == {**before, "README.md": b"My own words"}


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
