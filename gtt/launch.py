"""Starts several processes on a machine without a GPU where `accelerate launch` starts one.

`accelerate launch --num_processes 2` starts several processes on GPUs; on CPUs alone it leaves that
to MPI and starts one, which would quietly train with half the batch. That one sees it from its
surroundings and hands over to the launcher of PyTorch, with as many processes as asked for.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise

from gtt.data.progress import is_merging
from gtt.errors import BadInput
from gtt.training.variables import GROUP, refuse_foreign


def start_all_processes(environment: Mapping[str, str] = os.environ) -> None:
    """Replaces this process by a launcher of all where one was started instead of several.

    Returns where there is nothing to mend. Raises `BadInput` where the number is not to be found,
    and for variables that ask for another way of training.
    """
    refuse_foreign(environment)
    # For several processes Accelerate's launcher sets where they meet; whoever starts them, a rank.
    if not {"MASTER_ADDR", "ACCELERATE_MIXED_PRECISION"} <= environment.keys():
        return
    if "RANK" in environment or "PMI_RANK" in environment or "OMPI_COMM_WORLD_RANK" in environment:
        return
    import psutil
    import torch

    command_line = psutil.Process(os.getppid()).cmdline()
    processes = asked_for(command_line, "num_processes")
    hosts = asked_for(command_line, "num_machines") or 1
    if processes is None or hosts > 1 or torch.cuda.is_available():
        raise BadInput(
            "accelerate launch started one process for a run on several. With GPUs, add "
            "--multi_gpu; on CPUs, name their number with --num_processes, or start them on each "
            "host with torchrun."
        )
    launcher = ["-m", "torch.distributed.run", "--nproc-per-node", str(processes)]
    launcher += ["--master-addr", environment["MASTER_ADDR"]]
    launcher += ["--master-port", environment.get("MASTER_PORT", "29500")]
    os.execve(
        sys.executable,
        [sys.executable, *launcher, "-m", "gtt", *sys.argv[1:]],
        {**environment, "ACCELERATE_USE_CPU": "true"},
    )


def asked_for(command_line: list[str], option: str) -> int | None:
    """The number given for an option in the launcher's command line; None where there is none."""
    words = [part for word in command_line for part in word.split("=", 1)]
    for name, value in pairwise(words):
        if name.lstrip("-").replace("-", "_") == option and value.isdigit():
            return int(value)
    return None


def is_main_process(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether this is the process that speaks for all; asking Accelerate would mean loading it.

    A rank that is left over from something else, without the rest of a group, silences nobody.
    """
    is_first = environment.get("RANK", "0").strip() in ("", "0")
    return is_first or not all(environment.get(name, "").strip() for name in GROUP)


@contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """Inside, SIGTERM raises `KeyboardInterrupt` as Ctrl-C does, so that what was begun is undone.

    Outside the main thread Python delivers no signals, and nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def leave(code: int, environment: Mapping[str, str] = os.environ) -> int:
    """Returns the exit code; one of several processes ends with it here and now.

    So does one that was interrupted while byte pairs are merged: Python would wait for the library.

    The threads of a group of processes may still be winding down while Python takes itself apart,
    and PyTorch then now and then aborts ("terminate called without an active exception"), which the
    launcher reports as a failed run although everything is written.
    """
    is_one_of_several = environment.get("WORLD_SIZE", "1").strip() not in ("", "0", "1")
    if is_merging() or is_one_of_several:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code
