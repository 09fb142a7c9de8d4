"""The job at the Hub: asked for, looked at, cancelled. Every refusal is a sentence."""

from __future__ import annotations

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
from gtt.hub.jobs.parcel import command, make_parcel
from gtt.hub.jobs.refusals import JobRefused, job_refusal, no_job_scope
from gtt.runs.elsewhere import JobState

T = TypeVar("T")


class Account:
    """Whoever the token belongs to, at the Hub."""

    def __init__(self, api: HfApi, token: str) -> None:
        self.api, self.token = api, token

    def ask(self, question: Callable[[], T]) -> T:
        """The Hub's answer; raises `JobRefused`."""
        try:
            return question()
        except Exception as error:
            raise job_refusal(error, self.api.endpoint) from error

    def submit(
        self, state: JobState, config: RunConfig, uploads: Path | None, note: Callable[..., None]
    ) -> JobState:
        """Sends what the machine needs and asks for it; the state with the job in it.

        `note` keeps what is known so far. Raises `BadInput`: nothing is left at the Hub then, and
        nothing costs anything.
        """
        if is_offline_mode():
            raise JobRefused("This computer is told to stay off the Hub: unset HF_HUB_OFFLINE.")
        parcel = make_parcel(config, state.minutes, uploads)
        who = self.ask(self.api.whoami)
        token = (who.get("auth") or {}).get("accessToken") or {}
        if token.get("role") == "read":
            raise no_job_scope()
        flavor = flavor_named(flavors(self.api), state.flavor)
        checked_price(flavor, state.minutes, state.at_most)
        account = str(who["name"])
        repo = self._make_repo(state.repo, account)
        state = replace(state, repo=repo, account=account, dollars_per_hour=flavor.dollars_per_hour)
        try:
            note(repo=repo, account=account)
            operations = [
                CommitOperationAdd(name, content if isinstance(content, bytes) else str(content))
                for name, content in parcel.files.items()
            ]
            sent = self.ask(
                lambda: self.api.create_commit(repo, operations, commit_message="What is to train")
            )
            job = self.ask(lambda: self._run(state, repo, account, sent.oid))
        except BaseException:
            self._take_back(repo)
            raise
        return replace(state, id=job.id, url=job.url, stage="scheduling")

    def inspect(self, state: JobState) -> JobInfo:
        """How the job stands; raises `JobRefused`."""
        id, account = str(state.id), state.account
        return self.ask(lambda: self.api.inspect_job(job_id=id, namespace=account))

    def cancel(self, state: JobState) -> None:
        """Ends the job and what it costs; raises `JobRefused`."""
        id, account = str(state.id), state.account
        self.ask(lambda: self.api.cancel_job(job_id=id, namespace=account))

    def _run(self, state: JobState, repo: str, account: str, revision: str) -> JobInfo:
        environment: dict[str, Any] = {
            "GTT_JOB_REPO": repo,
            "GTT_JOB_REVISION": revision,
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "PYTHONUNBUFFERED": "1",
        }
        return self.api.run_job(
            image=DEFAULT_UV_IMAGE,
            command=command(),
            env=environment,
            secrets={"HF_TOKEN": self.token},
            flavor=state.flavor,
            timeout=int(60 * state.minutes),
            name=repo.partition("/")[2],
            namespace=account,
        )

    def _make_repo(self, wanted: str | None, account: str) -> str:
        """A new private repository; raises `JobRefused` where the name is taken."""
        repo = wanted or f"{account}/gtt-run-{secrets.token_hex(5)}"
        if repo.partition("/")[0].lower() != account.lower():
            raise JobRefused(
                f"{repo.partition('/')[0]} is not yours: this token is {account}'s. Take "
                f"{account}/{repo.partition('/')[2]}, or leave the name out.",
                field="repo",
            )
        try:
            self.api.create_repo(repo, private=True, repo_type="model")
        except HfHubHTTPError as error:
            if error.response.status_code == 409:
                raise JobRefused(
                    f"{repo} is taken: choose another name, or leave it out.", field="repo"
                ) from None
            raise job_refusal(error, self.api.endpoint) from error
        except Exception as error:
            raise job_refusal(error, self.api.endpoint) from error
        return repo

    def _take_back(self, repo: str) -> None:
        with suppress(Exception):  # it is private, and its README says that it can be deleted
            self.api.delete_repo(repo)
