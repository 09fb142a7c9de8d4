"""A run on disk: what it is (`run.json`), what happened (`journal.jsonl`), and its checkpoints."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from gtt import __version__
from gtt.atomic_files import write_text
from gtt.config import RunConfig
from gtt.errors import BadInput, InvalidSetting, UnusableRun
from gtt.plain_files import read_plain_text
from gtt.runs.journal import Record, read_journal
from gtt.runs.processes import Worker
from gtt.runs.records import can_be_told
from gtt.training.checkpoints import CheckpointFolder

FORMAT = 1  # of run.json; a folder with a higher number comes from a newer version


class RunFolder:
    """One run folder. Reading needs no lock; training in it does."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def journal(self) -> Path:
        return self.path / "journal.jsonl"

    @property
    def checkpoints(self) -> CheckpointFolder:
        return CheckpointFolder(self.path)

    def records(self, after: int = 0) -> Iterator[Record]:
        """What the journal says, from `seq` `after` + 1 on."""
        return read_journal(self.journal, after)

    def create(
        self,
        config: RunConfig,
        fingerprint: str | None,
        owner: str | None = None,
        mark: Mapping[str, Any] | None = None,
    ) -> None:
        """Writes `run.json` for a new run; the folder must be there.

        The fingerprint of the data may follow with `set_fingerprint` once it is known. By its
        `mark` the request is known again that made the run.
        """
        values = {
            "format": FORMAT,
            "id": self.path.name,
            "config": config.model_dump(mode="json"),
            "fingerprint": fingerprint,
            "owner": owner,
            "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "versions": {
                "gtt": __version__,
                "python": platform.python_version(),
                "torch": version("torch"),
                "accelerate": version("accelerate"),
            },
        }
        self._write_about(values if mark is None else {**values, "mark": dict(mark)})

    def set_fingerprint(self, fingerprint: str) -> None:
        """Records which data the run is trained on, once they are prepared."""
        values = self.about()
        if values.get("fingerprint") != fingerprint:
            self._write_about({**values, "fingerprint": fingerprint})

    def _write_about(self, values: dict[str, Any]) -> None:
        write_text(self.path / "run.json", json.dumps(values, indent=2, ensure_ascii=False) + "\n")

    def about(self) -> dict[str, Any]:
        """What `run.json` says; raises `UnusableRun` where it is missing, damaged or too new."""
        path = self.path / "run.json"
        try:
            values = json.loads(read_plain_text(path))
            version = values["format"]
        except (FileNotFoundError, NotADirectoryError):
            raise UnusableRun(f"{self.path} is not a run folder: it has no run.json.") from None
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise UnusableRun(f"{path} cannot be read ({error}).") from None
        if not can_be_told(values):
            raise UnusableRun(f"{path} cannot be read (it holds what no JSON may).")
        if not isinstance(version, int) or version > FORMAT:
            raise UnusableRun(
                f"{self.path} was written by a newer version of GTT (format {version}, this one "
                f"reads {FORMAT}): update GTT."
            )
        return dict(values)

    def config(self) -> RunConfig:
        """The configuration of the run; raises `UnusableRun`."""
        try:
            return RunConfig.recorded(dict(self.about()["config"].items()))
        except InvalidSetting as error:
            raise UnusableRun(
                f"{self.path}/run.json has no valid configuration: {error} Where a newer version "
                "wrote it, update GTT."
            ) from None
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise UnusableRun(f"{self.path}/run.json has no valid configuration: {error}") from None

    @contextmanager
    def locked(self, *, as_worker: bool = True, elsewhere: bool = False) -> Iterator[None]:
        """Holds the run for training; raises `UnusableRun` where another process does.

        Inside, this process is on record as the run's worker. Without `as_worker` it is not: so
        holds a server a run to which it adds a line. A worker `elsewhere` follows another machine.
        """
        lock = FileLock(self.path / "run.lock")
        try:
            lock.acquire(timeout=0)
            if as_worker:
                Worker.record(self.path, os.getpid(), elsewhere=elsewhere)
        except Timeout:
            raise UnusableRun(
                f"{self.path} is being trained by another process: wait, or stop that one first."
            ) from None
        except OSError as error:
            lock.release()
            raise UnusableRun(
                f"{self.path} cannot be written to ({error.strerror}): copy the run to a folder "
                "of yours."
            ) from None
        try:
            yield
        finally:
            if as_worker:  # the process may live on, and trains this run no more
                Worker.strike(self.path)
            lock.release()


def claim_folder(
    path: Path,
    instead: str = "name a new folder, or resume the run in it",
    elsewhere: str = "name another folder",
) -> bool:
    """Makes a new folder, which may exist if it is empty; returns whether it is new.

    Raises `BadInput` where it holds something (the way out is `instead`) or cannot be written to
    (`elsewhere`).
    """
    try:
        is_new = not path.exists()
        path.mkdir(parents=True, exist_ok=True)
        if any(path.iterdir()):
            raise BadInput(f"{path} is not empty: {instead}.", field="out")
        probe = path / ".writable"
        probe.touch()
        probe.unlink()
        return is_new
    except OSError as error:
        raise BadInput(
            f"{path} cannot be written to ({error.strerror}): {elsewhere}.", field="out"
        ) from None
