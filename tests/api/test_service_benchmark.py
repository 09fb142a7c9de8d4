"""The benchmark of the server says when something was missed, and fails then."""

from __future__ import annotations

import importlib.util
import json
import sys
from types import ModuleType
from typing import Any

import pytest
from serving import ROOT


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "service_benchmark", ROOT / "benchmarks" / "service.py"
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
    assert benchmark.missed_under_load(report()) == []
    assert len(benchmark.missed_under_load(report(**change))) == 1


def test_what_is_missed_is_an_exit_code(
    benchmark: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["service.py", "status", "--rounds", "1"])
    for missed in ([], ["the time of a status"]):
        monkeypatch.setattr(benchmark, "status", lambda rounds, missed=missed: {"missed": missed})
        assert benchmark.main() == len(missed)
        assert json.loads(capsys.readouterr().out) == {"missed": missed}
