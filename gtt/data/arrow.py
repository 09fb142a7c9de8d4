"""Tables of Arrow: a `.parquet` file read page by page, and rows that the Hub streams."""

from __future__ import annotations

from collections.abc import Container, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gtt.data.byte_decoding import unusable
from gtt.data.columns import kinds_of, own_names
from gtt.data.nested_texts import value_at

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS = 256  # that are read at once
_ROWS_OF_LISTS = 16  # whose texts are not shared, even where the file holds them once
_SAMPLED = 8  # rows, one at a time: nobody knows how long they are
_BUFFER = 1 << 20  # bytes
_LOOKED_INTO = ("text", "texts below", "bytes")


class ArrowTable:
    """A table that arrives as Arrow tables in turn, each with columns of its own."""

    part = None

    def __init__(self, tables: Iterator[pa.Table], wanted_column: str | None) -> None:
        self.notes: list[str] = []
        self.wanted_column = wanted_column
        self._tables = map(_with_own_names, tables)
        self._first = next(self._tables, None)
        self.rows = _SAMPLED
        self.sample: dict[str, list[Any]] = {}
        self.kinds: dict[str, str] = {}
        if self._first is not None:
            self.kinds = {str(field.name): kind_of(field.type) for field in self._first.schema}
            for name, kind in self.kinds.items():  # pictures and sounds are left where they are
                column = self._first[name]
                column = column if kind in _LOOKED_INTO else column[:0]
                column = column[:_SAMPLED] if kind == "bytes" else column
                self.sample[name] = [_as_read(value) for value in column.to_pylist()]
            _look_below(self.sample, self.kinds, wanted_column)

    def values(self, name: str) -> Iterator[Any]:
        assert self._first is not None, "a table without rows has no column to ask for"
        for table in chain([self._first], self._tables):
            column = _column_of(name, table.column_names)
            if column is not None:
                yield from (
                    _at(column, _as_read(value), name) for value in table[column].to_pylist()
                )


class ParquetTable:
    """A Parquet file: a few rows of every column, then one column alone.

    A column encoded with a dictionary is kept so: rows with equal values share one of them in
    memory. Raises `UnusableData` for a damaged file.
    """

    part = None

    def __init__(
        self, path: Path, wanted_column: str | None, name: str, most_rows: int | None = None
    ) -> None:
        import pyarrow.parquet as pq

        self.notes: list[str] = []
        self.wanted_column = wanted_column
        self._path, self._name = path, name
        self._most_rows = most_rows
        self.sample: dict[str, list[Any]] = {}
        self.kinds: dict[str, str] = {}
        self.unread = False
        try:
            with pq.ParquetFile(path) as file:
                self._rows = file.metadata.num_rows
                schema = file.schema_arrow
                self._names = schema.names
            self._columns = own_names(self._names)
            self.rows = max(2, min(self._rows, _SAMPLED))
            if not self._rows:
                return
            self.kinds = {
                name: kind_of(field.type) for name, field in zip(self._columns, schema, strict=True)
            }
            for column, kind in self.kinds.items():
                readable = kind in _LOOKED_INTO
                values = self._read(column, _SAMPLED, batch=1) if readable else iter(())
                self.sample[column] = [_as_read(value) for value in values]
            _look_below(self.sample, self.kinds, wanted_column)
        except _damage() as error:
            raise damaged(name, error) from None

    def values(self, name: str) -> Iterator[Any]:
        count = 0
        column = _column_of(name, self._columns) or name
        try:
            for value in self._read(column, self._most_rows, batch=_ROWS):
                count += 1
                yield _at(column, _as_read(value), name)
        except _damage() as error:
            raise damaged(self._name, error) from None
        self.unread = count < self._rows

    def _read(self, column: str, most: int | None, batch: int) -> Iterator[Any]:
        import pyarrow.parquet as pq

        place = self._columns.index(column)
        name = self._names[place]
        occurrence = self._names[:place].count(name)  # columns of this name before it come with it
        options: dict[str, Any] = {"buffer_size": _BUFFER, "pre_buffer": False}
        with pq.ParquetFile(self._path, **options) as file:
            if _repeats_beginnings(file, name):  # these cannot be read as a dictionary
                batch = 1
            elif self.kinds[column] == "text":
                options["read_dictionary"] = [name]
            else:
                batch = min(batch, _ROWS_OF_LISTS)
        with pq.ParquetFile(self._path, **options) as file:
            rows_left = file.metadata.num_rows if most is None else most
            for part in file.iter_batches(batch, columns=[name]):
                for value in _each(part.column(occurrence)):
                    if rows_left == 0:
                        return
                    rows_left -= 1
                    yield value


def _look_below(
    sample: dict[str, list[Any]], kinds: dict[str, str], wanted_column: str | None
) -> None:
    """Looks into objects, lists and bytes: their kinds are set anew, the wanted field is added."""
    below = {name: sample[name] for name, kind in kinds.items() if kind == "texts below"}
    kinds.update(kinds_of(below))
    for name, kind in kinds.items():
        if kind == "bytes":
            kinds[name] = "text" if _are_texts(sample[name]) else "bytes that are no text"
    column = None if wanted_column is None else _column_of(wanted_column, kinds)
    if wanted_column is not None and column is not None and wanted_column != column:
        sample[wanted_column] = [_at(column, value, wanted_column) for value in sample[column]]
        kinds.update(kinds_of({wanted_column: sample[wanted_column]}))


def _with_own_names(table: pa.Table) -> pa.Table:
    return table.rename_columns(own_names(table.column_names))


def _column_of(name: str, columns: Container[str]) -> str | None:
    """The column in which a name lies: itself, or that of the object before a dot."""
    if name in columns:
        return name
    column = name.partition(".")[0]
    return column if column in columns else None


def _at(column: str, value: Any, name: str) -> Any:
    return value if name == column else value_at({column: value}, name)[1]


def _each(values: Any) -> Iterator[Any]:
    """The values of an array one by one; those of a dictionary become texts in their turn."""
    import pyarrow as pa

    if not pa.types.is_dictionary(values.type):
        yield from values.to_pylist() if len(values) > 1 else (value.as_py() for value in values)
        return
    last, text = None, None
    for index in values.indices.to_pylist():
        if index is None:
            yield None
            continue
        if index != last:
            last, text = index, values.dictionary[index].as_py()
        yield text


def _repeats_beginnings(file: Any, column: str) -> bool:
    """Whether a column is delta-encoded: a few bytes of the file may then stand for long texts."""
    about = file.metadata
    return any(
        "DELTA_BYTE_ARRAY" in part.encodings
        for group in range(about.num_row_groups)
        for part in map(about.row_group(group).column, range(about.num_columns))
        if part.path_in_schema.split(".")[0] == column
    )


def kind_of(kind: pa.DataType) -> str:
    """What a column of an Arrow type holds, in words."""
    import pyarrow as pa

    types = pa.types
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return "text"
    if types.is_dictionary(kind):
        return kind_of(kind.value_type)
    if _is_bytes(kind):
        return "bytes"
    if types.is_null(kind):
        return "nothing"
    if types.is_struct(kind):
        return "texts below" if any(_has_text(field.type) for field in kind) else "fields"
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        inside = kind_of(kind.value_type)
        return "texts below" if _has_text(kind.value_type) else f"lists of {inside}"
    if types.is_map(kind):
        return "maps"
    if types.is_boolean(kind):
        return "true or false"
    return "times" if types.is_temporal(kind) else "numbers"


def _is_bytes(kind: pa.DataType) -> bool:
    import pyarrow as pa

    types = pa.types
    return bool(
        types.is_binary(kind)
        or types.is_large_binary(kind)
        or types.is_binary_view(kind)
        or types.is_fixed_size_binary(kind)
    )


def _as_read(value: Any) -> Any:
    """A value whose bytes are UTF-8 as the text that they are; others stay bytes."""
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            return value
    return value


def _are_texts(values: list[Any]) -> bool:
    """Whether the first values of a column of bytes all are UTF-8 texts, as some programs write."""
    filled = [value for value in values if value]
    return bool(filled) and all(isinstance(value, str) and "\x00" not in value for value in filled)


def _has_text(kind: pa.DataType) -> bool:
    return kind_of(kind) in ("text", "texts below")


def _damage() -> tuple[type[Exception], ...]:
    import pyarrow as pa

    return (pa.ArrowException, OSError, ValueError)


def damaged(name: str, error: Exception) -> Exception:
    """A Parquet file that cannot be read."""
    if "ncrypt" in str(error):
        return unusable(f"{name} is encrypted: write it again without a key.")
    return unusable(
        f"{name} cannot be read as .parquet: it is damaged, or was cut short on its way. Copy or "
        "download it again."
    )
