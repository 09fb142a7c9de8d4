"""Rows of a `.csv` file: which mark separates, whether there is a heading, what does not fit it."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from gtt.data.columns import SAMPLE, kinds_of, listed
from gtt.data.decoding import LONGEST_LINE, FileText, unusable
from gtt.data.nested import USUAL
from gtt.errors import UnusableData

MOST_CELLS = 1_000_000  # in a row
_SEPARATORS = ",;\t|"
_NONE = "\x1f"  # separates nothing in a text
_SAYS_SEPARATOR = re.compile(r'"?sep=(.)"?\s*')
_NUMBER = re.compile(r"\s*[-+]?(\d[\d.,' ]*|\.\d+)([eE][-+]?\d+)?\s*%?\s*")
_YEAR = re.compile(r"(19|20)\d\d")
_QUOTED = re.compile(r'\s*"(?:[^"]|"")*"\s*')
# Names that stand in headings, and hardly as a whole cell below one.
_HEADINGS = {
    *USUAL,
    *("id", "key", "index", "number", "count", "label", "labels", "title", "name", "kind", "type"),
    *("date", "time", "timestamp", "year", "author", "user", "username", "category", "class"),
    *("target", "sentiment", "score", "rating", "url", "source", "topic", "question", "answer"),
    *("prompt", "response", "completion", "instruction", "input", "output", "message", "comment"),
    *("tweet", "summary", "description", "lyrics", "poem", "quote", "language", "lang"),
}
_LONG_NAME = 60  # characters, more than a heading has
_WORDS = 4  # from which on a cell is a sentence

Row = list[str]


class SeparatedTable:
    """A table of a text file; the cells of a column stay the text that they are.

    Raises `UnusableData` with the line where a row has more cells than the heading, or a quotation
    mark stays open: the text would be cut, or run on into the next row.
    """

    part = None

    def __init__(self, text: FileText, wanted: str | None) -> None:
        self.notes: list[str] = []
        self.wanted = wanted
        self._text = text
        csv.field_size_limit(LONGEST_LINE)  # of the process: the module knows no other
        lines = text.lines()
        head = list(_first(lines, SAMPLE))
        said = _SAYS_SEPARATOR.fullmatch(head[0]) if head else None
        separator = said[1] if said else _separator(head)
        after = 2 if said else 1
        self._feed = _Feed(chain(head[after - 1 :], lines), separator, after, text.name)
        self._whole_lines = False
        self._rows = self._read(separator)
        self._first: list[tuple[int, Row]] = []
        size = 0
        for line, row in self._rows:
            self._first.append((line, row))
            size += sum(map(len, row)) + len(row)
            if size >= SAMPLE and len(self._first) > 1:  # a heading alone shows no text
                break
        self.names: list[str] = []
        if self._first:
            self._name_columns(wanted)
        elif max(map(text.cut_line.count, _SEPARATORS)) >= MOST_CELLS:
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

    def _say_lines(self) -> None:
        mark = _spoken(self._feed.separator)
        self.notes.append(
            f"There is one column, so each line was read as one text, with the {mark}s in it."
        )

    def _name_columns(self, wanted: str | None) -> None:
        heading = self._first[0][1]
        below = [row for _, row in self._first[1:]]
        is_heading, is_plain = _has_heading(heading, below, wanted)
        if is_heading:
            self.names = _names(heading)
            self._first.pop(0)
            if not is_plain:
                self.notes.append(
                    f"The first row was taken as the heading ({listed(self.names, 4)}); if it is "
                    "a text, put a line with the names of the columns above it."
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
                f"{_spoken(self._feed.separator)} in it into quotation marks, or save the file as "
                ".txt if it is plain text."
            )
        if len(row) < count:
            self._short += 1
            self._first_short = line if self._short == 1 else self._first_short
        return row[:count]

    def _read(self, separator: str) -> Iterator[tuple[int, Row]]:
        """Each row with the line on which it begins."""
        reader = csv.reader(self._feed, delimiter=separator)
        columns = None
        while True:
            line = self._feed.begin()
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise unusable(
                    f"Line {self._feed.number:,} of {self._text.name} cannot be read as .csv "
                    f"({error}): check its quotation marks."
                ) from None
            if self._feed.is_over:  # within quotation marks
                if self._text.unread:
                    return
                raise unusable(
                    f"Line {line:,} of {self._text.name} opens a quotation mark that is never "
                    "closed: close it, or write two of them where one is meant."
                )
            if not any(row):
                continue
            columns = len(row) if columns is None else columns
            if columns == 1 and self._feed.lines_of_row == 1:
                line_of_row = self._feed.last.rstrip("\n")
                if not _QUOTED.fullmatch(line_of_row):
                    self._whole_lines = self._whole_lines or len(row) > 1
                    row = [line_of_row]
            yield line, row


class _Feed:
    """Lines for `csv.reader`, counted; a row is bounded before it is taken apart."""

    def __init__(self, lines: Iterator[str], separator: str, first: int, name: str) -> None:
        self.separator = separator
        self.number = first - 1
        self.last = ""
        self.lines_of_row = 0
        self.is_over = False
        self._lines, self._name = lines, name
        self._size = self._cells = self._began = 0

    def begin(self) -> int:
        """A new row begins; its line."""
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
        return line


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


def _separator(head: Sequence[str]) -> str:
    """The mark that cuts the heading into names with which the most rows below agree.

    Without one the table has one column, and a comma does no harm. Lines of prose whose commas
    happen to agree are no table.
    """
    best, score, chosen = ",", (0, False, 0), []
    beginning = [line[:SAMPLE] for line in head[:100]]
    for mark in _SEPARATORS:
        if not any(mark in line for line in head[:1]):
            continue
        rows = [_trimmed(row) for row in csv.reader(beginning, delimiter=mark) if any(row)]
        if not rows or len(rows[0]) < 2:
            continue
        agreeing = sum(len(row) == len(rows[0]) for row in rows)
        found = (agreeing, not any(cell.startswith(" ") for cell in rows[0]), len(rows[0]))
        if found > score:
            best, score, chosen = mark, found, rows
    return _NONE if chosen and _is_prose(chosen) else best


def _is_prose(rows: list[Row]) -> bool:
    """Whether there is no heading, and a blank follows each mark, as in a sentence."""
    after = [cell for row in rows for cell in row[1:] if cell]
    return (
        all(cell.startswith(" ") for cell in after) and not _has_heading(rows[0], rows[1:], None)[0]
    )


def _trimmed(row: Row) -> Row:
    """A row without the empty cells at its end."""
    end = len(row)
    while end and not row[end - 1].strip():
        end -= 1
    return row[:end]


def _names(heading: Row) -> list[str]:
    """Names of columns, none of them twice."""
    names: dict[str, int] = {}
    for number, cell in enumerate(_trimmed(heading)):
        name = cell.strip() or f"column {number + 1}"
        again = 0
        while name in names:
            again += 1
            name = f"{cell.strip()}.{again}"
        names[name] = number
    return list(names)


def _has_heading(first: Row, below: list[Row], wanted: str | None) -> tuple[bool, bool]:
    """Whether the first row names the columns, and whether that is plain to see."""
    cells = [cell.strip() for cell in first]
    if wanted in cells or any(cell.lower() in _HEADINGS for cell in cells):
        return True, True
    says_heading = False
    for place, cell in enumerate(cells):
        column = [row[place].strip() for row in below if place < len(row) and row[place].strip()]
        if not cell or not column:
            continue
        looked_at = column[:100]
        numbers = sum(_NUMBER.fullmatch(value) is not None for value in looked_at)
        if numbers * 10 >= 9 * len(looked_at):
            if _NUMBER.fullmatch(cell) and not _YEAR.fullmatch(cell):
                return False, True
            says_heading = says_heading or not _NUMBER.fullmatch(cell)
        elif cell in column:
            return False, True
    if says_heading:
        return True, True
    longest = max(cells, key=len)
    place = cells.index(longest)
    texts = [row[place] for row in below if place < len(row)]
    is_sentence = len(longest.split()) >= _WORDS or len(longest) > _LONG_NAME
    is_as_long = len(longest) * len(texts) * 3 >= sum(map(len, texts))
    if is_sentence and is_as_long and not longest.endswith(("?", ":")):
        return False, True
    return True, False


def _as_numbers(values: list[Any]) -> list[Any]:
    """The values as they are, or as numbers where all are such."""
    given = [value for value in values if value is not None and value.strip()]
    if given and all(_NUMBER.fullmatch(value) for value in given):
        return [0.0] * len(given)
    return values


def _spoken(separator: str) -> str:
    return {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}.get(separator, separator)
