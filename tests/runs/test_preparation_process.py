"""Texts that are prepared in a process of their own: what comes back, and what becomes of it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from gtt.config import DataConfig
from gtt.data.corpus import build_corpus
from gtt.data.progress import Progress
from gtt.errors import UnusableData
from gtt.runs.home import Home
from gtt.runs.preparation_process import exit_code_of, prepare_apart


@pytest.fixture
def begun() -> set[psutil.Process]:
    """The processes that other tests of this one have begun: a server, a browser."""
    return set(psutil.Process().children())


def brought(home: Home, suffix: str, content: bytes) -> tuple[DataConfig, Path]:
    """The settings for an upload, and the folder of uploads it lies in."""
    uploads = home.path / "uploads"
    place = uploads / ("a" * 32)
    place.mkdir(parents=True)
    (place / f"text{suffix}").write_bytes(content)
    (place / "upload.json").write_text(json.dumps({"name": f"mine{suffix}"}))
    return DataConfig(source=f"upload:{'a' * 32}"), uploads


def test_the_corpus_is_the_one_that_the_training_finds(
    tmp_path: Path, tiny_text: Path, begun: set[psutil.Process]
) -> None:
    home = Home(tmp_path)
    config, uploads = brought(home, ".txt", tiny_text.read_bytes())
    told: list[Progress] = []
    looks = 0

    def look() -> None:
        nonlocal looks
        looks += 1

    prepare_apart(config, home, uploads, told.append, look, None)
    (place,) = (path for path in home.corpora.iterdir() if not path.name.startswith("."))
    before = (place / "corpus.json").stat().st_mtime_ns
    corpus = build_corpus(config, home.corpora, uploads=uploads)
    assert corpus.folder == place
    assert (place / "corpus.json").stat().st_mtime_ns == before  # nothing was done again
    assert {"reading", "tokenising"} <= {one.stage for one in told} and looks > 0
    assert set(psutil.Process().children()) == begun


@pytest.mark.parametrize(
    ("suffix", "content", "said"),
    [
        (".txt", b" " * 100, "only blanks"),
        (".json", b"[" * 200_000, "cannot be read|ended the process|nested"),
    ],
)
def test_what_cannot_be_read_is_told_as_ever(
    tmp_path: Path, suffix: str, content: bytes, said: str
) -> None:
    home = Home(tmp_path)
    config, uploads = brought(home, suffix, content)
    with pytest.raises(UnusableData, match=said) as told:
        prepare_apart(config, home, uploads, lambda progress: None, lambda: None, None)
    assert told.value.field is not None and str(tmp_path) not in told.value.message


def test_what_takes_too_much_memory_ends_with_a_sentence(
    tmp_path: Path, begun: set[psutil.Process]
) -> None:
    """Two lines of six million commas, of which the worker once took 11 GB."""
    home = Home(tmp_path)
    config, uploads = brought(home, ".csv", b"," * 6_000_000 + b"\n" + b"," * 6_000_000)
    with pytest.raises(UnusableData):
        prepare_apart(config, home, uploads, lambda progress: None, lambda: None, 2**29)
    assert set(psutil.Process().children()) == begun


def test_a_process_that_says_nothing_more_and_does_not_end_is_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gtt.runs.preparation_process.LAST_SECONDS", 0.2)
    silent = "import os, time; os.close(1); time.sleep(600)"
    child = subprocess.Popen([sys.executable, "-c", silent], stdout=subprocess.PIPE)
    assert child.stdout is not None
    with child.stdout:
        assert child.stdout.read() == b""  # its last word
    assert exit_code_of(child) == -signal.SIGKILL


def test_what_the_caller_raises_ends_the_process(
    tmp_path: Path, tiny_text: Path, begun: set[psutil.Process]
) -> None:
    class Enough(Exception):
        pass

    home = Home(tmp_path)
    config, uploads = brought(home, ".txt", tiny_text.read_bytes())
    seen: list[psutil.Process] = []

    def look() -> None:
        seen.extend(set(psutil.Process().children()) - begun)
        if seen:
            raise Enough

    with pytest.raises(Enough):
        prepare_apart(config, home, uploads, lambda progress: None, look, None)
    assert seen and not any(one.is_running() for one in seen)
