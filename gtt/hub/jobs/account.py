"""Requests to the Hub about a job: start, find, inspect, cancel. Every refusal is a sentence."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from huggingface_hub import CommitOperationAdd, HfApi, JobInfo, is_offline_mode
from huggingface_hub._jobs_api import DEFAULT_UV_IMAGE
from huggingface_hub.errors import HfHubHTTPError

from gtt.config import RunConfig
from gtt.hub.jobs.hardware import checked_price, flavor_named, flavors
from gtt.hub.jobs.job_refusals import (
    JobRefused,
    JobUnanswered,
    JobUnreachable,
    TokenSpent,
    job_refusal,
    never_arrived,
    no_job_scope,
)
from gtt.hub.jobs.parcel import command, is_sent, make_parcel
from gtt.runs.hub_job import JobState

T = TypeVar("T")
LABEL = "gtt"  # of a job, with its mark
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]")  # of jobs, which are tags as well


class Account:
    """The account at the Hub to which the token belongs."""

    def __init__(self, api: HfApi, token: str) -> None:
        self.api, self.token = api, token

    def ask(self, question: Callable[[], T]) -> T:
        """The Hub's answer; raises `JobRefused`."""
        try:
            return question()
        except Exception as error:
            raise job_refusal(error, self.api.endpoint) from error

    def send(
        self, state: JobState, config: RunConfig, uploads: Path | None, note: Callable[..., None]
    ) -> JobState:
        """Sends what the machine needs; the state as the job is to be asked for.

        `note` keeps what is known so far. Raises `BadInput`; what was sent is taken back then.
        """
        if is_offline_mode():
            raise JobRefused("This computer is told to stay off the Hub: unset HF_HUB_OFFLINE.")
        parcel = make_parcel(config, state.minutes, uploads)
        user_info = self.ask(self.api.whoami)
        token = (user_info.get("auth") or {}).get("accessToken") or {}
        if token.get("role") == "read":
            raise no_job_scope()
        flavor = flavor_named(flavors(self.api), state.flavor)
        checked_price(flavor, state.minutes, state.at_most)
        account = str(user_info["name"])
        repo = self._make_repo(state.repo, account)
        try:
            note(repo=repo, account=account)
            operations = [
                CommitOperationAdd(name, content if isinstance(content, bytes) else str(content))
                for name, content in parcel.files.items()
            ]
            commit = self.ask(
                lambda: self.api.create_commit(repo, operations, commit_message="What is to train")
            )
        except BaseException:
            self.take_back(repo, None)
            raise
        return replace(
            state,
            repo=repo,
            account=account,
            dollars_per_hour=flavor.dollars_per_hour,
            revision=commit.oid,
        )

    def begin(self, state: JobState) -> JobInfo:
        """Asks for the machine. Raises `JobRefused` where the Hub has begun nothing, and
        `JobUnanswered` where that cannot be told: `find` can, later."""
        environment: dict[str, Any] = {
            "GTT_JOB_REPO": state.repo,
            "GTT_JOB_REVISION": state.revision,
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            # Files go by Git LFS, there as here: a commit is whole or absent, and what a run of
            # GTT saves is too small for Xet to gain anything. What is tested is what runs.
            "HF_HUB_DISABLE_XET": "1",
            # The Hub's client breaks the lines of a log at letters such as U+2028.
            "PYTHONIOENCODING": "ascii:backslashreplace",
            "PYTHONUNBUFFERED": "1",
        }
        try:
            return self.api.run_job(
                image=DEFAULT_UV_IMAGE,
                command=command(),
                env=environment,
                secrets={"HF_TOKEN": self.token},
                flavor=state.flavor,
                timeout=int(60 * state.minutes),
                name=_NOT_IN_NAMES.sub("-", str(state.repo).partition("/")[2]),
                labels={LABEL: str(state.mark)},
                namespace=state.account,
            )
        except Exception as error:
            refusal = job_refusal(error, self.api.endpoint)
            if never_arrived(error):
                raise refusal from error
            raise JobUnanswered(refusal.message) from error

    def find(self, state: JobState) -> JobInfo | None:
        """The job, by its mark or id, among all of the account; raises `JobRefused`.

        None is the Hub's own word that there is none: the answer has to be a list, and the token
        that of the account, since strangers may be told nothing.
        """
        name = str(self.ask(self.api.whoami)["name"])
        if name != state.account:
            raise TokenSpent(
                f"This token is {name}'s, and the job is {state.account}'s: take one of "
                f"{state.account}.",
                field="token",
            )
        labels = {LABEL: state.mark} if state.mark else None
        listed = self.ask(lambda: list(self.api.list_jobs(labels=labels, namespace=state.account)))
        for job in listed:
            if job.id == state.id or (state.mark and (job.labels or {}).get(LABEL) == state.mark):
                return job
        return None

    def inspect(self, state: JobState) -> JobInfo:
        """How the job stands; raises `JobRefused`."""
        id, account = str(state.id), state.account
        return self.ask(lambda: self.api.inspect_job(job_id=id, namespace=account))

    def cancel(self, state: JobState) -> None:
        """Ends the job and what it costs; raises `JobRefused`."""
        id, account = str(state.id), state.account
        self.ask(lambda: self.api.cancel_job(job_id=id, namespace=account))

    def _make_repo(self, name: str | None, account: str) -> str:
        """A new private repository; raises `JobRefused` where the name is taken."""
        repo = name or f"{account}/gtt-run-{secrets.token_hex(5)}"
        if repo.partition("/")[0].lower() != account.lower():
            raise JobRefused(
                f"{repo.partition('/')[0]} is not yours: this token is {account}'s. Take "
                f"{account}/{repo.partition('/')[2]}, or leave the name out.",
                field="repo",
            )
        try:
            self.api.create_repo(repo, private=True, repo_type="model")
        except Exception as error:
            if isinstance(error, HfHubHTTPError) and error.response.status_code == 409:
                raise JobRefused(
                    f"{repo} is taken: choose another name, or leave it out.", field="repo"
                ) from None
            refusal = job_refusal(error, self.api.endpoint)
            if not never_arrived(error):
                sentence = f"{refusal.message} An empty {repo} may stand on the Hub."
                raise JobUnreachable(sentence) from error
            raise refusal from error
        return repo

    def has_more(self, repo: str, revision: str | None) -> bool:
        """Whether a repository has more in it than was sent there, in the commit `revision` if
        that is known; raises `JobRefused`, and `JobGone` where there is no such repository."""
        info = self.ask(lambda: self.api.model_info(repo))
        if revision is not None and info.sha != revision:
            return True
        return not all(is_sent(file.rfilename) for file in info.siblings or [])

    def take_back(self, repo: str, revision: str | None) -> None:
        """Deletes the repository of a job that was never begun, if that can be done.

        Only what was sent there goes: who else writes there keeps what they have.
        """
        with suppress(Exception):  # it is private, and its README says that it can be deleted
            if not self.has_more(repo, revision):
                self.api.delete_repo(repo)
