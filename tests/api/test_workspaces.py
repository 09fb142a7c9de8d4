"""Desks: unguessable, separate, kept over a restart, and gone without trace when unused."""

from __future__ import annotations

import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from gtt.api.api_errors import Conflict, TooMuchOnDesk, Unavailable
from gtt.api.desk import MOST_REMEMBERED, Desk
from gtt.api.workspaces import UNUSED_IN_MEMORY, Workspaces, new_key, owner_of
from gtt.errors import BadInput, InvalidSetting
from gtt.recipes import load_recipe
from gtt.runs.home import folder_bytes
from gtt.runs.limits import Limits

HOUR = 3600.0


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def workspaces(tmp_path: Path, clock: Clock) -> Workspaces:
    return Workspaces(tmp_path / "workspaces", Limits.for_space(), clock)


def _change_draft(desk: Desk, changes: dict[str, Any]) -> None:
    desk.save_draft(desk.draft.updated(changes))


def test_keys_are_long_and_different_and_stored_nowhere(workspaces: Workspaces) -> None:
    assert len({new_key() for _ in range(100)}) == 100
    desk = workspaces.desk(None)
    key = desk.key
    assert key is not None and len(key) >= 43
    _change_draft(desk, {"name": "mine"})
    desk.remember("once", {"recipe": "quickstart"}, "run-1")
    assert desk.owner == owner_of(key) and len(desk.owner) == 32
    assert key not in repr(desk)
    for path in workspaces.folder.rglob("*"):
        assert key not in str(path)
        assert not path.is_file() or key.encode() not in path.read_bytes()


def test_a_key_opens_the_same_desk_and_is_told_once(workspaces: Workspaces) -> None:
    made = workspaces.desk(None)
    assert made.key is not None
    again = workspaces.desk(made.key)
    assert again is made and again.key is None


@pytest.mark.parametrize(
    "key",
    [
        "",
        "short",
        "a" * 19,
        "a" * 101,
        "../" * 10,
        "a" * 30 + "\n",
        "ä" * 30,
        "a b" * 10,
        "\0" * 30,
    ],
)
def test_a_malformed_key_is_bad_input(workspaces: Workspaces, key: str) -> None:
    with pytest.raises(BadInput) as caught:
        workspaces.desk(key)
    assert caught.value.field == "workspace"
    assert not key or key not in caught.value.message
    assert not workspaces.folder.exists()


def test_reading_with_any_key_leaves_no_trace(workspaces: Workspaces) -> None:
    workspaces.most_in_memory = 10
    for _ in range(200):
        desk = workspaces.desk(new_key())
        assert desk.draft == load_recipe("quickstart").config
        assert desk.current_run is None and desk.recall("k", {}) is None
        assert desk.usage_bytes() == 0 and desk.uploads.list() == []
    assert not workspaces.folder.exists()
    assert len(workspaces._recent) == 10
    del desk
    assert len(workspaces._alive) == 10


def test_a_desk_in_use_stays_one_object_when_memory_forgets_it(workspaces: Workspaces) -> None:
    workspaces.most_in_memory = 1
    key = new_key()
    desk = workspaces.desk(key)
    workspaces.desk(new_key())
    assert workspaces.desk(key) is desk


def test_desks_that_nobody_asked_for_lately_are_on_the_disk_alone(
    workspaces: Workspaces, clock: Clock
) -> None:
    keys = [new_key() for _ in range(20)]
    for key in keys:
        _change_draft(workspaces.desk(key), {"generation": {"stop": ["\U0001f600" * 100] * 16}})
    held = workspaces.desk(keys[0])
    clock.now += UNUSED_IN_MEMORY
    asked = workspaces.desk(keys[1])
    workspaces.forget_unused()
    assert set(workspaces._recent) == {asked.owner}
    assert set(workspaces._alive) == {asked.owner, held.owner}
    assert workspaces.desk(keys[0]) is held and workspaces.desk(keys[1]) is asked
    for key in keys:
        assert workspaces.desk(key).draft.generation.stop == ("\U0001f600" * 100,) * 16


def test_what_is_on_a_desk_survives_a_restart_and_stays_apart(
    workspaces: Workspaces, clock: Clock
) -> None:
    key, other = new_key(), new_key()
    desk = workspaces.desk(key)
    desk.save_draft(desk.draft.updated({"model": {"n_layers": 3}}))
    assert desk.draft.model.n_layers == 3
    desk.save_current_run("run-1")
    desk.remember("once", {"a": 1}, "run-1")
    later = Workspaces(workspaces.folder, workspaces.limits, clock)
    found = later.desk(key)
    assert found.draft == desk.draft and found.draft.model.n_layers == 3
    assert found.current_run == "run-1"
    assert found.recall("once", {"a": 1}) == "run-1"
    stranger = later.desk(other)
    assert stranger.draft.model.n_layers == 2
    assert stranger.current_run is None and stranger.recall("once", {"a": 1}) is None


def test_a_bad_change_changes_nothing(workspaces: Workspaces) -> None:
    desk = workspaces.desk(new_key())
    with pytest.raises(InvalidSetting):
        _change_draft(desk, {"model": {"n_layer": 3}})
    assert desk.draft == load_recipe("quickstart").config
    assert not workspaces.folder.exists()


@pytest.mark.parametrize(
    "damage",
    [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"format": 2}', b'{"format": 1}'],
)
def test_a_damaged_file_is_as_none(workspaces: Workspaces, clock: Clock, damage: bytes) -> None:
    key = new_key()
    _change_draft(workspaces.desk(key), {"name": "mine"})
    path = workspaces.folder / owner_of(key) / "desk.json"
    path.write_bytes(damage)
    desk = Workspaces(workspaces.folder, workspaces.limits, clock).desk(key)
    assert desk.draft == load_recipe("quickstart").config
    _change_draft(desk, {"name": "again"})
    assert json.loads(path.read_bytes())["draft"]["name"] == "again"


def test_damage_in_one_part_spares_the_others(workspaces: Workspaces, clock: Clock) -> None:
    key = new_key()
    desk = workspaces.desk(key)
    desk.save_current_run("run-1")
    desk.remember("once", {}, "run-1")
    path = workspaces.folder / owner_of(key) / "desk.json"
    values = json.loads(path.read_bytes())
    values["draft"]["model"]["n_layers"] = "many"
    values["answered"]["broken"] = {"request": 1}
    path.write_text(json.dumps(values))
    found = Workspaces(workspaces.folder, workspaces.limits, clock).desk(key)
    assert found.draft == load_recipe("quickstart").config
    assert found.current_run == "run-1" and found.recall("once", {}) == "run-1"


def test_an_idempotency_key_stands_for_one_request_for_a_day(
    workspaces: Workspaces, clock: Clock
) -> None:
    desk = workspaces.desk(new_key())
    assert desk.recall("once", {"a": 1, "b": 2}) is None
    desk.remember("once", {"a": 1, "b": 2}, "run-1")
    assert desk.recall("once", {"b": 2, "a": 1}) == "run-1"
    with pytest.raises(Conflict) as caught:
        desk.recall("once", {"a": 2})
    assert caught.value.field == "idempotency_key"
    clock.now += 24 * HOUR - 1
    assert desk.recall("once", {"a": 1, "b": 2}) == "run-1"
    clock.now += 2
    assert desk.recall("once", {"a": 2}) is None


def test_idempotency_keys_are_bounded_and_checked(workspaces: Workspaces, clock: Clock) -> None:
    desk = workspaces.desk(new_key())
    for number in range(MOST_REMEMBERED + 5):
        clock.now += 1
        desk.remember(f"key {number}", {}, f"run-{number}")
    assert desk.recall("key 4", {}) is None
    assert desk.recall("key 5", {}) == "run-5"
    for key in ("", "a" * 201, "a\nb", "\ud800"):
        with pytest.raises(BadInput):
            desk.recall(key, {})
        with pytest.raises(BadInput):
            desk.remember(key, {}, "run")
    assert desk.recall("new", {"text": "\ud800"}) is None  # a lone surrogate in a request


def test_use_is_noted_at_most_once_a_minute(workspaces: Workspaces, clock: Clock) -> None:
    key = new_key()
    _change_draft(workspaces.desk(key), {"name": "mine"})
    seen = workspaces.folder / owner_of(key) / "seen"
    first = seen.stat().st_mtime
    assert first == clock.now
    clock.now += 30
    workspaces.desk(key)
    assert seen.stat().st_mtime == first
    clock.now += 31
    workspaces.desk(key)
    assert seen.stat().st_mtime == clock.now == workspaces.desk(key).last_seen


def test_idle_desks_are_listed_and_deleted_unless_their_visitor_is_back(
    workspaces: Workspaces, clock: Clock
) -> None:
    old, back, fresh = new_key(), new_key(), new_key()
    for key in (old, back):
        _change_draft(workspaces.desk(key), {"name": "old"})
    clock.now += 72 * HOUR + 1
    _change_draft(workspaces.desk(fresh), {"name": "new"})
    restarted = Workspaces(workspaces.folder, workspaces.limits, clock)  # reads it from the disk
    assert restarted.idle(clock.now) == sorted(map(owner_of, (old, back)))
    restarted.desk(back)
    assert restarted.idle(clock.now) == [owner_of(old)]
    assert not restarted.delete(owner_of(back), idle_at=clock.now)
    assert restarted.delete(owner_of(old), idle_at=clock.now)
    assert not restarted.delete(owner_of(old))
    assert not restarted.delete("../workspaces")
    assert {path.name for path in workspaces.folder.iterdir()} == {owner_of(back), owner_of(fresh)}
    assert restarted.desk(back).draft.name == "old"
    assert restarted.desk(old).draft == load_recipe("quickstart").config


def test_a_desk_held_while_deleted_starts_anew(workspaces: Workspaces) -> None:
    key = new_key()
    desk = workspaces.desk(key)
    _change_draft(desk, {"name": "mine"})
    assert workspaces.delete(desk.owner)
    assert workspaces.desk(key) is desk
    assert desk.draft.name != "mine"
    desk.save_current_run("run-2")
    assert workspaces.desk(key).current_run == "run-2"


def test_a_deletion_cut_short_is_finished_at_the_next_start(workspaces: Workspaces) -> None:
    left = workspaces.folder / ".deleted-0123"
    left.mkdir(parents=True)
    (left / "desk.json").write_text("{}")
    assert workspaces.idle(1e12) == []
    workspaces.sweep_leftovers()
    assert not left.exists()


def test_at_home_everybody_has_one_desk_that_never_goes(tmp_path: Path, clock: Clock) -> None:
    limits = Limits(workspace_ttl_hours=1)
    workspaces = Workspaces(tmp_path / "workspaces", limits, clock)
    desk = workspaces.desk(None)
    assert desk.owner == "local" and desk.key is None
    assert workspaces.desk(new_key()) is desk is workspaces.desk("!")
    _change_draft(desk, {"name": "mine"})
    assert workspaces.idle(clock.now + 1e9) == []
    assert not workspaces.delete("local")


def test_usage_counts_the_desk_and_its_runs(tmp_path: Path, clock: Clock) -> None:
    workspaces = Workspaces(
        tmp_path / "workspaces", Limits.for_space(), clock, runs_bytes=lambda owner: 1000
    )
    desk = workspaces.desk(new_key())
    assert desk.usage_bytes() == 1000
    desk.uploads.save("a.txt", [b"x" * 500])
    assert 1500 < desk.usage_bytes() < 1700
    clock.now += 61
    kept = workspaces.home_bytes()
    assert kept == folder_bytes(tmp_path) > 500
    desk.uploads.save("b.txt", [b"x" * 500])
    assert workspaces.home_bytes() == kept + 500  # measured once a minute, and counted meanwhile
    clock.now += 61
    assert workspaces.home_bytes() > kept + 500
    os.symlink("/", desk.folder / "link")
    assert desk.usage_bytes() < 3000


def test_the_disk_of_all_is_counted_as_it_is_written(tmp_path: Path, clock: Clock) -> None:
    limits = Limits.for_space(max_disk_mb=5, max_upload_mb=2)
    workspaces = Workspaces(tmp_path / "workspaces", limits, clock)
    kept = 0
    for _ in range(10):  # within one minute, each on a desk of its own
        try:
            workspaces.desk(new_key()).uploads.save("a.txt", [b"x" * 1_600_000])
        except Unavailable:
            continue
        kept += 1
    assert kept == 3
    assert folder_bytes(tmp_path) < 5_000_000


def test_what_runs_may_still_write_is_kept_free(tmp_path: Path, clock: Clock) -> None:
    promised = {"all": 4_000_000, "one": 0}
    workspaces = Workspaces(
        tmp_path / "workspaces",
        Limits.for_space(max_disk_mb=5, max_workspace_mb=4),
        clock,
        reserved_bytes=lambda owner: promised["all" if owner is None else "one"],
    )
    desk = workspaces.desk(new_key())
    with pytest.raises(Unavailable):
        desk.uploads.check_room(1_500_000)
    desk.uploads.check_room(900_000)
    promised["one"] = 3_500_000
    with pytest.raises(TooMuchOnDesk):
        desk.uploads.check_room(900_000)


def test_the_number_of_desks_is_bounded(
    workspaces: Workspaces, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gtt.api.workspaces.MOST_DESKS", 2)
    keys = [new_key() for _ in range(3)]
    for key in keys[:2]:
        _change_draft(workspaces.desk(key), {"name": "mine"})
    with pytest.raises(Unavailable) as caught:
        _change_draft(workspaces.desk(keys[2]), {"name": "mine"})
    assert caught.value.retry_after
    _change_draft(workspaces.desk(keys[0]), {"name": "still"})
    workspaces.delete(owner_of(keys[1]))
    _change_draft(workspaces.desk(keys[2]), {"name": "mine"})


def test_a_disk_that_refuses_is_said_and_the_desk_stays_as_it_was(workspaces: Workspaces) -> None:
    desk = workspaces.desk(new_key())
    _change_draft(desk, {"name": "before"})
    (desk.folder / "desk.json").unlink()
    (desk.folder / "desk.json").mkdir()  # a file cannot be put in its place
    with pytest.raises(Unavailable):
        _change_draft(desk, {"name": "after"})
    assert desk.draft.name == "before"
    assert not list(desk.folder.glob("*.partial"))


def test_threads_lose_no_change(workspaces: Workspaces) -> None:
    key, barrier = new_key(), threading.Barrier(8)

    def create(number: int) -> str:
        barrier.wait()
        desk = workspaces.desk(key)
        with desk.lock:
            found = desk.recall("once", {})
            if found is None:
                found = f"run-{number}"
                desk.remember("once", {}, found)
        desk.remember(f"own {number}", {}, str(number))
        return found

    with ThreadPoolExecutor(8) as pool:
        runs = set(pool.map(create, range(8)))
    assert len(runs) == 1
    desk = workspaces.desk(key)
    assert [desk.recall(f"own {number}", {}) for number in range(8)] == list(map(str, range(8)))
