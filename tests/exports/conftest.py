"""Small trained runs to take home, shared by the tests of every format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gtt.config import RunConfig
from gtt.exports.making import RunToExport
from gtt.runs.execute import start_run
from gtt.runs.folder import RunFolder
from gtt.runs.home import Home

BYTE_PAIRS: dict[str, Any] = {
    "name": "5 $ for <b>_all_</b></script>",
    "data": {"tokenizer": "bpe", "vocab_size": 300},
    "model": {"n_layers": 2, "n_heads": 2, "n_embed": 32, "block_size": 24},
    "training": {"max_steps": 60, "batch_size": 8, "log_every": 1, "eval_every": 30},
}


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("exports"))


def trained(config: RunConfig, home: Home) -> RunToExport:
    """A finished run with its best checkpoint."""
    folder, end = start_run(config, home)
    assert end.reason == "completed"
    run = RunFolder(folder)
    return RunToExport(run, run.checkpoints.best(), home.corpora)


@pytest.fixture(scope="session")
def taken(tiny_config: RunConfig, home: Home) -> RunToExport:
    """A run with byte pairs, whose name means to do harm."""
    return trained(tiny_config.updated(BYTE_PAIRS), home)


@pytest.fixture(scope="session")
def characters(tiny_config: RunConfig, home: Home) -> RunToExport:
    """A run with a token for each character."""
    return trained(tiny_config, home)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A place that is not there yet."""
    return tmp_path / "out"
