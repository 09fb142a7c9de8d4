"""The text of a source on disk, in UTF-8, with what one pass over it can count."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from gtt.data.progress import Progress, Report
from gtt.data.streams import TextStream
from gtt.data.token_boundaries import END_OF_TEXT

_CHUNK = 1 << 20
_SURROGATE = re.compile("[\ud800-\udfff]")  # as many bytes as the U+FFFD in its place


@dataclass(frozen=True)
class Place:
    """A position in the text, counted both ways."""

    characters: int
    bytes: int


@dataclass(frozen=True)
class SpooledText:
    """A text file with its size, its alphabet, and where its documents end.

    `ends` is (D, 2) int64, characters and bytes up to the end of each document and the separator
    after it; (0, 2) for one plain text. `marks` is the same for `<|endoftext|>` in the text, be it
    plain or within a document: where each of these marks ends.
    """

    path: Path
    ends_path: Path
    marks_path: Path
    size: Place
    alphabet: str
    ends: npt.NDArray[np.int64]
    marks: npt.NDArray[np.int64]
    notes: tuple[str, ...]

    def chunks(self, start: int, end: int) -> Iterator[str]:
        """The text between two byte positions, in pieces of about a megabyte."""
        # A character that `end` cuts through is left out.
        decoder = codecs.getincrementaldecoder("utf-8")("ignore")
        with self.path.open("rb") as file:
            file.seek(start)
            while start < end:
                block = file.read(min(_CHUNK, end - start))
                start += len(block)
                if text := decoder.decode(block, final=start >= end):
                    yield text

    def place_of_character(self, number: int) -> Place:
        """Where character `number` begins."""
        characters = start = 0
        with self.path.open("rb") as file:
            while block := file.read(_CHUNK):
                begins = (np.frombuffer(block, np.uint8) & 0xC0) != 0x80
                count = int(begins.sum())
                if characters + count > number:
                    inside = int(np.flatnonzero(begins)[number - characters])
                    return Place(number, start + inside)
                characters += count
                start += len(block)
        return self.size


class _Writer:
    """Appends text to a file; counts characters and marks which ones occur."""

    def __init__(self, path: Path) -> None:
        self.file = path.open("wb")
        self.characters = 0
        self.bytes = 0
        self.occurs = np.zeros(0x110000, np.bool_)
        self.repaired = False

    def write(self, text: str) -> None:
        try:
            raw = text.encode("utf-8")
        except UnicodeEncodeError:  # half of a surrogate pair, as JSON can spell it
            text = _SURROGATE.sub("\ufffd", text)
            self.repaired = True
            raw = text.encode("utf-8")
        self.file.write(raw)
        self.characters += len(text)
        self.bytes += len(raw)
        if len(raw) == len(text):
            self.occurs[:128] |= np.bincount(np.frombuffer(raw, np.uint8), minlength=128) > 0
        else:
            self.occurs[np.frombuffer(text.encode("utf-32-le"), "<u4")] = True


def spool(stream: TextStream, folder: Path, limit: int | None, report: Report) -> SpooledText:
    """Write a stream to `folder`, up to `limit` bytes of UTF-8; "\\r\\n" becomes "\\n".

    A plain text is cut at the last whole character, a source of documents after its last whole
    document (its first is cut if it alone is longer). Memory does not grow with the text.
    """
    path, places = folder / "text.utf8", folder / "documents.i64"
    marked = folder / "marks.i64"
    total = stream.total_bytes if limit is None else min(limit, stream.total_bytes or limit)
    writer = _Writer(path)
    with writer.file, places.open("wb") as ends, marked.open("wb") as marks:
        if stream.separator is None:
            _spool_plain(stream, writer, limit, total, report, marks)
        else:
            for batch in _batches(stream, stream.separator, limit):
                lengths = np.array([[len(text), _size(text)] for text in batch], np.int64)
                positions = lengths.cumsum(axis=0) + (writer.characters, writer.bytes)
                positions.tofile(ends)
                _write_marked(writer, "".join(batch), marks)
                report(Progress("reading", writer.bytes, total, "bytes"))
    if stream.cut_short and not stream.endless:
        stream.notes.append(f"Only the first {writer.bytes / 1e6:.6g} MB of the text are used.")
    if writer.repaired:
        stream.notes.append("Characters that UTF-8 cannot write were replaced by U+FFFD.")
    code_points = np.flatnonzero(writer.occurs)
    return SpooledText(
        path=path,
        ends_path=places,
        marks_path=marked,
        size=Place(writer.characters, writer.bytes),
        alphabet="".join(map(chr, code_points)),
        ends=_places_in(places),
        marks=_places_in(marked),
        notes=tuple(stream.notes),
    )


def _places_in(path: Path) -> npt.NDArray[np.int64]:
    """The places in a file, (N, 2), memory-mapped."""
    if not path.stat().st_size:
        return np.empty((0, 2), np.int64)
    return np.memmap(path, np.int64, "r").reshape(-1, 2)


def _spool_plain(
    stream: TextStream,
    writer: _Writer,
    limit: int | None,
    total: int | None,
    report: Report,
    marks: BinaryIO,
) -> None:
    held_back = ""
    for piece in stream.pieces:
        text = held_back + piece
        held_length = _kept_back(text)
        held_back = text[len(text) - held_length :]
        text = text[: len(text) - held_length].replace("\r\n", "\n")
        if limit is not None and writer.bytes + _size(text) > limit:
            _write_marked(writer, _first_bytes(text, limit - writer.bytes), marks)
            stream.cut_short = True
            return
        _write_marked(writer, text, marks)
        report(Progress("reading", writer.bytes, total, "bytes"))
    if limit is not None and writer.bytes + _size(held_back) > limit:
        held_back = _first_bytes(held_back, limit - writer.bytes)
        stream.cut_short = True
    writer.write(held_back)


def _kept_back(text: str) -> int:
    """The number of characters at the end of a piece that may form one mark with the next piece."""
    if text.endswith("\r"):
        return 1
    for count in range(min(len(END_OF_TEXT) - 1, len(text)), 0, -1):
        if END_OF_TEXT.startswith(text[-count:]):
            return count
    return 0


def _write_marked(writer: _Writer, text: str, marks: BinaryIO) -> None:
    """Writes a text, and notes where the marks between its documents end."""
    *before, last = text.split(END_OF_TEXT)
    for part in before:
        writer.write(part + END_OF_TEXT)
        marks.write(np.array([writer.characters, writer.bytes], np.int64).tobytes())
    writer.write(last)


def _batches(stream: TextStream, separator: str, limit: int | None) -> Iterator[list[str]]:
    """Documents with their separators, about a megabyte at a time."""
    batch: list[str] = []
    waiting = written = 0
    for document in stream.pieces:
        if not document:
            continue
        text = document.replace("\r\n", "\n") + separator
        size = _size(text)
        if limit is not None and written + size > limit:
            if not written:
                batch.append(_first_bytes(text, limit))
            stream.cut_short = True
            break
        batch.append(text)
        written += size
        waiting += size
        if waiting >= _CHUNK:
            yield batch
            batch, waiting = [], 0
    if batch:
        yield batch


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _first_bytes(text: str, count: int) -> str:
    return text.encode("utf-8", "surrogatepass")[:count].decode("utf-8", "ignore")
