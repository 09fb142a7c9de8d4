"""The manager and its worker processes: what callers do, and what goes wrong.

Most of the workers train nothing (see `worker_standin`); those of three tests are the real ones.
"""

from __future__ import annotations

import errno
import io
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from managing import (
    Clock,
    ended,
    ending_workers,
    ends,
    long,
    managing,
    seqs,
    training,
    uploaded,
)
from serving import ROOT, processes_of
from waiting import until
from worker_standin import COMMAND as STANDIN

from gtt.config import RunConfig, size_name
from gtt.errors import BadInput, UnusableRun
from gtt.runs import managed_run
from gtt.runs.folder import RunFolder
from gtt.runs.home import Home
from gtt.runs.journal import Journal
from gtt.runs.limits import Limits
from gtt.runs.manager import UNDO_SECONDS, Manager, QueueFull
from gtt.runs.naming import parameters_of
from gtt.runs.processes import RECORD, WORKER
from gtt.runs.run_reader import RunReader
from gtt.runs.scheduling import Scheduler
from gtt.runs.spares import TOKENS, worker_environment
from gtt.runs.worker_order import Order
from gtt.training.events import StepLogged


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty home; whatever works in it is ended with the test."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    folder = tmp_path / "home"
    folder.mkdir()
    with ending_workers(folder):
        yield folder


@pytest.fixture
def owned(home: Path, tiny_text: Path, tiny_config: RunConfig) -> RunConfig:
    """The settings for a run of ann or bob, who have the text on their desks."""
    source = uploaded(home, tiny_text, "ann", "bob")
    return tiny_config.updated({"data": {"source": source}})


def test_from_create_over_stop_and_resume_to_the_end(home: Path, owned: RunConfig) -> None:
    with managing(home, worker=WORKER) as manager:
        run = manager.create(long(owned), "ann")
        assert run.state() in ("queued", "preparing")
        training(run, 5)
        # Without a spare a worker has its order from the start, and prepares no other text.
        assert len(list(home.glob("corpora/*"))) == 1
        assert manager.stats()["runs"] == {"running": 1}
        manager.stop(run)
        manager.stop(run)  # asked twice is asked once
        assert run.state() in ("stopping", "stopped")
        assert ended(run) == "stopped"
        step = run.view().step
        assert step >= 5 and run.is_resumable("stopped")

        manager.resume(run, {"training": {"max_steps": step + 5, "learning_rate": 0.002}})
        assert run.state() in ("queued", "preparing")
        with pytest.raises(UnusableRun, match="still at work"):
            manager.resume(run, {})
        assert ended(run) == "completed"
        assert run.view().step == step + 5 and run.view().resumes == 1
        assert run.config.training.max_steps == step + 5
        assert ends(run) == ["stopped", "completed"]
        assert seqs(run) == list(range(1, len(seqs(run)) + 1))
        records = list(run.folder.records())
        started = [record for record in records if record["type"] == "RunStarted"]
        assert [record["step"] for record in started] == [0, step]
        assert started[1]["config"]["training"]["learning_rate"] == 0.002


def test_a_finished_run_goes_on_only_with_more_to_do(home: Path, owned: RunConfig) -> None:
    with managing(home) as manager:
        run = manager.create(owned, "ann")
        assert ended(run) == "completed"
        step = run.view().step
        with pytest.raises(UnusableRun, match="finished"):
            manager.resume(run, {})
        with pytest.raises(UnusableRun, match="finished"):
            manager.resume(run, {"training": {"max_steps": step}})
        assert run.state() == "completed"  # a refusal leaves it as it was
        assert not (run.path / RECORD).exists()
        with pytest.raises(UnusableRun, match="finished"):
            manager.resume(run, {"training": {"num_epochs": 50}})  # max_steps still rules
        # What ends at once is not taken for the end of an earlier part.
        for about in run.path.glob("checkpoints/step-*/gtt.json"):
            about.write_bytes(b"{")
        manager.resume(run, {"training": {"max_steps": step + 10}})
        assert ended(run) == "failed" and ends(run) == ["completed", "failed"]

        manager.rename(run, "another name")
        assert run.name == "another name"
        assert run.config.name == owned.name
    with managing(home) as manager:
        again = manager.get(run.id)
        assert again is not None and again.name == "another name"
        assert again.state() == "failed" and again.owner == "ann"


def test_a_press_on_start_writes_the_note_twice(
    home: Path, tiny_config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That it waits, and that it is started; a server that is killed finds it either way."""
    written: list[Path] = []
    write = managed_run.write_text

    def counted(path: Path, text: str) -> None:
        written.append(path)
        write(path, text)

    monkeypatch.setattr(managed_run, "write_text", counted)
    with managing(home) as manager:
        run = manager.create(tiny_config, None)
        assert ended(run) == "completed"
        until(lambda: not manager.at_work())
        assert written == [run.path / "manager.json"] * 2
        manager.resume(run, {"training": {"max_steps": 12}})
        assert ended(run) == "completed" and run.view().step == 12
        until(lambda: not manager.at_work())
        assert len(written) == 4
    for _ in range(2):
        with managing(home) as manager:
            again = manager.get(run.id)
            assert again is not None and again.state() == "completed" and manager.at_work() == []


def test_a_name_that_nobody_chose_tells_the_parameters_that_were_counted(
    home: Path, tiny_config: RunConfig
) -> None:
    wide = tiny_config.updated({"name": "run", "model": {"n_embed": 64, "n_layers": 1}})
    with managing(home) as manager:
        run = manager.create(wide, None)
        expected = run.name
        assert expected.endswith(size_name(run.parameters)) and run.is_named_by_settings
        assert ended(run) == "completed"
        view = run.view()
        assert run.name.endswith(size_name(view.parameters or 0)) and run.name != expected
        assert run.parameters == view.parameters == parameters_of(wide, view.vocab_size)
        assert run.is_named_by_settings
        manager.rename(run, "mine")
        assert run.name == "mine" and not run.is_named_by_settings


def test_stop_while_it_waits_and_while_it_prepares(home: Path, tiny_config: RunConfig) -> None:
    with managing(home) as manager:
        first = manager.create(long(tiny_config), None)
        second = manager.create(tiny_config, None)
        until(lambda: first.state() == "preparing")
        manager.stop(second)
        assert second.state() == "stopped" and ends(second) == ["stopped"]
        assert manager.queue_place(second) is None
        manager.stop(first)  # its worker has not loaded its libraries yet
        assert ended(first) == "stopped" and ends(first) == ["stopped"]
        message = first.view().ended
        assert message is not None and "Stopped before" in message.message
        assert first.is_resumable("stopped") and first.folder.checkpoints.resumable() is None
        manager.resume(first, {"training": {"max_steps": 5}})
        assert ended(first) == "completed" and first.view().step == 5
        (started,) = (one for one in first.folder.records() if one["type"] == "RunStarted")
        assert "begins again at step 0" in " ".join(started["notes"])


def test_two_owners_take_turns_and_see_their_places(home: Path, owned: RunConfig) -> None:
    with managing(home, max_waiting_runs=4, max_waiting_per_workspace=3) as manager:
        first = manager.create(long(owned), "ann")
        until(lambda: first.state() == "preparing")
        ann = [manager.create(owned, "ann") for _ in range(3)]
        bob = manager.create(owned, "bob")
        order = sorted([*ann, bob], key=lambda run: manager.queue_place(run) or (0, 0.0))
        assert order == [ann[0], bob, ann[1], ann[2]]
        places = [manager.queue_place(run) for run in order]
        assert [place[0] for place in places if place] == [1, 2, 3, 4]
        seconds = [place[1] for place in places if place]
        assert seconds == sorted(seconds) and 0 < seconds[0] < seconds[3]
        with pytest.raises(QueueFull, match="4 runs are waiting") as full:
            manager.create(owned, "cleo")
        assert full.value.retry_after >= 5
        manager.stop(ann[2])
        manager.stop(bob)
        manager.create(owned, "ann")
        with pytest.raises(QueueFull, match="3 of your runs"):
            manager.create(owned, "ann")
        assert len(list((home / "runs").iterdir())) == 6  # a refusal leaves no folder
        manager.forget_owner("ann")
        assert manager.runs() == [bob]


def test_two_slots_train_two_runs_at_once(home: Path, owned: RunConfig) -> None:
    with managing(home, max_concurrent_runs=2) as manager:
        with manager._lock:  # all three wait before the first is started
            runs = [manager.create(long(owned), name) for name in ("ann", "ann", "bob")]
        until(lambda: sum(run.state() == "running" for run in runs) == 2)
        assert runs[1].state() == "queued"  # bob's came later, and it was his turn
        assert manager.stats()["worker_bytes"] > 10e6
        assert {runs[0].note.slot, runs[2].note.slot} == {0, 1}
        manager.stop(runs[2])
        until(lambda: runs[1].state() != "queued")
        assert runs[1].note.slot == 1 and runs[0].state() == "running"


def test_delete_can_be_undone_until_the_sweep(home: Path, tiny_config: RunConfig) -> None:
    clock = Clock()
    with managing(home, clock=clock, run_ttl_hours=1.0, max_waiting_per_workspace=1) as manager:
        run = manager.create(long(tiny_config), None)
        training(run)
        waiting = manager.create(tiny_config, None)
        for each in (run, waiting):
            manager.delete(each)
            manager.delete(each)
            assert manager.get(each.id) is None and manager.deleted(each.id) is each
        assert manager.runs() == [] and manager.stats()["waiting"] == 0
        with pytest.raises(UnusableRun, match="deleted"):
            manager.resume(run, {})
        until(lambda: not run.is_alive())
        manager.supervisor.sweep()
        assert run.path.is_dir() and waiting.path.is_dir()

        busy = manager.create(long(tiny_config), None)
        until(lambda: busy.state() != "queued")
        another = manager.create(tiny_config, None)
        with pytest.raises(QueueFull):  # bringing back is no way round the limit
            manager.restore(waiting)
        assert manager.deleted(waiting.id) is waiting
        for each in (another, busy):
            manager.delete(each)
        manager.restore(waiting)
        manager.restore(waiting)
        assert waiting.state() in ("queued", "preparing")  # it waits again
        assert ended(waiting) == "completed"
        manager.restore(run)
        assert run.state() == "stopped" and manager.get(run.id) is run

        manager.delete(run)
        clock.ahead = UNDO_SECONDS + 1
        manager.supervisor.sweep()
        assert not run.path.exists() and manager.deleted(run.id) is None
        for late in (manager.restore, lambda run: manager.rename(run, "x")):
            with pytest.raises(UnusableRun, match="gone"):
                late(run)
        manager.delete(run)
        assert waiting.path.is_dir()
        clock.ahead = 3700  # beyond the age of a run
        manager.supervisor.sweep()
        assert [path.name for path in (home / "runs").iterdir()] == []


def test_what_was_left_half_made_is_swept(home: Path, tiny_config: RunConfig) -> None:
    half, other = home / "runs" / "half", home / "runs" / "somebody-elses"
    for folder in (half, other):
        folder.mkdir(parents=True)
    (half / "manager.json").write_text("{}")
    (other / "notes.txt").write_text("mine")
    (home / "runs" / ".deleted-x").mkdir()
    os.utime(half, (time.time() - 100,) * 2)
    with managing(home) as manager:
        manager.supervisor.sweep()
    assert [path.name for path in (home / "runs").iterdir()] == ["somebody-elses"]


def test_a_restart_finds_workers_and_the_queue(home: Path, owned: RunConfig) -> None:
    with managing(home) as manager:
        old = manager.create(long(owned), "ann")
        training(old)
        manager.stop(old)
        ended(old)
        living = manager.create(long(owned), "ann")
        training(living)
        manager.resume(old, {"training": {"max_steps": old.view().step + 3}})
        queued = [manager.create(owned, owner) for owner in ("ann", "bob", "ann")]
        waiting = [old, *queued]
        places = {run.id: manager.queue_place(run) for run in waiting}
        seen = living.view().step
    assert living.is_alive()
    with managing(home) as manager:
        again = manager.get(living.id)
        assert again is not None and again.state() == "running"
        for id, place in places.items():
            run = manager.get(id)
            assert run is not None and run.state() == "queued"
            found = manager.queue_place(run)
            assert place is not None and found is not None and found[0] == place[0]
        training(again, seen + 10)  # it went on
        for run in manager.runs():
            if run.id not in (old.id, living.id):
                manager.stop(run)
        manager.stop(again)
        assert ended(again) == "stopped"
        resumed = manager.get(old.id)
        assert resumed is not None and ended(resumed) == "completed"
        assert resumed.view().step == old.view().step  # the changes were kept
        assert ends(resumed) == ["stopped", "completed"]


def test_a_worker_that_died_without_a_server_is_interrupted(
    home: Path, tiny_config: RunConfig
) -> None:
    with managing(home) as manager:
        run = manager.create(long(tiny_config, checkpoint_every=5), None)
        until(lambda: run.folder.checkpoints.resumable())
    assert run.worker is not None and run.worker.child is not None
    run.worker.kill()
    run.worker.child.wait()
    with managing(home) as manager:
        again = manager.get(run.id)
        assert again is not None and again.state() == "interrupted"
        assert again.is_resumable("interrupted") and ends(again) == []
        manager.resume(again, {"training": {"max_steps": again.view().step + 5}})
        assert ended(again) == "completed"
        assert seqs(again) == list(range(1, len(seqs(again)) + 1))


def test_a_run_whose_server_died_while_handing_it_over_waits_again(
    home: Path, tiny_config: RunConfig
) -> None:
    with managing(home) as manager:
        first = manager.create(long(tiny_config), None)
        second = manager.create(tiny_config, None)
        until(lambda: first.worker)
        assert first.worker is not None
        psutil.Process(first.worker.pid).suspend()  # before its first word, which never comes
        until(lambda: first.state() == "preparing")
    assert first.worker.child is not None
    first.worker.kill()
    first.worker.child.wait()
    second.write_note(started_at=time.time())  # on disk before the order goes out
    with managing(home) as manager:
        found = [manager.get(run.id) for run in (first, second)]
        assert [run.state() for run in found if run] == ["queued", "queued"]
        again = found[0]
        assert again is not None
        training(again)


DYING_SERVER = """
import os, sys, time
from pathlib import Path
from gtt.config import RunConfig, size_name
from gtt.runs.home import Home
from gtt.runs.limits import Limits
from gtt.runs.manager import Manager

manager = Manager(Home(Path(sys.argv[1])), Limits(), spare=False)
run = manager.create(RunConfig.parse(eval(sys.argv[2])), None)
while run.worker is None:
    time.sleep(0.001)
os.kill(run.worker.pid, 19)  # halted, it stands for one that takes long to load
while run.note.waiting is not None:  # until the order is in its pipe
    time.sleep(0.01)
print(run.id, run.worker.pid, flush=True)
os.kill(os.getpid(), 9)
"""


def test_a_worker_whose_server_was_killed_while_it_loaded_trains_to_its_end(
    home: Path, tiny_config: RunConfig
) -> None:
    """It once said that it was ready, into the broken pipe, and died of that."""
    done = subprocess.run(
        [sys.executable, "-c", DYING_SERVER, str(home), repr(tiny_config.model_dump())],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    run_id, worker = done.stdout.split()
    folder = RunFolder(home / "runs" / run_id)
    assert not folder.journal.exists(), "the worker had loaded before its server died"
    psutil.Process(int(worker)).resume()
    with managing(home) as manager:  # the next server finds the worker and lets it go on
        run = manager.get(folder.path.name)
        assert run is not None and ended(run) == "completed"
        assert ends(run) == ["completed"]


def test_a_full_disk_is_named_also_where_it_took_no_last_line(
    home: Path, tiny_config: RunConfig
) -> None:
    """The limit on file sizes stands in for a full disk: the system refuses the write alike."""
    with managing(home) as manager:
        run = manager.create(long(tiny_config), None)
        training(run, 10)
        assert run.worker is not None and run.folder.journal.stat().st_size > 1000
        resource.prlimit(run.worker.pid, resource.RLIMIT_FSIZE, (1000, 1000))
        assert ended(run) == "failed"
        end = until(lambda: run.view().ended)
        assert "disk is full" in end.message and "exit code" not in end.message
        assert run.is_resumable("failed")


def test_an_end_that_the_disk_would_not_take_is_told_once_it_does(
    home: Path, tiny_config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gtt.runs.supervision.TELL_EVERY", 0.1)
    append, is_full = Journal.append, threading.Event()

    def refusing(journal: Journal, event: Any) -> Any:
        if is_full.is_set():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return append(journal, event)

    monkeypatch.setattr(Journal, "append", refusing)
    with managing(home) as manager:
        run = manager.create(long(tiny_config), None)
        training(run)
        is_full.set()  # for the server, whose words are these
        assert run.worker is not None
        run.worker.kill()
        until(lambda: run.state() == "interrupted")
        assert run.untold
        is_full.clear()
        until(lambda: run.state() == "failed")
        assert ends(run) == ["failed"]


def test_a_killed_worker_ends_as_failed_with_a_sentence(home: Path, tiny_config: RunConfig) -> None:
    me = psutil.Process()
    before = me.children()
    with managing(home) as manager:
        early = manager.create(tiny_config, None)
        until(lambda: early.worker)
        assert early.worker is not None
        early.worker.kill()
        assert ended(early) == "failed"
        message = early.view().ended
        assert message is not None and "begins again at step 0" in message.message

        run = manager.create(long(tiny_config, checkpoint_every=5), None)
        until(lambda: run.folder.checkpoints.resumable())
        assert run.worker is not None
        run.worker.kill()
        assert ended(run) == "failed"
        message = run.view().ended
        assert message is not None and "was killed" in message.message
        assert "Resume from step" in message.message and run.is_resumable("failed")

        # Settings that were changed hold from then on, whether or not they came into a checkpoint.
        manager.resume(run, {"training": {"learning_rate": 0.002, "checkpoint_every": 100_000}})
        training(run, run.view().step + 10)
        run.worker.kill()
        assert ended(run) == "failed"
        manager.resume(run, {"training": {"max_steps": run.view().step + 5}})
        assert ended(run) == "completed"
        begun = [one for one in run.folder.records() if one["type"] == "RunStarted"]
        assert [one["config"]["training"]["learning_rate"] for one in begun][1:] == [0.002, 0.002]
        assert set(me.children()) <= set(before)  # no zombie either


def test_a_run_without_memory_ends_alone(
    home: Path, owned: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Scheduler, "_memory_per_run", lambda self: 3 * 2**29)
    with managing(home, worker=WORKER, max_concurrent_runs=2) as manager:
        small = manager.create(long(owned), "ann")
        large = manager.create(
            owned.updated(
                {
                    "model": {"n_layers": 4, "n_heads": 4, "n_embed": 256, "block_size": 1024},
                    "training": {"batch_size": 512},
                }
            ),
            "bob",
        )
        assert ended(large) == "failed"
        end = large.view().ended
        assert end is not None and "memory" in end.message, end
        assert "lower training.batch_size" in end.message
        step = small.view().step
        training(small, step + 10)


def test_a_text_that_would_hold_the_slot_is_let_go_of(home: Path, owned: RunConfig) -> None:
    """Its reader, halted, stands for one within a call that nothing interrupts."""
    with managing(home, worker=WORKER) as manager:
        run = manager.create(owned, "ann")
        until(lambda: run.worker)
        assert run.worker is not None
        (reader,) = until(psutil.Process(run.worker.pid).children)
        reader.suspend()
        until(run.folder.journal.exists)  # it has its order
        began = time.monotonic()
        manager.stop(run)
        assert ended(run) == "stopped"
        assert time.monotonic() - began < 20 and not reader.is_running()
        end = run.view().ended
        assert end is not None and "Stopped before the first step" in end.message
        good = manager.create(owned, "bob")
        assert until(lambda: good.worker)  # the slot is free


def test_journals_are_read_and_kept_before_anybody_asks(
    home: Path, tiny_config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a restart, and while a run goes on: a cold status then reads few bytes."""
    monkeypatch.setattr("gtt.runs.supervision.SAVE_EVERY", 0.2)
    path = home / "runs" / "long"
    path.mkdir(parents=True)
    RunFolder(path).create(tiny_config, None)
    with Journal(path / "journal.jsonl") as journal:
        for step in range(1, 3000):
            journal.append(StepLogged(step, 2.0, 1e-3, 1.0, 1e4, step, 0.1, step))
        with managing(home) as manager:
            until(lambda: (path / "view.json").exists())
            run = manager.get("long")
            assert run is not None
            for step in range(3000, 4000):
                journal.append(StepLogged(step, 2.0, 1e-3, 1.0, 1e4, step, 0.1, step))
            manager.scheduler.at_work["long"] = 0  # as if its worker wrote it
            run.at_work = True
            monkeypatch.setattr(run, "is_alive", lambda: True)
            until(lambda: json.loads((path / "view.json").read_text())["fold"]["seq"] == 3999)
            del manager.scheduler.at_work["long"]
    read = 0

    class Counted(io.FileIO):
        def read(self, size: int | None = -1) -> Any:
            nonlocal read
            data = super().read(-1 if size is None else size)
            read += len(data or b"")
            return data

    assert RunReader(path, Counted).view().step == 3999  # type: ignore[arg-type]
    assert read < 1000 < (path / "journal.jsonl").stat().st_size / 100


def test_a_folder_that_refuses_fails_one_run_only(home: Path, tiny_config: RunConfig) -> None:
    with managing(home) as manager:
        busy = manager.create(long(tiny_config), None)
        until(lambda: busy.state() == "preparing")
        broken = manager.create(tiny_config, None)
        good = manager.create(tiny_config, None)
        # Root may write anywhere, but not replace a folder by a file.
        (broken.path / ".manager.json.partial").mkdir()
        manager.stop(busy)
        until(lambda: broken.state() != "queued")
        assert ended(broken) == "failed"
        end = broken.view().ended
        assert end is not None and "No process could be started" in end.message
        assert ended(good) == "completed"
        manager.delete(broken)  # what cannot be noted holds all the same
        assert manager.get(broken.id) is None


def test_a_spare_that_dies_is_replaced_and_none_is_left(home: Path, tiny_config: RunConfig) -> None:
    with managing(home, spare=True) as manager:
        spare = until(lambda: manager._spares.spare)
        assert spare.wait_until_warm(60)
        assert manager.stats()["spare_is_warm"]
        spare.process.kill()
        other = until(lambda: manager._spares.spare is not spare and manager._spares.spare)
        assert other.process.pid != spare.process.pid
        assert spare.process.returncode == -signal.SIGKILL
        assert other.wait_until_warm(60)
        other.process.kill()
        other.process.wait()
        run = manager.create(tiny_config, None)  # at once: the dead one does not get it
        assert ended(run) == "completed"
    until(lambda: processes_of(home) == [])


def test_one_manager_per_home(home: Path) -> None:
    with managing(home), pytest.raises(BadInput, match="already looks after"):
        Manager(Home(home), Limits())
    with managing(home):
        pass  # the lock was given back
    (home / "file").write_text("")
    with pytest.raises(BadInput, match="cannot be written"):
        Manager(Home(home / "file"), Limits())


def test_hostile_folders_are_passed_over(
    home: Path, tmp_path: Path, tiny_config: RunConfig
) -> None:
    runs = home / "runs"
    runs.mkdir()
    with managing(home) as manager:
        good = manager.create(tiny_config, None)
        ended(good)
    about = (good.path / "run.json").read_text()
    texts = {
        "empty": "",
        "garbage": "\x00\xff{",
        "list": "[]",
        "number": "1",
        "nothing": '{"format": 1}',
        "no-groups": '{"format": 1, "config": [1]}',
        "wrong-name": '{"format": 1, "config": {"name": {"a": 1}}}',
        "newer": '{"format": 99, "config": {}}',
        "deep": '{"format": 1, "config": ' + "[" * 100_000 + "]" * 100_000 + "}",
        "owners": about.replace('"owner": null', '"owner": ["a"]'),
    }
    for name, text in texts.items():
        (runs / name).mkdir()
        (runs / name / "run.json").write_text(text, encoding="utf-8", errors="replace")
    (runs / "a-file").write_text("x")
    (runs / "loop").symlink_to(runs)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "run.json").write_text(about)
    (runs / "link").symlink_to(elsewhere)
    (runs / "folder").mkdir()
    (runs / "folder" / "run.json").mkdir()
    # Runs they are, with notes that say nothing of use.
    odd = {
        "note-list": ("manager.json", "[]"),
        "note-types": ("manager.json", '{"name": 5, "deleted_at": "x", "ended_seq": "y"}'),
        "note-waiting": ("manager.json", '{"name": "x", "waiting": {"since": "now"}}'),
        "worker-negative": (RECORD, '{"pid": -5, "born": 0}'),
        "worker-huge": (RECORD, '{"pid": 1e400, "born": NaN}'),
        "worker-other": (RECORD, f'{{"pid": {os.getpid()}, "born": 5}}'),
    }
    for name, (file, text) in odd.items():
        (runs / name).mkdir()
        (runs / name / "run.json").write_text(about)
        (runs / name / file).write_text(text)
    with managing(home) as manager:
        damaged = {"folder", *texts}
        assert {run.id for run in manager.runs()} == {good.id, *odd, *damaged}
        for run in manager.runs():
            state = "damaged" if run.id in damaged else "interrupted"
            assert run.state() == ("completed" if run.id == good.id else state)
            manager.stop(run)
        manager.supervisor.sweep()
        manager.delete(next(run for run in manager.runs() if run.id == "note-types"))
    assert (elsewhere / "run.json").exists()


def test_a_run_of_the_terminal_shows_and_stops(home: Path, tiny_config: RunConfig) -> None:
    command = [sys.executable, "-m", "gtt", "train", "--recipe", "quickstart"]
    command += ["--out", str(home / "runs" / "mine"), "--data", str(tiny_config.data.source)]
    settings = long(tiny_config).training
    for name in ("max_steps", "eval_every", "checkpoint_every", "log_every", "batch_size"):
        command += ["--set", f"training.{name}={getattr(settings, name)}"]
    for name in ("n_layers", "n_heads", "n_embed", "block_size"):
        command += ["--set", f"model.{name}={getattr(tiny_config.model, name)}"]
    environment = {**os.environ, "GTT_HOME": str(home), "PYTHONPATH": str(ROOT)}
    with managing(home) as manager:
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with subprocess.Popen(command, env=environment, **quiet) as terminal:
            run = until(lambda: manager.get("mine"))
            training(run)
            assert run.worker is not None and run.worker.pid == terminal.pid
            waiting = manager.create(tiny_config, None)
            manager.stop(run)
            assert terminal.wait(60) == 0
        assert ended(run) == "stopped" and ends(run) == ["stopped"]
        assert ended(waiting) == "completed"
        # Another process that is not ours goes on with it.
        with subprocess.Popen(
            STANDIN, env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
        ) as other:
            assert other.stdin is not None
            other.stdin.write(Order(str(run.path), resume=True).as_line().encode())
            other.stdin.close()
            until(lambda: run.state() == "running")
            assert run.worker is not None and run.worker.pid == other.pid
            manager.stop(run)
            assert other.wait(60) == 0
        assert ended(run) == "stopped" and ends(run) == ["stopped", "stopped"]


def test_a_worker_for_strangers_has_no_token_of_the_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in TOKENS:
        monkeypatch.setenv(name, "hf_secret")
    at_home = worker_environment(tmp_path, slots=1, for_strangers=False)
    outside = worker_environment(tmp_path, slots=2, for_strangers=True)
    assert at_home["HF_TOKEN"] == "hf_secret"
    assert "hf_secret" not in outside.values()
    assert outside["HF_HUB_DISABLE_IMPLICIT_TOKEN"] == "1"
    assert int(outside["OMP_NUM_THREADS"]) >= 1


def test_one_desk_on_a_space_is_still_for_strangers(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not Limits().for_strangers and Limits.for_space().for_strangers
    monkeypatch.setenv("SPACE_ID", "owner/name")
    shared = Limits.from_environment({"SPACE_ID": "owner/name", "GTT_SHARED_DESK": "true"})
    assert shared.shared_desk and shared.for_strangers
    with managing(home, shared_desk=True) as manager:
        assert manager._spares.for_strangers
