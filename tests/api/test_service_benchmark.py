"""The benchmark of the server says when something was missed, and fails then."""

from __future__ import annotations

import importlib
import json
import sys
from types import ModuleType
from typing import Any

import pytest
from serving import ROOT


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module("service")


def report(**changes: Any) -> dict[str, Any]:
    return {
        "faults": [],
        "read_ms": {"p95": 299.0},
        "server_mb": {"minute 1": 90, "minute 2": 100, "minute 3": 105, "minute 4": 110},
        "processes_left": {"app.py": 1, "gtt.runs.worker": 1},
        "processes_after_end": {},
        "files_left": [],
        **changes,
    }


@pytest.mark.parametrize(
    "change",
    [
        {"faults": ["GET /api/runs: 500"]},
        {"read_ms": {"p95": 301.0}},
        {"server_mb": {"minute 1": 100, "minute 2": 100, "minute 3": 111}},
        {"processes_left": {"app.py": 1, "gtt.runs.worker": 2}},
        {"processes_left": {"strange": 1}},
        {"processes_after_end": {"gtt.inference.process": 1}},
        {"files_left": [".deleted-run"]},
    ],
)
def test_what_is_missed_under_load_is_told(benchmark: ModuleType, change: dict[str, Any]) -> None:
    missed_under_load = importlib.import_module("service_load").missed_under_load
    assert missed_under_load(report()) == []
    assert len(missed_under_load(report(**change))) == 1


def test_what_is_missed_is_an_exit_code(
    benchmark: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["service.py", "status", "--rounds", "1"])
    for missed in ([], ["the time of a status"]):
        status = lambda rounds, missed=missed: {"missed": missed}  # noqa: E731
        monkeypatch.setitem(benchmark.COMMANDS, "status", status)
        assert benchmark.main() == len(missed)
        assert json.loads(capsys.readouterr().out) == {"missed": missed}
