"""The base of sources that are data sets of the Hub, of which there may be a local copy."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from gtt.config import DataConfig
from gtt.data import hub
from gtt.data.progress import Report
from gtt.data.source_names import HubName
from gtt.data.sources.source import OpenedSource, Places, Source
from gtt.data.streams import TextStream
from gtt.data.text_files import TABLE_SUFFIXES, open_file
from gtt.errors import UnusableData

LOOKED_THROUGH = 1 << 20  # bytes of a copy


class CopiedSource(Source):
    """A data set of the Hub of which a copy may lie in the shared folder, as text or as a table.

    `mark` is what a copy as text has in it, `marked_by` what to call that.
    """

    remote: ClassVar[HubName]
    mark: ClassVar[re.Pattern[str]]
    marked_by: ClassVar[str]

    def open(
        self, data: DataConfig, places: Places, limit: int | None, most: int | None = None
    ) -> OpenedSource:
        """The copy, else the data set itself, which is read while it arrives."""
        copy = self.local_copy(places)
        if copy is None:
            identity: dict[str, Any] = {"hub": self.remote.dataset, "name": self.name}
        else:
            with copy.open("rb") as file:  # a copy of 2 GB is told by its size and its beginning
                beginning = hashlib.sha256(file.read(1 << 20)).hexdigest()
            identity = {"copy": beginning, "bytes": copy.stat().st_size, "name": self.name}

        def read(report: Report) -> TextStream:
            if copy is None:
                stream = hub.open_hub(self.remote, None, self.copies[0])
            else:
                if copy.suffix.lower() not in TABLE_SUFFIXES:
                    self.refuse_other_text(copy)
                stream = saying_so(lambda _: open_file(copy, None, most=most), copy)(report)
            return self.documents(stream)

        return OpenedSource(identity, limit, read)

    def documents(self, stream: TextStream) -> TextStream:
        """The stream with the documents of the data set as its pieces."""
        return stream

    def refuse_other_text(self, copy: Path) -> None:
        """Raises `UnusableData` unless the beginning of a copy has the marks of the data set.

        The texts are passed on in several forms, so that no hash tells them all.
        """
        with copy.open("rb") as file:
            beginning = file.read(LOOKED_THROUGH).decode("utf-8", "replace")
        if not self.mark.search(beginning):
            raise UnusableData(
                f"{copy} is not {self.name}, whatever its name says: it has no {self.marked_by}. "
                "Bring the right file, or train on this one with --data and its path.",
                field="data.source",
            )


def saying_so(read: Callable[[Report], TextStream], copy: Path) -> Callable[[Report], TextStream]:
    """The same with a note that a copy was read."""

    def read_and_say_so(report: Report) -> TextStream:
        stream = read(report)
        stream.notes.append(f"The text was read from the copy {copy.name!r}.")
        return stream

    return read_and_say_so
