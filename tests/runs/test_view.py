"""The view of a run: folded once, read on, right after resumes, and cheap at any length."""

from __future__ import annotations

import io
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from thorough import THOROUGH

from gtt.errors import BadInput
from gtt.runs.curves import Curve, Recent
from gtt.runs.fold import CURVES
from gtt.runs.journal import Journal, Record, read_journal
from gtt.runs.run_reader import RunReader, RunView
from gtt.training.events import (
    CheckpointSaved,
    Evaluated,
    Event,
    PreparationProgressed,
    RunEnded,
    RunStarted,
    Sampled,
    Snapshotted,
    StepLogged,
)


class Clock:
    """A clock that goes on by half a second at each look."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        self.now += 0.5
        return self.now


def started(step: int = 0, total_steps: int = 1000) -> RunStarted:
    return RunStarted(
        step=step,
        config={},
        parameters=1234,
        vocab_size=65,
        total_steps=total_steps,
        tokens_per_step=64,
        steps_per_epoch=10.0,
        train_tokens=640,
        validation_tokens=64,
        baselines={"uniform": 4.17, "unigram": 3.3, "bigram": 2.4, "floor": None},
        bytes_per_token=1.0,
        fingerprint="abc",
        precision="fp32",
        device="cpu",
        processes=1,
        notes=("a note",),
    )


def logged(step: int, loss: float = 2.0) -> StepLogged:
    return StepLogged(step, loss, 1e-3 / (step + 1), 1.5, 5e4, 64 * step, step / 10, step / 2)


STATISTICS = {
    "wte": {"update_to_weight": 1e-3},
    "h.0.attn": {"update_to_weight": 4e-3, "activation_scale": 0.5},
    "h.0.mlp": {"update_to_weight": 2e-3, "dead_units": 0.25},
}


def evaluated(step: int, loss: float, score: float | None = None) -> Evaluated:
    return Evaluated(step, loss, 2.0**loss, loss / 2, score, best=False)


def write(folder: Path, *events: Event) -> None:
    with Journal(folder / "journal.jsonl", clock=Clock()) as journal:
        for event in events:
            journal.append(event)


def everything(reader: RunReader) -> dict[str, Any]:
    """All that a reader tells, apart from single records."""
    curves = {name: reader.curve(name, points=10**6) for name in CURVES}
    return {
        "view": reader.view(),
        "curves": curves,
        "samples": reader.samples(),
        "snapshots": reader.snapshots(),
    }


# What it says


def test_a_run_without_a_journal_waits(tmp_path: Path) -> None:
    reader = RunReader(tmp_path / "nothing")
    view = reader.view()
    assert (view.phase, view.seq, view.step, view.started_at) == ("waiting", 0, 0, None)
    assert reader.events(0) == [] and reader.curve("loss") == []


def test_each_event_shows_in_the_view(tmp_path: Path) -> None:
    reader = RunReader(tmp_path)
    write(tmp_path, PreparationProgressed(0, "tokens", 30, 120, "MB"))
    view = reader.view()
    assert view.phase == "preparing" and view.preparation is not None
    assert (view.preparation.stage, view.preparation.fraction) == ("tokens", 0.25)
    write(tmp_path, PreparationProgressed(0, "tokens", 30, None, "MB"))
    preparation = reader.view().preparation
    assert preparation is not None and preparation.fraction is None

    write(tmp_path, started(), Snapshotted(0, "snapshots/a", STATISTICS), Sampled(0, "On", "ce"))
    view = reader.view()
    assert (view.phase, view.preparation, view.total_steps) == ("training", None, 1000)
    assert view.baselines == {"uniform": 4.17, "unigram": 3.3, "bigram": 2.4, "floor": None}
    assert view.notes == ("a note",) and view.device == "cpu" and view.loss is None
    assert view.eta_seconds is None
    assert [one.statistics for one in reader.snapshots()] == [STATISTICS]
    assert reader.curve("update_to_weight") == [(0, 2e-3)]  # the median of the parts

    write(tmp_path, logged(10, 3.0), evaluated(10, 3.1, 0.25), evaluated(20, 2.9))
    write(tmp_path, CheckpointSaved(20, "checkpoints/step-00000020", True), logged(30, 2.5))
    view = reader.view()
    assert (view.step, view.loss, view.tokens, view.seconds) == (30, 2.5, 1920, 15.0)
    assert (view.validation_loss, view.task_score, view.best_step) == (2.9, 0.25, 20)
    assert view.sample is not None and view.sample.text == "ce"
    assert [checkpoint.step for checkpoint in view.checkpoints] == [20]

    write(tmp_path, RunEnded(31, "stopped", "Stopped.", 15.5))
    view = reader.view()
    assert view.phase == "ended" and view.ended is not None and view.step == 31
    assert (view.ended.reason, view.ended.seconds, view.eta_seconds) == ("stopped", 15.5, None)
    assert json.loads(json.dumps(view.as_json()))["ended"]["message"] == "Stopped."


def test_a_resume_supersedes_what_lies_beyond_its_step(tmp_path: Path) -> None:
    write(tmp_path, started(), Sampled(5, "a", "five"), evaluated(5, 3.0, 0.5), logged(5, 3.1))
    write(tmp_path, CheckpointSaved(5, "checkpoints/step-00000005", True))
    write(tmp_path, logged(10, 2.5), evaluated(10, 2.4, 0.9), Sampled(10, "a", "ten"))
    write(tmp_path, RunEnded(10, "failed", "Out of memory.", 5.0))
    reader = RunReader(tmp_path)
    assert (reader.view().best_step, reader.view().phase) == (10, "ended")

    write(tmp_path, PreparationProgressed(0, "tokens", 1, 2, "MB"))
    assert reader.view().phase == "preparing" and reader.view().ended is None
    write(tmp_path, started(5))
    view = reader.view()
    assert (view.step, view.resumes, view.phase, view.ended) == (5, 1, "training", None)
    assert (view.loss, view.validation_loss, view.task_score) == (3.1, 3.0, 0.5)
    assert (view.best_validation_loss, view.best_step) == (3.0, 5)
    assert view.sample is not None and view.sample.text == "five"
    assert [checkpoint.step for checkpoint in view.checkpoints] == [5]
    assert reader.curve("loss") == [(5, 3.1)] and reader.curve("task_score") == [(5, 0.5)]
    write(tmp_path, logged(10, 2.6))
    assert reader.curve("loss") == [(5, 3.1), (10, 2.6)]


def test_losses_that_are_not_finite_leave_gaps(tmp_path: Path) -> None:
    nan = float("nan")
    write(tmp_path, started(), logged(1, 3.0), logged(2, nan), evaluated(2, nan), logged(3, 2.0))
    reader = RunReader(tmp_path)
    assert reader.curve("loss") == [(1, 3.0), (3, 2.0)]
    view = reader.view()
    assert (view.validation_loss, view.best_step, view.loss) == (None, None, 2.0)


def test_what_remains_is_told_from_the_wall_clock(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.jsonl", clock=Clock()) as journal:  # 2 records a second
        reader = RunReader(tmp_path)
        journal.append(started(total_steps=500))
        assert reader.view().eta_seconds is None
        for step in range(1, 301):
            journal.append(logged(step))
        assert reader.view().eta_seconds == pytest.approx(200 * 0.5)
        for step in range(310, 410, 10):  # faster now, but only for a moment
            journal.append(logged(step))
        eta = reader.view().eta_seconds
        assert eta is not None and 5 < eta < 50
        for _ in range(100):  # evaluations take time too
            journal.append(evaluated(400, 2.0))
        journal.append(logged(401))
        later = reader.view().eta_seconds
        assert later is not None and later > eta
        journal.append(RunEnded(401, "stopped", "Stopped.", 1.0))
        assert reader.view().eta_seconds is None


def test_records_of_a_newer_version_are_passed_over(tmp_path: Path) -> None:
    write(tmp_path, started(), logged(1))
    lines = [
        {"seq": 3, "time": 1.0, "type": "Dreamt", "step": 2},
        {"seq": 4, "time": 2.0, "type": ["odd"], "step": "no"},
        {"seq": 5, "time": None, "type": "StepLogged", "step": 3, "loss": "low"},
        {"seq": 6, "time": 4.0, "type": "RunEnded", "step": 4, "reason": "abducted"},
    ]
    with (tmp_path / "journal.jsonl").open("a") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
    view = RunReader(tmp_path).view()
    assert (view.seq, view.step, view.loss) == (6, 4, None)
    assert view.ended is not None and view.ended.reason == "failed"
    assert len(RunReader(tmp_path).events(2)) == 4


# From a cursor on


def test_events_come_from_a_cursor_within_their_limits(tmp_path: Path) -> None:
    write(tmp_path, started(), *(logged(step) for step in range(1, 1000)))
    reader = RunReader(tmp_path)
    all_records = list(read_journal(tmp_path / "journal.jsonl"))
    for after in [-5, 0, 1, 62, 63, 64, 65, 500, 998, 999]:
        begin = max(after, 0)
        assert reader.events(after, limit=70) == all_records[begin : begin + 70]
    assert reader.events(1000) == [] and reader.events(10**30) == [] and reader.events(5, 0) == []
    assert reader.events(0) == all_records
    assert reader.events(100, until_bytes=1) == all_records[100:101]
    size = sum(len(json.dumps(record)) + 1 for record in all_records[100:110])
    assert reader.events(100, until_bytes=size) == all_records[100:110]


def test_an_unknown_curve_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="did you mean 'loss'"):
        RunReader(tmp_path).curve("los")


# Read on or read anew

steps_ahead = st.integers(1, 3)
losses = st.floats(0.5, 5.0) | st.just(float("nan"))
moves = st.one_of(
    st.tuples(st.just("log"), steps_ahead, losses),
    st.tuples(st.just("evaluate"), steps_ahead, losses),
    st.tuples(st.just("sample"), steps_ahead, st.text(max_size=3)),
    st.tuples(st.just("save"), steps_ahead, st.none()),
    st.tuples(st.just("resume"), st.booleans(), st.integers(1, 30)),
    st.tuples(st.just("half"), st.none(), st.integers(1, 30)),
)


def play(journal: Path, script: list[tuple[str, Any, Any]]) -> Iterator[None]:
    """A run as its writers would have it: each move is written, then the reader has its turn."""
    clock, step, saved = Clock(), 0, 0
    writer = Journal(journal, clock)
    writer.append(started())
    for move, ahead, value in script:
        if move in ("resume", "half"):  # killed, perhaps in the middle of a line
            if move == "resume" and ahead:
                writer.append(RunEnded(step, "stopped", "Stopped.", 1.0))
            with writer, journal.open("ab") as file:
                file.write(b'{"seq": 12345, "time": 12.0, "type": "StepLogged"}'[:value])
            yield
            writer = Journal(journal, clock)
            step = saved
            event: Event = started(saved)
        else:
            step += ahead
            if move == "log":
                event = logged(step, value)
            elif move == "evaluate":
                event = evaluated(step, value, value if step % 2 else None)
            elif move == "sample":
                event = Sampled(step, "a", value)
            else:
                event, saved = CheckpointSaved(step, f"step-{step}", False), step
        writer.append(event)
        yield
    writer.__exit__(None, None, None)


def reference(records: list[Record]) -> dict[str, Any]:
    """The same by plain means: all records, less those that a later resume supersedes."""
    kept: list[Record] = []
    for record in records:
        if record["type"] == "RunStarted":
            kept = [one for one in kept if one["step"] <= record["step"]]
        elif record["type"] != "RunEnded":
            kept.append(record)
    values: dict[str, list[tuple[int, Any]]] = {
        name: [(one["step"], one[name]) for one in kept if one.get(name) is not None]
        for name in (*CURVES, "text", "path")
    }
    evaluations = [one for one in kept if one["type"] == "Evaluated"]
    best = min(values["validation_loss"], key=lambda point: point[1], default=(None, None))
    return {
        "curves": {name: values[name] for name in CURVES},
        "validation_loss": evaluations[-1]["validation_loss"] if evaluations else None,
        "best": best,
        "sample": values["text"][-1] if values["text"] else None,
        "checkpoints": values["path"],
        "ended": records[-1]["type"] == "RunEnded",
    }


def as_reference(known: dict[str, Any]) -> dict[str, Any]:
    view: RunView = known["view"]
    return {
        "curves": known["curves"],
        "validation_loss": view.validation_loss,
        "best": (view.best_step, view.best_validation_loss),
        "sample": (view.sample.step, view.sample.text) if view.sample else None,
        "checkpoints": [(one.step, one.path) for one in view.checkpoints],
        "ended": view.ended is not None,
    }


@settings(max_examples=60, deadline=None, derandomize=True)
@given(script=st.lists(moves, max_size=40), reopen=st.integers(1, 12))
def test_reading_on_says_what_reading_anew_says(
    script: list[tuple[str, Any, Any]], reopen: int
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        journal = folder / "journal.jsonl"
        reader = RunReader(folder)
        for turn, _ in enumerate(play(journal, script)):
            if turn % reopen == 0:  # a server that starts again
                reader.save_fold()
                reader = RunReader(folder)
            known = everything(reader)
            saved = folder / "view.json"
            kept = saved.read_bytes() if saved.exists() else None
            saved.unlink(missing_ok=True)
            assert known == everything(RunReader(folder))
            if kept is not None:
                saved.write_bytes(kept)
            records = list(read_journal(journal))
            assert as_reference(known) == reference(records)
            assert reader.events(turn // 2) == records[turn // 2 :]


def test_a_half_line_is_read_once_it_is_whole(tmp_path: Path) -> None:
    write(tmp_path, started(), logged(1, 3.0), logged(2, 2.0))
    journal = tmp_path / "journal.jsonl"
    whole = journal.read_bytes()
    begin = whole.rindex(b"\n", 0, -1) + 1
    reader = RunReader(tmp_path)
    for end in [begin, begin + 1, len(whole) - 1]:
        journal.write_bytes(whole[:end])
        assert reader.view().seq == 2
    journal.write_bytes(whole)
    assert (reader.view().seq, reader.view().loss) == (3, 2.0)


def put_in_place(journal: Path, data: bytes) -> None:
    beside = journal.with_name("beside")
    beside.write_bytes(data)
    beside.replace(journal)


@pytest.mark.parametrize("put", [Path.write_bytes, put_in_place])
@pytest.mark.parametrize("longer", [-5, 1, 5])
def test_another_journal_in_its_place_is_read_anew(
    tmp_path: Path, put: Callable[[Path, bytes], object], longer: int
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    write(other, Sampled(0, "a", "b"), started(), *(logged(n, 1.0) for n in range(19 + longer)))
    write(tmp_path, started(), *(logged(step, 3.0) for step in range(20)))
    reader = RunReader(tmp_path)
    assert reader.view().loss == 3.0
    put(reader.journal, (other / "journal.jsonl").read_bytes())
    assert reader.view().loss == 1.0
    assert everything(reader) == everything(RunReader(other))


def test_another_file_with_lines_as_long_is_read_anew(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    write(other, started(), logged(1, 1.0), logged(2, 1.5), logged(3, 1.75))
    write(tmp_path, started(), logged(1, 3.0), logged(2, 3.5))
    reader = RunReader(tmp_path)
    assert reader.curve("loss") == [(1, 3.0), (2, 3.5)]
    put_in_place(reader.journal, (other / "journal.jsonl").read_bytes())
    assert reader.curve("loss") == [(1, 1.0), (2, 1.5), (3, 1.75)]


def test_a_journal_that_was_removed_says_nothing(tmp_path: Path) -> None:
    write(tmp_path, started(), logged(1))
    reader = RunReader(tmp_path)
    assert reader.view().phase == "training"
    reader.journal.unlink()
    assert reader.view().phase == "waiting" and reader.events(0) == []


def test_a_view_file_of_another_journal_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path, started(), logged(1, 3.0), logged(2, 3.5))
    RunReader(tmp_path).save_fold()
    (tmp_path / "journal.jsonl").unlink()
    write(tmp_path, started(), logged(1, 2.0), logged(2, 2.5))  # of the same length
    assert RunReader(tmp_path).view().loss == 2.5


@pytest.mark.parametrize("damage", ["", "[]", '{"format": 99}', "half", '{"format": 1}'])
def test_a_damaged_view_file_is_passed_over(tmp_path: Path, damage: str) -> None:
    write(tmp_path, started(), logged(1))
    RunReader(tmp_path).save_fold()
    saved = tmp_path / "view.json"
    text = saved.read_text()
    saved.write_text(text[: len(text) // 2] if damage == "half" else damage)
    assert RunReader(tmp_path).view().seq == 2


def test_a_view_file_of_another_format_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path, started(), logged(1))
    RunReader(tmp_path).save_fold()
    saved = tmp_path / "view.json"
    values = json.loads(saved.read_text())
    values["fold"]["step"] = 77
    for format, step in [(values["format"], 77), (values["format"] + 1, 1)]:
        saved.write_text(json.dumps({**values, "format": format}))
        assert RunReader(tmp_path).view().step == step


def test_a_folder_that_cannot_be_written_to_is_read_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "view.json").mkdir()
    write(tmp_path, started(), RunEnded(0, "stopped", "Stopped.", 0.0))
    reader = RunReader(tmp_path)
    assert reader.view().phase == "ended"
    with pytest.raises(OSError):
        reader.save_fold()
    assert not list(tmp_path.glob(".view*"))


# Cost

EVENTS = 200_000 if THOROUGH else 60_000


class Counted(io.FileIO):
    """A file that counts what is read of it."""

    total = 0

    def read(self, size: int | None = -1) -> Any:
        data = super().read(-1 if size is None else size)
        Counted.total += len(data or b"")
        return data


def counted(path: Path) -> BinaryIO:
    return Counted(path)


def bytes_read() -> int:
    """How much was read since the last time."""
    total, Counted.total = Counted.total, 0
    return total


@pytest.fixture(scope="module")
def long_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal of 60,000 events, or 200,000, a spike of loss among them."""
    folder = tmp_path_factory.mktemp("long")
    rng = random.Random(0)
    with Journal(folder / "journal.jsonl", clock=Clock()) as journal:
        journal.append(started(total_steps=EVENTS))
        while journal.seq < EVENTS:
            step = journal.seq
            if step % 50 == 0:
                journal.append(evaluated(step, 2 + rng.random()))
            elif step % 5000 == 1:
                journal.append(CheckpointSaved(step, f"checkpoints/step-{step:08d}", False))
            else:
                journal.append(logged(step, 99.0 if step == 23_456 else 2 + rng.random()))
    return folder


def test_cost_does_not_grow_with_the_journal(long_run: Path) -> None:
    journal = long_run / "journal.jsonl"
    size = journal.stat().st_size
    reader = RunReader(long_run, counted)
    bytes_read()
    view = reader.view()
    assert view.seq == EVENTS and bytes_read() == size
    assert reader.view() is view and bytes_read() == 0

    # One event more: it alone is read, and events from the end or the middle take a small piece.
    write(long_run, logged(EVENTS + 1, 1.25))
    line = journal.stat().st_size - size
    assert reader.view().loss == 1.25 and bytes_read() == line
    [record] = reader.events(EVENTS)
    assert record["loss"] == 1.25 and bytes_read() < 65 * 2 * line
    for after in [0, 37_777, EVENTS - 500]:
        records = reader.events(after, limit=100)
        assert [one["seq"] for one in records] == list(range(after + 1, after + 101))
        assert bytes_read() <= 65536
    assert reader.events(EVENTS + 1) == [] and bytes_read() == 0

    # A server that starts again takes up what the first read has left, here up to the end.
    reader.save_fold()
    again = RunReader(long_run, counted)
    assert again.view() == reader.view() and bytes_read() <= line
    assert everything(again) == everything(reader)
    write(long_run, logged(EVENTS + 2, 1.5))
    bytes_read()
    assert again.view().loss == 1.5 and bytes_read() <= line + 8

    # What is kept stays small, and so does what is shown.
    assert (long_run / "view.json").stat().st_size < 2_000_000
    assert len(reader.curve("loss", points=10**6)) <= 5 * 1024
    assert len(json.dumps(view.as_json())) < 20_000

    # The extremes of the whole run are in a short curve.
    curve = reader.curve("loss", points=200)
    assert len(curve) <= 200 and (23_456, 99.0) in curve
    values = [
        (one["step"], one["loss"]) for one in read_journal(journal) if one["type"] == "StepLogged"
    ]
    assert curve[0] == values[0] and curve[-1] == values[-1]
    assert min(values, key=lambda point: point[1]) in curve
    assert set(curve) <= set(values) and curve == sorted(curve)
    tail = reader.curve("loss", points=500, after_step=EVENTS - 2)
    assert [step for step, _ in tail] == [EVENTS - 1, EVENTS + 1, EVENTS + 2]


def test_the_first_read_and_the_end_leave_a_view_file(tmp_path: Path) -> None:
    reader = RunReader(tmp_path)
    saved = tmp_path / "view.json"
    write(tmp_path, started(), *(logged(step) for step in range(1, 19_999)))
    reader.view()
    assert not saved.exists()
    write(tmp_path, logged(20_000))
    reader.view()
    assert json.loads(saved.read_text())["fold"]["seq"] == 20_000
    write(tmp_path, logged(20_001))
    reader.view()
    write(tmp_path, RunEnded(20_001, "completed", "Done.", 1.0))
    reader.events(0, limit=1)
    assert json.loads(saved.read_text())["fold"]["seq"] == 20_002
    saved.unlink()
    reader.view()
    assert not saved.exists()  # nothing new


def test_a_run_that_has_ended_rests_until_more_than_its_view_is_asked_for(tmp_path: Path) -> None:
    opened: list[Path] = []

    def opening(path: Path) -> BinaryIO:
        opened.append(path)
        return path.open("rb", buffering=0)

    with Journal(tmp_path / "journal.jsonl") as journal:
        for event in (started(), logged(10), logged(20), RunEnded(20, "stopped", "Stopped.", 1.0)):
            journal.append(event)
        reader = RunReader(tmp_path, opening)
        view, curve = reader.view(), reader.curve("loss")
        reader.rest(unused=3600)
        assert reader._fold.seq == 4  # it was used a moment ago
        reader.rest(unused=0)
        assert reader._fold.seq == 0
        opened.clear()
        assert reader.view() == view and opened == []
        assert reader.curve("loss") == curve and opened != []
        reader.rest(unused=0)
        journal.append(started(step=20))
        assert reader.view().resumes == 1 and reader.view().ended is None
        reader.rest(unused=0)
        assert reader._fold.seq == 5  # it is at work
        assert reader.curve("loss") == curve


def test_a_view_file_is_written_where_it_lags_behind(tmp_path: Path) -> None:
    write(tmp_path, started(), *(logged(step) for step in range(1, 600)))
    saved, reader = tmp_path / "view.json", RunReader(tmp_path)
    reader.save_if_behind(1000)
    assert not saved.exists()
    reader.save_if_behind(500)
    assert json.loads(saved.read_text())["fold"]["seq"] == 600
    write(tmp_path, *(logged(step) for step in range(600, 700)))
    again = RunReader(tmp_path)
    again.save_if_behind(500)
    assert json.loads(saved.read_text())["fold"]["seq"] == 600
    again.save_if_behind(100)
    assert json.loads(saved.read_text())["fold"]["seq"] == 700


def test_reading_a_run_needs_no_torch() -> None:
    code = "import sys, gtt.runs.run_reader; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


# Curves

points = st.builds(
    lambda seed, count: [random.Random(seed + n).gauss(0, 1) for n in range(count)],
    st.integers(0, 1000),
    st.integers(1, 400),
)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(values=points, seals=st.sets(st.integers(0, 399)), wanted=st.integers(1, 60))
def test_a_curve_is_bounded_and_keeps_its_extremes(
    values: list[float], seals: set[int], wanted: int
) -> None:
    curve = Curve(limit=16)
    added: list[tuple[int, float]] = []
    for step, value in enumerate(values):
        curve.add(step, value)
        added.append((step, value))
        if step in seals:
            curve.seal(step)
        assert len(curve.buckets) <= 16
    kept = curve.thinned(10**6)
    assert len(kept) <= 4 * 16 + 16 and set(kept) <= set(added)
    for shown in (kept, curve.thinned(wanted)):
        steps = [step for step, _ in shown]
        assert steps == sorted(set(steps))
        assert shown[0] == added[0] and shown[-1] == added[-1]
        assert min(value for _, value in shown) == min(values)
        assert max(value for _, value in shown) == max(values)
    assert len(curve.thinned(wanted)) <= max(wanted, 4)
    assert curve.thinned(10**6, after_step=5) == [point for point in kept if point[0] > 5]
    again = Curve.from_json(json.loads(json.dumps(curve.as_json())))
    again.limit = 16
    curve.add(400, 1.0)
    again.add(400, 1.0)
    assert again.thinned(10**6) == curve.thinned(10**6)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(values=points, saved=st.integers(0, 399), cut=st.integers(0, 399))
def test_a_curve_is_cut_at_a_resume(values: list[float], saved: int, cut: int) -> None:
    saved = min(saved, len(values) - 1)
    curve = Curve(limit=16)
    for step, value in enumerate(values):
        curve.add(step, value)
        if step == saved:
            curve.seal(step)
    at_seal = Curve.from_json(curve.as_json())
    at_seal.truncate(saved)
    shown = at_seal.thinned(10**6)
    assert shown[-1] == (saved, values[saved])
    assert min(value for _, value in shown) == min(values[: saved + 1])
    assert max(value for _, value in shown) == max(values[: saved + 1])
    assert at_seal.lowest() == (values.index(min(values[: saved + 1])), min(values[: saved + 1]))

    curve.truncate(cut)  # anywhere else: true points only, the first still there
    shown = curve.thinned(10**6)
    assert shown[0] == (0, values[0]) and all(step <= cut for step, _ in shown)
    assert all(values[step] == value for step, value in shown)


def test_the_newest_items_and_that_of_the_seal_are_kept() -> None:
    recent = Recent(limit=4)
    for step in range(10):
        recent.add({"step": step})
        if step == 3:
            recent.seal(3)
    assert [item["step"] for item in recent.items] == [3, 7, 8, 9]
    recent.truncate(8)
    assert recent.last == {"step": 8}
    recent.truncate(3)
    assert recent.last == {"step": 3}


# Many readers

WRITER = """
import sys
from pathlib import Path
from test_view import logged, started
from gtt.runs.journal import Journal
from gtt.training.events import RunEnded
with Journal(Path(sys.argv[1])) as journal:
    journal.append(started(total_steps=3000))
    for step in range(1, 3001):
        journal.append(logged(step, 3000 - step))
    journal.append(RunEnded(3000, "completed", "Done.", 1.0))
"""


def test_many_threads_read_while_a_process_writes(tmp_path: Path) -> None:
    reader = RunReader(tmp_path)
    done = threading.Event()
    faults: list[BaseException] = []

    def follow() -> None:
        try:
            after, seq, looked_again = 0, 0, False
            while True:
                view = reader.view()
                assert view.seq >= seq
                seq = view.seq
                if view.loss is not None:
                    assert view.loss == 3000 - (view.tokens or 0) / 64  # of one record
                records = reader.events(after, limit=100)
                numbers = [record["seq"] for record in records]
                assert numbers == list(range(after + 1, after + 1 + len(records)))
                after += len(records)
                curve = reader.curve("loss", points=50)
                assert curve == sorted(curve) and len(curve) <= 50
                if records and records[-1]["type"] == "RunEnded":
                    assert after == 3002 and reader.view().phase == "ended"
                    return
                assert not (looked_again and not records), "the journal has no end"
                looked_again = done.is_set() and not records
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=follow) for _ in range(6)]
    for thread in threads:
        thread.start()
    here = Path(__file__).resolve().parent
    places = os.pathsep.join(map(str, [here, *here.parents[:2]]))
    try:
        subprocess.run(
            [sys.executable, "-c", WRITER, str(tmp_path / "journal.jsonl")],
            check=True,
            env={**os.environ, "PYTHONPATH": places},
        )
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert not faults, faults
    assert everything(RunReader(tmp_path)) == everything(reader)
