"""How a `.csv` or `.tsv` file is written: its separator, heading, quoting, what stands above it."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from gtt.data.byte_decoding import unusable
from gtt.data.columns import SAMPLE, quoted
from gtt.data.nested_texts import USUAL

MOST_ABOVE = 20  # lines that may stand above a heading
_TITLES = 4  # lines of which the first may be titles, where no heading is plain to see
NONE = "\x1f"  # separates nothing in a text

SEPARATORS = ",;\t|"
_SAYS_SEPARATOR = re.compile(r'"?sep=(.)"?\s*')
NUMBER = re.compile(r"\s*[-+]?(\d[\d.,' ]*|\.\d+)([eE][-+]?\d+)?\s*%?\s*")
_YEAR = re.compile(r"(19|20)\d\d")
# Names that stand in headings, and hardly as a whole cell below one.
HEADINGS = {
    *USUAL,
    *("id", "key", "index", "number", "count", "label", "labels", "title", "name", "kind", "type"),
    *("date", "time", "timestamp", "year", "author", "user", "username", "category", "class"),
    *("target", "sentiment", "score", "rating", "url", "source", "topic", "question", "answer"),
    *("prompt", "response", "completion", "instruction", "input", "output", "message", "comment"),
    *("tweet", "summary", "description", "lyrics", "poem", "quote", "language", "lang"),
}
_COUNTS = {
    "id",
    "key",
    "index",
    "idx",
    "number",
    "no",
    "no.",
    "nr",
    "#",
    "n",
    "row",
    "line",
}  # names of columns that count
_LONG_NAME = 60  # characters, more than a heading has
_WORDS = 4  # from which on a cell is a sentence


# What stands for an escaped backslash, quotation mark and separator while cells are told apart:
# these code points are no characters and stand in no text.
_BACKSLASH, _QUOTE, _SEPARATOR = "\ufdd0", "\ufdd1", "\ufdd2"
_BEFORE_QUOTE = re.compile(r'(\\+)"')

Row = list[str]


@dataclass(frozen=True)
class Dialect:
    """How a table is written.

    `above`: lines above the first row. `has_row_names`: each row begins with a cell for which the
    heading has no name. `is_escaped`: a backslash makes a quotation mark or a separator part of the
    text. `is_bare`: quotation marks are part of the text. `skips_blanks`: a blank follows each
    separator. `is_strict`: a quotation mark within a quoted cell is an error.
    """

    separator: str
    above: int = 0
    is_escaped: bool = False
    has_row_names: bool = False
    is_bare: bool = False
    skips_blanks: bool = False
    is_strict: bool = False
    notes: list[str] = field(default_factory=list)

    def reader(self, lines: Iterable[str]) -> Iterator[Row]:
        """The rows of some lines, as `csv` tells them apart."""
        return csv.reader(
            lines,
            delimiter=self.separator,
            quoting=csv.QUOTE_NONE if self.is_bare else csv.QUOTE_MINIMAL,
            skipinitialspace=self.skips_blanks,
            strict=self.is_strict,
        )


def dialect_of(head: Sequence[str], name: str, usual: str = "") -> Dialect:
    """The dialect of a table from its first lines; raises `UnusableData` where they are no table.

    `usual` is the separator that goes with the file's ending; it is taken where it occurs in them.
    """
    first = _SAYS_SEPARATOR.fullmatch(head[0]) if head else None
    declared = first[1] if first else usual if usual and any(usual in line for line in head) else ""
    above, notes = _above(head, name, declared, 1 if first else 0)
    below = head[above:]
    separator = declared or _separator(below)
    is_escaped = _is_escaped(below, separator)
    if is_escaped:
        notes.append(ESCAPES)
    is_cut = separator != NONE and any(separator in line for line in below[:1])
    row_names = _row_names(below, separator if declared or is_cut else None, is_escaped)
    if row_names:
        separator = row_names
        notes.append(
            "Each row begins with a cell that the heading has no name for, as R writes names of "
            "rows: it was read as column 'row name'."
        )
    dialect = Dialect(separator, above, is_escaped, bool(row_names), notes=notes)
    hidden = [hide_escaped(line, separator) for line in below] if is_escaped else below
    return _quoting(dialect, hidden)


def _quoting(plain: Dialect, lines: Sequence[str]) -> Dialect:
    """The dialect with the meaning of quotation marks with which the rows fit the heading."""
    rows = _rows(lines[:1], plain.separator)
    width = len(rows[0]) + plain.has_row_names if rows else 0
    if width < 2:
        return plain
    strict = replace(plain, is_strict=True)
    if _fits(strict, lines, width):
        return strict
    spaced = replace(strict, skips_blanks=True)
    if any(f'{plain.separator} "' in line for line in lines) and _fits(spaced, lines, width):
        return spaced
    bare = replace(plain, is_bare=True, notes=[*plain.notes, BARE])
    if any('"' in line for line in lines) and not _is_quoted(strict, lines):
        return bare if _fits(bare, lines, width) else strict
    return strict


def _fits(dialect: Dialect, lines: Sequence[str], width: int) -> bool:
    """Whether the first rows can be told apart and have no more cells than the heading."""
    try:
        rows = list(dialect.reader(line[:SAMPLE] for line in lines[:100]))
    except csv.Error as error:
        if "unexpected end" in str(error) and len(lines) > 100:
            return True
        return "unexpected end" in str(error) and sum(map(len, lines)) >= SAMPLE
    return all(len(trimmed(row)) <= width for row in rows)


def _is_quoted(dialect: Dialect, lines: Sequence[str]) -> bool:
    """Whether quotation marks enclose cells, whatever else does not fit."""
    try:
        for _ in dialect.reader(line[:SAMPLE] for line in lines[:100]):
            pass
    except csv.Error as error:
        return "unexpected end" in str(error)
    return True


BARE = "Quotation marks were read as parts of the texts, since they do not enclose whole cells."
ESCAPES = "A backslash before a quotation mark or a separator was read as belonging to it."


def shows_escapes(line: str, separator: str) -> bool:
    """Whether lines have quotation marks after a backslash that can only be part of the text."""
    place = line.find('\\"')
    while place >= 0:
        after = line[place + 2 : place + 3]
        before = len(line[:place]) - len(line[:place].rstrip("\\"))
        if before % 2 == 0 and after not in ("", "\n", '"', " ", separator):
            return True
        place = line.find('\\"', place + 2)
    return False


def hide_escaped(line: str, separator: str) -> str:
    """The line with placeholders for the characters that a backslash makes part of the text."""

    def hidden(match: re.Match[str]) -> str:
        pairs, odd = divmod(len(match[1]), 2)
        return _BACKSLASH * pairs + (_QUOTE if odd else '"')

    return _BEFORE_QUOTE.sub(hidden, line).replace("\\" + separator, _SEPARATOR)


def show_escaped(row: Row, separator: str) -> Row:
    """Cells with the characters that `hide_escaped` replaced."""
    back = str.maketrans({_BACKSLASH: "\\", _QUOTE: '"', _SEPARATOR: separator})
    return [cell.translate(back) for cell in row]


def _is_escaped(lines: Sequence[str], separator: str) -> bool:
    if any(shows_escapes(line, separator) for line in lines):
        return True
    if separator == NONE or not any("\\" + separator in line for line in lines):
        return False
    plain = _rows(lines, separator)
    hidden = _rows([hide_escaped(line, separator) for line in lines], separator)
    width = len(hidden[0]) if hidden else 0
    return all(len(row) <= width for row in hidden) and any(len(row) > width for row in plain)


def _rows(lines: Iterable[str], separator: str) -> list[Row]:
    beginning = [line[:SAMPLE] for line in list(lines)[:100]]
    return [row for row in csv.reader(beginning, delimiter=separator) if any(row)]


def _above(head: Sequence[str], name: str, declared: str, none: int) -> tuple[int, list[str]]:
    """How many lines stand above the heading, and the notes on them.

    The first `none` lines only declare the separator, and get no note.
    """
    lines_filled = enumerate(head[:MOST_ABOVE])
    filled = [at for at, line in lines_filled if at >= none and line.strip(" \t\n,;|")]
    if len(filled) < 2:
        return none, []
    first = filled[0]
    for at, after in pairwise(filled):
        if not (head[at].startswith("#") or _is_title(head[at], declared or SEPARATORS)):
            break
        are_comments = all(head[place].startswith("#") for place in filled if place < after)
        if _is_table(head[after:], are_comments, declared):
            lines = f"Lines {first + 1} to {at + 1} were"
            lines = f"Line {first + 1} was" if at == first else lines
            title = quoted(head[first].strip(' \t\n,;|"'))
            return after, [f"{lines} left out ({title}): the heading stands on line {after + 1}."]
    begin = next(
        (at for at in filled[:_TITLES] if not _is_title(head[at], declared or SEPARATORS)), first
    )
    below = _rows(head[begin:], declared or _separator(head[begin:])) if begin > first else []
    if len(below) > 2 and len(below[0]) > 1 and len({len(row) for row in below}) == 1:
        raise unusable(
            f"Line {first + 1} of {name} has 1 cell, and the lines below have {len(below[0])}: if "
            "it is a title, take it out; if each line is one text, save the file as .txt."
        )
    return none, []


def _is_title(line: str, marks: str) -> bool:
    """One cell that is no name of a column, maybe with the separators of a spreadsheet after it."""
    cell = line.strip().rstrip(SEPARATORS + marks).strip('" ')
    is_one = not any(mark in cell for mark in marks)
    return bool(cell) and is_one and cell.lower() not in HEADINGS


def _is_table(lines: Sequence[str], below_comments: bool, declared: str) -> bool:
    """Whether a heading begins here without any doubt, and rows that fit it follow."""
    rows = [trimmed(row) for row in _rows(lines, declared or _separator(lines))]
    if len(rows) < 2:
        return False
    width = len(rows[0])
    if width < 2:
        return below_comments and width == 1 and rows[0][0].strip().lower() in HEADINGS
    fitting = sum(len(row) in (width, width + 1) for row in rows[1:])
    return fitting * 10 >= 9 * (len(rows) - 1) and has_heading(rows[0], rows[1:], None) == (
        True,
        True,
    )


def _row_names(lines: Sequence[str], separator: str | None, is_escaped: bool) -> str:
    """The separator of a table whose rows have one cell more than the heading: their names."""
    head = lines[0] if lines else ""
    quoted, whole = head.startswith('"'), "".join(lines)
    for mark in separator or (SEPARATORS + " "):
        if mark == " " and not quoted:
            continue
        shown_lines = [hide_escaped(line, mark) for line in lines] if is_escaped else lines
        rows = _rows(shown_lines, mark)
        width = len(trimmed(rows[0])) if rows else 0
        below = rows[1:-1] if len(rows) > 2 else rows[1:]  # the last may be cut
        if not below or any(len(row) != width + 1 for row in below):
            continue
        if len(rows[0]) > width:  # a mark behind the heading, as behind each row
            continue
        names = [row[0] for row in below]
        if len(set(names)) < len(names) or (width == 1 and len(names) < 2 and not quoted):
            continue
        start = int(names[0]) if names[0] in ("0", "1") else -1
        are_numbered = start >= 0 and names == [str(start + at) for at in range(len(names))]
        are_numbered = are_numbered and not _counts(rows[0], below)
        are_quoted = quoted and all(f'"{name}"{mark}' in whole for name in names[:50])
        if are_quoted or (are_numbered and (mark == "\t" or width == 1)):
            return mark
    return ""


def _counts(heading: Row, below: list[Row]) -> bool:
    """Whether the first name is that of numbers before each row, and texts are cut behind them."""
    is_count = heading[0].strip().lower() in _COUNTS
    return is_count and not all(NUMBER.fullmatch(row[1]) for row in below)


def _separator(head: Sequence[str]) -> str:
    """The mark that cuts the heading into names with which the most rows below agree.

    Without one the table has one column, and a comma does no harm. Lines of prose whose commas
    happen to agree are no table.
    """
    best, score, chosen = ",", (0, False, 0), []
    beginning = [line[:SAMPLE] for line in head[:100]]
    for mark in SEPARATORS:
        if not any(mark in line for line in head[:1]):
            continue
        rows = [trimmed(row) for row in csv.reader(beginning, delimiter=mark) if any(row)]
        if not rows or len(rows[0]) < 2:
            continue
        agreeing = sum(len(row) == len(rows[0]) for row in rows)
        candidate = (agreeing, not any(cell.startswith(" ") for cell in rows[0]), len(rows[0]))
        if candidate > score:
            best, score, chosen = mark, candidate, rows
    return NONE if chosen and _is_prose(chosen) else best


def _is_prose(rows: list[Row]) -> bool:
    """Whether there is no heading, and a blank follows each mark, as in a sentence."""
    after = [cell for row in rows for cell in row[1:] if cell]
    return (
        all(cell.startswith(" ") for cell in after) and not has_heading(rows[0], rows[1:], None)[0]
    )


def trimmed(row: Row) -> Row:
    """A row without the empty cells at its end."""
    end = len(row)
    while end and not row[end - 1].strip():
        end -= 1
    return row[:end]


def has_heading(first: Row, below: list[Row], wanted_column: str | None) -> tuple[bool, bool]:
    """Whether the first row names the columns, and whether that is plain to see."""
    cells = [cell.strip() for cell in first]
    if wanted_column in cells or any(cell.lower() in HEADINGS for cell in cells):
        return True, True
    says_heading = False
    for place, cell in enumerate(cells):
        column = [row[place].strip() for row in below if place < len(row) and row[place].strip()]
        if not cell or not column:
            continue
        looked_at = column[:100]
        numbers = sum(NUMBER.fullmatch(value) is not None for value in looked_at)
        if numbers * 10 >= 9 * len(looked_at):
            if NUMBER.fullmatch(cell) and not _YEAR.fullmatch(cell):
                return False, True
            are_years = any(_YEAR.fullmatch(value) for value in looked_at)
            says_heading = says_heading or not (NUMBER.fullmatch(cell) and are_years)
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


def spoken(separator: str) -> str:
    """A separator in words."""
    names = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", " ": "blank"}
    return names.get(separator, separator)
