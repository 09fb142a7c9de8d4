"""A name on the Hub: whose it is, what stands under it, and the one commit that publishes there.

Nothing of somebody else is changed. A commit names the one that it follows, so that the Hub refuses
it where another came between; and it carries a mark, by which it is found where its answer is lost.
Nothing is ever deleted: that has no such condition, and what was empty may be another push's by
now.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from huggingface_hub import CommitOperationAdd, HfApi, ModelInfo, SpaceInfo, is_offline_mode
from huggingface_hub.errors import HfHubHTTPError

from gtt.hub.refusals import PushRefused, no_write_scope

EMPTY = (".gitattributes",)  # what a repository that nobody has filled may hold
# What the Hub itself lays into a new static Space, in its first commit.
LAID_BY_THE_HUB = (".gitattributes", "README.md", "index.html", "style.css")
_MARK = re.compile(r"\bpush ([0-9a-f]{16})\b")

Kind = Literal["model", "space"]


@dataclass(frozen=True)
class Standing:
    """What stands under a name. `head` is its newest commit; `is_empty` where nobody filled it."""

    head: str
    private: bool
    is_empty: bool


class Repository:
    """One repository of models or Spaces, seen with one token."""

    def __init__(self, api: HfApi, name: str, kind: Kind, *, by_sign_in: bool = False) -> None:
        self.api, self.name, self.kind = api, name, kind
        self.by_sign_in = by_sign_in

    def require_right(self) -> None:
        """Raises `PushRefused` where this token may not write under that name."""
        if is_offline_mode():
            raise PushRefused(
                "This computer is told to stay off the Hub: unset HF_HUB_OFFLINE, then push again."
            )
        user_info = self.api.whoami()
        owner, _, short = self.name.partition("/")
        user = str(user_info.get("name", ""))
        may_write = {user.lower()} | {
            str(organization.get("name", "")).lower()
            for organization in user_info.get("orgs") or []
            if organization.get("roleInOrg") in (None, "admin", "write", "contributor")
        }
        if owner.lower() not in may_write:
            raise PushRefused(
                f"{owner} is not yours: this token is {user}'s. Push to {user}/{short}, or sign "
                f"in as {owner}.",
                field="repo",
            )
        token = (user_info.get("auth") or {}).get("accessToken") or {}
        if token.get("role") == "read":
            raise no_write_scope(self.name, by_sign_in=self.by_sign_in)

    def make(self, *, private: bool) -> bool:
        """Makes the repository; False where there is one by that name."""
        try:
            self.api.create_repo(
                self.name,
                private=private,
                repo_type=self.kind,
                space_sdk="static" if self.kind == "space" else None,
            )
        except HfHubHTTPError as error:
            if error.response.status_code != 409:
                raise
            return False
        return True

    def look(self) -> Standing:
        """What stands there now."""
        info = self._info()
        names = {file.rfilename for file in info.siblings or []}
        is_empty = names <= set(EMPTY)
        if not is_empty and self.kind == "space" and names <= set(LAID_BY_THE_HUB):
            is_empty = len(self.api.list_repo_commits(self.name, repo_type=self.kind)) == 1
        return Standing(str(info.sha), bool(info.private), is_empty)

    def publish(
        self, operations: list[CommitOperationAdd], title: str, mark: str, parent: str
    ) -> str:
        """Makes all the files visible in one commit upon `parent`; the new head."""
        commit = self.api.create_commit(
            self.name,
            operations,
            repo_type=self.kind,
            commit_message=title,
            commit_description=f"Made with GTT, push {mark}.",
            parent_commit=parent,
        )
        return str(commit.oid)

    def find(self, marks: Collection[str], since: str | None) -> str | None:
        """The newest commit after `since` that carries one of these marks."""
        for commit in self.api.list_repo_commits(self.name, repo_type=self.kind):
            if commit.commit_id == since:
                return None
            if any(mark in marks for mark in _MARK.findall(f"{commit.title}\n{commit.message}")):
                return str(commit.commit_id)
        return None

    def find_unmarked(self, beginning: str) -> str | None:
        """The newest commit, where its title begins so and it is from before commits had marks."""
        for commit in self.api.list_repo_commits(self.name, repo_type=self.kind):
            has_mark = _MARK.search(f"{commit.title}\n{commit.message}")
            return (
                str(commit.commit_id)
                if commit.title.startswith(beginning) and not has_mark
                else None
            )
        return None

    def _info(self) -> ModelInfo | SpaceInfo:
        if self.kind == "space":
            return self.api.space_info(self.name)
        return self.api.model_info(self.name)
