"""Starting, following and cancelling a push, without loading the Hub's client or torch."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from gtt.errors import BadInput, UnusableRun
from gtt.hub.detached_process import Process, give_order, starting
from gtt.hub.names import repo_name
from gtt.hub.push_state import PushFolder, PushForm, PushState, as_cancelled
from gtt.runs.folder import RunFolder
from gtt.runs.home import Home
from gtt.runs.limits import is_on_space

LONGEST_TOKEN = 4000  # characters; those of OAuth are long
FOLLOW_EVERY = 0.3  # seconds
CANCEL_WITHIN = 20.0  # seconds that the end of a cancelled push is waited for


WHILE_PUBLISHING = (
    "It is too late to cancel: all has arrived and is being published. The push ends with the "
    "answer of the Hub, which has not come yet."
)
WHILE_WAITING = (
    "The push is being cancelled: it ends with the answer of the Hub that it waits for, and "
    "nothing is published."
)


class PushAtWork(BadInput):
    """A run is being pushed already."""


@dataclass
class StartedPush:
    """A push that was just started; `process` is its child."""

    folder: PushFolder
    process: Process

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
        """Asks it to end, unless it is being published; how it stands then."""
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
        "by_sign_in": is_on_space(),
        "token": token,
    }
    now = time.time()
    state = PushState(repo, private, form, started=now, updated=now)
    if before is not None:
        state = replace(state, heads=before.heads, marks=before.marks)
    try:
        folder.path.mkdir(exist_ok=True)
        with starting("gtt.hub.push_process", home) as process:
            folder.write(state.with_process(process.pid))
            give_order(process, order)
    except OSError as error:
        raise UnusableRun(
            f"The run cannot be written to ({error.strerror}): a push keeps its state there. Make "
            "room, or copy the run to a folder of yours."
        ) from None
    return StartedPush(folder, process)


def cancel_push(folder: PushFolder, within: float = CANCEL_WITHIN) -> PushState | None:
    """Asks the push at work to end, if there is one; how the last one stands then.

    Nothing of it is on the Hub then, or all. One that is being published, or that waits for an
    answer of the Hub to know what stands there, is waited for; where that takes longer than
    `within` seconds, it is still at work and its message says so.
    """
    state = folder.read()
    if state is None or not state.is_at_work or state.pid is None:
        return state
    with suppress(OSError):
        os.kill(state.pid, signal.SIGTERM)
    deadline = time.monotonic() + within
    before = state
    while time.monotonic() < deadline and (state := folder.read()) and state.is_at_work:
        before = state
        time.sleep(0.05)
    if state is None:
        return None
    if state.is_at_work:
        message = WHILE_PUBLISHING if state.stage == "publishing" else WHILE_WAITING
        return replace(state, message=message)
    if state.stage == "broken" and before.stage == "preparing":  # it had not begun to listen
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
