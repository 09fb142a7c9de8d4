"""A new source of text is one file: listed, read, trained on, examined and cited from there."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gtt.cli import main
from gtt.config import DataConfig
from gtt.data import sources
from gtt.data.corpus import build_corpus
from gtt.data.exams import exam_for
from gtt.data.excerpt import Places, read_excerpt
from gtt.data.sources import SOURCES, Source, find_sources, resolve_source
from gtt.errors import UnusableData
from gtt.hub.text_origin import origin_of

FILE = '''
"""Counting aloud."""

from gtt.data.exams import TaskExam
from gtt.data.sources.source import OpenedSource, Source
from gtt.data.streams import TextStream
from gtt.data.tasks import Task


def successors():
    for number in range(1000, 100_000):
        yield f"{number}, {number + 1}\\n"


class Counting(Source):
    name = "counting"
    title = "Counting"
    description = "Each number and the next one."
    licence, licence_id, language = "CC0-1.0", "cc0-1.0", "en"
    citation = "Anonymous (2026), Counting"
    megabytes = read_at_most = 0.02
    offline = True
    order = 15

    def open(self, data, places, limit, most=None):
        return OpenedSource({"counting": 1}, limit, lambda _: TextStream(successors(), ""))

    def exam(self):
        return TaskExam(Task("counting", lambda r: "7, ", lambda q: "8", 1, 4, 1, lambda: ["7, "]))
'''


@pytest.fixture
def counting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Source]:
    """The registry with one more file in its folder."""
    folder = tmp_path / "more"
    folder.mkdir()
    (folder / "counting.py").write_text(FILE, encoding="utf-8")
    monkeypatch.setattr(sources, "__path__", [*sources.__path__, str(folder)])
    found = find_sources()
    assert [name for name in found if name not in SOURCES] == ["counting"]
    assert list(found)[:3] == ["tales", "counting", "copy"]  # where its order puts it
    monkeypatch.setitem(SOURCES, "counting", found["counting"])
    yield found["counting"]
    del sys.modules["gtt.data.sources.counting"]


def test_it_is_trained_on_looked_at_and_examined(counting: Source, tmp_path: Path) -> None:
    config = DataConfig(source=" Counting ")
    corpus = build_corpus(config, tmp_path / "corpora")
    text = corpus.tokenizer.decode([*corpus.train, *corpus.validation])
    assert text.startswith("1000, 1001\n1001, 1002\n") and 19_900 < len(text) <= 20_000
    assert corpus.source_title == "Counting"
    assert corpus.exam is not None and corpus.exam.metric == "exact answers"
    exam = exam_for("counting")
    assert exam is not None and exam.score(["\n7, "], ["8\n"]) == 1
    excerpt = read_excerpt(resolve_source("counting"), config, Places(tmp_path, None, None))
    assert excerpt.text.startswith("1000, 1001\n") and excerpt.is_whole


def test_it_is_listed_and_cited(counting: Source, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["datasets", "--json"]) == 0
    listed = {one["name"]: one for one in json.loads(capsys.readouterr().out)}
    assert listed["counting"] == {
        "name": "counting",
        "title": "Counting",
        "description": "Each number and the next one.",
        "licence": "CC0-1.0",
        "megabytes": 0.02,
        "offline": True,
        "citation": "Anonymous (2026), Counting",
        "url": None,
    }
    origin = origin_of("counting", "a text")
    assert (origin.title, origin.licence_id, origin.language) == ("Counting", "cc0-1.0", "en")
    with pytest.raises(UnusableData, match="did you mean 'counting'"):
        resolve_source("countng")


def test_two_sources_of_one_name_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "again.py").write_text(FILE.replace('"counting"', '"tales"'), encoding="utf-8")
    monkeypatch.setattr(sources, "__path__", [*sources.__path__, str(tmp_path)])
    with pytest.raises(AssertionError, match="two sources have one name"):
        find_sources()
    del sys.modules["gtt.data.sources.again"]
