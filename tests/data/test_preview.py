"""What is said of a text before training: bounded, offline, and the numbers of a real corpus."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gtt.config import DataConfig
from gtt.data import fetch
from gtt.data.corpus import Corpus, build_corpus
from gtt.data.excerpt import EXCERPT_BYTES, RECORD_BYTES, Excerpt, NotHere, Places, read_excerpt
from gtt.data.preview import Part, Preview, preview, taught_text
from gtt.data.sources import resolve_source
from gtt.data.tales import write_tales
from gtt.data.tasks import is_held_out
from gtt.errors import UnusableData

ID = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "downloads", None, tmp_path / "uploads")


@pytest.fixture
def corpora(tmp_path: Path) -> Path:
    return tmp_path / "corpora"


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> Iterator[bytes]:
        raise AssertionError("a preview reached for the network")

    monkeypatch.setattr(fetch, "_download", refuse)
    monkeypatch.setattr("gtt.data.hub.open_hub", refuse)


def bring(places: Places, text: bytes, suffix: str = ".txt") -> str:
    """Puts a text where uploads lie; its source."""
    assert places.uploads is not None
    folder = places.uploads / ID
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"text{suffix}").write_bytes(text)
    (folder / "upload.json").write_text(json.dumps({"name": f"mine{suffix}", "created": 0}))
    return f"upload:{ID}"


def look(config: DataConfig, places: Places, corpora: Path) -> Preview:
    work = preview(config, resolve_source(config.source, places.uploads), places, corpora)
    while True:
        try:
            assert next(work) == ""
        except StopIteration as end:
            found: Preview = end.value
            return found


def excerpt_of(config: DataConfig, places: Places) -> Excerpt:
    return read_excerpt(resolve_source(config.source, places.uploads), config, places)


def built(config: DataConfig, places: Places, corpora: Path) -> Corpus:
    return build_corpus(config, corpora, uploads=places.uploads)


def parts(corpus: Corpus) -> tuple[str, str]:
    return corpus.tokenizer.decode(corpus.train), corpus.tokenizer.decode(corpus.validation)


def sizes(text: str, tokens: int) -> Part:
    return Part(len(text), len(text.encode()), tokens)


@pytest.mark.parametrize("tokenizer", ["char", "bpe"])
@pytest.mark.parametrize("text", ["tales", "copy", "upload"])
def test_a_whole_text_has_the_numbers_of_its_corpus(
    tokenizer: str, text: str, places: Places, corpora: Path
) -> None:
    source = text
    if text == "upload":
        source = bring(places, ("".join(write_tales(30_000, 4)) + "Ünïcödé 🙂\r\nend").encode())
    megabytes = None if text == "upload" else 0.05
    config = DataConfig(source=source, tokenizer=tokenizer, vocab_size=400, max_megabytes=megabytes)
    before = look(config, places, corpora)
    corpus = built(config, places, corpora)
    after = look(config, places, corpora)
    assert (before.counted, after.counted) == ("whole", "corpus")

    train, validation = parts(corpus)
    counts = Counter(corpus.train.tolist()) + Counter(corpus.validation.tolist())
    for seen in (before, after):
        assert seen.characters == len(train + validation)
        assert seen.bytes == seen.total_bytes == len((train + validation).encode())
        assert seen.lines == len((train + validation).splitlines())
        assert seen.tokens == len(corpus.train) + len(corpus.validation)
        assert seen.distinct_tokens == len(counts)
        assert seen.vocab_size == corpus.vocab_size
        assert seen.train == sizes(train, len(corpus.train))
        assert seen.validation == sizes(validation, len(corpus.validation))
        assert [one.count for one in seen.frequent] == [n for _, n in counts.most_common(24)]
        assert all(counts[one.id] == one.count for one in seen.frequent)
        assert all(corpus.tokenizer.token_text(one.id) == one.text for one in seen.frequent)
        assert seen.before_cut and train.endswith(seen.before_cut)
        assert seen.after_cut and validation.startswith(seen.after_cut)
        assert seen.beginning and train.startswith(seen.beginning)
    assert after.exam == before.exam
    assert (after.exam is None) == (text == "upload")


def test_other_settings_do_not_borrow_a_corpus(places: Places, corpora: Path) -> None:
    source = bring(places, b"row one\nrow two\n" * 400)
    config = DataConfig(source=source)
    built(config, places, corpora)
    assert look(config, places, corpora).counted == "corpus"
    for change in (
        {"validation_fraction": 0.2},
        {"tokenizer": "bpe"},
        {"max_megabytes": 0.004},
        {"source": "tales", "max_megabytes": 0.01},
    ):
        other = DataConfig.model_validate({**config.model_dump(), **change})
        assert look(other, places, corpora).counted == "whole", change


def test_a_text_of_a_gigabyte_is_looked_at_without_being_read(
    places: Places, corpora: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "".join(write_tales(EXCERPT_BYTES + 50_000, 2)).encode()
    source = bring(places, text)
    assert places.uploads is not None
    with (places.uploads / ID / "text.txt").open("r+b") as file:
        file.truncate(10**9)  # a hole full of zero bytes, which no text has

    def refuse(path: Path) -> str:
        if path.stat().st_size > 10**8:
            raise AssertionError("the whole text was read for its hash")
        return real(path)

    real = fetch.hash_file
    monkeypatch.setattr(fetch, "hash_file", refuse)
    seen = look(DataConfig(source=source), places, corpora)
    assert (seen.counted, seen.total_bytes) == ("beginning", 10**9)
    assert seen.bytes == seen.characters == EXCERPT_BYTES
    assert seen.train == Part(None, 9 * 10**8, None)
    assert seen.validation == Part(None, 10**8, None)
    assert seen.after_cut == ""  # not known, and not made up
    limited = look(DataConfig(source=source, max_megabytes=0.1), places, corpora)
    assert (limited.counted, limited.bytes) == ("whole", 100_000)


def as_csv(rows: list[str]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(
        [("label", "text"), *((f"no {i}", row) for i, row in enumerate(rows))]
    )
    return out.getvalue().encode()


def as_json(rows: list[str]) -> bytes:
    return json.dumps([{"label": f"no {i}", "text": row} for i, row in enumerate(rows)]).encode()


def as_jsonl(rows: list[str]) -> bytes:
    return "".join(
        json.dumps({"label": f"no {i}", "text": row}) + "\n" for i, row in enumerate(rows)
    ).encode()


def as_parquet(rows: list[str]) -> bytes:
    out = io.BytesIO()
    labels = [f"no {i}" for i in range(len(rows))]
    pq.write_table(pa.table({"label": labels, "text": rows}), out, row_group_size=5000)
    return out.getvalue()


@pytest.mark.parametrize("kind", [as_csv, as_json, as_jsonl, as_parquet])
def test_of_a_long_table_the_first_rows_are_read(
    kind: object, places: Places, corpora: Path
) -> None:
    assert callable(kind)
    rows = [
        f'row {i}: a "quoted" word,\nthen a line break {i * 7919 % 1009}' for i in range(60_000)
    ]
    suffix = kind.__name__.replace("as_", ".")
    config = DataConfig(source=bring(places, kind(rows), suffix))
    seen = look(config, places, corpora)
    text = excerpt_of(config, places).text
    assert seen.counted == "beginning"
    assert EXCERPT_BYTES / 2 < len(text) <= EXCERPT_BYTES
    assert "".join(row + "\n\n" for row in rows).startswith(text)  # whole rows, in their order
    assert seen.documents == text.count("row ")
    assert any("Column 'text' was read" in note for note in seen.notes)

    few = DataConfig(source=bring(places, kind(rows[:40]), suffix))
    (whole,) = {look(few, places, corpora).counted}
    assert whole == "whole"


def test_a_row_longer_than_what_is_read_is_said_to_be(places: Places, corpora: Path) -> None:
    row = json.dumps({"text": "word " * (RECORD_BYTES // 4)})
    source = bring(places, f"{row}\n{row}\n".encode(), ".jsonl")
    with pytest.raises(UnusableData, match=r"first row of mine\.jsonl is longer than 2 MB"):
        look(DataConfig(source=source), places, corpora)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"\xff\xfe\x00b", "UTF-16"),
        (b"caf\xe9\n", "not in UTF-8"),
        (b"\n \n", "only blanks|no text"),
    ],
)
def test_what_is_no_text_is_said_to_be(
    text: bytes, sentence: str, places: Places, corpora: Path
) -> None:
    with pytest.raises(UnusableData, match=sentence):
        look(DataConfig(source=bring(places, text)), places, corpora)


@pytest.mark.parametrize("source", ["tinyshakespeare", "wikitext-2", "tinystories", "owner/name"])
def test_what_is_not_on_disk_is_not_fetched(source: str, places: Places, corpora: Path) -> None:
    seen = look(DataConfig(source=source), places, corpora)
    assert seen.counted == "nothing"
    assert "not on this machine yet: it is fetched once, when you train on it" in seen.said
    assert seen.tokens is seen.characters is None
    with pytest.raises(NotHere):
        taught_text(
            DataConfig(source=source), resolve_source(source, places.uploads), places, corpora
        )
    assert not places.downloads.exists()


def test_a_copy_is_read_as_its_source_is(places: Places, corpora: Path, tmp_path: Path) -> None:
    sources = tmp_path / "shared"
    sources.mkdir()
    article = " = A heading = \n \n Words of it . \n"
    (sources / "wikitext-2.txt").write_text(article * 20_000)
    shared = Places(places.downloads, sources, places.uploads)
    seen = look(DataConfig(source="wikitext-2"), shared, corpora)
    assert seen.counted == "beginning"
    assert seen.documents is not None
    assert EXCERPT_BYTES // len(article) - seen.documents in (0, 1)  # the last may be cut
    assert seen.characters == seen.documents * len(article)
    assert seen.total_bytes == len(article) * 20_000


def test_a_changed_file_is_read_anew(places: Places, corpora: Path) -> None:
    config = DataConfig(source=bring(places, b"first\n" * 10))
    assert excerpt_of(config, places).text.startswith("first")
    bring(places, b"another\n" * 10)
    assert excerpt_of(config, places).text.startswith("another")


def test_the_tokenizer_of_gpt2_needs_no_network(places: Places, corpora: Path) -> None:
    config = DataConfig(source="tales", max_megabytes=0.01, tokenizer="pretrained")
    seen = look(config, places, corpora)
    assert seen.vocab_size == 50257
    other = config.model_copy(update={"pretrained_tokenizer": "owner/name"})
    seen = look(other, places, corpora)
    assert seen.tokens is None
    assert "The tokenizer 'owner/name' is fetched once" in seen.said
    assert seen.characters is not None


def test_the_exam_of_a_task_asks_what_its_text_does_not_show(places: Places, corpora: Path) -> None:
    exam = look(DataConfig(source="addition"), places, corpora).exam
    assert exam is not None
    assert exam.metric == "exact answers"
    for question, answer in zip(exam.questions, exam.answers):
        first, second = question.rstrip("=").split("+")
        assert answer == str(int(first) + int(second))
        assert is_held_out(question)
    tales = look(DataConfig(source="tales", max_megabytes=0.01), places, corpora).exam
    assert tales is not None and set(tales.answers) == {None}
