"""Processes that talk with the Hub and outlive the server: one pushes, one follows a job.

Their order comes on one line of stdin, with the token in it, which therefore stands in no argument,
no environment and on no disk.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from gtt.runs.home import Home
from gtt.runs.processes import ROOT
from gtt.runs.spares import worker_environment

Process = subprocess.Popen[bytes]


@contextmanager
def starting(module: str, home: Home) -> Iterator[Process]:
    """Starts a module, which waits for its order; what fails in the block ends it. Raises OSError.

    No token of anybody is in its environment, whoever asked for it.
    """
    environment = worker_environment(home.path, 1, for_strangers=True)
    paths = [str(ROOT), *filter(None, [environment.get("PYTHONPATH")])]
    nowhere = home.path / "nowhere"
    nowhere.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**environment, "PYTHONPATH": os.pathsep.join(paths)},
        cwd=nowhere,
        start_new_session=True,  # a Ctrl-C for the server is none for it
    )
    try:
        yield process
    except BaseException:
        with suppress(OSError):
            if process.stdin is not None:
                process.stdin.close()
        with suppress(ProcessLookupError):
            process.kill()
        process.wait()
        raise


def give_order(process: Process, order: Mapping[str, Any]) -> None:
    """Tells the process what to do; raises OSError where it has died."""
    assert process.stdin is not None
    process.stdin.write(json.dumps(dict(order)).encode() + b"\n")
    process.stdin.close()
