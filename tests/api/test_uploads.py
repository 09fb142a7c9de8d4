"""Uploads: capped while they arrive, checked, and kept where no name of a visitor leads."""

from __future__ import annotations

import asyncio
import bz2
import gzip
import io
import lzma
import os
import tarfile
import threading
import zipfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import gtt.api.endpoints  # noqa: F401 - fills the table
from gtt.api.api_errors import (
    ApiError,
    NotFound,
    QuotaExceeded,
    TooLarge,
    TooMuchOnDesk,
    Unavailable,
)
from gtt.api.service import Service
from gtt.api.table import TABLE
from gtt.api.upload_checks import MOST_FOOTER
from gtt.api.uploads import Incoming, Uploads, check_disk
from gtt.api.workspaces import Workspaces, new_key
from gtt.errors import BadInput, UnusableData
from gtt.runs.home import Home
from gtt.runs.limits import Limits
from gtt.settings import parse


def limited(**changes: float) -> Limits:
    return Limits.for_space(**changes)


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    return Uploads(tmp_path / "desk", limited(max_upload_mb=1))


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def parquet(rows: list[str]) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table({"text": rows}), buffer, compression="zstd", use_dictionary=False)
    return buffer.getvalue()


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("a.txt", "text")
    return buffer.getvalue()


def tarred() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as file:
        file.addfile(tarfile.TarInfo("a.txt"))
    return buffer.getvalue()


def test_a_text_comes_back_as_it_came(uploads: Uploads) -> None:
    text = "Zwölf Boxkämpfer\n🙂".encode()
    kept = uploads.save("My Text.TXT", [text[i : i + 1] for i in range(len(text))])
    assert (kept.name, kept.suffix, kept.bytes) == ("My Text.txt", ".txt", len(text))
    assert uploads.get(kept.id) == kept
    assert uploads.list() == [kept]
    path = uploads.path(kept.id)
    assert path == uploads.folder / kept.id / "text.txt"
    assert path.read_bytes() == text
    uploads.delete(kept.id)
    assert uploads.list() == [] and not list(uploads.folder.iterdir())
    with pytest.raises(NotFound):
        uploads.delete(kept.id)


def test_the_newest_is_listed_first(tmp_path: Path) -> None:
    times = iter([1.0, 1.0, 5.0, 5.0, 3.0, 3.0])
    uploads = Uploads(tmp_path, limited(), clock=lambda: next(times))
    for name in ("a.txt", "b.txt", "c.txt"):
        with uploads.begin(name) as incoming:
            incoming.write(b"x")
            incoming.finish()
        next(times, None)
    assert [upload.name for upload in uploads.list()] == ["b.txt", "c.txt", "a.txt"]


@pytest.mark.parametrize("suffix", [".txt", ".md", ".csv", ".json", ".jsonl"])
def test_every_kind_of_text_is_taken_with_a_mark_or_without(uploads: Uploads, suffix: str) -> None:
    for start in (b"", b"\xef\xbb\xbf"):
        assert uploads.save(f"a{suffix}", [start, b"a,b\n1,2\n"]).suffix == suffix


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\Users\\me\\notes.md", "notes.md"),
        ("/abs/ol/ute.txt", "ute.txt"),
        ("a\x00b\x1b[31m\ud800.txt", "ab[31m.txt"),
        ("safe\u202etxt.exe.txt", "safetxt.exe.txt"),
        ("<img src=x onerror=alert(1)>.txt", "<img src=x onerror=alert(1)>.txt"),
        ("x" * 5000 + ".txt", "x" * 96 + ".txt"),
        (".txt", "text.txt"),
        ("....txt", "text.txt"),
        ("__class__.csv", "__class__.csv"),
    ],
)
def test_a_name_is_only_shown(uploads: Uploads, name: str, shown: str) -> None:
    kept = uploads.save(name, [b"text"])
    assert kept.name == shown == uploads.get(kept.id).name
    assert {path.name for path in files_below(uploads.folder)} == {
        f"text{kept.suffix}",
        "upload.json",
    }


@pytest.mark.parametrize(
    "name",
    ["a.exe", "a", "", "a.txt.zip", "a.pkl", "a.txt/", "a.t\nxt\x00.py", ".", "a.🙂", "\ud800"],
)
def test_other_suffixes_are_refused_before_anything_is_written(uploads: Uploads, name: str) -> None:
    with pytest.raises(UnusableData, match=r"\.parquet") as caught:
        uploads.save(name, [b"text"])
    assert caught.value.field == "file"
    assert not uploads.folder.exists()


@pytest.mark.parametrize("pieces", [1, 7, 100_000])
@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf \n\t", "empty"),
        (b"abc\x00def", "binary"),
        (b"a" * 1000 + b"\x00", "binary"),
        (b"caf\xe9 " * 200, "UTF-8"),
        (b"text \xf0\x9f", "UTF-8"),
        (b"\xed\xa0\x80", "UTF-8"),
        ("text".encode("utf-16"), "UTF-8|UTF-16"),
        (zipped(), "zip archive"),
        (gzip.compress(b"text", mtime=0), "gzip archive|UTF-8"),
        (bz2.compress(b"text"), "bzip2 archive|UTF-8"),
        (lzma.compress(b"text"), "xz archive|UTF-8"),
        (tarred(), "tar archive"),
        (b"7z\xbc\xaf\x27\x1c....", "7z archive|UTF-8"),
        (b"%PDF-1.7\n", "PDF"),
        (parquet(["a"]), "Parquet"),
    ],
)
def test_what_is_no_text_is_refused_and_leaves_nothing(
    uploads: Uploads, content: bytes, sentence: str, pieces: int
) -> None:
    chunks = [content[i : i + pieces] for i in range(0, len(content), pieces)]
    with pytest.raises(UnusableData, match=sentence) as caught:
        uploads.save("a.txt", chunks)
    assert caught.value.field == "file"
    assert not list(uploads.folder.iterdir())


def test_words_that_look_like_an_archive_are_text(uploads: Uploads) -> None:
    assert uploads.save("a.txt", [b"BZh is how a bzip2 file begins. PK."]).bytes == 35


def test_a_parquet_table_is_taken_and_a_false_one_refused(uploads: Uploads) -> None:
    table = parquet(["one", "two"])
    kept = uploads.save("t.parquet", [table[:3], table[3:]])
    assert kept.suffix == ".parquet"
    for content, sentence in [
        (b"", "empty"),
        (b"PAR1", "not a Parquet"),
        (b"PAR1PAR1", "not a Parquet"),
        (b"not a table", "not a Parquet"),
        (table[:-1], "not a Parquet"),
        (b"PAR1" + b"\x15" * 500 + b"PAR1", "damaged"),
        (table[:-8] + b"\xff\xff\xff\x7fPAR1", "damaged"),
    ]:
        with pytest.raises(UnusableData, match=sentence):
            uploads.save("t.parquet", [content] if content else [])
    assert uploads.list() == [kept]


def test_a_table_that_unpacks_to_too_much_is_refused(uploads: Uploads) -> None:
    bomb = parquet(["a" * 1_000_000] * 21)
    assert len(bomb) < 100_000
    with pytest.raises(UnusableData, match="unpacks to more than the 20 MB"):
        uploads.save("t.parquet", [bomb])
    buffer = io.BytesIO()  # run lengths: few bytes also unpacked, but a great many rows
    rows = pa.array(["a"]).dictionary_encode().take(pa.array([0] * 1000))
    with pq.ParquetWriter(buffer, pa.schema({"text": rows.type})) as writer:
        table = pa.table({"text": pa.chunked_array([rows] * 1000)})
        for _ in range(21):
            writer.write_table(table)
    assert len(buffer.getvalue()) < 500_000
    with pytest.raises(UnusableData, match="unpacks to more"):
        uploads.save("t.parquet", [buffer.getvalue()])
    assert not list(uploads.folder.iterdir())


def test_a_table_with_a_huge_footer_is_refused_unread(
    uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = {f"c{number}": pa.array([], pa.bool_()) for number in range(1000)}
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    wide = buffer.getvalue()
    monkeypatch.setattr("gtt.api.upload_checks.MOST_FOOTER", 10_000)
    monkeypatch.setattr(
        "gtt.api.upload_checks.declared", lambda path: pytest.fail("the footer was read")
    )
    with pytest.raises(UnusableData, match="too many columns"):
        uploads.save("a.parquet", [wide])
    assert int.from_bytes(wide[-8:-4], "little") < MOST_FOOTER < 2**21
    assert not list(uploads.folder.iterdir())


def test_every_byte_that_comes_or_goes_is_told(tmp_path: Path) -> None:
    told: list[int] = []
    uploads = Uploads(tmp_path, limited(), wrote=told.append)
    kept = uploads.save("a.txt", [b"one ", b"two"])
    assert told == [4, 3]
    with pytest.raises(UnusableData):
        uploads.save("a.txt", [b"text", b"\xff"])
    assert sum(told) == 7
    uploads.delete(kept.id)
    assert sum(told) == 0


def test_the_cap_holds_while_the_text_arrives(uploads: Uploads) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while True:
            written = sum(path.stat().st_size for path in files_below(uploads.folder))
            assert written <= 1_000_000
            sent += 64_000
            yield b"x" * 64_000

    with pytest.raises(TooLarge, match="1 MB"):
        uploads.save("a.txt", endless())
    assert sent == 16 * 64_000
    assert not list(uploads.folder.iterdir())
    assert uploads.save("a.txt", [b"x" * 1_000_000]).bytes == 1_000_000


def test_the_quota_of_a_desk_holds_while_the_text_arrives(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path, limited(max_upload_mb=20, max_workspace_mb=5))
    uploads.save("a.txt", [b"x" * 3_000_000])
    taken = 0

    def chunks() -> Iterator[bytes]:
        nonlocal taken
        for _ in range(100):
            taken += 100_000
            yield b"x" * 100_000

    with pytest.raises(TooMuchOnDesk, match="5 MB") as caught:
        uploads.save("b.txt", chunks())
    assert isinstance(caught.value, QuotaExceeded) and caught.value.status == 403
    assert taken <= 3_100_000  # two million bytes and what lies between two looks
    assert len(uploads.list()) == 1
    with pytest.raises(TooMuchOnDesk):
        uploads.save("c.txt", [b"x" * 2_000_001])
    assert uploads.save("d.txt", [b"x" * 1_900_000]).bytes == 1_900_000


def test_the_number_of_texts_on_a_desk_is_bounded(
    uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gtt.api.uploads.MOST_UPLOADS", 2)
    for _ in range(2):
        uploads.save("a.txt", [b"x"])
    with pytest.raises(QuotaExceeded):
        uploads.save("a.txt", [b"x"])


def test_texts_that_arrive_at_once_are_not_more_than_a_desk_may_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each looked before any was there; the last look and the place it gives hold one lock."""
    monkeypatch.setattr("gtt.api.uploads.MOST_UPLOADS", 3)
    desk = Workspaces(tmp_path, limited(max_upload_mb=1)).desk(new_key())
    arriving = [desk.uploads.begin("a.txt") for _ in range(8)]
    together = threading.Barrier(len(arriving))
    refused: list[QuotaExceeded] = []

    def arrive(one: Incoming) -> None:
        with one:
            one.write(b"a wise girl")
            together.wait()
            try:
                one.finish()
            except QuotaExceeded as error:
                refused.append(error)

    threads = [threading.Thread(target=arrive, args=(one,)) for one in arriving]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(desk.uploads.list()) == 3 and len(refused) == 5
    assert not list(desk.uploads.folder.glob(".partial-*"))


def test_a_full_server_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = Uploads(tmp_path, limited(), check_server=lambda more: check_disk(tmp_path, 10, 9, more))
    with pytest.raises(Unavailable) as caught:
        full.save("a.txt", [b"xyz"])
    assert caught.value.retry_after
    monkeypatch.setattr("gtt.api.uploads.FREE_DISK", 10**18)
    with pytest.raises(Unavailable):
        Uploads(tmp_path, limited()).save("a.txt", [b"xyz"])
    assert not files_below(tmp_path)


def test_pieces_may_be_awaited_and_a_broken_connection_leaves_nothing(uploads: Uploads) -> None:
    async def whole() -> AsyncIterator[bytes]:
        for piece in (b"one ", b"two"):
            await asyncio.sleep(0)
            yield piece

    async def broken() -> AsyncIterator[bytes]:
        yield b"one "
        raise ConnectionResetError

    async def stuck() -> AsyncIterator[bytes]:
        yield b"one "
        await asyncio.sleep(3600)

    async def cancelled() -> None:
        task = asyncio.create_task(uploads.save_async("c.txt", stuck()))
        while not any(path.stat().st_size for path in files_below(uploads.folder / ".")):
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with pytest.raises(ConnectionResetError):
        asyncio.run(uploads.save_async("b.txt", broken()))
    asyncio.run(cancelled())
    assert not list(uploads.folder.iterdir())
    kept = asyncio.run(uploads.save_async("a.txt", whole()))
    assert uploads.path(kept.id).read_bytes() == b"one two"


@pytest.mark.parametrize(
    "upload_id",
    [
        "",
        ".",
        "..",
        "../other",
        "a" * 32,
        "A" * 32,
        "%2e%2e",
        "0" * 31,
        "0" * 33,
        "\0",
        "🙂",
        "x" * 9999,
    ],
)
def test_an_unknown_id_is_not_found(uploads: Uploads, upload_id: str) -> None:
    uploads.save("a.txt", [b"text"])
    for act in (uploads.get, uploads.path, uploads.delete):
        with pytest.raises(NotFound):
            act(upload_id)
    assert len(uploads.list()) == 1


def test_other_desks_do_not_find_it(tmp_path: Path) -> None:
    mine, other = (Uploads(tmp_path / name, limited()) for name in ("mine", "other"))
    kept = mine.save("a.txt", [b"text"])
    with pytest.raises(NotFound):
        other.get(kept.id)
    assert other.list() == []


def test_a_damaged_note_leaves_the_text_usable(uploads: Uploads) -> None:
    kept = uploads.save("a.csv", [b"text"])
    (uploads.folder / kept.id / "upload.json").write_bytes(b"\xff{")
    found = uploads.get(kept.id)
    assert (found.name, found.suffix, found.bytes) == ("text.csv", ".csv", 4)


def test_what_a_killed_server_left_is_swept_but_nothing_under_way(uploads: Uploads) -> None:
    with uploads.begin("now.txt") as incoming:
        incoming.write(b"text")
        old = uploads.folder / ".partial-0123"
        old.mkdir()
        (old / "text.txt").write_bytes(b"x")
        for path in (old / "text.txt", old):
            os.utime(path, (1, 1))
        assert uploads.list() == []
        uploads.sweep()
        assert not old.exists()
        assert incoming.finish().bytes == 4
    assert len(uploads.list()) == 1


def test_errors_are_of_the_families_that_the_interface_knows(uploads: Uploads) -> None:
    for name, chunks in [("a.exe", [b""]), ("a.txt", [b"\x00"]), ("a.txt", [b"x" * 2_000_000])]:
        with pytest.raises((ApiError, BadInput)):
            uploads.save(name, chunks)


def test_texts_are_listed_page_by_page(tmp_path: Path) -> None:
    service = Service(Home(tmp_path), Limits(), spare=False)
    try:
        caller, row = service.caller(None), TABLE["datasets"]
        for number in range(5):
            caller.desk.uploads.save(f"{number}.txt", [b"text"])
        seen: list[str] = []
        before = None
        for _ in range(3):
            asked = {"limit": 2} if before is None else {"limit": 2, "before": before}
            page = row.call(caller, parse(row.request, asked))
            seen += [upload.id for upload in page.uploads]
            before = page.next
        assert before is None
        assert seen == [upload.id for upload in caller.desk.uploads.list()]
        with pytest.raises(NotFound):
            row.call(caller, parse(row.request, {"before": "0" * 32}))
    finally:
        service.close()
