"""The course of a push: a run's best checkpoint goes to the Hub, in one commit or not at all.

Before anything is sent it is made sure that the name is free or ours and that the token may write.
Large files go ahead, in parts that are remembered; the commit that makes them visible comes last.
"""

from __future__ import annotations

import errno
import secrets
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils import disable_progress_bars  # type: ignore[attr-defined]

from gtt.durations import seconds_at_this_rate
from gtt.errors import BadInput
from gtt.hub.card_facts import Story
from gtt.hub.part_uploads import Sender
from gtt.hub.push_files import Prepared, prepare_files
from gtt.hub.push_state import PERHAPS, UNTOLD, PushFolder, PushForm, PushState, as_cancelled
from gtt.hub.refusals import (
    UNREADABLE,
    PushBroken,
    PushOvertaken,
    PushRefused,
    PushUnanswered,
    never_arrived,
    refusal_of,
)
from gtt.hub.repository import Repository

REPORT_EVERY = 0.5  # seconds between two writings of the state
MOST_MARKS = 5  # of commits without an answer that are looked for
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
        by_sign_in: bool = False,
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
        self.state = PushState(repo, private, form, started=now, updated=now)
        if before is not None:
            self.state = replace(self.state, heads=before.heads, marks=before.marks)
        self.repository = Repository(
            self.api, repo, "space" if form == "pocket" else "model", by_sign_in=by_sign_in
        )
        self._last_note = 0.0
        self._begun_sending = now
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
            refusal = self._refusal(error)
            self.state = replace(
                self.state,
                stage="broken" if isinstance(refusal, PushBroken) else "failed",
                message=refusal.message,
                seconds_left=None,
            ).telling_of_empty()
            self._note(now=True)
        finally:
            shutil.rmtree(self.folder.files, ignore_errors=True)
        return self.state

    def _push(self) -> None:
        self.repository.require_right()
        prepared = self._prepare()
        operations = [
            CommitOperationAdd(path_in_repo=name, path_or_fileobj=str(path))
            for name, path in prepared.files.items()
        ]
        total = sum(operation.upload_info.size for operation in operations)
        self.state = replace(self.state, step=prepared.story.step, total=total)
        title = f"{prepared.story.name}, step {prepared.story.step:,}"[:200]
        try:
            head = self._take(f"{prepared.story.name}, step ")
            self._send(operations)
            self._publish(operations, title, head)
        except Exception as error:
            if not isinstance(self._refusal(error), PushBroken):
                self._look_again()
            raise
        self.folder.forget_parts()
        self.state = replace(
            self.state,
            stage="done",
            sent=total - self.state.kept,
            url=f"{self.api.endpoint}/{self.state.place}",
            message=None,
        )
        # With a full disk it stays "publishing"; the next push finds its mark on the Hub.
        with suppress(OSError):
            self._note(now=True)

    def _prepare(self) -> Prepared:
        files = self.folder.files
        if self.state.form == "pocket":
            from gtt.hub.space import prepare_space  # torch

            return prepare_space(self.run_folder, self.corpora, files, self._learn)
        return prepare_files(self.run_folder, self.corpora, files, self.repo, self._learn)

    # --------------------------------------------------------------------------- the repository

    def _take(self, title: str) -> str:
        """Creates the repository, or takes over one that is empty or this run's; its newest commit.

        `title` begins the titles of this run's commits. Raises `PushRefused` where the name is
        taken.
        """
        has_made = self._make()
        if self._is_cancelled:
            raise PushCancelled
        own_head = None if has_made else self._own_head(title)
        standing = self.repository.look()
        if not standing.is_empty and standing.head != own_head:
            raise self._name_taken(own_head)
        if self.private and not standing.private:
            raise PushRefused(
                f"{self.repo} is there already and public, and you asked for private: choose "
                "another name, or make it private in its settings on the Hub first.",
                field="private",
            )
        self.state = replace(self.state, private=standing.private, is_empty=standing.is_empty)
        self._remember(standing.head, self.state.marks.get(self.state.key, ()))
        self._note(now=True)
        return standing.head

    def _make(self) -> bool:
        """Creates the repository; False where it exists. The state tells of it before, in case no
        answer comes."""
        self._is_settled = True  # else nobody would know whether it was made
        self.state = replace(self.state, may_stand=True)
        try:
            self._note(now=True)
            has_made = self.repository.make(private=self.private)
        except Exception as error:
            is_of_the_disk = isinstance(error, OSError) and not isinstance(error, HfHubHTTPError)
            may_stand = not (never_arrived(error) or is_of_the_disk)
            self.state = replace(self.state, may_stand=may_stand)
            raise
        finally:
            self._is_settled = False
        self.state = replace(self.state, may_stand=False, is_empty=has_made)
        return has_made

    def _own_head(self, title: str) -> str | None:
        """The newest commit of this run in the repository, None where none is known or found."""
        head, marks = self.state.heads.get(self.state.key), self.state.marks.get(self.state.key)
        if head == UNTOLD:
            return self.repository.find_unmarked(title) or head
        return (self.repository.find(marks, head) if marks else None) or head

    def _name_taken(self, own_head: str | None) -> PushRefused:
        if own_head is not None:
            return PushRefused(
                f"{self.repo} was changed on the Hub since this run was pushed there, and is left "
                "as it is: choose another name, or delete it on the Hub first.",
                field="repo",
            )
        return PushRefused(
            f"{self.repo} is taken: there is such a {self.repository.kind} of yours already, and "
            "this run did not put it there. Choose another name.",
            field="repo",
        )

    def _publish(self, operations: list[CommitOperationAdd], title: str, parent: str) -> None:
        """The commit that makes all visible, upon `parent`; where its answer is lost, it is looked
        for."""
        self._is_settled = True
        mark = secrets.token_hex(8)
        marks = self.state.marks.get(self.state.key, ())
        self.state = replace(self.state, stage="publishing", seconds_left=None)
        self._remember(parent, (*marks, mark)[-MOST_MARKS:])
        self._note(now=True)
        try:
            head = self.repository.publish(operations, title, mark, parent)
        except Exception as error:
            refusal = self._refusal(error)
            if never_arrived(error) and not isinstance(refusal, PushOvertaken):
                self._remember(parent, marks)
                raise
            head = self._find_published(refusal, mark, parent)
        self.state = replace(self.state, is_empty=False)
        self._remember(head, ())

    def _find_published(self, refusal: BadInput, mark: str, parent: str) -> str:
        """The commit whose answer was lost; raises the sentence that fits where there is none."""
        try:
            commit = self.repository.find([mark], parent)
        except (HfHubHTTPError, httpx2.HTTPError, OSError, *UNREADABLE):
            self.state = replace(self.state, is_empty=False)  # nobody knows
            raise PushBroken(PERHAPS) from None
        if commit is not None:
            return commit
        if isinstance(refusal, PushOvertaken):
            self.state = replace(self.state, is_empty=False)
        if not isinstance(refusal, PushUnanswered):
            raise refusal
        raise PushBroken(
            f"The Hub gave no answer when {self.repo} was to be published, and does not show it so "
            "far. Push again: it looks there first, and what has arrived is not sent again."
        ) from None

    def _remember(self, head: str, marks: tuple[str, ...]) -> None:
        key = self.state.key
        heads = {**self.state.heads, key: head}
        marks_of_others = {
            name: commits for name, commits in self.state.marks.items() if name != key
        }
        self.state = replace(
            self.state,
            heads=heads,
            marks={**marks_of_others, key: marks} if marks else marks_of_others,
        )

    def _look_again(self) -> None:
        """Whether the repository still stands there empty.

        It is left there: the Hub deletes without a condition, and another push may be filling it.
        """
        if not self.state.is_empty:
            return
        with suppress(httpx2.HTTPError, OSError, *UNREADABLE):
            try:
                is_empty = self.repository.look().is_empty
            except HfHubHTTPError as error:
                is_empty = error.response.status_code != 404
            self.state = replace(self.state, is_empty=is_empty)

    def _learn(self, story: Story) -> Story:
        """Adds licence and language of a data set of the Hub, where its card names them."""
        origin = story.origin
        if origin.dataset is None or origin.licence_id is not None:
            return story
        try:
            card: Any = self.api.dataset_info(origin.dataset).card_data
        except (HfHubHTTPError, httpx2.HTTPError, *UNREADABLE):
            return story
        licence, language = (
            _only_value(getattr(card, "license", None)),
            getattr(card, "language", None),
        )
        origin = replace(origin, licence_id=licence, language=_only_value(language))
        return replace(story, origin=origin)

    # ------------------------------------------------------------------------------- sending

    def _send(self, operations: list[CommitOperationAdd]) -> None:
        self.state = replace(self.state, stage="sending")
        self._begun_sending = self.clock()
        self._note(now=True)
        sender = Sender(
            self.api,
            self.repo,
            self.repository.kind,
            self.folder,
            self._arrived,
            self._arrived_before,
        )
        for operation in operations:
            if sender.takes(operation):
                sender.send(operation)

    def _arrived(self, count: int) -> None:
        sent = max(0, self.state.sent + count)
        self.state = replace(self.state, sent=sent, seconds_left=self._seconds_left(sent))
        self._note()

    def _arrived_before(self, count: int) -> None:
        self.state = replace(self.state, kept=max(0, self.state.kept + count))
        self._note()

    def _seconds_left(self, sent: int) -> float | None:
        to_come = (self.state.total or 0) - self.state.kept - sent
        return seconds_at_this_rate(sent, to_come, self.clock() - self._begun_sending)

    def _refusal(self, error: Exception) -> BadInput:
        if isinstance(error, BadInput):
            return error
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            return PushRefused(
                "The disk has no room for the files and the notes of the push: make room, then "
                "push again."
            )
        where = urlsplit(self.api.endpoint).hostname or self.api.endpoint
        return refusal_of(error, self.repo, where, by_sign_in=self.repository.by_sign_in)

    def _note(self, *, now: bool = False) -> None:
        """Writes the state to disk from time to time; with `now` at once, and then it may raise
        OSError."""
        if not now and time.monotonic() - self._last_note < REPORT_EVERY:
            return
        self._last_note = time.monotonic()
        self.state = replace(self.state, updated=self.clock())
        try:
            self.folder.write(self.state)
        except OSError:
            if now:
                raise


def _only_value(value: Any) -> str | None:
    """The only value of a field of a card that may be a list."""
    values = value if isinstance(value, list) else [value]
    return values[0] if len(values) == 1 and isinstance(values[0], str) else None
