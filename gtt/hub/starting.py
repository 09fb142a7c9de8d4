"""Starting a push and finding out how it goes, without the Hub's client or torch."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gtt.errors import BadInput, UnusableRun
from gtt.hub.names import repo_name
from gtt.hub.state import PushFolder, PushForm, PushState, as_cancelled
from gtt.runs.folder import RunFolder
from gtt.runs.home import Home
from gtt.runs.limits import is_on_space
from gtt.runs.processes import ROOT
from gtt.runs.spares import worker_environment

LONGEST_TOKEN = 4000  # characters; those of OAuth are long
FOLLOW_EVERY = 0.3  # seconds
CANCEL_WITHIN = 20.0  # seconds that a push takes to end at most, publishing included


class PushAtWork(BadInput):
    """A run is being pushed already."""


@dataclass
class StartedPush:
    """A push that was just started; `process` is its child."""

    folder: PushFolder
    process: subprocess.Popen[bytes]

    def follow(self, every: float = FOLLOW_EVERY) -> Iterator[PushState]:
        """How it stands, at once, whenever that changes, and at its end."""
        last: PushState | None = None
        while True:
            ended = self.process.poll() is not None
            state = self.folder.read()
            if state is not None and state != last:
                last = state
                yield state
            if ended:
                return
            time.sleep(every)

    @property
    def is_at_work(self) -> bool:
        """Whether it goes on; a process that has said how it ended only tidies up."""
        state = self.folder.read()
        return self.process.poll() is None and state is not None and state.is_at_work

    def cancel(self) -> PushState | None:
        """Ends it, unless it is being published; how it stands then."""
        return cancel_push(self.folder)


def start_push(
    run_folder: Path,
    home: Home,
    repo: str,
    *,
    private: bool,
    token: str | None,
    form: PushForm = "transformers",
) -> StartedPush:
    """Starts the push of a run; raises `BadInput` for what can be seen without the Hub.

    Two starts at once are the caller's to keep apart within a process; of two processes the later
    one ends at the lock.
    """
    repo = repo_name(repo)
    RunFolder(run_folder).checkpoints.best()  # raises `UnusableRun` where there is none
    token = checked_token(token)
    folder = PushFolder(run_folder)
    refuse_second(folder)
    before = folder.read()
    order = {
        "run_folder": str(run_folder.absolute()),
        "corpora": str(home.corpora),
        "repo": repo,
        "private": private,
        "form": form,
        "token": token,
    }
    try:
        folder.path.mkdir(exist_ok=True)
    except OSError as error:
        raise UnusableRun(
            f"The run cannot be written to ({error.strerror}): a push keeps its state there. Make "
            "room, or copy the run to a folder of yours."
        ) from None
    nowhere = home.path / "nowhere"
    nowhere.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "gtt.hub.pushing"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=_environment(home),
        cwd=nowhere,
        start_new_session=True,  # a Ctrl-C for the server is none for the push
    )
    now = time.time()
    repos = before.repos if before is not None else ()
    state = PushState(repo, private, form, started=now, updated=now, repos=repos)
    folder.write(state.with_process(process.pid))
    assert process.stdin is not None
    process.stdin.write(json.dumps(order).encode() + b"\n")
    process.stdin.close()
    return StartedPush(folder, process)


def cancel_push(folder: PushFolder) -> PushState | None:
    """Ends the push at work, if there is one; how the last one stands then.

    Nothing of it is on the Hub then, or all: one that is being published is waited for.
    """
    state = folder.read()
    if state is None or not state.is_at_work or state.pid is None:
        return state
    with suppress(OSError):
        os.kill(state.pid, signal.SIGTERM)
    deadline = time.monotonic() + CANCEL_WITHIN
    while time.monotonic() < deadline and (state := folder.read()) and state.is_at_work:
        time.sleep(0.05)
    if state is not None and state.stage == "broken":  # it had not begun to listen
        state = as_cancelled(state)
        folder.write(state)
    return state


def refuse_second(folder: PushFolder) -> None:
    """Raises `PushAtWork` where this run is being pushed."""
    state = folder.read()
    if state is not None and state.is_at_work:
        raise PushAtWork(
            f"This run is being pushed to {state.repo} already: wait for its end, then push again.",
            field="run_id",
        )


def checked_token(token: str | None) -> str:
    """The token without what came along when it was copied; raises `BadInput`, never showing it."""
    token = (token or "").strip()
    if not token:
        raise BadInput(
            "There is no token: sign in with Hugging Face (in a terminal: hf auth login), or give "
            "a token that may write.",
            field="token",
        )
    if len(token) > LONGEST_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
        raise BadInput(
            "That is no token of the Hub: copy it again, whole and alone.", field="token"
        )
    return token


def own_token(environment: Mapping[str, str] = os.environ) -> str | None:
    """The token of whoever is signed in on this computer; on a Space, which has its own, None."""
    if is_on_space(environment):
        return None
    from huggingface_hub import get_token

    return get_token()


def _environment(home: Home) -> dict[str, str]:
    """That of the process: no token of anybody in it, whoever asked for the push."""
    environment = worker_environment(home.path, 1, for_strangers=True)
    paths = [str(ROOT), *filter(None, [environment.get("PYTHONPATH")])]
    return {**environment, "PYTHONPATH": os.pathsep.join(paths)}
