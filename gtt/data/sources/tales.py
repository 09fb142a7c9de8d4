"""Tales: short stories from a small language whose rules are written down."""

from __future__ import annotations

import hashlib

from gtt.config import DataConfig
from gtt.data.exams import Exam, TalesExam
from gtt.data.progress import Report
from gtt.data.sources.source import OURS, OpenedSource, Places, Source
from gtt.data.streams import TextStream


class Tales(Source):
    """The language of `gtt/data/tales.py`."""

    name = "tales"
    title = "Tales"
    description = (
        "Short tales from a small language whose rules are written down, so that the lowest "
        "possible loss is known and every sentence can be judged."
    )
    licence = OURS
    licence_id = "mit"
    language = "en"
    citation = "GTT, gtt/data/tales.py"
    order = 10
    megabytes = read_at_most = 1
    offline = is_written = True

    def open(
        self, data: DataConfig, places: Places, limit: int | None, most: int | None = None
    ) -> OpenedSource:
        """Tales that the seed of the data draws."""
        from gtt.data import tales

        def read(_: Report) -> TextStream:
            written = tales.write_tales(limit or 1_000_000, data.seed)
            return TextStream(written, "", limit, endless=True)

        # The beginning stands for the language: a later version of it is another text.
        beginning = "".join(tales.write_tales(10_000, data.seed))
        sha256 = hashlib.sha256(beginning.encode("utf-8")).hexdigest()
        identity = {"tales": sha256, "seed": data.seed}
        return OpenedSource(identity, limit, read, tales.entropy_rate)

    def exam(self) -> Exam:
        """The share of sentences that belong to the language."""
        return TalesExam()
