"""Hub data sets, with a folder on this machine in the place of the Hub."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gtt.config import DataConfig
from gtt.data import hub
from gtt.data.corpus import build_corpus
from gtt.data.hub import open_hub
from gtt.data.sources import HubName
from gtt.data.sources.tinystories import stories
from gtt.data.sources.wikitext import WikiText, articles
from gtt.errors import UnusableData


@pytest.fixture
def dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A data set of two configurations, with two splits and one."""
    monkeypatch.setattr(hub, "reachable", lambda: True)
    folder = tmp_path / "stories"
    for place, first in (("plain/train", "a"), ("plain/test", "b"), ("other/train", "c")):
        path = folder / f"{place}-00000-of-00001.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = [{"label": i, "story": f"{first} story number {i}"} for i in range(1000)]
        pq.write_table(pa.Table.from_pylist(rows), path)
    (folder / "README.md").write_text(
        "---\nconfigs:\n"
        "- config_name: plain\n  data_files:\n"
        "  - split: train\n    path: plain/train-*\n  - split: test\n    path: plain/test-*\n"
        "- config_name: other\n  data_files:\n  - split: train\n    path: other/train-*\n---\n"
    )
    return str(folder)


def test_rows_are_documents_and_choices_are_told(dataset: str) -> None:
    stream = open_hub(HubName(dataset, "plain"), None)
    pieces = list(stream.pieces)
    assert len(pieces) == 1000
    assert pieces[0] == "a story number 0"
    assert stream.separator == "\n\n"
    assert stream.notes == [
        "Split 'train' was read, chosen from train, test.",
        "Column 'story' was read, chosen from label, story.",
    ]


def test_everything_can_be_named(dataset: str) -> None:
    stream = open_hub(HubName(dataset, "plain", "test", "story"), None)
    assert next(stream.pieces) == "b story number 0"
    assert stream.notes == []


@pytest.mark.parametrize(
    ("config", "split", "column", "sentence"),
    [
        (None, None, None, "several configurations.*plain.*other"),
        ("plian", None, None, "plain"),
        ("plain", "dev", None, "no split 'dev': it has train, test"),
        ("plain", "train", "text", "no column 'text'"),
        ("plain", "train", "label", "holds numbers, not text"),
    ],
)
def test_wrong_names_get_a_sentence(
    dataset: str, config: str | None, split: str | None, column: str | None, sentence: str
) -> None:
    with pytest.raises(UnusableData, match=sentence):
        list(open_hub(HubName(dataset, config, split, column), None).pieces)


def test_a_corpus_from_it_stops_at_the_limit(
    dataset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = open_hub(HubName(dataset, "plain"), None)
    monkeypatch.setattr(hub, "open_hub", lambda name, column: opened)
    config = DataConfig(source="owner/name:plain", max_megabytes=0.005)
    corpus = build_corpus(config, tmp_path / "corpora")
    text = corpus.tokenizer.decode([*corpus.train, *corpus.validation])
    assert 4900 < len(text) <= 5000
    assert text.startswith("a story number 0\n\na story number 1\n\n")
    assert text.endswith("\n\n")
    assert "Only the first 0.00" in corpus.notes[-1]
    assert corpus.source_title == "owner/name"


def test_without_a_network_the_sentence_names_the_way_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> socket.socket:
        raise OSError("no route")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr("urllib.request.getproxies", dict)
    with pytest.raises(UnusableData, match=r"Hub cannot be reached.*'owner--name\.txt'.*'tales'"):
        open_hub(HubName("owner/name"), None)
    with pytest.raises(UnusableData, match=r"copy named 'wikitext-2\.txt'"):
        open_hub(WikiText.remote, None, WikiText.copies[0])


def test_articles_of_wikitext() -> None:
    lines = ["", " = One = \n", "", " Text . \n", " = = Part = = \n", " = Two = \n", " End .\n"]
    assert list(articles(iter(lines))) == [
        "\n",
        " = One = \n\n Text . \n = = Part = = \n",
        " = Two = \n End .\n",
    ]


def test_stories_between_marks() -> None:
    stretches = ["\nOnce", " upon.\n<|endof", "text|>\nTwice.\n<|endoftext|>", "\n\n"]
    assert list(stories(iter(stretches))) == ["Once upon.", "Twice."]


def test_copies_in_the_shared_folder_are_read_instead(tmp_path: Path) -> None:
    (tmp_path / "wiki.train.raw").write_text(
        "".join(f" \n = Title {i} = \n \n Some text , {i} @-@ fold . \n" for i in range(50))
    )
    (tmp_path / "TinyStories-train.txt").write_text("Once.\n<|endoftext|>\nTwice.\n" * 50)
    wiki = build_corpus(
        DataConfig(source="wikitext-2"), tmp_path / "corpora", sources_folder=tmp_path
    )
    assert wiki.tokenizer.decode(wiki.validation).startswith(" = Title 45 = \n")
    assert wiki.notes == ("The text was read from the copy 'wiki.train.raw'.",)
    tiny = build_corpus(
        DataConfig(source="tinystories"), tmp_path / "corpora", sources_folder=tmp_path
    )
    assert tiny.tokenizer.decode(tiny.train).startswith("Once.\n\nTwice.\nOnce.\n\n")


@pytest.mark.parametrize(
    ("source", "copy"),
    [
        ("owner/na.me", "owner--na.me.txt"),
        ("owner/na.me:plain:test", "owner--na.me--plain--test.md"),
        ("owner/na.me:::words", "owner--na.me.jsonl"),
    ],
)
def test_a_copy_of_any_data_set_is_found_by_its_name(
    tmp_path: Path, source: str, copy: str
) -> None:
    text = "".join(json.dumps({"words": f"word {i} of a story", "n": i}) + "\n" for i in range(99))
    (tmp_path / copy).write_text(text)
    corpus = build_corpus(DataConfig(source=source), tmp_path / "corpora", sources_folder=tmp_path)
    beginning = corpus.tokenizer.decode(corpus.train[:40])
    assert beginning.startswith("word 0 of a story" if copy.endswith("l") else '{"words": "word 0')
    assert corpus.notes[-1] == f"The text was read from the copy {copy!r}."


@pytest.mark.parametrize("name", ["wikitext-2", "tinystories"])
def test_a_text_that_only_has_the_name_of_a_copy_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / f"{name}.txt").write_text("Nonsense, = line by line. =\n" * 99)
    with pytest.raises(UnusableData, match=rf"is not {name}, whatever its name says"):
        build_corpus(DataConfig(source=name), tmp_path / "corpora", sources_folder=tmp_path)
