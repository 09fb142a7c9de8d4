"""The server behind the endpoints: room on the disk, what is swept, what is counted."""

from __future__ import annotations

import errno
import gc
import os
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gtt.api.api_errors import (
    ApiError,
    Conflict,
    QuotaExceeded,
    RateLimited,
    TooMuchOnDesk,
    Unavailable,
)
from gtt.api.desk import Desk
from gtt.api.gradio_adapter import _written
from gtt.api.rates import DESK_RATES, Rate, RateLimiter
from gtt.api.service import Service, rates_of
from gtt.api.table import TABLE, Download
from gtt.api.workspaces import UNUSED_IN_MEMORY, new_key, owner_of
from gtt.errors import GTTError
from gtt.recipes import load_recipe
from gtt.runs.home import Home, folder_bytes
from gtt.runs.limits import BYTES_PER_PARAMETER, Limits, fewest_parameters
from gtt.runs.managed_run import ManagedRun
from gtt.runs.scheduling import Scheduler
from gtt.settings import parse

HOUR = 3600.0


@pytest.fixture(autouse=True)
def nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs stay in the queue."""
    monkeypatch.setattr(Scheduler, "start_waiting", lambda self: None)


def serviced(home: Path, **limits: float) -> Service:
    return Service(Home(home), Limits.for_space(**limits), spare=False)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    one = serviced(tmp_path / "home")
    yield one
    one.close()


def created(service: Service, key: str, **values: object) -> ManagedRun:
    """A run as the endpoint begins it."""
    row, caller = TABLE["create_run"], service.caller(key)
    answer = row.call(caller, parse(row.request, {"recipe": "quickstart", **values}, strict=True))
    run = service.manager.get(answer.run.id)
    assert run is not None
    return run


def test_runs_that_wait_hold_the_room_they_will_take(tmp_path: Path) -> None:
    one = BYTES_PER_PARAMETER * fewest_parameters(load_recipe("quickstart").config)
    megabytes = (2.5 * one) / 1e6
    service = serviced(tmp_path / "home", max_workspace_mb=megabytes, max_waiting_per_workspace=9)
    try:
        key = new_key()
        sized = [created(service, key) for _ in range(2)]
        need = sum(BYTES_PER_PARAMETER * fewest_parameters(run.config) for run in sized)
        written = sum(folder_bytes(run.path) for run in sized)
        assert service.reserved_bytes(owner_of(key)) == need - written
        assert service.reserved_bytes(None) == need
        assert service.reserved_bytes(owner_of(new_key())) == 0
        with pytest.raises(TooMuchOnDesk):
            created(service, key)
        service.manager.stop(sized[0])
        created(service, key)
    finally:
        service.close()


def test_runs_of_all_share_the_disk_of_the_server(tmp_path: Path) -> None:
    one = BYTES_PER_PARAMETER * fewest_parameters(load_recipe("quickstart").config)
    service = serviced(tmp_path / "home", max_disk_mb=2.5 * one / 1e6)
    try:
        for _ in range(2):
            created(service, new_key())
        with pytest.raises(Unavailable):
            created(service, new_key())
    finally:
        service.close()


def test_files_for_gradio_are_rated_by_visitor_and_need_room(tmp_path: Path) -> None:
    service = serviced(tmp_path / "home", max_disk_mb=50)
    try:
        passed = 0
        with pytest.raises(RateLimited) as caught:
            for _ in range(60):
                service.receive_file(None, "10.0.0.1", 900_000)
                passed += 1
        assert passed == 20 and caught.value.retry_after
        service.receive_file(None, "10.0.0.2", 900_000)
        service.receive_file(new_key(), "10.0.0.1", 900_000)
        with pytest.raises(Unavailable):
            service.receive_file(None, "10.0.0.3", 40_000_000)
    finally:
        service.close()


def test_gradios_cache_counts_wherever_it_lies(tmp_path: Path) -> None:
    beside = tmp_path / "elsewhere"
    for cache in (beside, tmp_path / "home" / "gradio"):
        cache.mkdir(parents=True)
        (cache / "text.txt").write_bytes(b"x" * 1000)
    outside = Home(tmp_path / "home", received=beside)
    assert outside.cache == beside and outside.bytes() == 2000
    inside = Home(tmp_path / "home")
    assert inside.cache == tmp_path / "home" / "gradio" and inside.bytes() == 1000
    service = Service(outside, Limits.for_space(), spare=False)
    try:
        assert service.stats()["disk_bytes"] >= 2000
    finally:
        service.close()


def test_a_download_through_gradio_needs_room_and_leaves_nothing_without(tmp_path: Path) -> None:
    service = serviced(tmp_path / "home", max_disk_mb=5)
    cache = service.home.cache
    try:
        kept = service.workspaces.home_bytes()
        file = Path(_written(Download("a.zip", "", iter([b"x" * 10**6] * 2)), cache, service))
        assert file.stat().st_size == 2 * 10**6
        assert service.workspaces.home_bytes() == kept + 2 * 10**6
        with pytest.raises(Unavailable):
            _written(Download("b.zip", "", iter([b"x" * 10**6] * 9)), cache, service)
        assert folder_bytes(cache) == 2 * 10**6
        assert service.workspaces.home_bytes() == kept + 2 * 10**6
    finally:
        service.close()


def test_an_idle_desk_goes_with_its_runs(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    idle, busy = new_key(), new_key()
    runs = {key: created(service, key) for key in (idle, busy)}
    ahead = time.time() + 72 * HOUR + 1
    monkeypatch.setattr("gtt.api.service.time.time", lambda: ahead)
    service.workspaces.clock = lambda: ahead
    service.caller(busy)  # is here again
    service.sweep()
    assert not (service.workspaces.folder / owner_of(idle)).exists()
    assert service.manager.get(runs[idle].id) is None
    service.manager.supervisor.sweep()
    assert not runs[idle].path.exists()
    assert service.manager.get(runs[busy].id) is runs[busy] and runs[busy].path.exists()
    assert (service.workspaces.folder / owner_of(busy)).exists()


def test_unused_corpora_go_when_room_is_short(tmp_path: Path) -> None:
    service = serviced(tmp_path / "home", max_disk_mb=100)
    try:
        run = created(service, new_key())
        run.folder.set_fingerprint("needed")
        for name, hours in (("needed", 2), ("unused", 2), ("new", 0)):
            corpus = service.home.corpora / name
            corpus.mkdir(parents=True)
            (corpus / "tokens.bin").write_bytes(b"x" * 10**6)
            when = time.time() - hours * HOUR
            os.utime(corpus, (when, when))
        service.sweep()
        assert len(list(service.home.corpora.iterdir())) == 3  # there is room
        service.workspaces.note_written(85 * 10**6)
        service.sweep()
        assert {path.name for path in service.home.corpora.iterdir()} == {"needed", "new"}
    finally:
        service.close()


def test_errors_of_the_disk_are_of_the_family(service: Service) -> None:
    with pytest.raises(ApiError):
        service.workspaces.check_room(10**15)


def asked(service: Service, key: str, name: str, **values: object) -> Any:
    row = TABLE[name]
    return row.call(service.caller(key), parse(row.request, values, strict=True))


@pytest.mark.parametrize("name", ["train", "create_run", "restart_run"])
def test_the_same_key_makes_one_run_also_after_a_crash(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, home = new_key(), tmp_path / "home"
    values: dict[str, object] = {"idempotency_key": "once", "config": {"name": "mine"}}
    service = serviced(home)
    try:
        if name == "restart_run":
            values["run_id"] = created(service, key).id
        before = {run.id for run in service.manager.runs()}
        with monkeypatch.context() as crashing:
            crashing.setattr(Desk, "remember", lambda self, *about: 1 / 0)  # right behind the run
            with pytest.raises(ZeroDivisionError):
                asked(service, key, name, **values)
        (made,) = {run.id for run in service.manager.runs()} - before
    finally:
        service.close()
    service = serviced(home)
    try:
        for _ in range(2):
            assert asked(service, key, name, **values).run.id == made
        assert len(service.manager.runs()) == len(before) + 1
        with pytest.raises(Conflict) as caught:
            asked(service, key, name, **{**values, "config": {"name": "other"}})
        assert caught.value.field == "idempotency_key"
        assert asked(service, new_key(), "create_run", idempotency_key="once").run.id != made
        service.manager.delete(service.manager._runs[made])
        with pytest.raises(Conflict, match="deleted"):
            asked(service, key, name, **values)
    finally:
        service.close()


def test_a_restarted_run_says_which_recipe_it_is_and_what_was_changed(tmp_path: Path) -> None:
    """As a finding's remedy restarts it; also when the server was started anew in between."""
    key, home = new_key(), tmp_path / "home"
    service = serviced(home)
    try:
        row, values = TABLE["create_run"], {"recipe": "induction", "name": "mine"}
        first = row.call(service.caller(key), parse(row.request, values, strict=True)).run
        limited = ["training.max_minutes"]  # the server's own
        assert (first.recipe, first.changed, first.restarted_from) == ("induction", limited, None)
        changes = {"training": {"learning_rate": 0.001}}
        second = asked(service, key, "restart_run", run_id=first.id, config=changes).run
        asked(service, key, "stop_run", run_id=first.id)  # three may not wait at a time
        named = {"name": "my first", "model": {"n_layers": 3}}
        third = asked(service, key, "restart_run", run_id=second.id, config=named).run
    finally:
        service.close()
    service = serviced(home)
    try:
        second = asked(service, key, "read_run", run_id=second.id).run
        assert second.recipe == "induction"
        assert set(second.changed) == {"training.learning_rate", *limited}
        assert (second.restarted_from.id, second.restarted_from.name) == (first.id, "mine")
        third = asked(service, key, "read_run", run_id=third.id).run
        assert third.recipe == "induction"  # whatever it is called
        assert set(third.changed) == {"model.n_layers", "training.learning_rate", *limited}
        assert third.restarted_from.name == "mine 2"
    finally:
        service.close()


def test_a_stop_costs_no_start(service: Service) -> None:
    key = new_key()
    asked(service, key, "train", recipe="quickstart")
    for _ in range(20):
        asked(service, key, "train", action="stop")
    starts = 1
    with pytest.raises(RateLimited):
        for _ in range(20):
            asked(service, key, "train", recipe="quickstart")
            asked(service, key, "train", action="stop")
            starts += 1
    assert starts == 5


def test_one_desk_for_all_on_a_space_has_the_rates_of_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert rates_of(Limits()).for_all == {}
    assert rates_of(Limits.for_space()).per_desk
    monkeypatch.setenv("SPACE_ID", "owner/name")
    shared = rates_of(Limits.for_space(shared_desk=True))
    assert shared.for_all and not shared.per_desk


def deleted(service: Service, key: str, run: ManagedRun) -> None:
    row = TABLE["delete_run"]
    row.call(service.caller(key), parse(row.request, {"run_id": run.id}))


def restored(service: Service, key: str, run: ManagedRun) -> None:
    row = TABLE["restore_run"]
    row.call(service.caller(key), parse(row.request, {"run_id": run.id}))


def test_a_deleted_run_that_waited_holds_no_room(service: Service) -> None:
    key = new_key()
    run = created(service, key)
    assert service.reserved_bytes(None) > 0 and service.reserved_bytes(owner_of(key)) > 0
    deleted(service, key, run)
    assert service.reserved_bytes(None) == 0 and service.reserved_bytes(owner_of(key)) == 0
    restored(service, key, run)
    assert service.reserved_bytes(None) > 0


def test_what_a_deleted_run_had_reserved_may_be_taken_meanwhile(tmp_path: Path) -> None:
    one = BYTES_PER_PARAMETER * fewest_parameters(load_recipe("quickstart").config)
    service = serviced(tmp_path / "home", max_workspace_mb=1.5 * one / 1e6)
    try:
        key = new_key()
        first = created(service, key)
        with pytest.raises(TooMuchOnDesk):
            created(service, key)
        deleted(service, key, first)
        second = created(service, key)
        with pytest.raises(TooMuchOnDesk):
            restored(service, key, first)
        deleted(service, key, second)
        restored(service, key, first)
    finally:
        service.close()


def at_once(*acts: Callable[[], object]) -> list[object]:
    """What several acts give that begin at the same moment, errors of the interface among it."""
    barrier = threading.Barrier(len(acts))

    def act(one: Callable[[], object]) -> object:
        barrier.wait()
        try:
            return one()
        except GTTError as error:
            return error

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(act, acts))


def test_restores_and_starts_at_once_stay_within_the_runs_of_a_desk(tmp_path: Path) -> None:
    service = serviced(tmp_path / "home", max_runs_per_workspace=4, max_waiting_per_workspace=50)
    try:
        service.rates = RateLimiter.at_home()
        key = new_key()
        gone = []
        for _ in range(8):
            gone.append(created(service, key))
            deleted(service, key, gone[-1])
        acts = [partial(restored, service, key, run) for run in gone]
        told = at_once(*acts, *(partial(created, service, key) for _ in range(4)))
        assert len(service.caller(key).runs()) == 4
        assert sum(isinstance(one, QuotaExceeded) for one in told) == 8
    finally:
        service.close()


def test_of_many_starts_at_once_one_begins(service: Service) -> None:
    service.rates = RateLimiter.at_home()
    key, row = new_key(), TABLE["train"]
    request = parse(row.request, {"action": "start", "recipe": "quickstart"})
    told = at_once(*(partial(row.call, service.caller(key), request) for _ in range(6)))
    assert sum(isinstance(one, Conflict) for one in told) == 5
    assert len(service.caller(key).runs()) == 1


def test_a_full_disk_is_told_and_what_was_deleted_stays_deleted(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = new_key()
    run, other = created(service, key), created(service, key)
    rename = TABLE["rename_run"]
    asked = parse(rename.request, {"run_id": other.id, "name": "another"})

    def full(path: Path, text: str) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("gtt.runs.managed_run.write_text", full)
    with pytest.raises(Unavailable, match="disk"):
        rename.call(service.caller(key), asked)
    deleted(service, key, run)
    stop = TABLE["stop_run"]
    stop.call(service.caller(key), parse(stop.request, {"run_id": other.id}))
    with pytest.raises(Unavailable, match="disk"):
        restored(service, key, run)
    monkeypatch.undo()
    again = ManagedRun.open(run.path)
    assert again.note.deleted_at is not None
    assert ManagedRun.open(other.path).note.waiting is None


def test_a_desk_costs_nothing_before_it_holds_something(service: Service) -> None:
    row = TABLE["set_config"]
    for _ in range(5):
        caller = service.caller(None)
        TABLE["get_config"].call(caller, parse(TABLE["get_config"].request, {}))
        row.call(caller, parse(row.request, {"recipe": "quickstart"}))  # as every draft is at first
    assert service.workspaces.count() == 0 and not list(service.home.workspaces.glob("*"))


def test_desks_of_one_address_are_bounded_and_count_on_the_disk(tmp_path: Path) -> None:
    service = serviced(tmp_path / "home")
    try:
        row = TABLE["set_config"]
        change = parse(row.request, {"config": {"training": {"seed": 1}}})
        before = service.workspaces.home_bytes()
        most = DESK_RATES["desk"].burst
        for _ in range(most):
            row.call(service.caller(new_key(), "1.1.1.1"), change)
        with pytest.raises(RateLimited, match="your address"):
            row.call(service.caller(new_key(), "1.1.1.1"), change)
        row.call(service.caller(new_key(), "1.1.1.2"), change)
        written = service.workspaces.home_bytes() - before
        assert written == folder_bytes(service.home.workspaces) > 100 * most
    finally:
        service.close()


def test_what_strangers_leave_is_out_of_memory_a_minute_later(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = TABLE["set_config"]
    largest = {"generation": {"stop": ["\U0001f600" * 100] * 16, "prompt": "\U0001f600" * 4000}}

    def kilobytes() -> float:
        gc.collect()
        return tracemalloc.get_traced_memory()[0] / 1000

    def come(number: int) -> None:
        service.rates.take("read", owner_of(key := new_key()))
        row.call(service.caller(key, f"1.1.{number}.1"), parse(row.request, {"config": largest}))

    come(0)
    later = time.time() + UNUSED_IN_MEMORY
    monkeypatch.setattr(service.workspaces, "clock", lambda: later)
    tracemalloc.start()
    try:
        before = kilobytes()
        for number in range(60):
            come(number)
        held = kilobytes() - before
        later += UNUSED_IN_MEMORY
        monkeypatch.setattr(service.rates, "clock", lambda: time.monotonic() + 60)
        service.tidy()
        left = kilobytes() - before
    finally:
        tracemalloc.stop()
    assert held > 300 and left < 0.1 * held


@pytest.mark.parametrize("refuses", ["the number of desks", "the disk, once there is a run"])
def test_a_start_that_is_refused_leaves_no_run_in_the_queue(
    service: Service, monkeypatch: pytest.MonkeyPatch, refuses: str
) -> None:
    def refused(*_: object) -> None:
        if "number" in refuses:
            raise RateLimited("Too many.", retry_after=5.0)
        raise Unavailable("Full.", retry_after=5.0)

    what = "open_folder" if "number" in refuses else "save_current_run"
    with monkeypatch.context() as patched:
        patched.setattr(Desk, what, refused)
        for _ in range(5):
            with pytest.raises(ApiError, match=r"Too many|Full"):
                created(service, new_key())
    assert service.manager.runs() == [] and service.reserved_bytes(None) == 0
    assert service.manager.stats()["waiting"] == 0
    assert created(service, new_key()).id


def test_of_many_strangers_those_without_a_desk_start_nothing(tmp_path: Path) -> None:
    service = serviced(tmp_path / "home")
    try:
        service.rates = RateLimiter({}, {"desk": Rate(3, 1)})
        for number in range(10):
            with suppress(RateLimited):
                created(service, f"a desk of a stranger {number}".replace(" ", "-"))
        assert len(service.manager.runs()) == 3
    finally:
        service.close()


def test_a_full_disk_takes_no_drafts(tmp_path: Path) -> None:
    service = serviced(tmp_path / "home", max_disk_mb=0.001)
    try:
        row = TABLE["set_config"]
        change = parse(row.request, {"config": {"training": {"seed": 1}}})
        with pytest.raises((Unavailable, TooMuchOnDesk)):
            row.call(service.caller(new_key()), change)
        assert not list(service.home.workspaces.glob("*/desk.json"))
    finally:
        service.close()


def test_runs_that_never_trained_go_soon_and_all_are_bounded(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = new_key()
    run = created(service, key)
    service.manager.stop(run)
    assert run.state() == "stopped"
    service.manager.supervisor.sweep()
    assert service.manager.get(run.id) is run
    monkeypatch.setattr("gtt.runs.manager.MOST_RUNS", 1)
    with pytest.raises(GTTError, match="keeps 1 runs"):
        created(service, key)
    monkeypatch.setattr(service.manager.supervisor, "clock", lambda: time.time() + 1.1 * HOUR)
    service.manager.supervisor.sweep()
    assert service.manager.get(run.id) is None
    created(service, key)
