"""Two walks of `CONTRIBUTING.md`, followed in a copy of the package: a metric, and a source.

A process of its own reads the copy, since what is declared is read once, when a module is imported.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]

FIELD = """
    tokens_left: Annotated[
        int | None,
        Metric(
            "Tokens left",
            "tokens_left",
            unit="tokens",
            form="whole",
            small_chart=70,
            terminal="{:,.0f} tokens left",
        ),
    ] = field(default=None, kw_only=True)
"""
CONCEPT = """# Tokens left

> Tokens that the run will still read: at zero it has ended.

What is left of the training text, counted in tokens.

It falls by the same number at each step.
"""
SOURCE = '''"""Counting aloud."""

from gtt.data.sources.source import OpenedSource, Source
from gtt.data.streams import TextStream


def successors():
    for number in range(1000, 100_000):
        yield f"{number}, {number + 1}\\n"


class Counting(Source):
    name = "counting"
    title = "Counting"
    description = "Each number and the next one."
    licence, licence_id, language = "CC0-1.0", "cc0-1.0", "en"
    citation = "Anonymous (2026), Counting"
    megabytes = read_at_most = 0.02
    offline = True
    order = 15

    def open(self, data, places, limit, most=None):
        return OpenedSource({"counting": 1}, limit, lambda _: TextStream(successors(), ""))
'''
LOOK = """
import json, sys
from pathlib import Path

import gtt
from starlette.applications import Starlette
from starlette.testclient import TestClient

from gtt.api.openapi import openapi
from gtt.api.service import Service
from gtt.config import RunConfig
from gtt.display import TerminalDisplay
from gtt.rest import routes
from gtt.runs.execute import start_run
from gtt.runs.home import Home
from gtt.runs.limits import Limits
from gtt.ui.concept_texts import metrics, terms, things

assert Path(gtt.__file__).is_relative_to(Path.cwd())
config = RunConfig.parse(json.loads(sys.argv[1]))
display = TerminalDisplay("walk")
home = Home(Path("home"))
with display:
    folder, end = start_run(config, home, watcher=display.watcher())
service = Service(home, Limits(), spare=False)
with TestClient(Starlette(routes=routes(service))) as http:
    run = {"run_id": folder.name}
    found = {
        "reason": end.reason,
        "terminal": display._figures(4),
        "sources": [source["name"] for source in http.get("/api/datasets").json()["sources"]],
        "watch": http.get("/api/train/watch", params=run).json(),
        "history": http.get("/api/metrics/history", params=run).json()["curves"],
        "csv": http.get("/api/metrics.csv", params=run).text,
        "described": openapi()["components"]["schemas"]["RunStatus"]["properties"]["tokens_left"],
        "page": [metric for metric in metrics() if metric["name"] == "tokens_left"],
        "tip": things()["quantities"]["tokens_left"],
        "glossary": terms()["tokens_left"]["title"],
    }
service.close()
print(json.dumps(found))
"""


def insert(path: Path, before: str, text: str, after: str = "") -> None:
    """Puts a text before the first `before` behind `after`; both must be there."""
    written = path.read_text(encoding="utf-8")
    place = written.index(before, written.index(after))
    path.write_text(written[:place] + text + written[place:], encoding="utf-8")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a run on the new source shows, where the new metric is measured."""
    copy = tmp_path_factory.mktemp("walk")
    for name in ("gtt", "recipes"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    package = copy / "gtt"
    # Add a metric: its field, its text, what computes it.
    events = package / "training" / "events.py"
    insert(events, "\n\n@dataclass(frozen=True)\nclass StepLogged", FIELD, "class StepMetrics")
    (package / "explanations" / "tokens_left.md").write_text(CONCEPT, encoding="utf-8")
    computed = "tokens_left=(self.total_steps - self.step) * self.tokens_per_step,\n            "
    insert(package / "training" / "trainer.py", "memory_bytes=", computed, "events.StepLogged(")
    # Add a source: one file.
    (package / "data" / "sources" / "counting.py").write_text(SOURCE, encoding="utf-8")
    config = {
        "data": {"source": "counting"},
        "model": {"n_layers": 1, "n_heads": 1, "n_embed": 16, "block_size": 16},
        "training": {"max_steps": 4, "batch_size": 4, "log_every": 2, "eval_windows": 2},
        "generation": {"max_new_tokens": 5},
    }
    done = subprocess.run(
        [sys.executable, "-c", LOOK, json.dumps(config)], cwd=copy, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    answers: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answers


def test_a_metric_shows_wherever_metrics_show(found: dict[str, Any]) -> None:
    assert found["reason"] == "completed"
    points = [[1, 192], [2, 128], [4, 0]]
    assert found["watch"]["curves"]["tokens_left"] == points
    assert found["watch"]["run"]["tokens_left"] == 0
    assert found["history"]["tokens_left"] == {"steps": [1, 2, 4], "values": [192, 128, 0]}
    rows = [line.split(",") for line in found["csv"].splitlines()]
    column = rows[0].index("tokens_left")
    assert [row[column] for row in rows[1:] if row[column]] == ["192", "128", "0"]
    assert found["terminal"].startswith("loss ") and "0 tokens left" in found["terminal"]


def test_a_metric_is_explained_and_has_its_chart(found: dict[str, Any]) -> None:
    assert found["page"] == [
        {"name": "tokens_left", "caption": "Tokens left", "form": "whole", "place": 70}
    ]
    assert found["tip"] == {"title": "Tokens left", "concept": "tokens_left"}
    assert found["glossary"] == "Tokens left"
    assert found["described"]["description"].startswith("Tokens left (tokens). Tokens that the run")


def test_a_source_is_listed_where_its_order_puts_it(found: dict[str, Any]) -> None:
    assert found["sources"][:3] == ["tales", "counting", "copy"]
