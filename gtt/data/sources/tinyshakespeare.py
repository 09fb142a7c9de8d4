"""Tiny Shakespeare: the text of char-rnn and nanoGPT."""

from __future__ import annotations

from pathlib import Path

from gtt.config import DataConfig
from gtt.data.fetch import TINY_SHAKESPEARE, fetch, find_copy
from gtt.data.progress import Report
from gtt.data.sources.source import OpenedSource, Places, Source
from gtt.data.streams import TextStream
from gtt.data.text_files import open_file


class TinyShakespeare(Source):
    """One file that is fetched once."""

    name = "tinyshakespeare"
    title = "Tiny Shakespeare"
    description = "40,000 lines from Shakespeare's plays, the text of char-rnn and nanoGPT."
    licence = "public domain"
    licence_id, licence_name, language = "other", "public-domain", "en"
    citation = "Karpathy (2015), The Unreasonable Effectiveness of Recurrent Neural Networks"
    url = TINY_SHAKESPEARE.url
    order = 70
    megabytes = 1.115394
    copies = TINY_SHAKESPEARE.names

    def open(
        self, data: DataConfig, places: Places, limit: int | None, most: int | None = None
    ) -> OpenedSource:
        """The file, checked by its hash."""

        def read(report: Report) -> TextStream:
            copy = None if most is None else self.local_copy(places)
            file = copy or fetch(TINY_SHAKESPEARE, places.downloads, places.sources, report)
            return open_file(file, None, name=self.title if copy else None, most=most)

        return OpenedSource({"sha256": TINY_SHAKESPEARE.sha256}, limit, read)

    def local_copy(self, places: Places) -> Path | None:
        """A copy in the shared folder, else what was fetched before."""
        download = places.downloads / self.copies[0]
        return find_copy(TINY_SHAKESPEARE, places.sources) or (
            download if download.is_file() else None
        )
