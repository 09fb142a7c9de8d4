"""Which part of an object is the table: a map of texts is read whole, never a fragment of it."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from reading_tables import on_lines, read, written

from gtt.config import DataConfig
from gtt.data.excerpt import Places, read_excerpt
from gtt.data.sources import resolve_source
from gtt.errors import UnusableData

TEXTS = [f"The {['old', 'quick', 'small'][i % 3]} boat went out at {i}." for i in range(400)]


FRAGMENTS: dict[str, tuple[object, str]] = {
    "an introduction.json": (
        {"text": "Hello.", "one": TEXTS[0], "two": TEXTS[1], "three": TEXTS[2]},
        r"other fields than 'text': .* in data\.column, as '(one|two|three)', or 'text' if that",
    ),
    "many fields.json": (
        {"count": 3, "one": TEXTS[0], "two": TEXTS[1], "three": TEXTS[2]},
        r"lies in other fields than '(one|two|three)'.* make it a list of texts",
    ),
    "tags.json": (
        {"n": 1, "tags": ["a", "b"], "one": TEXTS[0], "two": TEXTS[1], "m": 2},
        r"lies beside 'tags', in (one, two|two, one): .* as '(one|two)', or 'tags' if that",
    ),
    "volumes.json": (
        {f"volume {i}": TEXTS[i * 50 : i * 50 + 50] for i in range(8)},
        r"lies beside 'volume \d', in volume \d,",
    ),
    "several.jsonl": (
        [{f"a{i}": text, f"b{i}": text} for i, text in enumerate(TEXTS[:50])],
        r"lies in other fields than '[ab]\d+'",
    ),
    "one row.json": (
        [{"n": 1, "one": TEXTS[0], "two": TEXTS[1], "three": TEXTS[2]}],
        r"lies in other fields than '(one|two|three)'",
    ),
    "long.jsonl": (
        [{f"a{i}": text * 3000, f"b{i}": text * 3000} for i, text in enumerate(TEXTS[:7])],
        r"lies in other fields than '[ab]\d'",
    ),
    "one text.jsonl": (
        [{"text": "Hello."}, *({"id": i, "said": text} for i, text in enumerate(TEXTS[:50]))],
        r"other fields than 'text': said\. Name the one to read in data\.column, as 'said'",
    ),
}


@pytest.mark.parametrize("name", FRAGMENTS)
def test_nobody_trains_on_a_fragment_unasked(tmp_path: Path, name: str) -> None:
    value, words = FRAGMENTS[name]
    is_on_lines = name.endswith(".jsonl")
    text = on_lines(value) if isinstance(value, list) and is_on_lines else json.dumps(value)
    path = written(tmp_path / name, text)
    with pytest.raises(UnusableData, match=words) as caught:
        read(path)
    assert caught.value.field == "data.column" and "\n" not in caught.value.message
    config = DataConfig(source=str(path))
    with pytest.raises(UnusableData, match=words):
        read_excerpt(resolve_source(str(path)), config, Places(tmp_path, None, None))
    advised = caught.value.message.partition("data.column, as '")[2].partition("'")[0]
    assert "".join(read(path, advised)[0])  # what is advised can be read


def test_long_texts_with_names_of_their_own_are_read_whole(tmp_path: Path) -> None:
    texts = [text * 3000 for text in TEXTS[:9]]
    path = written(tmp_path / "a.jsonl", on_lines([{f"{i} x": t} for i, t in enumerate(texts)]))
    assert read(path)[0] == texts
    assert read(path, "0 x")[0] == texts[:1]


def test_fields_splits_and_columns_are_no_map(tmp_path: Path) -> None:
    """Where keys name what is in them, they are no names of texts."""
    song = {"title": "A", "lyrics": TEXTS[0], "year": 1999, "tags": ["a", "b"]}
    assert read(written(tmp_path / "a.json", json.dumps(song)))[0] == [TEXTS[0]]
    page = {"title": "A", "text": TEXTS[0], "author": "B", "n": 1}
    assert read(written(tmp_path / "a.json", json.dumps(page)))[0] == [TEXTS[0]]
    splits = {"train": TEXTS[:80], "validation": TEXTS[80:90], "test": TEXTS[90:100]}
    documents, notes = read(written(tmp_path / "a.json", json.dumps(splits)))
    assert documents == TEXTS[:80] and "there is also validation, test" in notes
    columns = {"said": TEXTS[:80], "by": ["A"] * 80, "at": ["B"] * 80}
    assert read(written(tmp_path / "a.json", json.dumps(columns)))[0] == TEXTS[:80]


def test_columns_of_one_name_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    numbers, texts = pa.array(range(50)), pa.array(TEXTS[:50])
    more = pa.array([text[:9] for text in TEXTS[50:100]]).dictionary_encode()
    pq.write_table(pa.Table.from_arrays([numbers, texts, more], names=["text"] * 3), path)
    documents, notes = read(path)
    assert documents == TEXTS[:50]
    assert "Column 'text.1' was read, chosen from text, text.1, text.2." in notes
    assert read(path, "text.2")[0] == [text[:9] for text in TEXTS[50:100]]
    with pytest.raises(UnusableData, match=r"'text' of a\.parquet holds numbers"):
        read(path, "text")
    table = "text,text,TEXT\n" + "".join(f"{i},a{i},{text}\n" for i, text in enumerate(TEXTS))
    assert read(written(tmp_path / "a.csv", table))[0] == TEXTS
