"""A file as UTF-8 text, a block or a line at a time, checked while it is read."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gtt.data.encodings import encoding_of
from gtt.errors import UnusableData

BLOCK = 1 << 20  # bytes
LONGEST_LINE = 64_000_000  # characters: a record of a table is read at once
_MAGIC = {b"PAR1": "Parquet", b"\x1f\x8b": "gzip", b"PK\x03\x04": "zip", b"%PDF": "PDF"}


@dataclass
class FileText:
    """The text of a file, which messages call `name`.

    At most `most` bytes are read; then `unread` tells whether there was more, and `cut_line` holds
    the beginning of the line that was cut. Line breaks of every kind become "\\n", a byte-order
    mark is left out. Bytes that are no UTF-8 text raise `UnusableData` when they are reached.
    """

    path: Path
    name: str
    most: int | None = None
    unread: bool = False
    cut_line: str = ""

    def blocks(self) -> Iterator[str]:
        """The text, about a megabyte at a time."""
        decoder = codecs.getincrementaldecoder("utf-8")()
        breaks = io.IncrementalNewlineDecoder(None, translate=True)
        bytes_left = self.path.stat().st_size if self.most is None else self.most
        bytes_read = lines = 0
        with self.path.open("rb") as file:
            while bytes_left and (block := file.read(min(BLOCK, bytes_left))):
                if bytes_read == 0:
                    self._check_beginning(block)
                if b"\x00" in block:
                    raise self._other(block) or self._binary()
                try:
                    text = decoder.decode(block)
                except UnicodeDecodeError as error:
                    before = block[: max(0, min(error.start, len(block)))]
                    raise self._wrong(block, lines + before.count(b"\n") + 1) from None
                if bytes_read == 0:
                    text = text.removeprefix("\ufeff")
                bytes_read += len(block)
                bytes_left -= len(block)
                lines += block.count(b"\n")
                yield breaks.decode(text)
            self.unread = bool(self.most is not None and file.read(1))
        if not self.unread:
            try:
                decoder.decode(b"", final=True)
            except UnicodeDecodeError:
                raise self._wrong(b"", lines + 1) from None
        yield breaks.decode("", final=True)

    def lines(self, blocks: Iterator[str] | None = None) -> Iterator[str]:
        """Its lines, each with its "\\n"; where a look broke off, the last one is left out.

        `blocks` are its own, where some were looked at before.
        """
        waiting: list[str] = []
        size = number = 0
        for block in self.blocks() if blocks is None else blocks:
            first, *later_lines = block.split("\n")
            waiting.append(first)
            size += len(first)
            if size > LONGEST_LINE:
                raise unusable(
                    f"Line {number + 1:,} of {self.name} is longer than {LONGEST_LINE // 10**6} "
                    "MB: break it into several records."
                )
            if not later_lines:
                continue
            yield "".join(waiting) + "\n"
            yield from (line + "\n" for line in later_lines[:-1])
            number += len(later_lines)
            waiting, size = later_lines[-1:], len(later_lines[-1])
        last = "".join(waiting)
        if self.unread:
            self.cut_line = last
        elif last:
            yield last + "\n"

    def _check_beginning(self, block: bytes) -> None:
        if block.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)):
            raise self._other(block) or self._binary()
        for magic, kind in _MAGIC.items():
            if block.startswith(magic):
                raise unusable(
                    f"{self.name} is a {kind} file, not text: unpack or export it as text."
                )

    def _other(self, block: bytes, where: str = "") -> UnusableData | None:
        """The error for a text in another encoding; None where that cannot be recognised."""
        encoding = encoding_of(block)
        return unusable(f"{self.name} {in_encoding(encoding, where)}") if encoding else None

    def _binary(self) -> UnusableData:
        return unusable(
            f"{self.name} is a binary file, not text: give one of .txt, .md, .csv, .tsv, .json, "
            ".jsonl in UTF-8, or a .parquet table."
        )

    def _wrong(self, block: bytes, line: int) -> UnusableData:
        controls = sum(byte < 9 or 13 < byte < 32 for byte in block)
        if controls * 20 > len(block) > 0:
            return self._binary()
        where = f" (line {line:,} has bytes that are none)"
        return self._other(block, where) or unusable(
            f"{self.name} is not in UTF-8{where}: save it as UTF-8 in the program that it comes "
            "from, or copy its text into a new file."
        )


def in_encoding(name: str, where: str = "") -> str:
    """What is said of a file that is in another encoding, and what to do."""
    short = name.partition(" (")[0]
    codes = {"Windows-1251": "CP1251", "Windows-1252": "CP1252", "Mac Roman": "MACINTOSH"}
    code = codes.get(short, short.upper().replace(" ", "_"))
    return (
        f"is not in UTF-8{where} but, as it seems, in {name}: save it as UTF-8 in your editor, or "
        f"with `iconv -f {code} -t UTF-8 OLD > NEW`."
    )


def unusable(sentence: str) -> UnusableData:
    """What is wrong with the text of a source."""
    return UnusableData(sentence, field="data.source")
