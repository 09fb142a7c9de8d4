"""Texts one level down and further: chats, fields of objects, tables in parts."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from reading_tables import TEXTS, on_lines, read, written

from gtt.errors import UnusableData


def message(text: str, number: int) -> dict[str, object]:
    parts = [text[:4], {"type": "link", "text": text[4:9]}, text[9:]]
    return {"id": number, "type": "message", "from": "A", "text": text if number % 3 else parts}


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


def test_fields_that_were_not_read_are_named(tmp_path: Path) -> None:
    rows = [{"id": "a" * 30, "story": {"en": text, "de": "Es war."}} for text in TEXTS]
    path = written(tmp_path / "a.json", json.dumps(rows))
    texts, notes = read(path)
    assert texts[1] == "a" * 30 and "'story' has fields (en, de), which were not read" in notes
    assert "data.column, as 'story.en'" in notes
    assert read(path, "story.en")[0] == TEXTS


@pytest.mark.parametrize("whole", [False, True])
def test_a_heading_of_cells_without_names_is_none_of_the_texts(tmp_path: Path, whole: bool) -> None:
    cells: list[object] = [["id", "text"], *([i, text] for i, text in enumerate(TEXTS[:50]))]
    text = json.dumps({"rows": cells}) if whole else json.dumps(cells)
    documents, notes = read(written(tmp_path / "a.json", text))
    assert documents == TEXTS[:50] and "chosen from id, text" in notes
    documents, _ = read(written(tmp_path / "b.json", json.dumps(cells[1:])))
    assert documents == TEXTS[:50]
