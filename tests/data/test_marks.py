"""`<|endoftext|>`: one token and the end of a document, or said to be text like any other."""

from __future__ import annotations

from pathlib import Path

import pytest

from gtt.config import DataConfig
from gtt.data import decoding
from gtt.data.corpus import Corpus, build_corpus
from gtt.data.excerpt import Places, read_excerpt
from gtt.data.gpt2 import gpt2_tokenizer
from gtt.data.merges import learn_merges
from gtt.data.pieces import END_OF_TEXT, in_chunks, to_learn_from
from gtt.data.sources import resolve_source
from gtt.data.tokenizers import Tokenizer, train_bpe_tokenizer

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
    monkeypatch.setattr(decoding, "BLOCK", 37)
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
