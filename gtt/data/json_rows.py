"""Rows of `.json` and `.jsonl` files: objects on lines, in an array, or below one object."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from gtt.data.byte_decoding import FileText, unusable
from gtt.data.columns import SAMPLE, kinds_of, listed, quoted
from gtt.data.csv_dialect import HEADINGS
from gtt.data.json_containers import (
    Row,
    has_one_text,
    have_own_names,
    is_own,
    lies_beside,
    most_text,
    parts_of,
    refused_beside,
    row_of,
)
from gtt.data.nested_texts import is_chat, text_in, value_at

LARGEST = 200_000_000  # characters of one object that is read at once
_LOOKED_THROUGH = 8_000_000  # characters in which a column is looked for that the sample lacks
_BLANKS = " \t\r\n"
_BLANK = re.compile(rf"[{_BLANKS}]*")
_CUT = 16  # characters: what a cut within an escape or a word leaves of it
_MESSAGES = re.compile(  # as a chat alone begins; articles are many, and read one by one
    r'\s*\[\s*\{[^{}]{0,2000}?"role"\s*:\s*"(user|assistant|system|human|bot|model)"'
)
_SOME = 6  # rows, which show whether each has fields of its own, however long they are
_OWN_NAMES = 100  # rows by which it is told that each names its field for itself


class ObjectTable:
    """A table of objects, one a row; keys may come and go, and values change their kind."""

    def __init__(
        self, rows: Iterator[tuple[int, Row]], wanted_column: str | None, part: str | None = None
    ) -> None:
        """`rows` come with their sizes in characters; `part` is what they were found in."""
        self.notes: list[str] = []
        self.wanted_column, self.part = wanted_column, part
        self._rows = rows = self._with_one_name(_with_heading(rows))
        self._first: list[Row] = []
        self.sample: dict[str, list[Any]] = {}
        size = 0
        is_enough = self.has_one_row = False
        for length, row in rows:
            self._first.append(row)
            for name, value in row.items():
                self.sample.setdefault(name, []).append(value)
                is_enough = is_enough or (wanted_column is None and bool(text_in(value)))
            if wanted_column is not None:
                is_there, value = value_at(row, wanted_column)
                if is_there and wanted_column not in row:
                    self.sample.setdefault(wanted_column, []).append(value)
                is_enough = is_enough or is_there
            size += length
            is_sample = size >= SAMPLE and is_enough and len(self._first) >= _SOME
            if is_sample or size >= _LOOKED_THROUGH:
                break
        else:
            self.has_one_row = len(self._first) == 1
        self.kinds = kinds_of(self.sample)
        self.rows = max(2, len(self._first))

    def _with_one_name(self, rows: Iterator[tuple[int, Row]]) -> Iterator[tuple[int, Row]]:
        """Rows of which each has one field, named as no other, as what these fields hold."""
        first: list[tuple[int, Row]] = []
        characters = 0
        for size, row in rows:
            first.append((size, row))
            characters += size
            enough = SAMPLE if len(first) >= _SOME else _LOOKED_THROUGH
            if len(first) == _OWN_NAMES or characters >= enough:
                break
        shown_rows = [row for _, row in first if row]
        is_wanted = any(
            self.wanted_column and value_at(row, self.wanted_column)[0] for row in shown_rows
        )
        if is_wanted or not have_own_names(shown_rows):
            yield from chain(first, rows)
            return
        self.notes.append("Each row has one field, named as no other: what it holds is the row.")
        for size, row in chain(first, rows):
            yield size, row_of(next(iter(row.values()))) if is_own(row) else row

    def values(self, name: str) -> Iterator[Any]:
        missing = 0
        for row in chain(self._first, (row for _, row in self._rows)):
            is_there, value = value_at(row, name)
            if is_there and value is not None:
                yield value
            else:
                missing += 1
        if missing:
            rows, pronoun = ("row was", "it") if missing == 1 else ("rows were", "them")
            self.notes.append(
                f"{missing:,} {rows} left out: there is no {quoted(name)} in {pronoun}."
            )


def open_objects(text: FileText, wanted_column: str | None) -> ObjectTable:
    """The rows of a file; raises `UnusableData` that names the line where it is no JSON."""
    table = _opened(text, wanted_column)
    if table.has_one_row and not text.unread:
        table.rows = 1
    return table


def _opened(text: FileText, wanted_column: str | None) -> ObjectTable:
    blocks = text.blocks()
    beginning = next(blocks, "")
    line, _, after = beginning.lstrip(_BLANKS).partition("\n")
    if not after.isspace() and after and _is_row(line):
        return ObjectTable(
            _on_lines(text.lines(chain([beginning], blocks)), text.name), wanted_column
        )
    values = _Values(chain([beginning], blocks), text)
    if values.next_is("[") and not _MESSAGES.match(beginning):
        return ObjectTable(_in_array(values), wanted_column)
    if values.is_at_end():
        return ObjectTable(iter(()), wanted_column)
    try:
        first = values.value()
    except CutOff:
        return ObjectTable(iter(()), wanted_column)
    if isinstance(first, Mapping) and values.is_at_end():
        return _below(first, wanted_column, text.name)
    if isinstance(first, list) and values.is_at_end() and not is_chat(first):
        return ObjectTable(_sized([_as_row(item, 1, text.name) for item in first]), wanted_column)
    return ObjectTable(_one_after_another(first, values), wanted_column)


def _is_row(line: str) -> bool:
    try:
        return isinstance(_on_line(line), (dict, str, list))
    except (ValueError, RecursionError):
        return line.lstrip().startswith('{"') and line.rstrip().endswith("}")


def _on_lines(lines: Iterator[str], name: str) -> Iterator[tuple[int, Row]]:
    for number, line in enumerate(lines, 1):
        if line.isspace():
            continue
        try:
            value = _on_line(line)
        except json.JSONDecodeError as error:
            raise unusable(
                f"Line {number:,} of {name} is no JSON ({_in_words(error)} at character "
                f"{error.colno:,}): each line is one object, such as "
                '{"text": "Once upon a time"}.'
            ) from None
        except RecursionError:
            raise _too_deep(number, name) from None
        yield len(line), _as_row(value, number, name)


def _in_array(values: _Values) -> Iterator[tuple[int, Row]]:
    values.skip(1)
    if values.next_is("]"):
        return _end(values)
    while True:
        line, before = values.line, values.position
        try:
            row = _as_row(values.value(), line, values.name)
        except CutOff:
            return
        yield values.position - before, row
        if values.next_is(","):
            values.skip(1)
        elif values.next_is("]"):
            return _end(values)
        elif values.is_at_end() and values.is_cut:
            return
        else:
            raise values.unexpected("a comma or ] between two rows")


def _end(values: _Values) -> None:
    """Skips the end of an array; raises `UnusableData` where anything follows it."""
    values.skip(1)
    if not values.is_at_end():
        raise values.unexpected("the end of the file")


def _one_after_another(first: Any, values: _Values) -> Iterator[tuple[int, Row]]:
    yield values.position, _as_row(first, 1, values.name)
    while not values.is_at_end():
        line, before = values.line, values.position
        try:
            row = _as_row(values.value(), line, values.name)
        except CutOff:
            return
        yield values.position - before, row


def _with_heading(rows: Iterator[tuple[int, Row]]) -> Iterator[tuple[int, Row]]:
    """Rows whose cells have the names that the first one gives them, where it is a heading."""
    first = next(rows, None)
    if first is None:
        return
    cells = list(first[1].values())
    are_cells = list(first[1]) == [f"column {number + 1}" for number in range(len(cells))]
    names = [cell.strip() for cell in cells if isinstance(cell, str)]
    second = next(rows, None) if are_cells else None
    unnamed = rows if second is None else chain([second], rows)
    is_heading = second is not None and len(cells) == len(set(names)) > 1
    if not (is_heading and any(name.lower() in HEADINGS for name in names)):
        yield from chain([first], unnamed)
        return
    called = dict(zip(first[1], names))
    for size, row in unnamed:
        yield size, {called.get(cell, cell): value for cell, value in row.items()}


def _as_row(value: Any, line: int, name: str) -> Row:
    if isinstance(value, (Mapping, str, list)):
        return row_of(value)
    if value is None:
        return {}
    raise unusable(
        f"Line {line:,} of {name} has {json.dumps(value)[:40]} where a row is expected: each row "
        'is an object, such as {"text": "Once upon a time"}, or a text.'
    )


def _below(whole: Row, wanted_column: str | None, name: str) -> ObjectTable:
    """The rows of one object: of the list or map in it that holds the most text."""
    parts = list(parts_of(whole))
    if wanted_column is not None:
        first = wanted_column.partition(".")[0]
        if is_chat(whole.get(first), first):
            return ObjectTable(_sized([whole]), wanted_column)
    chosen = [
        part for part in parts if wanted_column is not None and _starts(wanted_column, part.path)
    ]
    if chosen:
        part = max(chosen, key=lambda part: len(part.path))
        column = (
            wanted_column[len(part.path) + 1 :] if wanted_column and part.path else wanted_column
        )
        return ObjectTable(_sized(part.rows), column or None, part.path or None)
    if wanted_column is not None and value_at(whole, wanted_column)[0]:
        return ObjectTable(_sized([whole]), wanted_column)
    if wanted_column is not None:  # a field of the rows, wherever these are
        parts = [
            part
            for part in parts
            if any(value_at(row, wanted_column)[0] for row in part.rows[:1000])
        ]
    best = max(parts, key=lambda part: most_text(part.rows), default=None)
    if best is None or not most_text(best.rows):
        return ObjectTable(_sized([whole]), wanted_column)
    path = best.path
    if wanted_column is None and "." not in path and is_chat(whole.get(path), path):  # as on a line
        return ObjectTable(_sized([whole]), None)
    if wanted_column is None and path and lies_beside(whole, best):
        if has_one_text(whole):
            return ObjectTable(_sized([whole]), None)
        raise refused_beside(whole, best, name)
    table = ObjectTable(_sized(best.rows), wanted_column, path or None)
    other_paths = [other.path for other in parts if other.path and other.path != path]
    if path and other_paths:
        table.notes.append(
            f"The rows are those of {quoted(path)}; there is also {listed(other_paths)}."
        )
    if not path:
        table.notes.append(f"Each of the {len(best.rows):,} values of {name} was read as a row.")
    if best.left_out:
        others_are = "other value was" if best.left_out == 1 else "other values were"
        table.notes.append(f"{best.left_out:,} {others_are} left out, which held no text.")
    return table


def _starts(wanted_column: str, path: str) -> bool:
    return bool(path) and (wanted_column == path or wanted_column.startswith(path + "."))


def _sized(rows: list[Row]) -> Iterator[tuple[int, Row]]:
    """Rows that are in memory; nobody needs to know their size but for the end of the sample."""
    for row in rows:
        yield sum(len(value) if isinstance(value, str) else 8 for value in row.values()), row


class _Values:
    """JSON values one after another, each read as soon as the whole of it is here.

    Where a value is not complete, the buffer is doubled, so that the cost stays linear.
    """

    def __init__(self, blocks: Iterator[str], text: FileText) -> None:
        self.name = text.name
        self.line = 1  # of the next character
        self.position = 0  # characters
        self._blocks, self._text = blocks, text
        self._buffer, self._place = "", 0
        self._is_over = False

    @property
    def is_cut(self) -> bool:
        """Whether a look ended before the file did."""
        return self._text.unread

    def next_is(self, mark: str) -> bool:
        """Whether `mark` comes next after blanks, which are skipped."""
        self._skip_blanks()
        return self._buffer.startswith(mark, self._place)

    def is_at_end(self) -> bool:
        self._skip_blanks()
        return self._place == len(self._buffer)

    def skip(self, count: int) -> None:
        self.line += self._buffer.count("\n", self._place, self._place + count)
        self._place += count
        self.position += count

    def value(self) -> Any:
        """The next one; raises `UnusableData`, and `CutOff` where a look breaks off within it."""
        self._skip_blanks()
        while True:
            try:
                value, end = _parsed(self._buffer, self._place)
                self.skip(end - self._place)
                return value
            except RecursionError:
                raise _too_deep(self.line, self.name) from None
            except json.JSONDecodeError as error:
                is_cut = error.msg.startswith("Unterminated") or (
                    error.pos >= len(self._buffer) - _CUT
                )
                if is_cut and not self._is_over and len(self._buffer) - self._place <= LARGEST:
                    self._read(len(self._buffer) - self._place)
                    continue
                if is_cut and self._text.unread:
                    raise CutOff from None
                if is_cut and not self._is_over:
                    raise unusable(
                        f"{self.name} has one value of more than {LARGEST // 10**6} MB, which "
                        "would have to be read at once: save it as .jsonl, one object per line."
                    ) from None
                line = self.line + self._buffer.count("\n", self._place, error.pos)
                raise unusable(
                    f"Line {line:,} of {self.name} is no JSON ({_in_words(error)}): check that "
                    "the file is whole."
                ) from None

    def unexpected(self, expected: str) -> Exception:
        """What is wrong with the next character."""
        return unusable(
            f"Line {self.line:,} of {self.name} is no JSON: {expected} is expected. Check that the "
            "file is whole."
        )

    def _skip_blanks(self) -> None:
        while True:
            blanks = _BLANK.match(self._buffer, self._place)
            self.skip(blanks.end() - self._place if blanks else 0)
            if self._place < len(self._buffer) or self._is_over:
                return
            self._read(1)

    def _read(self, count: int) -> None:
        """At least so many characters more, unless the file ends."""
        parts = [self._buffer[self._place :]]
        for block in self._blocks:
            parts.append(block)
            count -= len(block)
            if count <= 0:
                break
        else:
            self._is_over = True
        self._buffer, self._place = "".join(parts), 0


class CutOff(Exception):
    """The bytes of a preview ended within the first value of a file."""


# A tab within a text is no reason to refuse, nor is a number with more digits than Python takes.
_DECODER = json.JSONDecoder(strict=False)
_ANY_NUMBER = json.JSONDecoder(strict=False, parse_int=float)


def _parsed(text: str, start: int) -> tuple[Any, int]:
    """The value that begins at a place of a text, and where it ends."""
    try:
        return _DECODER.raw_decode(text, start)
    except json.JSONDecodeError:
        raise
    except ValueError:  # more than 4,300 digits
        return _ANY_NUMBER.raw_decode(text, start)


def _on_line(line: str) -> Any:
    """The value on a line, with nothing else beside it."""
    start = len(line) - len(line.lstrip())
    value, end = _parsed(line, start)
    if line[end:].strip():
        raise json.JSONDecodeError("Extra data", line, end)
    return value


_WORDS = {
    "Unterminated string": "a text has no quotation mark at its end",
    "Expecting property name": "the name of a field in quotation marks is missing",
    "Expecting ':'": "a colon is missing",
    "Expecting ','": "a comma or a closing bracket is missing",
    "Expecting value": "a value is missing",
    "Illegal trailing comma": "a comma is too many",
    "Extra data": "something follows the value",
    "Invalid \\": "a backslash stands before something unknown",
}


def _in_words(error: json.JSONDecodeError) -> str:
    """What is wrong, in words for people who do not write decoders."""
    return next((words for start, words in _WORDS.items() if error.msg.startswith(start)), "broken")


def _too_deep(line: int, name: str) -> Exception:
    return unusable(
        f"Line {line:,} of {name} is nested too deeply to be read: give objects whose text lies in "
        "a field of its own."
    )
