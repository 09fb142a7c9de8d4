"""Every command of the README and the docs runs as it is written, from a fresh clone."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from serving import first_text, free_port, processes_of
from thorough import THOROUGH
from written import PAGES, all_commands

ROOT = Path(__file__).resolve().parent.parent
LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "tests", "node_modules")
SECONDS = 200
SAMPLE = "· sample"


class Clone:
    """The project's files in a folder of their own, and a shell that stands there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "clone"
        shutil.copytree(ROOT, self.folder, ignore=LEFT_OUT)
        # The text of the first recipe, which the first command would take its time to make.
        shutil.copytree(Path(first_text().name) / "corpora", self.folder / ".gtt" / "corpora")
        tools = folder / "bin"
        tools.mkdir()
        for name, start in (
            ("python", ""),
            ("accelerate", " -m accelerate.commands.accelerate_cli"),
        ):
            (tools / name).write_text(f'#!/bin/sh\nexec "{sys.executable}"{start} "$@"\n')
            (tools / name).chmod(0o755)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GTT_")}
        self.environment = {
            **kept,
            "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
            "PAGER": "cat",
        }
        self.environment.pop("PYTHONPATH", None)

    def run(self, command: str, *, cwd: Path | None = None, **more: str) -> str:
        """A command to its end; returns what it wrote on stdout."""
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=cwd or self.folder,
            env={**self.environment, **more},
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr, done.stderr
        return done.stdout

    def run_until(self, seen: str, command: str, **more: str) -> str:
        """A command that trains, stopped as Ctrl-C does once its output has a line with `seen`."""
        with self.started(command, **more) as process:
            assert process.stdout is not None
            lines = []
            for line in process.stdout:
                lines.append(line)
                if seen in line:
                    os.killpg(process.pid, signal.SIGINT)
                    break
            rest, _ = process.communicate(timeout=SECONDS)
            whole = "".join(lines) + rest
            assert process.returncode == 0 and "Traceback" not in whole, whole
            return whole

    @contextmanager
    def started(self, command: str, **more: str) -> Iterator[subprocess.Popen[str]]:
        """A command at work, with both of its outputs in one; killed if it outlives the block."""
        process = subprocess.Popen(
            ["bash", "-c", f"exec {command}"],
            cwd=self.folder,
            env={**self.environment, **more},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(20)
            assert process.stdout is not None
            process.stdout.close()


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    return Clone(tmp_path_factory.mktemp("fresh"))


@pytest.fixture(scope="module")
def trained(clone: Clone) -> dict[str, str]:
    """The folder of the run that the README's first command began, as the commands call it."""
    shown = clone.run_until(SAMPLE, "python -m gtt train --recipe quickstart")
    folder = shown.splitlines()[-1]
    assert Path(folder).is_relative_to(clone.folder / ".gtt" / "runs")
    assert f"python -m gtt resume {folder}" in shown
    return {"RUN": folder}


def written() -> set[str]:
    """Every command of ours in the README and the docs; how each is written, test_written.py."""
    return {command.line for command in all_commands()}


ENDLESS = {  # stopped once they have written a sample
    "python -m gtt train --recipe quickstart",
    "python -m gtt resume $RUN",
}
AT_ONCE = {
    'python -m gtt generate $RUN --prompt "One day"': "One day",
    "python -m gtt evaluate $RUN": "nats per token",
    "python -m gtt export $RUN OUT": "OUT",
    "python -m gtt recipes": "quickstart",
    "python -m gtt datasets": "tales",
    "python -m gtt stop": "No run is at work",
}
# With a name to be filled in, or for machines that are not this one.
PATTERNS = {
    "python -m gtt train --recipe NAME",
    "python -m gtt train",
    "python -m gtt stop [$RUN]",
    "python -m gtt train --on MACHINE",  # as these are run in tests/hub/test_jobs_terminal.py
    "python -m gtt jobs",
    "python -m gtt jobs $RUN",
    "python -m gtt push $RUN USER/NAME",  # as it is run in tests/hub/test_push.py
    "python -m gtt",
}


def test_no_command_of_the_docs_is_left_out() -> None:
    launched = {command for command in written() if " -m gtt " in command}
    launched = {command for command in launched if command.startswith("accelerate")}
    of_gpus = ("--multi_gpu", "--use_fsdp")
    several = {one for one in launched if not any(flag in one for flag in of_gpus)}
    assert several == set(LAUNCHED)
    ours = {command for command in written() if command.startswith("python -m gtt")}
    assert ours - ENDLESS - set(AT_ONCE) - PATTERNS == set(), "run these in a test too"
    assert ENDLESS | set(AT_ONCE) - {"python -m gtt datasets", "python -m gtt stop"} <= ours


@pytest.mark.parametrize("command", AT_ONCE)
def test_a_command_runs_as_it_is_written(
    command: str, clone: Clone, trained: dict[str, str]
) -> None:
    shutil.rmtree(clone.folder / "OUT", ignore_errors=True)
    assert AT_ONCE[command] in clone.run(command, **trained)


def test_resume_and_tracking_run_as_they_are_written(clone: Clone, trained: dict[str, str]) -> None:
    assert "training" in clone.run_until(SAMPLE, "python -m gtt resume $RUN", **trained)
    assert "`--track tensorboard`" in (ROOT / "README.md").read_text(encoding="utf-8")
    shown = clone.run_until(SAMPLE, "python -m gtt train --recipe quickstart --track tensorboard")
    assert list(Path(shown.splitlines()[-1]).rglob("events.out.tfevents.*"))


LAUNCHED = (
    "accelerate launch --num_processes 2 -m gtt train --recipe quickstart",
    "accelerate launch --num_processes 2 -m gtt train --recipe beginner",
)


@pytest.mark.parametrize("command", LAUNCHED if THOROUGH else LAUNCHED[:1])
def test_a_launcher_starts_what_is_written(command: str, clone: Clone) -> None:
    with clone.started(command) as process:
        assert process.stdout is not None
        seen = ""
        for line in process.stdout:
            seen += line
            if SAMPLE in line:
                break
        else:
            raise AssertionError(seen)
        assert "2 processes" in seen
        os.killpg(process.pid, signal.SIGTERM)
        rest, _ = process.communicate(timeout=SECONDS)
        assert "Stopped" in seen + rest


@pytest.mark.skipif(not THOROUGH, reason="minutes of measuring: set GTT_THOROUGH=1")
def test_bench_runs_as_it_is_written(clone: Clone) -> None:
    assert "tokens/s" in clone.run("python -m gtt bench")


NAMES = sorted(path.name for path in (ROOT / "benchmarks").glob("*.py"))


RUN_BY_HAND = [name for name in NAMES if "__main__" in (ROOT / "benchmarks" / name).read_text()]


@pytest.mark.parametrize("name", RUN_BY_HAND)
def test_a_benchmark_starts_from_anywhere(name: str, clone: Clone, tmp_path: Path) -> None:
    place = clone.folder / "benchmarks" / name
    for command, cwd in (
        (f"python benchmarks/{name}", clone.folder),
        (f"python {place}", tmp_path),
    ):
        assert "usage:" in clone.run(f"{command} --help", cwd=cwd)


def test_a_part_of_a_benchmark_finds_the_package_too(clone: Clone) -> None:
    """Whoever starts one of them by mistake is not told that there is no `gtt`."""
    for name in set(NAMES) - set(RUN_BY_HAND):
        clone.run(f"python benchmarks/{name}")


def test_the_benchmarks_that_the_docs_name_are_there() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    named = set(re.findall(r"benchmarks/(\w+\.py)", text))
    assert named and named <= set(RUN_BY_HAND)


def test_the_page_starts_as_it_is_written_and_says_what_goes_on_after_it(clone: Clone) -> None:
    port = free_port()
    home = clone.folder / ".gtt"
    order = {"recipe": "quickstart", "name": "my run"}
    try:
        with clone.started("python app.py", GRADIO_SERVER_PORT=str(port)) as process:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as page:
                wait_for(lambda: page.get("/healthz").status_code == 200, process)
                id = page.post("/api/runs", json=order).raise_for_status().json()["run"]["id"]
                path = f"/api/runs/{id}"
                wait_for(lambda: page.get(path).json()["run"]["state"] == "running", process)
            process.send_signal(signal.SIGINT)
            time.sleep(0.1)
            process.send_signal(signal.SIGINT)  # whoever is impatient loses nothing by it
            told, _ = process.communicate(timeout=60)
        assert process.returncode == 0, told
        assert f"The page is at http://127.0.0.1:{port}. Ctrl-C ends the server." in told
        assert "share" not in told
        assert "A run goes on in the background: my run." in told
        (command,) = re.findall(r"python -m gtt stop \S+", told)
        assert "Stopped" in clone.run(command)
        assert "No run is at work" in clone.run("python -m gtt stop")
    finally:
        for left in processes_of(home):
            left.kill()


def wait_for(
    condition: Callable[[], bool], process: subprocess.Popen[str], seconds: float = 90
) -> None:
    """Until a condition holds; fails at once where the process has ended."""
    deadline = time.monotonic() + seconds
    while True:
        assert process.poll() is None, process.communicate()[0]
        try:
            if condition():
                return
        except httpx.TransportError:
            pass
        assert time.monotonic() < deadline
        time.sleep(0.1)
