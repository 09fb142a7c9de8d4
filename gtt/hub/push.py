"""Pushing a run's best checkpoint to the Hub: all of it in one commit, or nothing.

Before anything is sent it is made sure that the name is free or ours and that the token may write.
Large files go ahead, in parts that are remembered; the commit that makes them visible comes last.
"""

from __future__ import annotations

import errno
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
from huggingface_hub import (
    CommitOperationAdd,
    HfApi,
    ModelInfo,
    SpaceInfo,
    is_offline_mode,
    set_client_factory,
)
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils import disable_progress_bars  # type: ignore[attr-defined]

from gtt.errors import BadInput
from gtt.hub.files import Prepared, prepare_files
from gtt.hub.refusals import PushBroken, PushRefused, no_write_scope, refusal_of
from gtt.hub.sending import Sender
from gtt.hub.state import PushFolder, PushForm, PushState, as_cancelled
from gtt.hub.story import Story

REPORT_EVERY = 0.5  # seconds between two writings of the state
EMPTY = (".gitattributes",)  # what a repository that nobody has filled may hold
# What the Hub itself lays into a new static Space.
LAID_BY_THE_HUB = (".gitattributes", "README.md", "index.html", "style.css")
CONNECT, SILENCE = 20.0, 120.0  # seconds to wait for a connection, and for the next word on it
Clock = Callable[[], float]


class PushCancelled(BaseException):
    """A person wants it no more. No `Exception`, so that no retry of a library takes it for one."""


class Push:
    """One push of the run in a folder; `run` does it and keeps the state on disk up to date."""

    def __init__(
        self,
        run_folder: Path,
        corpora: Path,
        repo: str,
        *,
        private: bool,
        token: str,
        form: PushForm = "transformers",
        endpoint: str | None = None,
        clock: Clock = time.time,
    ) -> None:
        self.run_folder, self.corpora = run_folder, corpora
        self.folder = PushFolder(run_folder)
        self.repo, self.private = repo, private
        self.api = HfApi(endpoint=endpoint, token=token, library_name="gtt")
        self.clock = clock
        before = self.folder.read()
        now = clock()
        self.state = PushState(
            repo,
            private,
            form,
            started=now,
            updated=now,
            repos=before.repos if before is not None else (),
        )
        self._kind = "space" if form == "pocket" else "model"
        self._told = 0.0
        self._begun_sending = now
        self._has_made = False  # the repository
        self._is_cancelled = False
        self._is_settled = False  # what is at work is not broken off

    def cancel(self) -> None:
        """Ends the push where it is, unless it is being published; for a handler of signals."""
        if not self._is_cancelled:
            self._is_cancelled = True
            if not self._is_settled:
                raise PushCancelled

    def run(self, pid: int) -> PushState:
        """Pushes; the last state says how it ended. What goes wrong is a sentence in it."""
        disable_progress_bars()
        self.state = self.state.with_process(pid)
        try:
            self._note(now=True)
            self._push()
        except PushCancelled:
            self.state = as_cancelled(self.state)
            self._note(now=True)
        except Exception as error:
            self._is_settled = True
            refusal = _as_refusal(error, self.repo, self.api.endpoint)
            self.state = replace(
                self.state,
                stage="broken" if isinstance(refusal, PushBroken) else "failed",
                message=refusal.message,
                seconds_left=None,
            )
            self._note(now=True)
        finally:
            shutil.rmtree(self.folder.files, ignore_errors=True)
        return self.state

    def _push(self) -> None:
        self._require_name()
        prepared = self._prepare()
        operations = [
            CommitOperationAdd(path_in_repo=name, path_or_fileobj=str(path))
            for name, path in prepared.files.items()
        ]
        total = sum(one.upload_info.size for one in operations)
        self.state = replace(self.state, step=prepared.story.step, total=total)
        try:
            self._require_repo()
            self._send(operations)
            self._is_settled = True
            self.state = replace(self.state, stage="publishing", seconds_left=None)
            self._note(now=True)
            self.api.create_commit(
                self.repo,
                operations,
                repo_type=self._kind,
                commit_message=f"{prepared.story.name}, step {prepared.story.step:,}"[:200],
            )
        except PushCancelled:
            if self._has_made and not self.state.sent + self.state.kept:
                self._take_back()
            raise
        except Exception as error:
            if self._has_made and not _can_go_on(error, self.repo, self.api.endpoint):
                self._take_back()
            raise
        self.folder.forget_parts()
        self.state = replace(
            self.state,
            stage="done",
            sent=total - self.state.kept,
            url=f"{self.api.endpoint}/{self.state.place}",
            message=None,
        )
        self._note(now=True)

    def _prepare(self) -> Prepared:
        files = self.folder.files
        if self.state.form == "pocket":
            from gtt.hub.space import prepare_space  # torch

            return prepare_space(self.run_folder, self.corpora, files, self._learn)
        return prepare_files(self.run_folder, self.corpora, files, self.repo, self._learn)

    # --------------------------------------------------------------------------- the repository

    def _require_name(self) -> None:
        """Raises `PushRefused` where this token may not write under that name."""
        if is_offline_mode():
            raise PushRefused(
                "This computer is told to stay off the Hub: unset HF_HUB_OFFLINE, then push again."
            )
        who = self.api.whoami()
        owner = self.repo.partition("/")[0]
        user = str(who.get("name", ""))
        may_write = {user.lower()} | {
            str(one.get("name", "")).lower()
            for one in who.get("orgs") or []
            if one.get("roleInOrg") in (None, "admin", "write", "contributor")
        }
        if owner.lower() not in may_write:
            raise PushRefused(
                f"{owner} is not yours: this token is {user}'s. Push to "
                f"{user}/{self.repo.partition('/')[2]}, or sign in as {owner}.",
                field="repo",
            )
        token = (who.get("auth") or {}).get("accessToken") or {}
        if token.get("role") == "read":
            raise no_write_scope(self.repo)

    def _require_repo(self) -> None:
        """Makes the repository, or takes one that this run or nobody has filled.

        Raises `PushRefused` for a name that is taken.
        """
        self._is_settled = True  # else nobody would know whether it was made
        try:
            self.api.create_repo(
                self.repo,
                private=self.private,
                repo_type=self._kind,
                space_sdk="static" if self._kind == "space" else None,
            )
        except HfHubHTTPError as error:
            if error.response.status_code != 409:
                raise
        else:
            self._has_made = True
            self._note_repo()
        finally:
            self._is_settled = False
        if self._is_cancelled:
            raise PushCancelled
        if self._has_made:
            return
        info = self._info()
        files = [one.rfilename for one in info.siblings or []]
        is_ours = self.state.place.lower() in (one.lower() for one in self.state.repos)
        if not is_ours and any(name not in EMPTY for name in files):
            raise PushRefused(
                f"{self.repo} is taken: there is such a {self._kind} of yours already, and this "
                "run did not put it there. Choose another name.",
                field="repo",
            )
        if self.private and not info.private:
            raise PushRefused(
                f"{self.repo} is there already and public, and you asked for private: choose "
                "another name, or make it private in its settings on the Hub first.",
                field="private",
            )
        self.state = replace(self.state, private=bool(info.private))
        self._note_repo()

    def _note_repo(self) -> None:
        place = self.state.place
        if place not in self.state.repos:
            self.state = replace(self.state, repos=(*self.state.repos, place))
        self._note(now=True)

    def _take_back(self) -> None:
        """Deletes the repository that this push made, as long as nothing stands in it."""
        try:
            laid = LAID_BY_THE_HUB if self._kind == "space" else EMPTY
            if all(one.rfilename in laid for one in self._info().siblings or []):
                self.api.delete_repo(self.repo, repo_type=self._kind)
                left = tuple(one for one in self.state.repos if one != self.state.place)
                self.state = replace(self.state, repos=left)
        except (HfHubHTTPError, httpx2.HTTPError, OSError):
            return  # an empty repository stays, and another push fills it

    def _info(self) -> ModelInfo | SpaceInfo:
        if self._kind == "space":
            return self.api.space_info(self.repo)
        return self.api.model_info(self.repo)

    def _learn(self, story: Story) -> Story:
        """Licence and language of a data set, where the Hub tells them and we did not know."""
        origin = story.origin
        if origin.dataset is None or origin.licence_id is not None:
            return story
        try:
            card: Any = self.api.dataset_info(origin.dataset).card_data
        except (HfHubHTTPError, httpx2.HTTPError, ValueError):
            return story
        licence, language = _one(getattr(card, "license", None)), getattr(card, "language", None)
        known = replace(origin, licence_id=licence, language=_one(language))
        return replace(story, origin=known)

    # ------------------------------------------------------------------------------- sending

    def _send(self, operations: list[CommitOperationAdd]) -> None:
        self.state = replace(self.state, stage="sending")
        self._begun_sending = self.clock()
        self._note(now=True)
        sender = Sender(self.api, self.repo, self._kind, self.folder, self._arrived, self._known)
        for one in operations:
            if sender.takes(one):
                sender.send(one)

    def _arrived(self, count: int) -> None:
        sent = max(0, self.state.sent + count)
        self.state = replace(self.state, sent=sent, seconds_left=self._left(sent))
        self._note()

    def _known(self, count: int) -> None:
        self.state = replace(self.state, kept=max(0, self.state.kept + count))
        self._note()

    def _left(self, sent: int) -> float | None:
        passed = self.clock() - self._begun_sending
        total = self.state.total or 0
        if sent <= 0 or passed < 1:
            return None
        return max(0.0, total - self.state.kept - sent) * passed / sent

    def _note(self, *, now: bool = False) -> None:
        """Writes the state now and then, at once where it matters."""
        if not now and time.monotonic() - self._told < REPORT_EVERY:
            return
        self._told = time.monotonic()
        self.state = replace(self.state, updated=self.clock())
        self.folder.write(self.state)


def bound_waiting() -> None:
    """Lets the Hub's client give up on a connection on which nothing moves; it never would else."""

    timeout = httpx2.Timeout(SILENCE, connect=CONNECT)
    set_client_factory(lambda: httpx2.Client(follow_redirects=True, timeout=timeout))


def _as_refusal(error: Exception, repo: str, endpoint: str) -> BadInput:
    if isinstance(error, BadInput):
        return error
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return PushRefused(
            "The disk has no room to lay out the files of the push: make room, then push again."
        )
    return refusal_of(error, repo, urlsplit(endpoint).hostname or endpoint)


def _can_go_on(error: Exception, repo: str, endpoint: str) -> bool:
    return isinstance(_as_refusal(error, repo, endpoint), PushBroken)


def _one(value: Any) -> str | None:
    """The only value of a field of a card that may be a list."""
    values = value if isinstance(value, list) else [value]
    return values[0] if len(values) == 1 and isinstance(values[0], str) else None
