"""A small run that was really trained, and a Hub on this machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from following_jobs import Case, begun
from hub_standin import HubStandin, hub_standin
from huggingface_hub import close_session, constants
from huggingface_hub.utils import _pagination
from jobs_standin import Jobs, jobs_standin

from gtt.config import RunConfig
from gtt.hub import part_uploads
from gtt.hub.jobs import follower as following
from gtt.hub.jobs import search
from gtt.hub.push import Push
from gtt.hub.push_state import PushState
from gtt.runs.execute import start_run
from gtt.runs.home import Home


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny_config: RunConfig) -> tuple[Home, Path]:
    """A home and a run in it that has ended."""
    home = Home(tmp_path_factory.mktemp("hub") / "home")
    folder, _ = start_run(tiny_config, home)
    return home, folder


@pytest.fixture
def run(trained: tuple[Home, Path], tmp_path: Path) -> tuple[Home, Path]:
    """The same, copied, for tests that push it."""
    home = Home(tmp_path / "home")
    shutil.copytree(trained[0].path, home.path)
    return home, home.runs / trained[1].name


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubStandin]:
    """The stand-in; the Hub's client of this process may reach it."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    with hub_standin(tmp_path / "store", part_bytes=15_000) as hub:
        monkeypatch.setattr(constants, "ENDPOINT", hub.url)
        yield hub
    close_session()


@pytest.fixture
def another(run: tuple[Home, Path]) -> Path:
    """A second run in the same home, with weights of its own."""
    from safetensors.numpy import load_file, save_file

    folder = run[1].with_name("another-run")
    shutil.copytree(run[1], folder)
    for path in folder.glob("checkpoints/*/model.safetensors"):
        weights = load_file(path)
        save_file({name: one + 1 for name, one in weights.items()}, path, {"format": "pt"})
    return folder


@pytest.fixture
def push(
    hub: HubStandin, run: tuple[Home, Path], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., PushState]:
    """Pushes in this process; files of 5 kB are sent in parts, and no request is repeated."""
    monkeypatch.setattr(part_uploads, "ALONE", 5_000)
    monkeypatch.setattr(part_uploads, "RETRIES", {"max_retries": 0})

    def one(folder: Path | None = None, **changes: Any) -> PushState:
        values = {"private": False, "token": "hf_anna", "endpoint": hub.url, **changes}
        repo = values.pop("repo", "anna/tiny")
        return Push(folder or run[1], run[0].corpora, repo, **values).run(os.getpid())

    return one


@pytest.fixture
def machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[HubStandin, Jobs]]:
    """The Hub with its machines; this process and those it starts may reach it."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    for name, seconds in {"LOOK_EVERY": 0.2, "LAST_LINES": 2.0}.items():
        monkeypatch.setattr(following, name, seconds)
    for name, seconds in {"LOOK_EVERY": 0.2, "FIND_FOR": 1.0}.items():
        monkeypatch.setattr(search, name, seconds)
    monkeypatch.setattr(following, "FETCH_PAUSE", 0.1)
    hurried = partial(_pagination.http_backoff, base_wait_time=0.01, max_wait_time=0.05)
    monkeypatch.setattr(_pagination, "http_backoff", hurried)
    with jobs_standin(tmp_path / "hub") as (hub, jobs):
        monkeypatch.setattr(constants, "ENDPOINT", hub.url)
        template = hub.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield hub, jobs
    close_session()


@pytest.fixture
def case(machines: tuple[HubStandin, Jobs], tiny_config: RunConfig, tmp_path: Path) -> Case:
    """A run that is to train on the Hub, and its job before it is submitted."""
    return begun(*machines, Home(tmp_path / "home"), tiny_config)
