"""Tables that cannot be read, and what a strange one costs: one sentence, within bounds."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from reading_tables import TEXTS, on_lines, read, written

from gtt.config import DataConfig
from gtt.data.corpus import build_corpus
from gtt.data.excerpt import Places, read_excerpt
from gtt.data.sources import resolve_source
from gtt.data.text_files import open_file
from gtt.errors import UnusableData

DEEP = "[" * 20_000


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


def test_what_is_no_number_is_no_text_either(tmp_path: Path) -> None:
    rows = '{"text": "a"}\n{"text": NaN}\n{"text": Infinity}\n{"text": ' + "9" * 5000 + "}\n"
    texts, notes = read(written(tmp_path / "a.jsonl", rows))
    assert texts == ["a"] and "3 rows were left out: 'text' holds no text there." in notes


def test_nobody_trains_on_a_number_beside_the_texts(tmp_path: Path) -> None:
    """Where nearly all text lies in fields of objects, the one to read is asked for."""
    papers = [{"context": text, "qas": [{"question": "Who?"}]} for text in TEXTS[:9]]
    page = {"version": 1, "data": [{"title": "A", "paragraphs": papers} for _ in range(5)]}
    path = written(tmp_path / "a.json", json.dumps(page))
    with pytest.raises(UnusableData, match=r"'paragraphs', which .*, as 'paragraphs\.context'; or"):
        read(path)
    assert read(path, "paragraphs.context")[0] == ["\n".join(TEXTS[:9])] * 5
    assert read(path, "title")[0] == ["A"] * 5


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
