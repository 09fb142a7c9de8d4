"""What `benchmarks/hosts.py` makes and starts is gone afterwards, and nobody else's is touched."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import psutil
import pytest
from serving import ROOT


@pytest.fixture
def hosts(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module("hosts")


def namespaces() -> set[str]:
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True)
    return {line.split()[0] for line in listed.stdout.splitlines() if line.strip()}


def may_make_namespaces() -> bool:
    if shutil.which("ip") is None or os.geteuid() != 0:
        return False
    name = f"gtt-try-{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", name], check=False, capture_output=True)
    subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)
    return made.returncode == 0


@pytest.fixture
def others(hosts: ModuleType) -> Iterator[str]:
    """A namespace of somebody else, under a name that the measurement takes."""
    if not may_make_namespaces():
        pytest.skip("no network namespace can be made here")
    if namespaces() & set(hosts.HOSTS):
        pytest.skip("somebody measures here just now")
    subprocess.run(["ip", "netns", "add", hosts.HOSTS[1]], check=True)
    yield hosts.HOSTS[1]
    subprocess.run(["ip", "netns", "del", hosts.HOSTS[1]], check=True)


def test_a_namespace_of_somebody_else_is_left(hosts: ModuleType, others: str) -> None:
    with pytest.raises(subprocess.CalledProcessError), hosts.two_hosts():
        raise AssertionError("it has both")
    assert namespaces() & set(hosts.HOSTS) == {others}


def test_what_takes_too_long_ends_with_all_that_it_started(
    hosts: ModuleType, tmp_path: Path
) -> None:
    """As a launcher does, each starts another process, which would live on."""
    starts = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
    waits = f"import os, time; open('{tmp_path}/' + str(os.getpid()), 'w'); time.sleep(300)"
    commands = [([sys.executable, "-c", starts, waits], dict(os.environ)) for _ in range(2)]
    with pytest.raises(SystemExit, match="two of them: it took longer than 3 s"):
        hosts.run_together(commands, 3.0, "two of them")
    started = [int(path.name) for path in tmp_path.iterdir()]
    assert len(started) == 2
    deadline = time.monotonic() + 10
    while any(is_alive(pid) for pid in started):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_one_that_fails_ends_the_others(hosts: ModuleType) -> None:
    fails = ([sys.executable, "-c", "import sys; sys.exit(3)"], dict(os.environ))
    works = ([sys.executable, "-c", "print('done')"], dict(os.environ))
    assert hosts.run_together([works, works], 30.0, "two") == ["done\n", "done\n"]
    with pytest.raises(SystemExit, match=r"two: a process ended with \[3, 0\]"):
        hosts.run_together([fails, works], 30.0, "two")


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
