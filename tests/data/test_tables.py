"""Tables that people have: the text column is read whole, or a sentence says what is in its way."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reading_tables import TEXTS, on_lines, read, written

from gtt.config import DataConfig
from gtt.data.corpus import build_corpus
from gtt.data.excerpt import Places, read_excerpt
from gtt.data.sources import resolve_source
from gtt.errors import UnusableData

TABLES = {
    # A column that nobody wants has an empty cell late, holds null for long, comes late, is huge.
    "cells.csv": "id,score,text\n"
    + "".join(f"{i},{'' if i == 2500 else i},{text}\n" for i, text in enumerate(TEXTS)),
    "null.jsonl": on_lines(
        [{"text": text, "web": "x" if i > 2900 else None} for i, text in enumerate(TEXTS)]
    ),
    "late.jsonl": on_lines(
        [{"text": text} | ({"stars": i} if i > 2900 else {}) for i, text in enumerate(TEXTS)]
    ),
    "kinds.jsonl": on_lines(
        [
            {"text": text, "id": [1, "one", 2**70, 1.5, None, {"a": [1]}][i % 6]}
            for i, text in enumerate(TEXTS)
        ]
    ),
    "digits.jsonl": on_lines([{"text": text} for text in TEXTS[1:]])
    + f'{{"text": "{TEXTS[0]}", "n": {"9" * 5000}, "m": NaN, "k": 1e999}}\n',
    "blanks.jsonl": "\n\n" + on_lines([{"text": text} for text in TEXTS]).replace("\n", "\r\n\n"),
    "pretty.json": json.dumps([{"id": i, "text": text} for i, text in enumerate(TEXTS)], indent=2),
    "sequence.json": "\n".join(json.dumps({"text": text}, indent=1) for text in TEXTS),
    # Separators and headings.
    "semicolons.csv": '"Name, Vorname";Text\n' + "".join(f"Doe, J.;{text}\n" for text in TEXTS),
    "says.csv": "sep=;\nid;text\n" + "".join(f"{i};{text}\n" for i, text in enumerate(TEXTS)),
    "no heading.csv": "".join(f"pos,{text}\n" for text in TEXTS),
    "numbered.csv": "".join(f"{i},{text}\n" for i, text in enumerate(TEXTS)),
    "tabs.csv": "".join(f"{i}\t{text}\n" for i, text in enumerate(TEXTS)),
    "mac.csv": "id,text\r" + "".join(f"{i},{text}\r" for i, text in enumerate(TEXTS)),
    "empty ends.csv": "id,text,,\n" + "".join(f"{i},{text},,\n" for i, text in enumerate(TEXTS)),
    # Texts one level down.
    "ids.json": json.dumps({f"id {i}": text for i, text in enumerate(TEXTS)}),
    "rows by id.json": json.dumps({f"{i} x": {"text": text} for i, text in enumerate(TEXTS)}),
    "frame.json": json.dumps(
        {"text": dict(enumerate(TEXTS)), "label": {i: i for i in range(len(TEXTS))}}
    ),
    "columns.json": json.dumps({"text": TEXTS, "label": [0] * len(TEXTS)}),
    "roles.jsonl": on_lines([{"messages": [{"role": "user", "content": text}]} for text in TEXTS]),
    # Maps of texts with something else beside them, and keys that are names of texts.
    "version.json": json.dumps(
        {"version": 1} | {f"book {i}": text for i, text in enumerate(TEXTS)}
    ),
    "listed.json": json.dumps({f"book {i}": [text] for i, text in enumerate(TEXTS)}),
    "kinds.json": json.dumps(
        {f"book {i}": [text] if i % 2 else text for i, text in enumerate(TEXTS)} | {"n": [1]}
    ),
    "counted.json": json.dumps(
        {f"{i} x": {"text": text} for i, text in enumerate(TEXTS)} | {"count": len(TEXTS)}
    ),
    "below.json": json.dumps(
        {"about": "x", "books": {"n": 1} | {f"{i} x": text for i, text in enumerate(TEXTS)}}
    ),
    "book.json": json.dumps(
        {"text": TEXTS[0], "title": TEXTS[1]} | {f"{i}": t for i, t in enumerate(TEXTS[2:])}
    ),
    "own.jsonl": on_lines([{f"book {i}": text} for i, text in enumerate(TEXTS)]),
    "own lists.jsonl": on_lines([{f"book {i}": [text]} for i, text in enumerate(TEXTS)]),
    "own objects.json": json.dumps(
        [{f"book {i}": {"n": i, "text": text}} for i, text in enumerate(TEXTS)]
    ),
    "shared.jsonl": on_lines(
        [{"id": f"no {i}", "conversations": [{"value": text}]} for i, text in enumerate(TEXTS)]
    ),
}


@pytest.mark.parametrize("name", TABLES)
def test_the_text_is_read_whole_and_alike_in_preview_and_run(tmp_path: Path, name: str) -> None:
    path = written(tmp_path / name, TABLES[name])
    documents, notes = read(path)
    assert sorted(documents) == sorted(TEXTS)
    assert "was read" in notes

    config = DataConfig(source=str(path))
    places = Places(tmp_path / "downloads", None, None)
    seen = read_excerpt(resolve_source(str(path)), config, places)
    assert "".join(text + "\n\n" for text in documents).startswith(seen.text) and seen.text
    corpus = build_corpus(config, tmp_path / "corpora")
    assert len(corpus.train) + len(corpus.validation) == sum(map(len, TEXTS)) + 2 * len(TEXTS)
    assert set(seen.notes) <= set(corpus.notes)


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("no heading.csv", "The file has no heading: its first row was read like the others."),
        ("roles.jsonl", "field 'content' was taken of each"),
        ("shared.jsonl", "Column 'conversations' was read, chosen from id, conversations."),
        ("ids.json", "Each of the 3,000 values of ids.json was read as a row."),
        ("version.json", "1 other value was left out, which held no text."),
        ("below.json", "Field 'text' of 'books' was read"),
        ("own.jsonl", "Each row has one field, named as no other: what it holds is the row."),
    ],
)
def test_a_choice_is_said(tmp_path: Path, name: str, note: str) -> None:
    assert note in read(written(tmp_path / name, TABLES[name]))[1]


def test_a_heading_that_is_none_to_see_is_said_to_be_taken(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "Hello,Bonjour\nBye,Au revoir\n")
    documents, notes = read(path)
    assert documents == ["Bonjour", "Au revoir"]  # no row is lost
    assert "The first row may be a heading or a text (Hello, Bonjour)" in notes
    documents, notes = read(path, "Bonjour")
    assert documents == ["Au revoir"] and "heading" not in notes


@pytest.mark.parametrize(
    ("heading", "is_one"),
    [
        ("note,text", True),
        ("remark,stars", True),  # above numbers
        ("Text of the whole remark,Name of the writer", None),  # it may be a row
        ("What do you like about us?,Why?", None),
        (f"{TEXTS[5]},pos", False),
        (f"{TEXTS[5]},5", False),
        ("2019,2020", True),
    ],
)
def test_a_heading_is_told_from_a_row(tmp_path: Path, heading: str, is_one: bool | None) -> None:
    last = heading.rpartition(",")[2]
    second = "5" if last in ("stars", "5", "2020") else "pos"
    rows = [f"{text} {text} {text} {text},{second}" for text in TEXTS[:9]]
    path = written(tmp_path / "a.csv", "\n".join([heading, *rows]))
    documents, notes = read(path, None)
    assert len(documents) == 9 + (not is_one)
    assert ("The file has no heading" in notes) is (is_one is False)
    assert ("may be a heading or a text" in notes) is (is_one is None)


def test_commas_in_the_only_column_belong_to_the_text(tmp_path: Path) -> None:
    lines = [f'Well, this is {i}, "and" it goes on, and on.' for i in range(300)]
    documents, notes = read(written(tmp_path / "a.csv", "\n".join(["text", *lines])))
    assert documents == lines
    assert "There is one column, so each line was read as one text, with the commas" in notes
    quoted = ["text", *(f'"{line.replace(chr(34), chr(34) * 2)}"' for line in lines)]
    assert read(written(tmp_path / "b.csv", "\n".join(quoted)))[0] == lines
    plain = [line.replace('"', "") for line in lines]
    assert read(written(tmp_path / "c.csv", "\n".join(plain)))[0] == plain


def test_a_long_cell_with_breaks_is_one_text(tmp_path: Path) -> None:
    long = "\n".join(["a line of a book, " * 300] * 100)
    path = written(tmp_path / "a.csv", f'id,text\n1,"{long}"\n2,short\n')
    assert read(path)[0] == [long, "short"]
    path = written(tmp_path / "b.csv", f'"{long}"\n' * 2)
    assert read(path)[0] == [long, long]


@pytest.mark.parametrize(
    ("heading", "row", "is_told"),
    [
        ("text,label", "{t}, and on, perhaps", False),  # three cells: refused
        ("text,label", "{t}, and on.", True),
        ("id,label,text", "{i},{t}, and on.", True),
        ("id,text", '{i},"{t}, and on."', False),
        ("text, label", "{t}, pos", False),  # a blank behind each comma
        ("number,text", "{i}, {t}", False),
    ],
)
def test_texts_that_a_comma_may_have_cut_are_told(
    tmp_path: Path, heading: str, row: str, is_told: bool
) -> None:
    """As many cells as the heading, so that nothing tells for certain."""
    rows = "".join(row.format(i=i, t=text) + "\n" for i, text in enumerate(TEXTS[:50]))
    path = written(tmp_path / "a.csv", f"{heading}\n{rows}")
    if "perhaps" in row:
        with pytest.raises(UnusableData, match=r"Line 2 of .* has 3 cells"):
            read(path)
        return
    notes = read(path)[1]
    assert ("begin with a blank, as after a comma in a sentence" in notes) is is_told
    seen = read_excerpt(
        resolve_source(str(path)), DataConfig(source=str(path)), Places(tmp_path, None, None)
    )
    assert any("as after a comma" in note for note in seen.notes) is is_told


ANY_TEXT = st.text(st.sampled_from("ab ,;\t|\"'\n\u2028é🙂{}[]\\"), min_size=1, max_size=30)


@settings(deadline=None)  # a busy machine is no fault
@given(st.lists(ANY_TEXT, min_size=1, max_size=12), st.sampled_from(",;\t|"))
def test_what_was_written_comes_back(texts: list[str], mark: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        table = io.StringIO(newline="")
        csv.writer(table, delimiter=mark).writerows(
            [("id", "text"), *((f"no {i}", text) for i, text in enumerate(texts))]
        )
        assert read(written(Path(name) / "a.csv", table.getvalue()))[0] == texts
        rows: list[object] = [{"id": i, "text": text} for i, text in enumerate(texts)]
        assert read(written(Path(name) / "a.jsonl", on_lines(rows)))[0] == texts
        assert read(written(Path(name) / "b.json", json.dumps(rows, indent=1)))[0] == texts


def test_rows_that_lack_cells_or_the_column_are_counted(tmp_path: Path) -> None:
    short = written(tmp_path / "a.csv", "text,label\nHello\nworld,pos\nand,neg\n\n")
    documents, notes = read(short)
    assert documents == ["Hello", "world", "and"]
    assert "1 row has fewer cells than there are columns, first line 2" in notes
    documents, notes = read(
        written(tmp_path / "a.jsonl", '{"text": "a b"}\n{"id": 1}\n{"text": null}')
    )
    assert documents == ["a b"]
    assert "2 rows were left out: there is no 'text' in them." in notes
