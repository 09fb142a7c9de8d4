"""Runs that go on without a server: who is told of them, and what cannot be stopped."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from managing import ending_workers, ends, long, managing, training

from gtt.cli import main
from gtt.config import RunConfig
from gtt.errors import UnusableRun
from gtt.runs.execute import Watcher, start_run
from gtt.runs.home import Home
from gtt.runs.stopping import farewell, runs_at_work, stop_worker

WAITING = "A run waits for a turn, which comes with the next start of the page."


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty home with a blank in its name; whatever works in it is ended with the test."""
    folder = tmp_path / "a home"
    folder.mkdir()
    monkeypatch.setenv("GTT_HOME", str(folder))
    with ending_workers(folder):
        yield folder


def test_a_server_that_ends_names_what_goes_on_and_how_to_stop_it(
    home: Path, tiny_config: RunConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    with managing(home, max_concurrent_runs=2) as manager:
        first, second, third = (
            manager.create(long(tiny_config), None, name=name) for name in ("a", "b", "c")
        )
        for run in (first, second):
            training(run)
        told = farewell(manager.at_work())
    commands = [f"    python -m gtt stop '{run.path}'" for run in (first, second)]
    assert told[0].startswith("2 runs go on in the background: a, b.")
    assert told[1:] == [*commands, WAITING]
    assert set(runs_at_work(Home(home))) == {first.path, second.path}

    assert main(shlex.split(told[1])[3:]) == 0  # as it was told
    assert not first.is_alive() and ends(first) == ["stopped"] and second.is_alive()
    assert farewell([second])[0].startswith("A run goes on in the background: b.")
    assert farewell([second])[1:] == commands[1:] and farewell([third]) == [WAITING]
    assert main(["stop"]) == 0 and ends(second) == ["stopped"]
    assert farewell([]) == [] and runs_at_work(Home(home)) == []
    assert capsys.readouterr().err == ""


def test_a_worker_that_does_not_end_in_time_is_told(home: Path, tiny_config: RunConfig) -> None:
    with managing(home) as manager:
        run = manager.create(long(tiny_config), None)
        training(run)
    assert run.worker is not None
    worker = psutil.Process(run.worker.pid)
    worker.suspend()
    with pytest.raises(UnusableRun, match="still at work"):
        stop_worker(run.path, patience=0.2)
    worker.resume()
    assert stop_worker(run.path).startswith("Stopped") and ends(run) == ["stopped"]


def test_a_folder_where_nothing_is_at_work_is_refused(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UnusableRun, match="No run of the page is at work"):
        stop_worker(home)
    assert runs_at_work(Home(home / "new")) == []
    assert main(["stop", str(home)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert main(["stop"]) == 0 and capsys.readouterr().out == "No run is at work.\n"


def test_a_stop_while_the_text_is_read_leaves_nothing(
    tiny_config: RunConfig, tmp_path: Path
) -> None:
    watcher = Watcher(preparing=lambda progress: watcher.stop.set())
    with pytest.raises(UnusableRun, match="stopped before it began: nothing of it was kept"):
        start_run(tiny_config, Home(tmp_path / "home"), tmp_path / "run", watcher=watcher)
    assert not (tmp_path / "run").exists()
