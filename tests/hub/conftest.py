"""A small run that was really trained, and a Hub on this machine."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_standin import HubStandin, hub_standin
from huggingface_hub import close_session, constants

from gtt.config import RunConfig
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
