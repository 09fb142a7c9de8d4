"""The beginning of a text, for the preview: never more than some megabytes, never from the network.

The code that reads a corpus reads it, and stops after the first megabytes.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from gtt.config import DataConfig
from gtt.data.preparation import split_place, with_documents
from gtt.data.progress import ignore
from gtt.data.reading import open_source
from gtt.data.sources import Places, Resolved
from gtt.data.spool import spool
from gtt.data.text_files import TABLE_SUFFIXES
from gtt.data.tokenizer_training import GPT2_NAMES
from gtt.errors import UnusableData

__all__ = ["EXCERPT_BYTES", "RECORD_BYTES", "Excerpt", "NotHere", "Places", "read_excerpt"]

EXCERPT_BYTES = 200_000  # of a text that is read
WRITTEN_BYTES = 1_000_000  # of a text that GTT writes itself, a tenth of a second's work
RECORD_BYTES = 2_000_000  # of a table, whose first row has to lie in them
OBJECT_BYTES = 20_000_000  # of a .json file, which may be one object


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
    # Of the tokenizer only that counts: whether it knows the marks between documents.
    knows_marks = config.tokenizer == "bpe" or (
        config.tokenizer == "pretrained" and config.pretrained_tokenizer in GPT2_NAMES
    )
    plain = config.model_copy(update={"tokenizer": "bpe" if knows_marks else "char"})
    return _read(resolved, plain, places, file, stamp)


def _file_of(resolved: Resolved, places: Places) -> Path | None:
    """The file that holds the text; None where the text is written here. Raises `NotHere`."""
    if resolved.path is not None:
        return resolved.path
    source = resolved.source
    if source is not None and source.offline:
        return None
    copy = source.local_copy(places) if source is not None else None
    if copy is None:
        raise NotHere(
            f"{resolved.title} is not on this machine yet: it is fetched once, when you train "
            "on it.",
            field="data.source",
        )
    return copy


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
        is_written = resolved.source is not None and resolved.source.is_written
        most = WRITTEN_BYTES if is_written else EXCERPT_BYTES
        source = open_source(
            resolved, config, places.downloads, places.sources, most=_bytes_looked_at(file)
        )
        stream = source.read(ignore)
        is_ours = source.limit is None or source.limit > most  # the limit, not the visitor's
        is_endless = stream.endless
        stream.endless = is_endless or is_ours  # no note about a limit that nobody set
        text = spool(stream, folder, most if is_ours else source.limit, ignore)
        is_whole = not ((is_ours and stream.cut_short) or stream.unread)
        total = source.limit if is_endless else _plain_size(file)
        if file is None and not is_endless:
            total = stream.total_bytes
        if total is not None and source.limit is not None:
            total = min(total, source.limit)
        notes = list(text.notes)
        text = with_documents(text, config.tokenizer == "bpe", notes)
        at = split_place(text, config.validation_fraction, notes) if is_whole else None
        return Excerpt(
            text=text.path.read_bytes().decode("utf-8"),
            is_whole=is_whole,
            documents=len(text.ends),
            validation_at=None if at is None else at.characters,
            total_bytes=text.size.bytes if is_whole else total,
            notes=tuple(notes),
        )


def _bytes_looked_at(file: Path | None) -> int | None:
    """How much of a file is read at most."""
    if file is None:
        return None
    suffix = file.suffix.lower()
    if suffix not in TABLE_SUFFIXES:
        return EXCERPT_BYTES
    return OBJECT_BYTES if suffix == ".json" else RECORD_BYTES


def _plain_size(file: Path | None) -> int | None:
    """The size of a text in a file; what a table holds of it is not known beforehand."""
    is_plain = file is not None and file.suffix.lower() not in TABLE_SUFFIXES
    return file.stat().st_size if file is not None and is_plain else None
