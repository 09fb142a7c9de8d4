"""What training on two hosts costs against one, over networks of several speeds.

`python benchmarks/hosts.py [--rounds N] [--steps N]` makes two network namespaces with a cable
between them, each with its own folder, and starts one process in each as two hosts would. It needs
Linux with `ip` and `tc` (iproute2) and the rights of root, and takes away again what it made. One
process has one thread everywhere, so that two of them have two cores.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import here  # noqa: F401  -- makes gtt known

HOSTS, CABLE, ADDRESSES = ("gtt-a", "gtt-b"), ("gtt0", "gtt1"), ("10.77.0.1", "10.77.0.2")
# What is compared: name, processes, the cable's speed (None is one host), sharded or not.
KINDS: list[tuple[str, int, str | None, bool]] = [
    ("one process", 1, None, False),
    ("two processes on one host", 2, None, False),
    ("the same, sharded", 2, None, True),
    ("two hosts, no limit", 2, "", False),
    ("two hosts, 1 Gbit/s", 2, "1gbit", False),
    ("the same, sharded", 2, "1gbit", True),
    ("two hosts, 100 Mbit/s", 2, "100mbit", False),
]
LONGEST = 600.0  # seconds of one measurement
BUCKET = ("burst", "256kb", "latency", "50ms")
QUIET = ["training.snapshots=false", "training.eval_every=100000", "training.log_every=10"]


def main() -> int:
    """Prints a table: tokens per second, their range, and the ratio to one process."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--recipe", default="quickstart")
    options = parser.parse_args()
    seen: list[list[float]] = [[] for _ in KINDS]
    losses: list[float] = [0.0 for _ in KINDS]
    with tempfile.TemporaryDirectory() as temporary, two_hosts():
        for number in range(options.rounds):
            for place, kind in enumerate(KINDS):
                folder = Path(temporary) / f"{number}-{place}"
                speed, losses[place] = measure(kind, options.recipe, options.steps, folder)
                seen[place].append(speed)
    base = statistics.median(seen[0])
    print(f"{options.recipe}, {options.steps} steps, {options.rounds} rounds")
    print("| | tokens per second, median (range) | against one process | last loss |")
    print("| --- | --- | --- | --- |")
    for (name, *_), speeds, loss in zip(KINDS, seen, losses):
        middle = statistics.median(speeds)
        spread = f"{min(speeds):,.0f} to {max(speeds):,.0f}"
        print(f"| {name} | {middle:,.0f} ({spread}) | {middle / base:.2f} | {loss:.4f} |")
    return 0


@contextmanager
def two_hosts() -> Iterator[None]:
    """Two namespaces, each with its end of one cable.

    What was there before under their names is somebody else's: it is left, and nothing is measured.
    """
    with ExitStack() as made:
        for host in HOSTS:
            run("ip", "netns", "add", host)
            made.callback(run, "ip", "netns", "del", host)
        run("ip", "link", "add", CABLE[0], "type", "veth", "peer", "name", CABLE[1])
        cable = made.enter_context(ExitStack())  # goes with the namespaces once it is in them
        cable.callback(run, "ip", "link", "del", CABLE[0])
        for host, end, address in zip(HOSTS, CABLE, ADDRESSES):
            run("ip", "link", "set", end, "netns", host)
            cable.pop_all()
            inside = ("ip", "netns", "exec", host, "ip")
            run(*inside, "addr", "add", f"{address}/24", "dev", end)
            run(*inside, "link", "set", "lo", "up")
            run(*inside, "link", "set", end, "up")
        yield


def run(*command: str) -> None:
    subprocess.run(command, check=True)


def limit(speed: str) -> None:
    """Sets what both ends of the cable send at most, and how late it arrives."""
    for host, end in zip(HOSTS, CABLE):
        tc = ("ip", "netns", "exec", host, "tc", "qdisc")
        subprocess.run([*tc, "del", "dev", end, "root"], check=False, stderr=subprocess.DEVNULL)
        if speed:
            run(*tc, "add", "dev", end, "root", "tbf", "rate", speed, *BUCKET)


def measure(
    kind: tuple[str, int, str | None, bool], recipe: str, steps: int, folder: Path
) -> tuple[float, float]:
    """Tokens per second (the median of the log points but the first two) and the last loss."""
    _, processes, speed, is_sharded = kind
    train = ["-m", "gtt", "train", "--recipe", recipe, "--json", "--out", str(folder / "run")]
    for setting in (*QUIET, f"training.max_steps={steps}"):
        train += ["--set", setting]
    launchers: list[list[str]] = [[sys.executable]]
    if processes > 1:
        group = [sys.executable, "-m", "torch.distributed.run"]
        meeting = ["--master-addr", "127.0.0.1", "--master-port", str(free_port())]
        launchers = [[*group, "--nproc-per-node", str(processes), *meeting]]
    if speed is not None:
        limit(speed)
        meeting = ["--master-addr", ADDRESSES[0], "--master-port", "29500"]
        nodes = ["--nnodes", "2", "--nproc-per-node", "1"]
        launchers = [
            ["ip", "netns", "exec", host, *group, *nodes, "--node-rank", str(rank), *meeting]
            for rank, host in enumerate(HOSTS)
        ]
    commands = []
    for rank, launcher in enumerate(launchers):
        home, host = folder / f"home-{rank}", None if speed is None else rank
        commands.append(([*launcher, *train], surroundings(home, host, is_sharded)))
    told = run_together(commands, LONGEST, kind[0])
    events = [json.loads(line) for line in told[0].splitlines() if line.startswith("{")]
    logged: list[dict[str, Any]] = [event for event in events if event["type"] == "StepLogged"]
    speeds = [event["tokens_per_second"] for event in logged[2:]]
    return statistics.median(speeds), logged[-1]["loss"]


def run_together(
    commands: Sequence[tuple[list[str], dict[str, str]]], seconds: float, what: str
) -> list[str]:
    """What the commands print, run at the same time, each with its environment.

    Where one fails or they take longer, all of them end with what they started, and this program.
    """
    deadline = time.monotonic() + seconds
    with ExitStack() as started:
        at_work = []
        for command, environment in commands:
            process = subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                text=True,
                env=environment,
                start_new_session=True,  # a group of its own, so that what it starts ends with it
            )
            started.callback(end_group, process)
            at_work.append(process)
        try:
            left = (max(0.0, deadline - time.monotonic()) for _ in at_work)
            told = [process.communicate(timeout=one)[0] for process, one in zip(at_work, left)]
        except subprocess.TimeoutExpired:
            raise SystemExit(f"{what}: it took longer than {seconds:g} s") from None
        if any(process.returncode for process in at_work):
            raise SystemExit(f"{what}: a process ended with {[p.returncode for p in at_work]}")
    return told


def end_group(process: subprocess.Popen[str]) -> None:
    """Ends a process and all that it started, as far as they live."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def surroundings(home: Path, host: int | None, is_sharded: bool) -> dict[str, str]:
    """One thread each, a home of its own, and on two hosts the cable's end to speak through."""
    cable = {} if host is None else {"GLOO_SOCKET_IFNAME": CABLE[host]}
    more = {"GTT_HOME": str(home), "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true", **cable}
    return {**os.environ, **more, "GTT_SHARD": str(is_sharded).lower()}


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


if __name__ == "__main__":
    sys.exit(main())
