"""Tables that people have: the text column is read whole, or a sentence says what is in its way."""

from __future__ import annotations

import csv
import io
import json
import random
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtt.config import DataConfig
from gtt.data.corpus import build_corpus
from gtt.data.excerpt import Places, read_excerpt
from gtt.data.files import open_file
from gtt.data.sources import resolve_source
from gtt.errors import UnusableData

DEEP = "[" * 20_000


def sentence(number: int) -> str:
    words = [
        "the",
        "old",
        "boat",
        "drifted",
        "past",
        "a",
        "quiet",
        "mill",
        "while",
        "two",
        "geese",
        "argued",
    ]
    return " ".join(random.Random(number).choices(words, k=9)) + f" {number}."


TEXTS = [sentence(number) for number in range(3000)]


def read(path: Path, column: str | None = None) -> tuple[list[str], str]:
    stream = open_file(path, column)
    return list(stream.pieces), " ".join(stream.notes)


def written(path: Path, text: str) -> Path:
    path.write_bytes(text.encode("utf-8"))
    return path


def on_lines(rows: list[object]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def message(text: str, number: int) -> dict[str, object]:
    parts = [text[:4], {"type": "link", "text": text[4:9]}, text[9:]]
    return {"id": number, "type": "message", "from": "A", "text": text if number % 3 else parts}


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


ANY_TEXT = st.text(st.sampled_from("ab ,;\t|\"'\n\u2028é🙂{}[]\\"), min_size=1, max_size=30)


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


def test_a_field_of_an_object_is_named_with_a_dot(tmp_path: Path) -> None:
    rows: list[object] = [{"translation": {"en": text, "de": "Das Boot."}} for text in TEXTS[:9]]
    path = written(tmp_path / "a.jsonl", on_lines(rows))
    with pytest.raises(UnusableData, match=r"fields \(en, de\).* as 'translation\.en'") as caught:
        read(path)
    assert caught.value.field == "data.column"
    assert read(path, "translation.en")[0] == TEXTS[:9]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet", "translation.en")[0] == TEXTS[:9]


@pytest.mark.parametrize("kind", ["from", "role"])
def test_a_chat_is_one_text_alone_and_among_others(tmp_path: Path, kind: str) -> None:
    """Whether a file holds one or several, in an array or on lines."""
    chats: list[dict[str, object]] = [
        {
            "name": f"Chat {start}",
            "messages": [message(text, i) for i, text in enumerate(TEXTS[start : start + 50])]
            if kind == "from"
            else [{"role": "user", "content": text} for text in TEXTS[start : start + 50]],
        }
        for start in (0, 50, 100)
    ]
    texts = ["\n".join(TEXTS[start : start + 50]) for start in (0, 50, 100)]
    field = "content" if kind == "role" else "text"
    for count in (1, 3):
        some, wanted = chats[:count], texts[:count]
        files = {
            "lines.jsonl": on_lines([*some]),
            "lines.json": on_lines([*some]),
            "array.json": json.dumps(some, indent=1),
            "array.jsonl": json.dumps(some),
        }
        if count == 1:
            files["alone.json"] = json.dumps(some[0], indent=1)
        for name, text in files.items():
            path = written(tmp_path / name, text)
            documents, notes = read(path)
            assert documents == wanted, (name, count)
            assert f"field '{field}' was taken of each" in notes
            assert read(path, "messages")[0] == wanted
            assert read(path, f"messages.{field}")[0] == wanted


def test_the_messages_of_a_chat_are_one_text_and_articles_are_not(tmp_path: Path) -> None:
    """A chat may also be a bare array; what has an author is no message for that."""
    chat = [{"role": "user", "content": text} for text in TEXTS[:50]]
    for name in ("a.json", "a.jsonl"):
        for text in (json.dumps(chat), json.dumps(chat, indent=1)):
            assert read(written(tmp_path / name, text))[0] == ["\n".join(TEXTS[:50])]
        assert read(written(tmp_path / name, on_lines([chat, chat])))[0] == (
            ["\n".join(TEXTS[:50])] * 2
        )
    articles = [{"author": "A", "text": text} for text in TEXTS[:50]]
    for whole in ({"quotes": articles}, articles):
        assert read(written(tmp_path / "a.json", json.dumps(whole)))[0] == TEXTS[:50]
    mixed = [{"content": text, "id": i} for i, text in enumerate(TEXTS[:50])]
    assert read(written(tmp_path / "a.json", json.dumps(mixed)))[0] == TEXTS[:50]


PAGES: dict[str, tuple[object, str]] = {
    "data": ({"data": [{"text": text, "id": i} for i, text in enumerate(TEXTS[:99])]}, "data.text"),
    "rows": ({"items": {"rows": [{"line": text} for text in TEXTS[:99]]}}, "items.rows.line"),
    "odd": (
        {"meta": {"n": 1}, "all": [{"s": {"said": text}} for text in TEXTS[:99]]},
        "all.s.said",
    ),
}


@pytest.mark.parametrize("name", PAGES)
def test_lists_one_level_down_are_read_or_can_be_named(tmp_path: Path, name: str) -> None:
    page, column = PAGES[name]
    path = written(tmp_path / "page.json", json.dumps(page))
    assert read(path, column)[0] == TEXTS[:99]
    if name == "odd":  # no name of a field tells that it is the text
        with pytest.raises(UnusableData, match=r"in data\.column, as '(all\.)?s\.said'"):
            read(path)
    else:
        documents, notes = read(path)
        assert documents == TEXTS[:99] and f"of '{column.rpartition('.')[0]}' was read" in notes
    on_line = written(tmp_path / "pages.jsonl", on_lines([page, page]))
    assert read(on_line, column)[0] == ["\n".join(TEXTS[:99])] * 2


def test_lists_of_objects_name_their_fields(tmp_path: Path) -> None:
    rows: list[object] = [
        {"id": i, "turns": [{"who": "a", "utterance": text}, {"who": "b", "utterance": "Yes."}]}
        for i, text in enumerate(TEXTS[:20])
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    for path in (written(tmp_path / "a.jsonl", on_lines(rows)), tmp_path / "a.parquet"):
        with pytest.raises(
            UnusableData, match=r"lists of fields \(who, utterance\).* as 'turns\.utterance'"
        ):
            read(path)
        with pytest.raises(UnusableData, match=r"name one of its fields, as 'turns\.utterance'"):
            read(path, "turns")
        assert read(path, "turns.utterance")[0] == [f"{text}\nYes." for text in TEXTS[:20]]


def test_a_named_column_may_come_late(tmp_path: Path) -> None:
    rows: list[object] = [*({"id": text} for text in TEXTS), {"late": "at last"}]
    assert read(written(tmp_path / "a.jsonl", on_lines(rows)), "late")[0] == ["at last"]


REFUSED = {
    "ragged.csv": (
        "id,text\n" + "1,a\n" * 9 + "2,a, b\n",
        r"Line 11 of ragged\.csv has 3 cells, and the heading has 2 \(id, text\): put a text with",
    ),
    "stray.csv": ("id,text,\n1,Hello, you\n", r"Line 2 .* has 3 cells"),
    "open.csv": ('id,text\n1,a\n2,"b\n3,c\n', r"Line 3 of open\.csv opens a quotation mark that"),
    "commas.csv": ("," * 15_000_000, r"Line 1 of commas\.csv has more than 1,000,000 cells"),
    "broken.jsonl": (
        on_lines([{"text": text} for text in TEXTS * 5]) + "{broken\n",
        r"Line 15,001 of broken\.jsonl is no JSON \(the name of a field",
    ),
    "deep.jsonl": ('{"text": "a"}\n' + DEEP + "\n", r"Line 2 of deep\.jsonl is nested too deeply"),
    "deep.json": ('{"text": ' + DEEP, r"Line 1 of deep\.json is nested too deeply"),
    "cut.json": (json.dumps([{"text": text} for text in TEXTS])[:-9], r"Line 1 of cut.* no JSON"),
    "missing.json": ('[{"text": "a"},\n{"text": "b"}\n{"text": "c"}]', "Line 3 of missing.json"),
    "more.json": (
        '[{"text": "a"},\n{"text": "b"}]\n[{"text": "c"}]',
        r"Line 3 of more\.json is no JSON: the end of the file is expected",
    ),
    "after-nothing.json": ('[ ] {"text": "a"}', "the end of the file is expected"),
    "numbers.json": ("[1, 2]", "has 1 where a row is expected"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused_with_its_line(tmp_path: Path, name: str) -> None:
    text, words = REFUSED[name]
    with pytest.raises(UnusableData, match=words) as caught:
        read(written(tmp_path / name, text))
    assert "\n" not in caught.value.message
    if name in ("commas.csv", "deep.jsonl", "deep.json", "stray.csv", "open.csv"):
        with pytest.raises(UnusableData, match=words):  # the preview says the same
            read_excerpt(
                resolve_source(str(tmp_path / name)),
                DataConfig(source=str(tmp_path / name)),
                Places(tmp_path, None, None),
            )


def test_arrays_on_lines_are_read_to_the_last(tmp_path: Path) -> None:
    chats = [
        [{"role": "user", "content": text}, {"role": "assistant", "content": "Yes."}]
        for text in TEXTS[:50]
    ]
    texts = [f"{text}\nYes." for text in TEXTS[:50]]
    assert read(written(tmp_path / "chats.jsonl", on_lines([*chats])))[0] == texts
    assert read(written(tmp_path / "chats.json", json.dumps(chats)))[0] == texts
    cells: list[object] = [[number, text] for number, text in enumerate(TEXTS[:50])]
    assert read(written(tmp_path / "cells.jsonl", on_lines(cells)))[0] == TEXTS[:50]


def test_a_table_in_parts_gives_its_rows_and_not_its_heading(tmp_path: Path) -> None:
    table = {"columns": ["id", "text"], "data": [[i, text] for i, text in enumerate(TEXTS[:50])]}
    assert read(written(tmp_path / "split.json", json.dumps(table)))[0] == TEXTS[:50]


def test_what_is_no_number_is_no_text_either(tmp_path: Path) -> None:
    rows = '{"text": "a"}\n{"text": NaN}\n{"text": Infinity}\n{"text": ' + "9" * 5000 + "}\n"
    texts, notes = read(written(tmp_path / "a.jsonl", rows))
    assert texts == ["a"] and "3 rows were left out: 'text' holds no text there." in notes


def test_fields_that_were_not_read_are_named(tmp_path: Path) -> None:
    rows = [{"id": "a" * 30, "story": {"en": text, "de": "Es war."}} for text in TEXTS]
    path = written(tmp_path / "a.json", json.dumps(rows))
    texts, notes = read(path)
    assert texts[1] == "a" * 30 and "'story' has fields (en, de), which were not read" in notes
    assert "data.column, as 'story.en'" in notes
    assert read(path, "story.en")[0] == TEXTS


def test_nobody_trains_on_a_number_beside_the_texts(tmp_path: Path) -> None:
    """Where nearly all text lies in fields of objects, the one to read is asked for."""
    papers = [{"context": text, "qas": [{"question": "Who?"}]} for text in TEXTS[:9]]
    page = {"version": 1, "data": [{"title": "A", "paragraphs": papers} for _ in range(5)]}
    path = written(tmp_path / "a.json", json.dumps(page))
    with pytest.raises(UnusableData, match=r"'paragraphs', which .*, as 'paragraphs\.context'; or"):
        read(path)
    assert read(path, "paragraphs.context")[0] == ["\n".join(TEXTS[:9])] * 5
    assert read(path, "title")[0] == ["A"] * 5


@pytest.mark.parametrize("whole", [False, True])
def test_a_heading_of_cells_without_names_is_none_of_the_texts(tmp_path: Path, whole: bool) -> None:
    cells: list[object] = [["id", "text"], *([i, text] for i, text in enumerate(TEXTS[:50]))]
    text = json.dumps({"rows": cells}) if whole else json.dumps(cells)
    documents, notes = read(written(tmp_path / "a.json", text))
    assert documents == TEXTS[:50] and "chosen from id, text" in notes
    documents, _ = read(written(tmp_path / "b.json", json.dumps(cells[1:])))
    assert documents == TEXTS[:50]


def test_half_a_surrogate_becomes_a_sign_of_replacement(tmp_path: Path) -> None:
    rows = '{"te\\udc00xt": "a\\ud83d b", "id": 1}\n{"te\\udc00xt": "\\ud83d\\ude00"}\n' * 20
    corpus = build_corpus(
        DataConfig(source=str(written(tmp_path / "a.jsonl", rows))), tmp_path / "corpora"
    )
    assert corpus.tokenizer.decode(corpus.train).startswith("a\ufffd b\n\n\U0001f600\n\n")
    assert any("replaced by U+FFFD" in note for note in corpus.notes)


@pytest.mark.parametrize("name", ["wide.csv", "keys.jsonl"])
def test_many_columns_cost_no_more_than_their_bytes(tmp_path: Path, name: str) -> None:
    if name == "wide.csv":
        heading = ",".join(f"c{i}" for i in range(150_000))
        text = f"{heading},text\n" + f"{'1,' * 150_000}Hello there.\n" * 3
    else:
        text = "".join(
            json.dumps({"text": "Hello there."} | {f"{i} {j}": "x" for j in range(8)}) + "\n"
            for i in range(20_000)
        )
    path = written(tmp_path / name, text)
    began = time.process_time()
    documents, notes = read(path)
    assert time.process_time() - began < 4
    assert set(documents) == {"Hello there."}
    assert len(notes) < 500


@pytest.mark.parametrize("kind", ["dictionary", "beginnings", "lists"])
def test_a_value_that_many_rows_share_is_held_about_once(tmp_path: Path, kind: str) -> None:
    path, long = tmp_path / "a.parquet", "x" * 4_000_000
    texts: pa.Array = pa.array([long, "y"] * 40)
    if kind == "dictionary":
        values = pa.array([long, "y"])
        texts = pa.DictionaryArray.from_arrays(pa.array([0, 1] * 500, pa.int32()), values)
    if kind == "lists":
        texts = pa.array([[long], ["y"]] * 40)
    if kind == "beginnings":
        texts = pa.array([long] * 60)
    delta = {"use_dictionary": False, "column_encoding": {"text": "DELTA_BYTE_ARRAY"}}
    options = delta if kind == "beginnings" else {}
    pq.write_table(pa.table({"text": texts}), path, compression="zstd", **options)
    assert path.stat().st_size < 10_000
    before = pa.total_allocated_bytes()
    most = 0
    for number, text in enumerate(open_file(path, None).pieces):
        assert len(text) == (4_000_000 if kind == "beginnings" or number % 2 == 0 else 1)
        most = max(most, pa.total_allocated_bytes() - before)
    assert number == len(texts) - 1
    assert most < 150_000_000
