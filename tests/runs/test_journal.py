"""The journal: whole lines, numbers without gaps, and what a kill leaves behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gtt.errors import BadInput, UnusableRun
from gtt.runs.folder import RunFolder, claim_folder
from gtt.runs.home import Home
from gtt.runs.journal import Journal, read_journal
from gtt.training.events import RunEnded, Sampled


def write(path: Path, count: int) -> None:
    with Journal(path, clock=lambda: 12.3456) as journal:
        for step in range(count):
            journal.append(Sampled(step, "a", "b\nc ∑"))


def test_events_come_back_as_written_with_number_and_time(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    write(path, 2)
    write(path, 1)  # another writer goes on where the first one ended
    records = list(read_journal(path))
    assert [record["seq"] for record in records] == [1, 2, 3]
    assert records[1] == {
        "seq": 2,
        "time": 12.346,
        "type": "Sampled",
        "step": 1,
        "prompt": "a",
        "text": "b\nc ∑",
    }
    assert list(read_journal(path, after=2)) == records[2:]
    assert not list(read_journal(tmp_path / "nothing.jsonl"))


@pytest.mark.parametrize("cut", range(1, 40, 3))
def test_a_half_written_line_is_dropped_on_reading_and_cut_on_writing(
    tmp_path: Path, cut: int
) -> None:
    path = tmp_path / "journal.jsonl"
    write(path, 3)
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    assert [record["seq"] for record in read_journal(path)] == [1, 2]
    write(path, 1)
    assert [record["seq"] for record in read_journal(path)] == [1, 2, 3]
    for line in path.read_text(encoding="utf-8").splitlines():
        json.loads(line)


@pytest.mark.parametrize("damage", [b"\0" * 20 + b"\n", b"[]\n", b'{"seq": "2"}\n', b"\n"])
@pytest.mark.parametrize("line", [0, 1, 2])
def test_a_damaged_line_is_refused_and_nothing_behind_it_is_cut_off(
    tmp_path: Path, line: int, damage: bytes
) -> None:
    path = tmp_path / "journal.jsonl"
    write(path, 3)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[line] = damage
    path.write_bytes(b"".join(lines))
    with pytest.raises(UnusableRun, match=f"line {line + 1}"):
        write(path, 1)
    assert path.read_bytes() == b"".join(lines)
    path.write_bytes(b"".join(lines[:line] + lines[line + 1 :]))  # the way out that is offered
    write(path, 1)
    assert [record["seq"] for record in read_journal(path)][-1] == (3 if line == 2 else 4)


def test_numbers_that_json_lacks_become_null(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:
        journal.append(RunEnded(1, "diverged", "so", float("nan")))
    assert next(read_journal(path))["seconds"] is None


def test_homes_and_run_names(tmp_path: Path) -> None:
    home = Home.from_environment({"GTT_HOME": str(tmp_path), "GTT_SOURCES": ""})
    assert home.path == tmp_path and home.sources is None
    names = {home.new_run("My run: ../é").name for _ in range(20)}
    assert len(names) == 20
    assert all(name.startswith("My-run") and "/" not in name and ".." not in name for name in names)
    assert Home.from_environment({}).path.name == ".gtt"


def test_a_folder_is_claimed_only_if_new_or_empty(tmp_path: Path) -> None:
    claim_folder(tmp_path / "a" / "b")
    claim_folder(tmp_path / "a" / "b")
    assert not list((tmp_path / "a" / "b").iterdir())
    with pytest.raises(BadInput, match="not empty"):
        claim_folder(tmp_path / "a")
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match="cannot be written"):
        claim_folder(tmp_path / "file" / "run")


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnusableRun, match=r"no run\.json"):
        RunFolder(tmp_path).config()
    (tmp_path / "run.json").write_text('{"format": 1, "config": {"model": {"n_layer": 1}}}')
    with pytest.raises(UnusableRun, match=r"n_layers.*update GTT"):
        RunFolder(tmp_path).config()
