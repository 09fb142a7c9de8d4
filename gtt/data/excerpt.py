"""The beginning of a text, for looking at it: bounded however long it is, never from the network.

Read by the same code as a corpus, from a copy of the beginning of its file where that is long.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from gtt.config import DataConfig
from gtt.data import fetch, hub, tasks
from gtt.data.preparation import split_place
from gtt.data.progress import ignore
from gtt.data.reading import open_source
from gtt.data.sources import Resolved
from gtt.data.spool import spool
from gtt.errors import UnusableData

EXCERPT_BYTES = 200_000  # of a text that is read
WRITTEN_BYTES = 1_000_000  # of a text that GTT writes itself, a tenth of a second's work
RECORD_BYTES = 2_000_000  # that the first row of a table may take

_TABLES = (".csv", ".json", ".jsonl", ".parquet")


class NotHere(UnusableData):
    """The text is not on this machine."""


@dataclass(frozen=True)
class Excerpt:
    """The beginning of a text, or all of it (`is_whole`).

    `validation_at` is the character at which validation begins, known for a whole text only.
    `total_bytes` is the size of the whole text in UTF-8, as far as it is known.
    """

    text: str
    is_whole: bool
    documents: int
    validation_at: int | None
    total_bytes: int | None
    notes: tuple[str, ...]

    @property
    def train(self) -> str:
        """What of it is for training."""
        return self.text if self.validation_at is None else self.text[: self.validation_at]


@dataclass(frozen=True)
class Places:
    """Where texts lie: the home's downloads, shared copies, and the visitor's uploads."""

    downloads: Path
    sources: Path | None
    uploads: Path | None


def read_excerpt(resolved: Resolved, config: DataConfig, places: Places) -> Excerpt:
    """Raises `NotHere` where training would fetch the text, `UnusableData` where it is none."""
    file = _file_of(resolved, places)
    stamp = None
    if file is not None:
        try:
            status = file.stat()
        except OSError:
            raise UnusableData("The file is no longer there.", field="data.source") from None
        stamp = (status.st_mtime_ns, status.st_size)
    plain = config.model_copy(update={"tokenizer": "char"})
    return _read(resolved, plain, places, file, stamp)


def _file_of(resolved: Resolved, places: Places) -> Path | None:
    """The file that holds the text; None where the text is written here. Raises `NotHere`."""
    if resolved.path is not None:
        return resolved.path
    if resolved.name == "python" or resolved.name in ("tales", *tasks.TASKS):
        return None
    found = None
    if resolved.name == "tinyshakespeare":
        remote = fetch.TINY_SHAKESPEARE
        kept = places.downloads / remote.names[0]
        found = fetch.find_copy(remote, places.sources) or (kept if kept.is_file() else None)
    elif resolved.name == "wikitext-2":
        found = fetch.find_by_name(hub.WIKITEXT_COPIES, places.sources)
    elif resolved.name == "tinystories":
        found = fetch.find_by_name(hub.TINY_STORIES_COPIES, places.sources)
    if found is None:
        raise NotHere(
            f"{resolved.title} is not on this machine yet: it is fetched once, when you train "
            "on it.",
            field="data.source",
        )
    return found


@lru_cache(maxsize=8)
def _read(
    resolved: Resolved,
    config: DataConfig,
    places: Places,
    file: Path | None,
    stamp: tuple[int, int] | None,
) -> Excerpt:
    """The excerpt; `stamp` tells a changed file from the one that was read before."""
    with tempfile.TemporaryDirectory(prefix="gtt-excerpt-") as name:
        folder = Path(name)
        is_all = True
        downloads, sources = places.downloads, places.sources
        if file is not None:
            head, is_all = _head(file, folder)
            # A copy with a name of its own is read as what it is, any other as a file.
            if resolved.name in ("wikitext-2", "tinystories"):
                sources = head.parent
            else:
                resolved = Resolved("file", resolved.name, resolved.title, path=head)
        source = open_source(resolved, config, downloads, sources)
        most = EXCERPT_BYTES if file is not None or resolved.name == "python" else WRITTEN_BYTES
        stream = source.read(ignore)
        total = stream.total_bytes if is_all else _plain_size(file)
        if stream.endless:
            total = source.limit
        elif total is not None and source.limit is not None:
            total = min(total, source.limit)
        is_ours = source.limit is None or source.limit > most  # the limit, not the visitor's
        stream.endless = stream.endless or is_ours  # no note about a limit that nobody set
        text = spool(stream, folder, most if is_ours else source.limit, ignore)
        is_whole = (not is_ours) if stream.cut_short else is_all
        notes = list(text.notes)
        at = split_place(text, config.validation_fraction, notes) if is_whole else None
        return Excerpt(
            text=text.path.read_bytes().decode("utf-8"),
            is_whole=is_whole,
            documents=len(text.ends),
            validation_at=None if at is None else at.characters,
            total_bytes=text.size.bytes if is_whole else total,
            notes=tuple(notes),
        )


def _plain_size(file: Path | None) -> int | None:
    """The size of a text in a file; what a table holds of it is not known beforehand."""
    is_plain = file is not None and file.suffix.lower() not in _TABLES
    return file.stat().st_size if file is not None and is_plain else None


def _head(path: Path, folder: Path) -> tuple[Path, bool]:
    """A file with the beginning of another, cut after a whole record; whether that is all of it."""
    suffix = path.suffix.lower()
    try:
        if suffix == ".parquet":
            return _head_of_parquet(path, folder)
        size = path.stat().st_size
        if size <= EXCERPT_BYTES or (suffix == ".json" and size <= RECORD_BYTES):
            return path, True
        with path.open("rb") as file:
            raw = file.read(RECORD_BYTES)
    except OSError as error:
        raise UnusableData(
            f"{path.name} cannot be read: {error.strerror or error}.", field="data.source"
        ) from None
    if suffix == ".json" and raw.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"["):
        raw = b"\n".join(_objects_of_array(raw))
    elif suffix in (".csv", ".json", ".jsonl"):
        raw = _whole_lines(raw, quoted=suffix == ".csv")
    else:
        raw = raw[: _character_boundary(raw, EXCERPT_BYTES)]
    if not raw:
        raise UnusableData(
            f"The first row of {path.name} is longer than {RECORD_BYTES / 1e6:g} MB: there is no "
            "preview of it.",
            field="data.source",
        )
    head = folder / path.name
    head.write_bytes(raw)
    return head, False


def _head_of_parquet(path: Path, folder: Path) -> tuple[Path, bool]:
    """The first rows of a Parquet file as another one; no more of it is read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, buffer_size=1 << 16, pre_buffer=False) as file:
            rows, batches = file.metadata.num_rows, []
            for batch in file.iter_batches(64):
                batches.append(batch)
                if sum(batch.nbytes for batch in batches) > EXCERPT_BYTES:
                    break
            if sum(batch.num_rows for batch in batches) == rows:
                return path, True
            head = folder / path.name
            pq.write_table(pa.Table.from_batches(batches), head)
            return head, False
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise UnusableData(
            f"{path.name} cannot be read as .parquet: {reason}. Check that the file is what its "
            "name says.",
            field="data.source",
        ) from None


def _whole_lines(raw: bytes, *, quoted: bool) -> bytes:
    """Up to the last line break near the limit that stands outside of quotes."""
    end = min(EXCERPT_BYTES, len(raw))
    quotes = raw.count(b'"', 0, end) if quoted else 0
    while True:
        place = raw.rfind(b"\n", 0, end)
        if place < 0:
            break
        quotes -= raw.count(b'"', place, end) if quoted else 0
        if quotes % 2 == 0:
            return raw[: place + 1]
        end = place
    place = raw.find(b"\n", EXCERPT_BYTES)  # a first row that is longer than an excerpt
    while quoted and place >= 0 and raw.count(b'"', 0, place) % 2:
        place = raw.find(b"\n", place + 1)
    return raw[: place + 1]


def _objects_of_array(raw: bytes) -> Iterator[bytes]:
    """The first objects of a JSON array, as lines."""
    text = raw.decode("utf-8-sig", "ignore").lstrip()
    decoder, place, size = json.JSONDecoder(), 1, 0
    while size < EXCERPT_BYTES:
        while place < len(text) and text[place] in " \t\r\n,":
            place += 1
        try:
            value, place = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):  # cut off, or the end
            return
        line = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
        size += len(line)
        yield line


def _character_boundary(raw: bytes, most: int) -> int:
    """The last place up to `most` at which a character of UTF-8 begins."""
    place = min(most, len(raw))
    for back in range(min(4, place)):
        if place - back == len(raw) or raw[place - back] & 0xC0 != 0x80:
            return place - back
    return place
