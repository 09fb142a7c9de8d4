"""Files of every kind, and one sentence for each that cannot be read."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gtt.data import byte_decoding, json_rows
from gtt.data.text_files import open_file
from gtt.errors import UnusableData

TEXT = "A first line.\nNaïve café, 你好 🙂.\n\n  indented\u2028\x85 and\x0c more\n"
ROWS = [
    {"id": 1, "title": "One", "story": "Once upon a time, in a wood.\nThe end."},
    {"id": 2, "title": "Two", "story": 'She said "no", and left.'},
    {"id": 3, "title": "NA", "story": "null"},
]


def _write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    return path


def _read(path: Path, column: str | None = None) -> tuple[list[str], list[str]]:
    stream = open_file(path, column)
    return list(stream.pieces), stream.notes


@pytest.mark.parametrize("suffix", [".txt", ".md", ".TXT"])
@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
def test_plain_text_comes_unchanged_without_its_mark(
    tmp_path: Path, suffix: str, mark: bytes
) -> None:
    path = _write(tmp_path / f"text{suffix}", mark + TEXT.encode())
    pieces, notes = _read(path)
    assert "".join(pieces) == TEXT
    assert notes == []


def test_line_breaks_of_windows_become_line_feeds(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.txt", TEXT.replace("\n", "\r\n"))
    assert "".join(_read(path)[0]) == TEXT


def test_a_text_longer_than_one_chunk(tmp_path: Path) -> None:
    text = TEXT * 60_000
    path = _write(tmp_path / "a.txt", text)
    pieces, _ = _read(path)
    assert len(pieces) > 3
    assert "".join(pieces) == text


def test_a_file_name_is_no_pattern(tmp_path: Path) -> None:
    path = _write(tmp_path / "we[i]rd *?.txt", TEXT)
    _write(tmp_path / "weird other.txt", "not this one")
    assert "".join(_read(path)[0]) == TEXT


def _csv(path: Path) -> Path:
    lines = ["id,title,story"]
    for row in ROWS:
        story = str(row["story"]).replace('"', '""')
        lines.append(f'{row["id"]},{row["title"]},"{story}"')
    return _write(path, "\n".join(lines))


def _jsonl(path: Path) -> Path:
    return _write(path, "\n".join(json.dumps(row) for row in ROWS))


def _json(path: Path) -> Path:
    return _write(path, json.dumps(ROWS, indent=1))


def _parquet(path: Path) -> Path:
    pq.write_table(pa.Table.from_pylist(ROWS), path)
    return path


TABLES: dict[str, Callable[[Path], Path]] = {
    "a.csv": _csv,
    "a.jsonl": _jsonl,
    "b.json": _json,
    "a.parquet": _parquet,
}


@pytest.mark.parametrize("name", TABLES)
def test_tables_give_a_document_per_row_and_say_which_column(tmp_path: Path, name: str) -> None:
    path = TABLES[name](tmp_path / name)
    pieces, notes = _read(path)
    assert pieces == [row["story"] for row in ROWS]
    assert notes == ["Column 'story' was read, chosen from id, title, story."]
    assert _read(path, "title") == (["One", "Two", "NA"], [])


@pytest.mark.parametrize("name", TABLES)
def test_columns_that_will_not_do(tmp_path: Path, name: str) -> None:
    path = TABLES[name](tmp_path / name)
    with pytest.raises(UnusableData, match=r"no column 'storys': did you mean 'story'") as caught:
        _read(path, "storys")
    assert caught.value.field == "data.column"
    with pytest.raises(UnusableData, match=r"Column 'id' .* holds numbers, not text: choose title"):
        _read(path, "id")


@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "b.json"])
def test_tables_with_a_byte_order_mark(tmp_path: Path, name: str, mark: bytes) -> None:
    path = TABLES[name](tmp_path / name)
    path.write_bytes(mark + path.read_bytes())
    pieces, notes = _read(path)
    assert pieces == [row["story"] for row in ROWS]
    assert "id, title, story" in notes[0]


def test_a_column_called_text_is_preferred_and_empty_values_are_left_out(tmp_path: Path) -> None:
    rows = [{"long": "x" * 99, "text": "short"}, {"long": "y", "text": None}]
    path = _write(tmp_path / "a.jsonl", "\n".join(map(json.dumps, rows)))
    pieces, notes = _read(path)
    assert pieces == ["short"]
    assert "'text'" in notes[0]


def test_semicolons_and_tabs_separate_too(tmp_path: Path) -> None:
    for mark in ";\t":
        path = _write(tmp_path / "a.csv", f"id{mark}text\n1{mark}Hello, you\n2{mark}Bye\n")
        assert _read(path)[0] == ["Hello, you", "Bye"]


def test_a_json_list_of_strings(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.json", json.dumps(["first", "second"]))
    assert _read(path)[0] == ["first", "second"]


BAD: dict[str, tuple[str, bytes, str]] = {
    "empty": ("a.txt", b"", "is empty"),
    "binary": ("a.txt", bytes(range(256)) * 10, "is a binary file"),
    "zip": ("a.txt", b"PK\x03\x04 and more", "is a zip file"),
    "pdf": ("a.md", b"%PDF-1.7\n", "is a PDF file"),
    "latin-1": ("a.txt", "one\ntwo: naïve\n".encode("latin-1"), r"not in UTF-8 \(line 2"),
    "cut off": ("a.txt", "café".encode()[:-1], r"not in UTF-8 \(line 1"),
    "utf-16": ("a.txt", "hello".encode("utf-16"), "UTF-16"),
    "csv in latin-1": ("a.csv", "text\nnaïve\n".encode("latin-1"), r"not in UTF-8"),
    "csv of numbers": ("a.csv", b"id,size\n1,2.5\n3,4.5\n", "no column with text, only id"),
    "csv with ragged rows": ("a.csv", b'a,b\n1,"x\n', "Line 2 of a.csv opens a quotation"),
    "csv with a heading only": ("a.csv", b"id,text\n", "no rows"),
    "jsonl that is none": ("a.jsonl", b"hello\n", "Line 1 of a.jsonl is no JSON"),
    "no parquet": ("a.parquet", b"id,text\n1,hello\n", "is not a Parquet file"),
    "half a parquet": ("a.parquet", b"PAR1" + bytes(100), "it is damaged, or was cut short on its"),
    "parquet with a wrong end": ("a.parquet", b"PAR1" + b"x" * 99 + b"PAR1", "it is damaged, or"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_get_one_sentence(tmp_path: Path, case: str) -> None:
    name, content, sentence = BAD[case]
    path = _write(tmp_path / name, content)
    with pytest.raises(UnusableData, match=sentence) as caught:
        _read(path)
    assert caught.value.field == "data.source"
    assert "\n" not in caught.value.message
    assert str(tmp_path) not in caught.value.message
    assert path.read_bytes() == content


def test_what_would_have_to_be_read_at_once_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(byte_decoding, "LONGEST_LINE", 1_000_000)
    long = json.dumps({"text": "x " * 2_000_000})
    with pytest.raises(UnusableData, match=r"Line 2 of a\.jsonl is longer than 1 MB"):
        _read(_write(tmp_path / "a.jsonl", f'{{"text": "a"}}\n{long}\n'))
    monkeypatch.setattr(json_rows, "LARGEST", 1_000_000)
    with pytest.raises(UnusableData, match=r"save it as \.jsonl"):
        _read(_write(tmp_path / "a.json", f'{{"text": [{long}, {long}]}}'))
    assert len(_read(_jsonl(tmp_path / "b.json"))[0]) == 3


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), pa.binary_view()])
def test_bytes_that_are_text_are_read(tmp_path: Path, kind: pa.DataType) -> None:
    stories = [str(row["story"]) for row in ROWS]
    table = {"id": [1, 2, 3], "body": pa.array([one.encode() for one in stories], kind)}
    pq.write_table(pa.table(table), tmp_path / "a.parquet")
    pieces, notes = _read(tmp_path / "a.parquet")
    assert pieces == stories and notes == ["Column 'body' was read, chosen from id, body."]
    assert _read(tmp_path / "a.parquet", "body")[0] == stories


def test_kinds_of_columns_are_said_in_words(tmp_path: Path) -> None:
    """And pictures are no text."""
    table = {
        "picture": pa.array([bytes(range(128, 200))] * 2),
        "size": pa.array([1.5, 2.5], pa.float32()),
        "at": pa.array([0, 1], pa.timestamp("us")),
        "seen": [True, False],
        "shape": [[1, 2], [3, 4]],
    }
    pq.write_table(pa.table(table), tmp_path / "a.parquet")
    with pytest.raises(
        UnusableData,
        match=r"only picture \(bytes that are no text\), size \(numbers\), at \(times\), "
        r"seen \(true or false\), shape \(lists of numbers\): give a file",
    ):
        _read(tmp_path / "a.parquet")
