"""`<|endoftext|>`: one token and the end of a document, or said to be text like any other."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gtt.config import DataConfig
from gtt.data import byte_decoding
from gtt.data.corpus import Corpus, build_corpus
from gtt.data.excerpt import Places, read_excerpt
from gtt.data.gpt2 import gpt2_tokenizer
from gtt.data.merges import learn_merges
from gtt.data.sources import resolve_source
from gtt.data.token_boundaries import END_OF_TEXT, in_chunks, to_learn_from
from gtt.data.tokenizer_training import train_bpe_tokenizer
from gtt.data.tokenizers import Tokenizer

STORIES = [f"The old boat drifted past mill number {number}.\nThe end." for number in range(900)]


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "stories.txt"
    path.write_text(END_OF_TEXT.join(STORIES))
    return path


def built(text: Path, **settings: object) -> Corpus:
    config = DataConfig.model_validate({"source": str(text), **settings})
    return build_corpus(config, text.parent / "corpora")


@pytest.mark.parametrize("tokenizer", ["bpe", "pretrained"])
def test_a_mark_is_one_token_and_ends_a_document(text: Path, tokenizer: str) -> None:
    corpus = built(text, tokenizer=tokenizer)
    mark = corpus.tokenizer.end_of_text
    assert mark is not None
    assert corpus.vocab_size <= (512 if tokenizer == "bpe" else 50257)
    ids = [*corpus.train.tolist(), *corpus.validation.tolist()]
    assert ids.count(mark) == 899
    assert corpus.train[-1] == mark, "the parts meet where a document ends"
    assert corpus.tokenizer.decode(ids) == END_OF_TEXT.join(STORIES)
    assert "The text has 899 marks <|endoftext|>: each is one token and ends a document." in (
        corpus.notes
    )
    loaded = Tokenizer.load(corpus.folder)
    assert loaded.end_of_text == mark
    assert loaded.encode(f"boat{END_OF_TEXT}\nboat").count(mark) == 1


def test_characters_spell_it_out_and_say_so(text: Path) -> None:
    corpus = built(text)
    whole = END_OF_TEXT.join(STORIES)
    assert corpus.tokenizer.end_of_text is None
    assert len(corpus.train) == int(0.9 * len(whole))
    assert corpus.tokenizer.decode(corpus.train) == whole[: len(corpus.train)]
    assert any("spells out like any other text; with the bpe" in note for note in corpus.notes)


@pytest.mark.parametrize("tokenizer", ["char", "bpe", "pretrained"])
def test_the_preview_says_the_same(text: Path, tokenizer: str) -> None:
    config = DataConfig(source=str(text), tokenizer=tokenizer)
    places = Places(text.parent / "downloads", None, None)
    seen = read_excerpt(resolve_source(str(text)), config, places)
    corpus = built(text, tokenizer=tokenizer)
    assert seen.notes and set(seen.notes) <= set(corpus.notes)
    assert seen.documents == (0 if tokenizer == "char" else 900)
    assert seen.train == corpus.tokenizer.decode(corpus.train)


def test_a_mark_between_two_blocks_is_found(text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(byte_decoding, "BLOCK", 37)
    assert "899 marks" in " ".join(built(text, tokenizer="bpe").notes)


def test_no_chunk_and_no_merge_takes_a_part_of_a_mark() -> None:
    text = END_OF_TEXT.join(["x" * 70_001] * 40)
    chunks = list(in_chunks([text], 100_000))
    assert "".join(chunks) == text and len(chunks) > 10
    assert sum(chunk.count(END_OF_TEXT) for chunk in chunks) == 39
    assert gpt2_tokenizer().encode(text).count(50256) == 39
    assert END_OF_TEXT not in "".join(to_learn_from(text, 8192))

    stories = END_OF_TEXT.join(STORIES[:300])
    tokenizer = train_bpe_tokenizer([stories], 300, has_marks=True)
    table = learn_merges(stories, 300)
    assert len(tokenizer.merges) == len(table.merges)
    assert tokenizer.end_of_text == tokenizer.vocab_size - 1 == 299


# ------------------------------------------------------------------------------ in tables


@pytest.fixture(params=["a.csv", "a.jsonl", "a.parquet"])
def table(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Rows of two stories with a mark between them; every third ends with one, too."""
    rows = [
        END_OF_TEXT.join(STORIES[number : number + 2]) + (END_OF_TEXT if number % 3 == 0 else "")
        for number in range(0, 900, 2)
    ]
    path: Path = tmp_path / request.param
    if path.suffix == ".csv":
        with path.open("w", newline="") as file:
            csv.writer(file).writerows(
                [("id", "text"), *((f"n{i}", r) for i, r in enumerate(rows))]
            )
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps({"text": row}) + "\n" for row in rows))
    else:
        pq.write_table(pa.table({"text": rows}), path)
    return path


@pytest.mark.parametrize("tokenizer", ["bpe", "pretrained"])
def test_a_mark_in_a_row_is_one_token_and_ends_a_document(table: Path, tokenizer: str) -> None:
    corpus = built(table, tokenizer=tokenizer)
    mark = corpus.tokenizer.end_of_text
    assert mark is not None
    ids = [*corpus.train.tolist(), *corpus.validation.tolist()]
    assert ids.count(mark) == 450 + 150
    assert any("600 marks <|endoftext|>: each is one token" in note for note in corpus.notes)
    config = DataConfig(source=str(table), tokenizer=tokenizer)
    seen = read_excerpt(resolve_source(str(table)), config, Places(table.parent, None, None))
    assert seen.documents == 900, "a mark at the end of a row ends no second document"
    assert set(seen.notes) <= set(corpus.notes)
    assert seen.train == corpus.tokenizer.decode(corpus.train)
    assert {one.name for one in corpus.folder.iterdir()} == {
        *("corpus.json", "tokens.bin", "tokenizer.json"),
        *("tokenizer_config.json", "special_tokens_map.json"),
    }


def test_a_mark_in_a_row_is_said_to_be_spelled_out(table: Path) -> None:
    corpus = built(table)
    assert corpus.tokenizer.end_of_text is None
    assert any("600 marks <|endoftext|>, which this" in note for note in corpus.notes)
    config = DataConfig(source=str(table))
    seen = read_excerpt(resolve_source(str(table)), config, Places(table.parent, None, None))
    assert seen.documents == 450 and set(seen.notes) <= set(corpus.notes)
