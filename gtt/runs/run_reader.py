"""Reading a run while it trains: its view, its curves, its records from a cursor on.

The journal is read once; after that only what was appended. What is known is kept in `view.json`
beside the journal, so that a server that starts again need not read it from the beginning.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

from gtt.atomic_files import write_text
from gtt.errors import BadInput
from gtt.plain_files import open_plain, read_plain
from gtt.runs.curves import Point
from gtt.runs.fold import Fold
from gtt.runs.records import Record, read_record
from gtt.runs.run_view import Checkpoint, Ended, Phase, Preparation, RunView, Sample, Snapshot
from gtt.settings import nearest

__all__ = [
    "Checkpoint",
    "Ended",
    "Phase",
    "Preparation",
    "RunReader",
    "RunView",
    "Sample",
    "Snapshot",
]

FORMAT = 7  # of view.json; another one is not taken up
STRIDE = 64  # records between two places of the index
SAVE_EVERY = 20_000  # records
BLOCK = 1 << 16  # bytes of one read
EVENT_BYTES = 1_000_000


def _open(path: Path) -> BinaryIO:
    return open_plain(path, buffering=0)


class RunReader:
    """Reads one run folder; any number of threads may share it. No file stays open between calls.

    `open_file` opens the journal unbuffered, for whoever wants to watch what is read.
    """

    def __init__(self, folder: Path, open_file: Callable[[Path], BinaryIO] = _open) -> None:
        self.journal = folder / "journal.jsonl"
        self.saved = folder / "view.json"
        self._open = open_file
        self._lock = threading.Lock()
        self._saving = threading.Lock()
        self._is_new = True
        self._stamp: tuple[int, int, int] | None = None  # of the journal when it was last read
        self._unsaved = 0
        self._place = _Place()
        self._fold = Fold()
        self._view: RunView | None = None
        self._refused: str | None = None  # why the journal cannot be read
        self._rests = False
        self._used = time.monotonic()  # when more than the view was asked for

    def view(self) -> RunView:
        """What the journal says up to now; a missing journal says nothing yet."""
        with self._lock:
            if self._rests and self._view is not None and self._stamp == _stamp_of(self.journal):
                return self._view
        self._refresh()
        with self._lock:
            if self._view is None:
                view = self._fold.view()
                self._view = replace(view, damage=self._refused) if self._refused else view
            return self._view

    def curve(self, name: str, points: int = 500, after_step: int | None = None) -> list[Point]:
        """At most `points` pairs of step and value, in order, with steps beyond `after_step`.

        `name` is one of `gtt.runs.fold.CURVES`. Long curves are thinned to the lowest and the
        highest of each stretch, with the first and the last point; values that were not finite
        are left out. After a resume (`RunView.resumes`) steps come again. Raises `BadInput` for
        another name.
        """
        self._use()
        with self._lock:
            curve = self._fold.curves.get(name)
            if curve is None:
                raise BadInput(nearest("curve", name, list(self._fold.curves)), field="name")
            return curve.thinned(points, after_step)

    def samples(self) -> list[Sample]:
        """What the model wrote at the steps so far, in order, the newest 200 of them."""
        self._use()
        with self._lock:
            return list(self._fold.samples)

    def snapshots(self) -> list[Snapshot]:
        """The snapshots so far, in order, the newest 200 of them; their arrays lie in files."""
        self._use()
        with self._lock:
            return list(self._fold.snapshots)

    def events(self, after: int, limit: int = 1000, until_bytes: int = EVENT_BYTES) -> list[Record]:
        """The records with `seq` above `after`, in order.

        At most `limit`, and no more than fit into `until_bytes` of the journal, though always one.
        What it costs does not depend on where in the journal they lie.
        """
        self._use()
        with self._lock:
            after = max(after, 0)
            if after >= self._fold.seq or limit < 1:
                return []
            begin, end = self._place.before(after + 1), self._place.offset
        records: list[Record] = []
        size = 0
        told = 0  # as in the fold: what does not go on from there is passed over
        with suppress(OSError), self._open(self.journal) as file:  # deleted just now
            for line in _lines(file, begin, end):
                record = read_record(line)
                if record is None or record["seq"] <= told:
                    continue
                told = record["seq"]
                if told <= after:
                    continue
                size += len(line)
                if records and size > until_bytes:
                    break
                records.append(record)
                if len(records) == limit:
                    break
        return records

    def rest(self, unused: float) -> None:
        """Lets go of all but the view of a run that has ended and is saved.

        Where it was not `unused` for so many seconds it is left alone. Whatever is asked for next
        is read again from `view.json`; a server has many runs that nobody looks at.
        """
        with self._lock:
            is_kept = self._fold.ended is None or self._unsaved > 0 or self._rests
            if is_kept or time.monotonic() - self._used < unused:
                return
            self._view = self._view or self._fold.view()
            self._place, self._fold, self._rests = _Place(), Fold(), True

    def save_if_behind(self, records: int) -> None:
        """As `save_fold`, where the view file lags so many records behind the journal."""
        self._refresh()
        if self._unsaved >= records:
            self.save_fold()

    def save_fold(self) -> None:
        """Writes what the journal says to `view.json`; raises OSError where that cannot be."""
        with self._saving:
            with self._lock:
                self._read_on()
                values = {
                    "format": FORMAT,
                    "place": self._place.as_json(),
                    "fold": self._fold.as_json(),
                }
                text = json.dumps(values)
                self._unsaved = 0
            write_text(self.saved, text)

    def _use(self) -> None:
        self._used = time.monotonic()
        self._refresh()

    def _refresh(self) -> None:
        with self._lock:
            is_worth_saving = self._read_on()
        if is_worth_saving:
            with suppress(OSError):  # without it the next server reads the journal
                self.save_fold()

    def _read_on(self) -> bool:
        """Folds what was appended since the last time; returns whether it is worth saving.

        A half line is not folded before it is whole, so a new writer may cut it off. Whatever
        else happened to what was folded makes it another journal.
        """
        if self._rests:
            self._rests, self._is_new = False, True
            self._stamp = self._view = None
        if self._refused is not None:
            self._refused = self._stamp = self._view = None
        if self._is_new:
            self._is_new = False
            self._take_up()
        try:
            status = os.stat(self.journal)
            stamp = (status.st_ino, status.st_size, status.st_mtime_ns)
            if stamp == self._stamp:
                return False
            is_other = self._stamp is not None and self._stamp[0] != status.st_ino
            if is_other or status.st_size < self._place.offset:
                self._forget()
            ended = self._fold.ended
            if not self._fold_up_to(status.st_size):
                self._forget()
                self._fold_up_to(status.st_size)
        except (FileNotFoundError, NotADirectoryError):
            self._forget()
            return False
        except OSError as error:  # a folder in its place, no permission, a disk that fails
            self._forget()
            self._refused = f"its journal cannot be read ({error.strerror})"
            return False
        self._stamp = stamp
        is_end = self._fold.ended is not None and self._fold.ended is not ended
        return is_end or self._unsaved >= SAVE_EVERY

    def _fold_up_to(self, size: int) -> bool:
        """Folds the whole lines up to `size` bytes; False where they do not go on from the last."""
        next_seq = self._fold.seq + 1 if self._place.offset else None
        with self._open(self.journal) as file:
            for line in _lines(file, self._place.offset, size):
                record = read_record(line)
                if next_seq is not None and not self._goes_on(record, next_seq):
                    return False
                next_seq = None
                self._view = None
                if record is not None and self._fold.apply(record):
                    self._place.advance(record["seq"], line)
                else:
                    self._fold.note_damage()
                    self._place.pass_over(line)
                self._unsaved += 1
        return True

    def _goes_on(self, record: Record | None, next_seq: int) -> bool:
        """Whether what comes first behind the place still belongs to what was read before it."""
        if record is not None:
            return bool(record["seq"] == next_seq)
        with self._open(self.journal) as file:  # a damaged line, or the middle of another's
            return self._place.is_in(file)

    def _take_up(self) -> None:
        """Goes on from `view.json`, if there is one and it tells of this journal."""
        try:
            values = json.loads(read_plain(self.saved))
            if values["format"] != FORMAT:
                return
            fold = Fold.from_json(values["fold"])
            view = fold.view()
            with self._open(self.journal) as file:
                place = _Place.from_json(values["place"], file)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, ArithmeticError):
            return
        except RecursionError:
            return
        record = read_record(place.last_line)
        if record is None or record["seq"] == fold.seq or fold.damaged:
            self._place, self._fold, self._view = place, fold, view

    def _forget(self) -> None:
        """Back to the beginning of the journal."""
        self._stamp, self._unsaved = None, 0
        self._place, self._fold, self._view = _Place(), Fold(), None


def _stamp_of(path: Path) -> tuple[int, int, int] | None:
    with suppress(OSError):
        status = os.stat(path)
        return status.st_ino, status.st_size, status.st_mtime_ns
    return None


@dataclass
class _Place:
    """How far a journal was read, `offset` bytes, and where in it some of its records begin."""

    offset: int = 0
    last_line: bytes = b""
    seqs: list[int] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)

    def advance(self, seq: int, line: bytes) -> None:
        """Goes on behind the line of the record `seq`."""
        if not self.seqs or seq - self.seqs[-1] >= STRIDE:
            self.seqs.append(seq)
            self.offsets.append(self.offset)
        self.pass_over(line)

    def pass_over(self, line: bytes) -> None:
        """Goes on behind a line that tells nothing."""
        self.offset += len(line)
        self.last_line = line

    def is_in(self, journal: BinaryIO) -> bool:
        """Whether the last line that was read still stands in its place."""
        begin = self.offset - len(self.last_line)
        return b"".join(_lines(journal, begin, self.offset)) == self.last_line

    def before(self, seq: int) -> int:
        """A position at or not far before the record `seq`."""
        if not self.seqs:
            return 0
        return self.offsets[max(bisect_right(self.seqs, seq) - 1, 0)]

    def as_json(self) -> dict[str, Any]:
        """The place as plain values; of the last line, how it is known again."""
        return {
            "offset": self.offset,
            "last_line": [len(self.last_line), _hash(self.last_line)],
            "seqs": self.seqs,
            "offsets": self.offsets,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any], journal: BinaryIO) -> _Place:
        """The place that `as_json` described; raises `ValueError` for another journal's."""
        offset, (length, digest) = int(values["offset"]), values["last_line"]
        line = b"".join(_lines(journal, offset - length, offset))
        seqs, offsets = [int(n) for n in values["seqs"]], [int(n) for n in values["offsets"]]
        if _hash(line) != digest or len(seqs) != len(offsets):
            raise ValueError("not the place in this journal")
        return cls(offset, line, seqs, offsets)


def _lines(file: BinaryIO, begin: int, end: int) -> Iterator[bytes]:
    """The whole lines between two positions of a file."""
    file.seek(begin)
    rest = b""
    while begin < end and (block := file.read(min(BLOCK, end - begin))):
        begin += len(block)
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            yield line + b"\n"


def _hash(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()
