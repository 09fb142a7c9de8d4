"""Runs that go on without a server: who is told of them, and what cannot be stopped."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gtt.cli import main
from gtt.errors import UnusableRun
from gtt.runs.home import Home
from gtt.runs.stopping import farewell, runs_at_work, stop_worker


def one(name: str, path: str, is_alive: bool) -> Any:
    return SimpleNamespace(name=name, path=Path(path), is_alive=lambda: is_alive)


def test_a_server_that_ends_names_what_goes_on_and_what_waits() -> None:
    assert farewell([]) == []
    single = farewell([one("first", "/home/a b", True)])
    assert single[0].startswith("A run goes on in the background: first.")
    assert single[1:] == ["    python -m gtt stop '/home/a b'"]
    two = farewell([one("a", "/a", True), one("b", "/b", True), one("c", "/c", False)])
    assert two[0].startswith("2 runs go on in the background: a, b.") and len(two) == 4
    assert two[3] == "A run waits for a turn, which comes with the next start of the page."


def test_a_folder_where_nothing_is_at_work_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UnusableRun, match="No run of the page is at work"):
        stop_worker(tmp_path)
    assert runs_at_work(Home(tmp_path / "new")) == []
    monkeypatch.setenv("GTT_HOME", str(tmp_path))
    assert main(["stop", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert main(["stop"]) == 0 and capsys.readouterr().out == "No run is at work.\n"
