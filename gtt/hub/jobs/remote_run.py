"""What runs on the Hub's machine: the run of the order, told line by line, its outcome sent home.

Every line of the run's journal is printed as it is written, behind a mark, so that whoever follows
the job's log has the journal. Whenever a checkpoint was saved, and at the end, the run's folder
goes into the repository that the order came from. Nothing here knows whether anybody follows.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

JOURNAL, PUSHED, UNSENT = "gtt-journal ", "gtt-pushed ", "gtt-unsent "
LOOK_EVERY = 0.2  # seconds between two looks at the journal
TRIES, PAUSE = 4, 5.0  # to send the outcome, with seconds in between
SAVING = 0.2  # of the time limit, at most: to save and to send what was trained
LONGEST_SAVING = 180.0  # seconds


class Outcome:
    """The run's folder in the repository, kept up to date one commit at a time."""

    def __init__(self, folder: Path, repo: str) -> None:
        from huggingface_hub import HfApi

        self.api, self.folder, self.repo = HfApi(library_name="gtt"), folder, repo
        self._sent: dict[str, tuple[int, int]] = {}  # size and time of change of what is there

    def send(self) -> None:
        """Sends what is new, takes away what is gone. Raises what the Hub or the disk refuses."""
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete

        stage = self.folder.with_name("leaving")
        shutil.rmtree(stage, ignore_errors=True)
        staged = dict(self._staged(stage))
        operations: list[Any] = [
            CommitOperationAdd(f"run/{name}", str(stage / name))
            for name, mark in staged.items()
            if self._sent.get(name) != mark
        ]
        operations += [
            CommitOperationDelete(f"run/{name}") for name in self._sent if name not in staged
        ]
        if operations:
            self.api.create_commit(self.repo, operations, commit_message="What was trained so far")
        self._sent = staged
        shutil.rmtree(stage, ignore_errors=True)

    def _staged(self, stage: Path) -> Iterator[tuple[str, tuple[int, int]]]:
        """Copies or links what is to go: the training may replace it meanwhile."""
        for path in sorted(self.folder.rglob("*")):
            name = path.relative_to(self.folder).as_posix()
            if not is_outcome(name) or not path.is_file():
                continue
            (stage / name).parent.mkdir(parents=True, exist_ok=True)
            status = path.stat()
            if name.startswith(("checkpoints/", "snapshots/")):
                os.link(path, stage / name)
            else:
                shutil.copyfile(path, stage / name)
            yield name, (status.st_size, status.st_mtime_ns)


def is_outcome(name: str) -> bool:
    """Whether a file of a run's folder is sent home; what is half made begins with a dot."""
    first, *below = name.split("/")
    if any(part.startswith(".") for part in (first, *below)):
        return False
    if not below:
        return first in ("journal.jsonl", "latest", "best")
    return first in ("checkpoints", "snapshots")


class Teller(threading.Thread):
    """Prints the journal as it grows, and sends the outcome once a checkpoint is whole."""

    def __init__(self, folder: Path, outcome: Outcome) -> None:
        super().__init__(name="telling", daemon=True)
        self.folder, self.outcome = folder, outcome
        self._last_seq = 0
        self._over = threading.Event()
        self._saved = threading.Event()
        self._sender = threading.Thread(target=self._send, name="sending", daemon=True)

    def run(self) -> None:
        self._sender.start()
        while not self._over.wait(LOOK_EVERY):
            self.tell()

    def tell(self) -> None:
        """Prints what is new in the journal."""
        from gtt.runs.journal import read_journal

        for record in read_journal(self.folder / "journal.jsonl", self._last_seq):
            self._last_seq = record["seq"]
            say(JOURNAL, record)
            if record["type"] == "CheckpointSaved":
                self._saved.set()

    def finish(self) -> bool:
        """Prints and sends what remains; returns whether it arrived."""
        self._over.set()
        self.join()
        self.tell()
        self._saved.set()
        self._sender.join()
        for tries_left in reversed(range(TRIES)):
            try:
                self.outcome.send()
                say(PUSHED, {})
                return True
            except Exception as error:
                say(UNSENT, {"message": f"{type(error).__name__}: {error}"[:500]})
                if tries_left:
                    time.sleep(PAUSE)
        return False

    def _send(self) -> None:
        while True:
            self._saved.wait()
            if self._over.is_set():
                return
            self._saved.clear()
            try:
                self.outcome.send()
                say(PUSHED, {})
            except Exception as error:  # what is replaced meanwhile, or the network: the next may
                print(f"not sent yet: {type(error).__name__}: {error}", flush=True)


def say(mark: str, values: dict[str, Any]) -> None:
    """Prints one line for whoever follows; the system takes it whole.

    In ASCII: the Hub's client also ends a line at U+2028, U+2029 and U+0085.
    """
    sys.stdout.write(f"{mark}{json.dumps(values)}\n")
    sys.stdout.flush()


def seconds_left(minutes: float, began: float, now: float) -> float:
    """How long the training may go on, so that there is time to save and send before the limit."""
    whole = 60 * minutes
    return max(30.0, whole - (now - began) - min(SAVING * whole, LONGEST_SAVING))


def main() -> int:
    """Carries out the order; 0 where the run went well and its outcome was sent."""
    from huggingface_hub import hf_hub_download

    from gtt.config import RunConfig
    from gtt.runs.folder import RunFolder
    from gtt.runs.home import Home
    from gtt.runs.limits import Limits
    from gtt.runs.worker import carry_out
    from gtt.runs.worker_order import Order

    repo, revision = os.environ["GTT_JOB_REPO"], os.environ["GTT_JOB_REVISION"]
    order = json.loads(
        Path(hf_hub_download(repo, "job/order.json", revision=revision)).read_bytes()
    )
    if "text" in order:
        text = hf_hub_download(repo, order["text"], revision=revision)
        order["config"]["data"]["source"] = str(Path(text).absolute())
    home = Home(Path("home").absolute())
    folder = home.runs / "run"
    folder.mkdir(parents=True)
    RunFolder(folder).create(RunConfig.recorded(order["config"]), None)
    began = float(os.environ.get("GTT_JOB_BEGAN") or time.time())
    limits = Limits(max_minutes=seconds_left(order["minutes"], began, time.time()) / 60)
    teller = Teller(folder, Outcome(folder, repo))
    teller.start()
    arrived = False
    try:
        end = carry_out(Order(str(folder)), home, limits=limits)
    finally:
        with suppress(OSError):
            arrived = teller.finish()
    return 0 if arrived and end.reason not in ("failed", "diverged") else 1
