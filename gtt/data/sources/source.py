"""The interface of a built-in source of text."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from gtt.config import DataConfig
from gtt.data.exams import Exam
from gtt.data.fetch import find_by_name
from gtt.data.progress import Report
from gtt.data.streams import TextStream

OURS = "MIT, as GTT itself"


@dataclass(frozen=True)
class Places:
    """Where texts lie: the home's downloads, shared copies, and the visitor's uploads."""

    downloads: Path
    sources: Path | None
    uploads: Path | None = None


@dataclass(frozen=True)
class OpenedSource:
    """A source that is ready to be read, and what tells its text from any other.

    `identity` goes into the fingerprint, plain values only. `limit` is in bytes. `entropy_rate`,
    nats per character, is set where it is known.
    """

    identity: dict[str, Any]
    limit: int | None
    read: Callable[[Report], TextStream]
    entropy_rate: Callable[[], float] | None = None


class Source(ABC):
    """One built-in source, as the page and the terminal list it and as it is read.

    A source is a class with a `name` in a file of this package. `order` is its place in lists, the
    smallest first. `megabytes` is what is read where no limit is set, in 10^6 bytes, None where it
    depends on the machine; `read_at_most` is the limit that then holds, where there is one.
    `offline` sources need no network, ever; of another one a file of one of the names `copies`
    spares the download. `is_written` says that GTT writes it itself, without an end, `is_task` that
    its lines are questions with one right answer each.

    `licence_id`, `licence_name` (beside the id `other`), `language` and `dataset` are in the words
    of the Hub's model cards.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    description: ClassVar[str]
    licence: ClassVar[str]
    citation: ClassVar[str]
    url: ClassVar[str | None] = None
    order: ClassVar[int] = 1000
    megabytes: ClassVar[float | None] = None
    read_at_most: ClassVar[float | None] = None
    offline: ClassVar[bool] = False
    is_written: ClassVar[bool] = False
    is_task: ClassVar[bool] = False
    copies: ClassVar[tuple[str, ...]] = ()
    licence_id: ClassVar[str | None] = None
    licence_name: ClassVar[str | None] = None
    language: ClassVar[str | None] = None
    dataset: ClassVar[str | None] = None

    @abstractmethod
    def open(
        self, data: DataConfig, places: Places, limit: int | None, most: int | None = None
    ) -> OpenedSource:
        """The source, of which nothing is read yet.

        `limit` is in bytes. With `most`, for a preview, at most so many bytes are read, of a text
        that is on this machine; nothing is downloaded.
        """

    def local_copy(self, places: Places) -> Path | None:
        """The file that holds the text, where one is on this machine."""
        return find_by_name(self.copies, places.sources)

    def exam(self) -> Exam | None:
        """What a model of this text can be asked, beyond the loss."""
        return None

    def answer(self, question: str) -> str | None:
        """The one right answer to a question of the exam, where there is one."""
        return None

    def describe(self) -> dict[str, Any]:
        """What a list of sources tells of it, as plain values."""
        names = ("name", "title", "description", "licence", "megabytes", "offline", "citation")
        return {name: getattr(self, name) for name in (*names, "url")}
