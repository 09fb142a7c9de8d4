"""What of a text's settings may be told: names stay, paths and ids of uploads do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from gtt.config import DataConfig
from gtt.data.public_settings import public_source, public_tokenizer, without_paths
from gtt.data.sources import resolve_source, with_absolute_paths
from gtt.errors import UnusableData


@pytest.mark.parametrize(
    ("setting", "kind", "told", "title"),
    [
        ("tales", "built-in", "tales", "Tales"),
        (" TinyShakespeare ", "built-in", "tinyshakespeare", "Tiny Shakespeare"),
        ("upload:abcdefgh12345678", "upload", "text.txt", "an uploaded text"),
        ("/home/anna/secret/diary.txt", "file", "diary.txt", "diary.txt"),
        ("~/secret/diary.JSONL", "file", "diary.JSONL", "diary.JSONL"),
        ("secret/diary.md", "file", "diary.md", "diary.md"),
        (r"C:\Users\anna\diary.txt", "file", "diary.txt", "diary.txt"),
        ("mlfoundations/dclm-baseline-1.0", "hub", None, "mlfoundations/dclm-baseline-1.0"),
        ("a/b-1.0:default:train:text", "hub", None, "a/b-1.0"),
        ("roneneldan/TinyStories", "hub", None, "roneneldan/TinyStories"),
        ("notes", "file", "notes", "notes"),
        ("/home/anna/notes", "file", "notes", "notes"),
        ("a/b/c", "file", "c", "c"),
        ("/", "file", "a text", "a text"),
    ],
)
def test_sources(setting: str, kind: str, told: str | None, title: str) -> None:
    found = public_source(setting)
    assert (found.kind, found.setting, found.title) == (kind, told or setting, title)
    assert (found.dataset is not None) is (kind == "hub")


@pytest.mark.parametrize(
    "setting", ["tales", "mlfoundations/dclm-baseline-1.0:default:train", "a/b.c", "a/b:c", "notes"]
)
def test_they_are_read_as_training_reads_them(setting: str) -> None:
    try:
        resolved = resolve_source(setting)
    except UnusableData:
        assert public_source(setting).kind == "file", "and no data set is made up"
        return
    told = public_source(setting)
    assert (told.kind, told.title) == (resolved.kind, resolved.title)
    assert told.dataset == (resolved.hub.dataset if resolved.hub else None)


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("gpt2", "gpt2"),
        ("openai-community/gpt2", "openai-community/gpt2"),
        ("/home/anna/client/tok", "tok"),
        ("~/client/tok", "tok"),
        ("../client/tok", "tok"),
        ("work/client/tok", "tok"),
        (r"D:\client\tok", "tok"),
        ("/", "tokenizer"),
    ],
)
def test_tokenizers(setting: str, told: str) -> None:
    assert public_tokenizer(setting) == told


def test_a_run_keeps_whole_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder called like a model of the Hub is known for one from anywhere, then."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "client" / "tok").mkdir(parents=True)
    (tmp_path / "client" / "notes.txt").write_text("once upon a time")
    data = DataConfig(
        source="client/notes.txt", tokenizer="pretrained", pretrained_tokenizer="client/tok"
    )
    assert public_tokenizer("client/tok") == "tok"
    kept = with_absolute_paths(data)
    assert kept.source == str(tmp_path / "client" / "notes.txt")
    monkeypatch.chdir("/")
    told = without_paths(kept)
    assert (told.source, told.pretrained_tokenizer) == ("notes.txt", "tok")
    assert with_absolute_paths(DataConfig()) == DataConfig()
