"""The registry, and what a name is taken for."""

from __future__ import annotations

from pathlib import Path

import pytest

from gtt.data.python_source_code import read_python
from gtt.data.sources import SOURCES, HubName, describe_sources, resolve_source
from gtt.data.text_files import open_file
from gtt.errors import UnusableData


def test_the_registry_is_complete() -> None:
    assert list(SOURCES) == [
        "tales",
        "copy",
        "reverse",
        "addition",
        "induction",
        "python",
        "tinyshakespeare",
        "wikitext-2",
        "tinystories",
    ]
    for name, source in SOURCES.items():
        assert source.name == name
        assert all((source.title, source.description, source.licence, source.citation))
        assert source.offline or source.url
    assert describe_sources() == list(SOURCES.values())


def test_built_in_names() -> None:
    resolved = resolve_source(" Tales ")
    assert (resolved.kind, resolved.name, resolved.source) == (
        "built-in",
        "tales",
        SOURCES["tales"],
    )


def test_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "my text.md"
    path.write_text("hello")
    assert resolve_source(str(path)).path == path
    monkeypatch.chdir(tmp_path)
    assert resolve_source("my text.md").kind == "file"
    with pytest.raises(UnusableData, match="There is no file"):
        resolve_source("owner/missing.txt")
    with pytest.raises(UnusableData, match="is a folder"):
        resolve_source(str(tmp_path))
    (tmp_path / "notes.docx").write_text("hello")
    with pytest.raises(UnusableData, match=r"'\.docx'.*rename it to \.txt"):
        resolve_source("notes.docx")
    (tmp_path / "rows.tab").write_text("id\ttext\n1\thello\n2\tworld\n")
    with pytest.raises(UnusableData, match=r"'\.tab'.*rename it to \.tsv if there are tabs"):
        resolve_source("rows.tab")
    (tmp_path / "rows.tab").rename(tmp_path / "rows.tsv")
    assert list(open_file(tmp_path / "rows.tsv", None).pieces) == ["hello", "world"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("owner/name", HubName("owner/name")),
        ("owner/name:config", HubName("owner/name", "config")),
        ("owner/name::train", HubName("owner/name", None, "train")),
        ("owner/na.me-2:c:s:col umn", HubName("owner/na.me-2", "c", "s", "col umn")),
    ],
)
def test_hub_names(text: str, expected: HubName) -> None:
    resolved = resolve_source(text)
    assert (resolved.kind, resolved.hub) == ("hub", expected)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("tinyshakespear", "did you mean 'tinyshakespeare'"),
        ("zzzzz", "known are tales, copy"),
        ("x" * 4000, "known are"),
        ("a\x00b", "There is no source"),
        ("~nobody-of-this-name/x", "There is no source"),
        ("owner/name:a:b:c:d", "There is no source"),
    ],
)
def test_unknown_names(text: str, sentence: str) -> None:
    with pytest.raises(UnusableData, match=sentence) as caught:
        resolve_source(text)
    assert caught.value.field == "data.source"
    assert len(caught.value.message) < 400


def test_python_is_megabytes_of_ascii_in_a_fixed_order() -> None:
    first = list(read_python().pieces)
    text = "\n\n".join(first)
    assert text.isascii()
    assert len(text) > 3_000_000
    assert first == list(read_python().pieces)
    assert any("class JSONDecoder" in document for document in first)


def test_python_leaves_out_what_it_cannot_read(tmp_path: Path) -> None:
    (tmp_path / "test").mkdir()
    (tmp_path / "test" / "a.py").write_text("left_out = 1\n")
    (tmp_path / "b.py").write_text("kept = 1\n")
    (tmp_path / "c.py").write_bytes(b"latin = '\xe9'\n")
    stream = read_python(tmp_path)
    assert list(stream.pieces) == ["kept = 1\n"]
    assert stream.notes == ["1 file with characters outside ASCII was left out."]
    with pytest.raises(UnusableData, match="choose another source"):
        read_python(tmp_path / "nothing")
