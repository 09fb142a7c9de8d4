"""Text from a file: plain text, or a column of a table, read piece by piece."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from gtt.data.arrow import ParquetTable
from gtt.data.byte_decoding import FileText, unusable
from gtt.data.columns import Table, read_column
from gtt.data.csv_rows import SeparatedTable
from gtt.data.json_rows import open_objects
from gtt.data.streams import TextStream

TABLE_SUFFIXES = (".csv", ".tsv", ".json", ".jsonl", ".parquet")


def open_file(
    path: Path, column: str | None, *, name: str | None = None, most: int | None = None
) -> TextStream:
    """The text of `.txt .md .csv .tsv .json .jsonl .parquet`, UTF-8 with a mark for it or without.

    Plain text is one text; "\\r\\n" and "\\r" in it become "\\n". A table gives one document per
    row, from `column` or from a guessed one. Messages call the file `name`. A look reads no more
    than `most` bytes of it, and the stream then says that there is more. Raises `UnusableData` for
    an empty file, a binary one, another encoding, a table without text.
    """
    suffix = path.suffix.lower()
    name = name or path.name
    try:
        size = path.stat().st_size
        if size == 0:
            raise unusable(f"{name} is empty: give a file with text in it.")
        if suffix == ".parquet":
            with path.open("rb") as file:
                if file.read(4) != b"PAR1":
                    raise unusable(f"{name} is not a Parquet file, whatever its name says.")
        else:
            with path.open("rb"):
                pass
    except OSError as error:
        raise unusable(f"{name} cannot be read: {error.strerror or error}.") from None
    if suffix in TABLE_SUFFIXES:
        stream = TextStream(iter(()), "\n\n", None)
        stream.pieces = _documents(path, column, name, most, stream)
    else:
        stream = TextStream(iter(()), None, size)
        stream.pieces = _stretches(FileText(path, name, most), stream)
    return stream


def _stretches(text: FileText, stream: TextStream) -> Iterator[str]:
    for block in text.blocks():
        stream.unread = text.unread
        yield block
    stream.unread = text.unread


def _documents(
    path: Path, column: str | None, name: str, most: int | None, stream: TextStream
) -> Iterator[str]:
    text = FileText(path, name, most)
    table: Table
    if path.suffix.lower() == ".parquet":
        table = ParquetTable(path, column, name, most)
    elif path.suffix.lower() in (".csv", ".tsv"):
        table = SeparatedTable(text, column, usual="\t" if path.suffix.lower() == ".tsv" else "")
    else:
        table = open_objects(text, column)
    if not table.sample and text.unread and most is not None:
        raise unusable(
            f"The first row of {name} is longer than {most / 1e6:g} MB: there is no preview of it."
        )
    stream.notes.extend(table.notes)
    table.notes = stream.notes
    yield from read_column(table, name)
    stream.unread = text.unread or (isinstance(table, ParquetTable) and table.unread)
