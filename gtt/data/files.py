"""Text from a file: plain text, or a column of a table. Read through `datasets`, in pieces."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gtt.data.columns import read_column
from gtt.data.hub import import_datasets
from gtt.data.progress import Progress, Report, ignore
from gtt.data.streams import TextStream
from gtt.errors import GTTError, UnusableData

if TYPE_CHECKING:
    import pyarrow as pa

TABLE_SUFFIXES = (".csv", ".json", ".jsonl", ".parquet")
_BLOCK = 1 << 20
_LONGEST_LINE = 64_000_000  # bytes: a line is read at once
_LARGEST_JSON = 200_000_000  # bytes: a JSON array is read at once
_LARGE_PARQUET = 100_000_000  # bytes, uncompressed
_MAGIC = {b"PAR1": "Parquet", b"\x1f\x8b": "gzip", b"PK\x03\x04": "zip", b"%PDF": "PDF"}


def open_file(path: Path, column: str | None, report: Report = ignore) -> TextStream:
    """The text of `.txt .md .csv .json .jsonl .parquet`, UTF-8 with a byte-order mark or without.

    Plain text is one text; "\\r\\n" and "\\r" in it become "\\n". A table gives one document per
    row, from `column` or from a guessed one. Raises `UnusableData` for an empty file, a binary one,
    another encoding, a table without text.
    """
    suffix = path.suffix.lower()
    try:
        size = path.stat().st_size
        if size == 0:
            raise _unusable(f"{path.name} is empty: give a file with text in it.")
        if suffix == ".parquet":
            with path.open("rb") as file:
                if file.read(4) != b"PAR1":
                    raise _unusable(f"{path.name} is not a Parquet file, whatever its name says.")
        else:
            check_text(path, report)
        if suffix == ".json" and size > _LARGEST_JSON:
            _check_lines_of_json(path)
    except OSError as error:
        raise _unusable(f"{path.name} cannot be read: {error.strerror or error}.") from None
    if suffix not in TABLE_SUFFIXES:
        return TextStream(_stretches(path), None, size)
    stream = TextStream(iter(()), "\n\n", None)
    stream.pieces = read_column(_tables(path), column, path.name, stream.notes)
    return stream


def check_text(path: Path, report: Report = ignore) -> None:
    """Raises `UnusableData` unless the bytes of the file are UTF-8 text."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    total = path.stat().st_size
    done = lines = since_break = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            if done == 0:
                _check_beginning(path, block)
            if b"\x00" in block:
                raise _binary(path)
            try:
                decoder.decode(block)
            except UnicodeDecodeError as error:
                before = block[: max(0, min(error.start, len(block)))]
                raise _wrong_encoding(path, block, lines + before.count(b"\n") + 1) from None
            last = block.rfind(b"\n")
            since_break = since_break + len(block) if last < 0 else len(block) - last - 1
            if since_break > _LONGEST_LINE:
                raise _unusable(
                    f"{path.name} has a line of more than {_LONGEST_LINE // 10**6} MB: break it "
                    "into lines."
                )
            lines += block.count(b"\n")
            done += len(block)
            report(Progress("checking", done, total, "bytes"))
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise _wrong_encoding(path, b"", lines + 1) from None


def _check_beginning(path: Path, block: bytes) -> None:
    if block.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise _unusable(
            f"{path.name} is in UTF-16, and GTT reads UTF-8: save it as UTF-8 in your editor."
        )
    for magic, kind in _MAGIC.items():
        if block.startswith(magic):
            raise _unusable(f"{path.name} is a {kind} file, not text: unpack or export it as text.")


def _binary(path: Path) -> UnusableData:
    return _unusable(
        f"{path.name} is a binary file, not text: give one of .txt, .md, .csv, .json, .jsonl in "
        "UTF-8, or a .parquet table."
    )


def _wrong_encoding(path: Path, block: bytes, line: int) -> UnusableData:
    controls = sum(byte < 9 or 13 < byte < 32 for byte in block)
    if controls * 20 > len(block) > 0:
        return _binary(path)
    return _unusable(
        f"{path.name} is not in UTF-8 (line {line} has bytes that are none): save it as UTF-8 in "
        "your editor; text from older Windows programs is often in Windows-1252."
    )


def _check_lines_of_json(path: Path) -> None:
    with path.open("rb") as file:
        first = file.readline(_BLOCK)
    try:
        if isinstance(json.loads(first), dict):
            return
    except ValueError:
        pass
    raise _unusable(
        f"{path.name} is one JSON value of {path.stat().st_size / 1e6:.0f} MB, which would have to "
        "be read at once: save it as .jsonl, one object per line."
    )


def _stretches(path: Path) -> Iterator[str]:
    for table in _tables(path):
        yield "".join(table["text"].to_pylist())


def _tables(path: Path) -> Iterator[pa.Table]:
    try:
        if path.suffix.lower() == ".parquet" and _parquet_bytes(path) > _LARGE_PARQUET:
            yield from _pages(path)
        else:
            yield from _dataset(path).with_format("arrow").iter(batch_size=1024)
    except GTTError:
        raise
    except Exception as error:  # pandas, pyarrow and datasets have a dozen kinds between them
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise _unusable(
            f"{path.name} cannot be read as {path.suffix.lower()}: {reason}. Check that the file "
            "is what its name says."
        ) from None


def _parquet_bytes(path: Path) -> int:
    """Size of a Parquet file, uncompressed."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        groups = range(file.metadata.num_row_groups)
        return sum(file.metadata.row_group(group).total_byte_size for group in groups)


def _pages(path: Path) -> Iterator[pa.Table]:
    """A large Parquet file page by page: `datasets` holds whole row groups, often all of it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(path, buffer_size=_BLOCK, pre_buffer=False) as file:
        for batch in file.iter_batches(256):
            yield pa.Table.from_batches([batch])


def _dataset(path: Path) -> Any:
    """A streamed data set of one file; its name is taken as it is, not as a pattern."""
    datasets = import_datasets()
    from datasets.data_files import DataFilesDict, DataFilesList

    files = DataFilesDict({"train": DataFilesList([str(path.resolve())], [()])})
    reader = datasets.IterableDataset
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        return reader.from_parquet(files, split="train", batch_size=256)
    with path.open("rb") as file:
        encoding = "utf-8-sig" if file.read(3) == codecs.BOM_UTF8 else "utf-8"
    if suffix == ".csv":
        return reader.from_csv(
            files,
            split="train",
            encoding=encoding,
            chunksize=1000,
            sep=_separator(path),
            keep_default_na=False,
            na_filter=False,
        )
    if suffix in (".json", ".jsonl"):
        return reader.from_json(files, split="train", encoding=encoding, chunksize=_BLOCK)
    return reader.from_text(
        files, split="train", encoding=encoding, keep_linebreaks=True, chunksize=_BLOCK
    )


def _separator(path: Path) -> str:
    """A comma, unless the heading has none but semicolons, tabs or bars."""
    with path.open("rb") as file:
        heading = file.readline(_BLOCK).decode("utf-8", "replace")
    others = {mark: heading.count(mark) for mark in ";\t|"}
    best = max(others, key=lambda mark: others[mark])
    return best if "," not in heading and others[best] else ","


def _unusable(sentence: str) -> UnusableData:
    return UnusableData(sentence, field="data.source")
