"""The journal of a run: one event per line, only ever appended to."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from gtt.errors import UnusableRun
from gtt.plain_files import open_plain
from gtt.runs.records import Record, read_record
from gtt.training.events import Event

__all__ = ["Journal", "Record", "last_told", "read_journal"]


class Journal:
    """Appends events to `journal.jsonl`; a context manager. One writer at a time.

    Each line carries `seq`, counted from 1 without gaps, and `time` in seconds since 1970. A line
    that a killed writer left half-written at the end is cut off first. Raises `UnusableRun` where
    another line is damaged: nothing that was told is ever thrown away.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self.clock = clock
        self.seq, self._end = last_told(path)
        if path.exists():
            os.truncate(path, self._end)
        self._file = path.open("ab", buffering=0)

    def append(self, event: Event) -> Record:
        """Writes one event and hands it to the system; returns the record as written.

        Where the system refuses, an OSError, the journal ends with the event before.
        """
        record: Record = {"seq": self.seq + 1, "time": round(self.clock(), 3), **event.as_json()}
        # NaN and infinity are not JSON; they are written as null.
        line = json.dumps(_finite(record), ensure_ascii=False, allow_nan=False).encode() + b"\n"
        try:
            written = 0
            while written < len(line):
                written += self._file.write(line[written:])
        except OSError:
            with suppress(OSError):
                os.truncate(self.path, self._end)
            raise
        self.seq += 1
        self._end += len(line)
        return record

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()


def last_told(path: Path) -> tuple[int, int]:
    """The `seq` of the last record and where its line ends; 0 and 0 where there is no journal yet.

    Raises `UnusableRun` where a line is damaged that is not the half-written last one, or the
    file cannot be read.
    """
    seq = end = lines = 0
    if not path.exists():
        return seq, end
    try:
        for record, after in _whole_lines(path):
            seq, end, lines = int(record["seq"]), after, lines + 1
        with open_plain(path) as file:
            file.seek(end)
            is_damaged = file.readline().endswith(b"\n")  # a writer that was killed ended no line
    except OSError as error:
        raise UnusableRun(
            f"{path} cannot be read ({error.strerror}): bring the file back from a copy, or start "
            "a new run."
        ) from None
    if is_damaged:
        raise UnusableRun(
            f"{path} is damaged in line {lines + 1}, and what follows would be lost: mend or "
            "remove that line, or bring the file back from a copy."
        )
    return seq, end


def read_journal(path: Path, after: int = 0) -> Iterator[Record]:
    """The records with `seq` above `after`; none where there is no journal yet."""
    if path.exists():
        for record, _ in _whole_lines(path):
            if record["seq"] > after:
                yield record


def _whole_lines(path: Path) -> Iterator[tuple[Record, int]]:
    """Each record with the position behind its line; stops at a line that is not whole."""
    end = 0
    with open_plain(path) as file:
        for line in file:
            if not line.endswith(b"\n"):
                return
            record = read_record(line)
            if record is None:
                return
            end += len(line)
            yield record, end


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(part) for part in value]
    return value
