"""What a worker does with its order: within its limits, with sentences for what is beyond them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from managing import until

from gtt.config import RunConfig
from gtt.runs import worker
from gtt.runs.execute import Watcher
from gtt.runs.folder import RunFolder
from gtt.runs.home import Home
from gtt.runs.journal import Record
from gtt.runs.limits import Limits
from gtt.runs.worker import carry_out, warm_up, watching_room
from gtt.runs.worker_order import Order
from gtt.training.events import RunEnded


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def make(home: Home, tiny_config: RunConfig) -> Iterator[Any]:
    """Makes runs that are to be trained."""
    begun = psutil.Process().children()

    def one(**changes: Any) -> RunFolder:
        run = RunFolder(home.new_run("one"))
        run.path.mkdir(parents=True)
        run.create(tiny_config.updated(changes), None)
        return run

    yield one
    assert psutil.Process().children() == begun


@pytest.mark.parametrize(
    ("limit", "field"),
    [({"max_parameters": 100}, "parameters"), ({"max_steps": 3}, "steps")],
)
def test_a_run_beyond_a_limit_fails_with_a_sentence(
    home: Home, make: Any, limit: dict[str, int], field: str
) -> None:
    end = carry_out(Order(str(make().path), **limit), home)  # and no traceback
    assert end.reason == "failed"
    assert field in end.message and "allowed here" in end.message


def test_a_run_ends_with_a_sentence_when_the_room_runs_out(home: Home, make: Any) -> None:
    limits = Limits.for_space(max_disk_mb=20)
    room = watching_room(home, limits)

    def fill(record: Record) -> None:
        if record.get("step") == 5:
            (home.path / "filler").write_bytes(b"x" * 20_000_000)
        assert room.record is not None
        room.record(record)

    run = make(training={"max_steps": 100, "checkpoint_every": 5})
    end = carry_out(Order(str(run.path)), home, Watcher(record=fill), limits)
    assert end.reason == "failed" and end.step == 5
    assert "holds as much as it may" in end.message
    assert run.checkpoints.resumable() is not None
    refused = carry_out(Order(str(make().path)), home, limits=limits)
    assert refused.reason == "failed" and "no room for the checkpoints" in refused.message


@pytest.mark.parametrize("way", ["minutes", "death"])
def test_a_text_whose_reading_does_not_end_is_let_go_of(
    home: Home, make: Any, tiny_text: Path, way: str
) -> None:
    """Its reader, halted, stands for one within a call that nothing interrupts."""
    run: RunFolder = make()
    begun = psutil.Process().children()
    limits = Limits(max_minutes=0.02) if way == "minutes" else Limits()
    ends: list[RunEnded] = []
    training = threading.Thread(
        target=lambda: ends.append(carry_out(Order(str(run.path)), home, limits=limits))
    )
    training.start()
    (reader,) = until(lambda: set(psutil.Process().children()) - set(begun))
    reader.suspend()
    began = time.monotonic()
    if way == "death":
        reader.kill()
    training.join(30)
    assert ends and ends[0].reason == "failed" and time.monotonic() - began < 20
    said = {"minutes": "took all of the 0.02 minutes", "death": "ended the process that did it"}
    assert said[way] in ends[0].message


def test_a_spare_prepares_the_first_text_unless_an_order_is_there(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "has_order", lambda: True)
    warm_up(home)
    assert list(home.path.glob("corpora/*")) == []
    monkeypatch.setattr(worker, "has_order", lambda: False)
    warm_up(home)
    assert len(list(home.path.glob("corpora/*"))) == 1
