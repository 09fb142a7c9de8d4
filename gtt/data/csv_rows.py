"""The rows of a `.csv` or `.tsv` file, in any of its dialects."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from itertools import chain
from typing import Any

from gtt.data.byte_decoding import LONGEST_LINE, FileText, unusable
from gtt.data.columns import SAMPLE, kinds_of, listed, own_names, quoted
from gtt.data.csv_dialect import (
    ESCAPES,
    NUMBER,
    SEPARATORS,
    Dialect,
    Row,
    dialect_of,
    has_heading,
    hide_escaped,
    show_escaped,
    shows_escapes,
    spoken,
    trimmed,
)
from gtt.errors import UnusableData

MOST_CELLS = 1_000_000  # in a row
_QUOTED = re.compile(r'\s*"(?:[^"]|"")*"\s*')


class SeparatedTable:
    """A table in a text file; cells are not converted.

    `usual` is the separator of such files, taken where it occurs in the first lines.
    Raises `UnusableData` with the line where a row has more cells than the heading, or a quotation
    mark stays open: the text would be cut, or run on into the next row.
    """

    part = None

    def __init__(self, text: FileText, wanted_column: str | None, usual: str = "") -> None:
        self.notes: list[str] = []
        self.wanted_column = wanted_column
        self._text = text
        csv.field_size_limit(LONGEST_LINE)  # of the process: the module knows no other
        lines = text.lines()
        head = list(_first(lines, SAMPLE))
        dialect = dialect_of(head, text.name, usual)
        self.notes.extend(dialect.notes)
        self._has_row_names = dialect.has_row_names
        self._feed = _Feed(chain(head[dialect.above :], lines), dialect, text.name)
        self._whole_lines = False
        self._rows = self._read(dialect)
        self._first: list[tuple[int, Row]] = []
        size = 0
        for line, row in self._rows:
            self._first.append((line, row))
            size += sum(map(len, row)) + len(row)
            if size >= SAMPLE and len(self._first) > 1:  # a heading alone shows no text
                break
        self.names: list[str] = []
        self._is_spaced = False  # a blank behind each separator, in the heading too
        if self._first:
            self._name_columns(wanted_column)
        elif max(map(text.cut_line.count, SEPARATORS)) >= MOST_CELLS:
            raise _too_many_cells(1, text.name)
        self._short = self._first_short = 0  # rows, and the line of the first of them
        cells = [self._fitted(line, row) for line, row in self._first]
        columns = {
            name: [row[place] if place < len(row) else None for row in cells]
            for place, name in enumerate(self.names)
            if cells
        }
        self.sample: dict[str, list[Any]] = {
            name: _as_numbers(values) for name, values in columns.items()
        }
        self.kinds = kinds_of(self.sample)
        self.rows = max(2, len(cells))
        if not self._is_spaced:
            self._say_what_may_be_cut(cells)

    def values(self, name: str) -> Iterator[str]:
        place = self.names.index(name)
        self._short = 0
        were_whole = self._whole_lines
        if were_whole:
            self._say_lines()
        for line, row in chain(self._first, self._rows):
            cells = self._fitted(line, row)
            if place < len(cells):
                yield cells[place]
        if self._short:
            rows = "row has" if self._short == 1 else "rows have"
            self.notes.append(
                f"{self._short:,} {rows} fewer cells than there are columns, first line "
                f"{self._first_short:,}: a line break in a text belongs into quotation marks."
            )
        if self._whole_lines and not were_whole:
            self._say_lines()
        if self._feed.is_escaped and ESCAPES not in self.notes:
            self.notes.append(ESCAPES)

    def _say_lines(self) -> None:
        mark = spoken(self._feed.separator)
        self.notes.append(
            f"There is one column, so each line was read as one text, with the {mark}s in it."
        )

    def _say_what_may_be_cut(self, cells: list[Row]) -> None:
        """A note on a column of which each cell goes on like the sentence in the cell before."""
        for place, name in enumerate(self.names[1:], 1):
            pairs = [row[place - 1 : place + 1] for row in cells if len(row) > place]
            filled = [(before, cell) for before, cell in pairs if cell.strip()]
            on = [cell for before, cell in filled if cell[0] == " " and " " in before.strip()]
            if len(filled) > 2 and len(on) * 10 >= 9 * len(filled):
                self.notes.append(
                    f"The cells of {quoted(name)} begin with a blank, as after a "
                    f"{spoken(self._feed.separator)} in a sentence: if texts were cut there, put "
                    "them into quotation marks."
                )
                return

    def _name_columns(self, wanted_column: str | None, usual: str = "") -> None:
        heading = self._first[0][1]
        self._is_spaced = any(cell.startswith(" ") for cell in heading[1:])
        below = [row for _, row in self._first[1:]]
        if self._has_row_names:
            self.names = own_names(["row name", *map(str.strip, trimmed(heading))])
            self._first.pop(0)
            return
        is_heading, is_plain = has_heading(heading, below, wanted_column)
        if is_heading:
            self.names = own_names(map(str.strip, trimmed(heading)))
            if is_plain:
                self._first.pop(0)
            else:
                self.notes.append(
                    f"The first row may be a heading or a text ({listed(self.names, 4)}): it names "
                    "the columns and was read as a text, too. If it is a heading, name the column "
                    "to read in data.column; if it is a text, put a line with names above it."
                )
            return
        self.names = [f"column {number + 1}" for number in range(len(heading))]
        self.notes.append("The file has no heading: its first row was read like the others.")

    def _fitted(self, line: int, row: Row) -> Row:
        """A row with as many cells as the heading, or fewer."""
        count = len(self.names)
        if len(row) > count and any(cell.strip() for cell in row[count:]):
            raise unusable(
                f"Line {line:,} of {self._text.name} has {len(row):,} cells, and the heading has "
                f"{count:,} ({listed(self.names, 4)}): put a text with a "
                f"{spoken(self._feed.separator)} in it into quotation marks, give the heading a "
                "name for each cell, or save the file as .txt if it is plain text."
            )
        if len(row) < count:
            self._short += 1
            self._first_short = line if self._short == 1 else self._first_short
        return row[:count]

    def _read(self, dialect: Dialect) -> Iterator[tuple[int, Row]]:
        """Each row with the line on which it begins."""
        reader = dialect.reader(self._feed)
        columns = None
        while True:
            line = self._feed.begin()
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error:
                if self._feed.is_over and self._text.unread:
                    return
                if self._feed.is_over:
                    raise self._never_closed(line) from None
                raise unusable(
                    f"Line {self._feed.number:,} of {self._text.name} has a quotation mark within "
                    "a quoted cell: write two of them where one is meant."
                ) from None
            if self._feed.is_over:  # within quotation marks
                if self._text.unread:
                    return
                raise self._never_closed(line)
            if not any(row):
                continue
            if self._feed.is_escaped:
                row = show_escaped(row, dialect.separator)
            if columns is None:
                columns = len(row) + self._has_row_names
            is_line = columns == 1 and self._feed.lines_of_row == 1
            if is_line and not _QUOTED.fullmatch(self._feed.parsed.rstrip("\n")):
                self._whole_lines = self._whole_lines or len(row) > 1
                row = [self._feed.last.rstrip("\n")]
            yield line, row

    def _never_closed(self, line: int) -> UnusableData:
        return unusable(
            f"Line {line:,} of {self._text.name} opens a quotation mark that is never closed: "
            "close it, or write two of them where one is meant."
        )


class _Feed:
    """Lines for `csv.reader`, counted; a row is bounded before it is taken apart."""

    def __init__(self, lines: Iterator[str], dialect: Dialect, name: str) -> None:
        self.separator = dialect.separator
        self.is_escaped = dialect.is_escaped
        self.number = dialect.above
        self.last = self.parsed = ""
        self.lines_of_row = 0
        self.is_over = False
        self._lines, self._name = lines, name
        self._size = self._cells = self._began = 0

    def begin(self) -> int:
        """Begins a new row; returns the number of its first line."""
        self._size = self._cells = self.lines_of_row = 0
        self._began = self.number + 1
        return self._began

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        line = next(self._lines, None)
        if line is None:
            self.is_over = True
            raise StopIteration
        self.number += 1
        self.lines_of_row += 1
        self.last = line
        self._size += len(line)
        self._cells += line.count(self.separator)
        if self._cells >= MOST_CELLS:
            raise _too_many_cells(self._began, self._name)
        if self._size > LONGEST_LINE:
            raise unusable(
                f"The row on line {self._began:,} of {self._name} is longer than "
                f"{LONGEST_LINE // 10**6} MB: a quotation mark there may never be closed."
            )
        if not self.is_escaped and "\\" in line:
            self.is_escaped = shows_escapes(line, self.separator)
        self.parsed = hide_escaped(line, self.separator) if self.is_escaped else line
        return self.parsed


def _too_many_cells(line: int, name: str) -> UnusableData:
    return unusable(
        f"Line {line:,} of {name} has more than {MOST_CELLS:,} cells: keep the column of the text, "
        "and leave out the others."
    )


def _first(lines: Iterator[str], size: int) -> Iterator[str]:
    for line in lines:
        yield line
        size -= len(line)
        if size <= 0:
            return


def _as_numbers(values: list[Any]) -> list[Any]:
    """The values as they are, or as numbers where all are such."""
    filled = [value for value in values if value is not None and value.strip()]
    if filled and all(NUMBER.fullmatch(value) for value in filled):
        return [0.0] * len(filled)
    return values
