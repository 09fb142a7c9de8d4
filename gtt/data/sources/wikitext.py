"""WikiText-2: articles of the English Wikipedia."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gtt.data.source_names import HubName
from gtt.data.sources.copied import CopiedSource
from gtt.data.streams import TextStream

_HEADING = re.compile(r" = [^=\n]+ = \n")


class WikiText(CopiedSource):
    """Each article is one document."""

    name = "wikitext-2"
    title = "WikiText-2"
    description = "Good and featured articles of the English Wikipedia (raw form, training split)."
    licence = "CC BY-SA 3.0"
    licence_id, language, dataset = "cc-by-sa-3.0", "en", "Salesforce/wikitext"
    citation = "Merity et al. (2016), Pointer Sentinel Mixture Models, arXiv:1609.07843"
    url = "https://huggingface.co/datasets/Salesforce/wikitext"
    order = 80
    megabytes = 10.9
    copies = ("wikitext-2.txt", "wiki.train.raw", "wikitext-2.parquet", "wikitext-2.jsonl")
    remote = HubName("Salesforce/wikitext", "wikitext-2-raw-v1", "train", "text")
    mark = re.compile(r"(?m)^ = [^=\n]+ = ?$")
    marked_by = "headings of articles, ' = Title = '"

    def documents(self, stream: TextStream) -> TextStream:
        """The articles, put together from their lines."""
        lines = stream.pieces if stream.separator is not None else _lines(stream.pieces)
        stream.pieces, stream.separator = articles(lines), ""
        return stream


def articles(rows: Iterator[str]) -> Iterator[str]:
    """The articles of WikiText from its lines: each begins with a heading of the first level.

    The Hub gives blank lines as empty rows; here they are line breaks again.
    """
    lines: list[str] = []
    for row in rows:
        line = row if row.endswith("\n") else row + "\n"
        if lines and _HEADING.fullmatch(line):
            yield "".join(lines)
            lines = []
        lines.append(line)
    if lines:
        yield "".join(lines)


def _lines(stretches: Iterator[str]) -> Iterator[str]:
    waiting = ""
    for stretch in stretches:
        *whole, waiting = (waiting + stretch).split("\n")
        yield from (line + "\n" for line in whole)
    if waiting:
        yield waiting
