"""The corpus: split, fingerprint, what lies on disk, and one sentence for each bad text."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gtt.config import DataConfig
from gtt.data import corpus as corpus_module
from gtt.data.corpus import Corpus, build_corpus
from gtt.data.fetch import TINY_SHAKESPEARE, find_copy
from gtt.data.progress import Progress
from gtt.data.tasks import is_held_out
from gtt.errors import UnusableData

TEXT = "".join(f"Line {i} says: naïve café, {i * 37 % 101} 🙂 times.\n" for i in range(400))


@pytest.fixture
def corpora(tmp_path: Path) -> Path:
    return tmp_path / "home" / "corpora"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


def _text(corpus: Corpus) -> tuple[str, str]:
    return corpus.tokenizer.decode(corpus.train), corpus.tokenizer.decode(corpus.validation)


@pytest.mark.parametrize("tokenizer", ["char", "bpe"])
@pytest.mark.parametrize("fraction", [0.1, 0.25])
def test_a_plain_text_is_split_at_the_character(
    file: Path, corpora: Path, tokenizer: Any, fraction: float
) -> None:
    config = DataConfig(source=str(file), tokenizer=tokenizer, validation_fraction=fraction)
    corpus = build_corpus(config, corpora)
    train, validation = _text(corpus)
    assert train + validation == TEXT
    assert len(train) == int((1 - fraction) * len(TEXT))
    assert corpus.bytes_per_token == len(validation.encode()) / len(corpus.validation)
    assert corpus.characters_per_token == len(validation) / len(corpus.validation)
    assert isinstance(corpus.train, np.memmap)
    assert corpus.train.dtype == np.uint16
    assert not corpus.train.flags.writeable
    assert corpus.vocab_size == corpus.tokenizer.vocab_size > int(corpus.train.max())
    assert corpus.baselines.floor is None
    assert corpus.baselines.uniform == pytest.approx(math.log(corpus.vocab_size))
    assert corpus.baselines.bigram < corpus.baselines.unigram < corpus.baselines.uniform
    assert (corpus.source_name, corpus.exam) == ("text.txt", None)


def test_the_folder_holds_what_the_design_says(file: Path, corpora: Path) -> None:
    corpus = build_corpus(DataConfig(source=str(file)), corpora)
    assert corpus.folder == corpora / corpus.fingerprint
    assert sorted(os.listdir(corpora)) == [corpus.fingerprint]
    assert sorted(os.listdir(corpus.folder)) == [
        "corpus.json",
        "special_tokens_map.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "tokens.bin",
    ]
    record = json.loads((corpus.folder / "corpus.json").read_text())
    assert record["format"] == 1
    assert record["train_characters"] == len(corpus.train)
    assert (corpus.folder / "tokens.bin").stat().st_size == 2 * len(TEXT)


def test_the_second_call_reads_no_source_and_is_quick(corpora: Path) -> None:
    config = DataConfig(source="tales", max_megabytes=0.2)
    seen: list[Progress] = []
    first = build_corpus(config, corpora, progress=seen.append)
    stages = list(dict.fromkeys(progress.stage for progress in seen))
    assert stages == ["reading", "tokenising", "baselines"]
    assert all(p.total is None or p.done <= p.total for p in seen)
    seen.clear()
    start = time.perf_counter()
    second = build_corpus(config, corpora, progress=seen.append)
    assert time.perf_counter() - start < 0.05
    assert seen == []
    assert second.fingerprint == first.fingerprint
    assert second.baselines == first.baselines
    assert np.array_equal(second.train, first.train)


def test_the_fingerprint_covers_what_matters_and_nothing_else(file: Path, corpora: Path) -> None:
    def fingerprint(**changes: Any) -> str:
        return build_corpus(DataConfig(**{"source": str(file), **changes}), corpora).fingerprint

    base = fingerprint()
    assert base == fingerprint(vocab_size=300)
    assert base == fingerprint(pretrained_tokenizer="other", column="x", seed=7)
    assert base != fingerprint(validation_fraction=0.2)
    assert base != fingerprint(max_megabytes=0.01)
    assert fingerprint(tokenizer="bpe") != fingerprint(tokenizer="bpe", vocab_size=300)
    tales = {"source": "tales", "max_megabytes": 0.05}
    assert fingerprint(**tales) != fingerprint(**tales, seed=1)
    copy = file.with_name("same text.txt")
    copy.write_bytes(file.read_bytes())
    assert base == fingerprint(source=str(copy))
    file.write_text(TEXT + "More.\n", encoding="utf-8")
    assert base != fingerprint()


@pytest.mark.parametrize("name", ["tales", "copy", "reverse", "addition", "induction"])
def test_synthetic_sources_end_in_whole_documents(corpora: Path, name: str) -> None:
    corpus = build_corpus(DataConfig(source=name, max_megabytes=0.1), corpora)
    train, validation = _text(corpus)
    separator = "\n\n" if name == "tales" else "\n"
    assert train.endswith(separator)
    assert validation.endswith(separator)
    assert 99_000 < len(train + validation) <= 100_000
    assert len(validation) == pytest.approx(10_000, rel=0.1)
    assert corpus.notes == ()
    assert corpus.exam is not None
    floor = corpus.baselines.floor
    assert floor is not None
    assert 0 < floor < corpus.baselines.bigram


def test_no_question_of_an_exam_is_in_the_text(corpora: Path) -> None:
    for name in ("copy", "reverse", "addition", "induction"):
        corpus = build_corpus(DataConfig(source=name, max_megabytes=0.3), corpora)
        text = "\n" + "".join(_text(corpus))
        assert corpus.exam is not None
        for question in corpus.exam.questions(300, seed=0):
            assert is_held_out(question[1:])
            assert question not in text
            assert corpus.tokenizer.unknown_characters(question) == []


def test_the_floor_scales_with_the_tokenizer(corpora: Path) -> None:
    data = {"source": "tales", "max_megabytes": 0.3}
    char = build_corpus(DataConfig(**data), corpora)
    bpe = build_corpus(DataConfig(**data, tokenizer="bpe"), corpora)
    assert char.baselines.floor is not None
    assert bpe.baselines.floor is not None
    per_byte = [c.baselines.floor / c.bytes_per_token for c in (char, bpe) if c.baselines.floor]
    assert per_byte[0] == pytest.approx(per_byte[1], rel=1e-9)


def _table(path: Path, rows: list[str]) -> Path:
    path.write_text("\n".join(json.dumps({"text": row}) for row in rows))
    return path


@given(
    st.lists(st.text(st.sampled_from("ab c\n"), min_size=1, max_size=50), min_size=1, max_size=40),
    st.sampled_from([0.05, 0.1, 0.3, 0.5]),
)
@settings(deadline=None, max_examples=30)
def test_documents_are_split_at_the_nearest_boundary(
    tmp_path_factory: pytest.TempPathFactory, rows: list[str], fraction: float
) -> None:
    folder = tmp_path_factory.mktemp("split")
    path = _table(folder / "rows.jsonl", rows)
    whole = "".join(row + "\n\n" for row in rows)
    try:
        config = DataConfig(source=str(path), validation_fraction=fraction)
        corpus = build_corpus(config, folder / "corpora")
    except UnusableData as error:
        assert "too few" in error.message or "blanks" in error.message
        return
    train, validation = _text(corpus)
    assert train + validation == whole
    wanted = int((1 - fraction) * len(whole))
    ends = np.cumsum([len(row) + 2 for row in rows])[:-1]
    if any("cut in two" in note for note in corpus.notes):
        assert len(train) == wanted
    else:
        assert abs(len(train) - wanted) == np.abs(ends - wanted).min()


def test_a_row_with_half_a_surrogate_is_repaired_and_told(tmp_path: Path, corpora: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "half \\ud83d of it"}\n' + '{"text": "more of it"}\n' * 30)
    try:
        corpus = build_corpus(DataConfig(source=str(path)), corpora)
    except UnusableData as error:  # pyarrow may refuse it first
        assert "cannot be read" in error.message
    else:
        assert "\ufffd" in _text(corpus)[0]


BAD_TEXTS = {
    "empty": ("", "is empty"),
    "blank": (" \n\n \t\n" * 100, "only blanks"),
    "three characters": ("abc", "has 3 characters, too few"),
    "eight characters": ("abcdefgh", "has 8 characters, too few"),
}


@pytest.mark.parametrize("case", BAD_TEXTS)
@pytest.mark.parametrize("tokenizer", ["char", "bpe"])
def test_texts_that_are_none(tmp_path: Path, corpora: Path, case: str, tokenizer: Any) -> None:
    content, sentence = BAD_TEXTS[case]
    path = tmp_path / "a.txt"
    path.write_text(content)
    kept = build_corpus(DataConfig(source="copy", max_megabytes=0.01), corpora)
    with pytest.raises(UnusableData, match=sentence) as caught:
        build_corpus(DataConfig(source=str(path), tokenizer=tokenizer), corpora)
    assert caught.value.field == "data.source"
    assert os.listdir(corpora) == [kept.fingerprint]


def test_windows_that_do_not_fit(file: Path, corpora: Path) -> None:
    corpus = build_corpus(DataConfig(source=str(file)), corpora)
    train, validation = len(corpus.train), len(corpus.validation)
    corpus.require_windows(validation - 1)
    with pytest.raises(UnusableData, match="validation part has 1,") as caught:
        corpus.require_windows(validation)
    assert f"model.block_size {validation - 1} or less" in caught.value.message
    assert "raise data.validation_fraction to 0.1" in caught.value.message
    assert caught.value.field == "data.validation_fraction"
    with pytest.raises(UnusableData, match="The training part has"):
        corpus.require_windows(train)
    with pytest.raises(UnusableData, match="fewer than one block of 1000000"):
        corpus.require_windows(1_000_000)


def test_a_folder_that_cannot_be_written(file: Path, tmp_path: Path) -> None:
    in_the_way = tmp_path / "in the way"
    in_the_way.write_text("a file")
    with pytest.raises(UnusableData, match="GTT_HOME"):
        build_corpus(DataConfig(source=str(file)), in_the_way / "corpora")
    assert in_the_way.read_text() == "a file"


@pytest.mark.parametrize("damage", ["tokens.bin", "corpus.json", "tokenizer.json"])
def test_a_damaged_corpus_is_built_again(file: Path, corpora: Path, damage: str) -> None:
    config = DataConfig(source=str(file))
    folder = build_corpus(config, corpora).folder
    (folder / damage).write_bytes(b"{")
    assert "".join(_text(build_corpus(config, corpora))) == TEXT
    assert os.listdir(corpora) == [folder.name]


def test_a_build_that_fails_leaves_nothing(
    file: Path, corpora: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(corpus_module, "_publish", fail)
    with pytest.raises(KeyboardInterrupt):
        build_corpus(DataConfig(source=str(file)), corpora)
    assert os.listdir(corpora) == []


def test_what_a_killed_build_left_is_swept_away_after_a_day(file: Path, corpora: Path) -> None:
    for name, age in ((".building-old", 100_000), (".building-new", 10)):
        (corpora / name).mkdir(parents=True)
        os.utime(corpora / name, (time.time() - age,) * 2)
    corpus = build_corpus(DataConfig(source=str(file)), corpora)
    assert sorted(os.listdir(corpora)) == [".building-new", corpus.fingerprint]


def _build(source: str, corpora: str) -> str:
    return build_corpus(DataConfig(source=source), Path(corpora)).fingerprint


def test_two_processes_may_build_the_same(file: Path, corpora: Path) -> None:
    with ProcessPoolExecutor(2) as pool:
        jobs = [pool.submit(_build, str(file), str(corpora)) for _ in range(4)]
        fingerprints = {job.result() for job in jobs}
    assert [*fingerprints] == os.listdir(corpora)


def test_a_column_that_a_text_cannot_have_is_said_to_be_unused(file: Path, corpora: Path) -> None:
    for source, words in ((str(file), "text.txt has no columns"), ("copy", "copy has no columns")):
        plain = DataConfig(source=source, max_megabytes=0.02)
        assert not [note for note in build_corpus(plain, corpora).notes if "column" in note]
        named = build_corpus(plain.model_copy(update={"column": "body"}), corpora)
        assert "data.column 'body' was not used" in named.notes[-1] and words in named.notes[-1]


@pytest.mark.parametrize(("fraction", "change"), [(1e-9, "raise"), (1 - 1e-9, "lower")])
def test_a_share_that_leaves_one_part_empty_is_named(
    file: Path, corpora: Path, fraction: float, change: str
) -> None:
    with pytest.raises(UnusableData, match=rf"{change} data\.validation_fraction") as caught:
        build_corpus(DataConfig(source=str(file), validation_fraction=fraction), corpora)
    assert caught.value.field == "data.validation_fraction"


def test_the_ways_out_of_a_short_text_are_listed_in_whole_sentences(
    tmp_path: Path, corpora: Path
) -> None:
    (tmp_path / "short.txt").write_text("thirty characters of some text")
    corpus = build_corpus(DataConfig(source=str(tmp_path / "short.txt")), corpora)
    with pytest.raises(UnusableData, match=r"after it: give more text\."):
        corpus.require_windows(20)


def test_the_shared_folder_may_come_from_the_environment(
    tmp_path: Path, corpora: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tinystories.txt").write_text("A story.\n<|endoftext|>\n" * 100)
    monkeypatch.setenv("GTT_SOURCES", str(tmp_path))
    assert _text(build_corpus(DataConfig(source="tinystories"), corpora))[0].startswith("A story.")


def test_tiny_shakespeare_is_split_as_nanogpt_does(corpora: Path) -> None:
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    sources = Path(os.environ.get("GTT_SOURCES") or beside)
    if find_copy(TINY_SHAKESPEARE, sources) is None:
        pytest.skip("needs a copy of Tiny Shakespeare in the folder that GTT_SOURCES names")
    corpus = build_corpus(DataConfig(source="tinyshakespeare"), corpora, sources_folder=sources)
    assert (len(corpus.train), len(corpus.validation)) == (1_003_854, 111_540)
    assert corpus.vocab_size == 65
    assert corpus.baselines.uniform == pytest.approx(4.174, abs=1e-3)
    assert corpus.baselines.unigram == pytest.approx(3.347, abs=1e-3)
    assert corpus.baselines.bigram == pytest.approx(2.486, abs=1e-3)


# `ru_maxrss` of a child begins at what its parent had; VmHWM is its own.
# Anonymous memory alone: mapped pages of the token file are the kernel's to take back.
_MEASURE = """
import re, sys, threading
from pathlib import Path
from gtt.config import DataConfig
from gtt.data.corpus import build_corpus

def held():
    return int(re.search(r"RssAnon:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])

def watch():
    while not done.wait(0.005):
        seen.append(held())

done, seen = threading.Event(), [held()]
watcher = threading.Thread(target=watch)
watcher.start()
corpus = build_corpus(DataConfig(source=sys.argv[1]), Path(sys.argv[2]))
done.set()
watcher.join()
print(len(corpus.train), max(seen))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_does_not_grow_with_the_text(tmp_path: Path) -> None:
    peaks = []
    for repeats in (600, 2400):  # below that, buffers are still being filled
        path = tmp_path / f"{repeats}.txt"
        with path.open("wb") as output:
            for _ in range(repeats):
                output.write(TEXT.encode())
        command = [sys.executable, "-c", _MEASURE, str(path), str(tmp_path / "corpora")]
        answer = subprocess.run(
            command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
        )
        tokens, kilobytes = map(int, answer.stdout.split())
        assert tokens == int(0.9 * repeats * len(TEXT))
        peaks.append(kilobytes / 1024)
    grown, megabytes = peaks[1] - peaks[0], 1800 * len(TEXT.encode()) / 1e6
    assert megabytes > 15, peaks
    assert grown < megabytes  # as one str it would take four bytes per character
