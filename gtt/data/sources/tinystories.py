"""TinyStories: stories in the words of a small child."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gtt.data.source_names import HubName
from gtt.data.sources.copied import CopiedSource
from gtt.data.streams import TextStream


class TinyStories(CopiedSource):
    """Each story is one document."""

    name = "tinystories"
    title = "TinyStories"
    description = (
        "Short stories in the words of a small child, written by GPT-3.5 and GPT-4; the first "
        "20 MB unless another limit is set."
    )
    licence = "CDLA-Sharing-1.0"
    licence_id, language, dataset = "cdla-sharing-1.0", "en", "roneneldan/TinyStories"
    citation = (
        "Eldan and Li (2023), TinyStories: How Small Can Language Models Be and Still Speak "
        "Coherent English?, arXiv:2305.07759"
    )
    url = "https://huggingface.co/datasets/roneneldan/TinyStories"
    order = 90
    megabytes = read_at_most = 20
    copies = (
        "tinystories.txt",
        "TinyStories-train.txt",
        "TinyStoriesV2-GPT4-train.txt",
        "tinystories.parquet",
        "tinystories.jsonl",
    )
    remote = HubName("roneneldan/TinyStories", None, "train", "text")
    mark = re.compile(r"<\|endoftext\|>")
    marked_by = "<|endoftext|> between its stories"

    def documents(self, stream: TextStream) -> TextStream:
        """The stories; in a plain text a mark ends each of them."""
        if stream.separator is None:
            stream.pieces, stream.separator = stories(stream.pieces), "\n\n"
        return stream


def stories(stretches: Iterator[str], mark: str = "<|endoftext|>") -> Iterator[str]:
    """The stories of a plain text in which `mark` ends each of them."""
    waiting = ""
    for stretch in stretches:
        waiting += stretch
        *whole, waiting = waiting.split(mark)
        yield from filter(None, map(str.strip, whole))
    if waiting.strip():
        yield waiting.strip()
