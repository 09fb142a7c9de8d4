"""Where the text of a run comes from, as the Hub's model cards name it; nothing is guessed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

from gtt.data.sources import SOURCES, UPLOAD


@dataclass(frozen=True)
class Origin:
    """A text. What is not known is None.

    `licence_id` and `language` are in the Hub's own words, `licence` is for people, `licence_name`
    goes beside the id `other`, `dataset` is one of the Hub, `source` is safe to publish: no path of
    a computer and no id of an upload.
    """

    title: str
    source: str
    licence: str | None = None
    licence_id: str | None = None
    licence_name: str | None = None
    language: str | None = None
    dataset: str | None = None
    citation: str | None = None
    url: str | None = None
    is_private: bool = False


# Licence and language of the built-in sources by the ids of the Hub's model cards.
_KNOWN: dict[str, tuple[str, str | None, str | None, str | None]] = {
    "tales": ("mit", None, "en", None),
    "copy": ("mit", None, None, None),
    "reverse": ("mit", None, None, None),
    "addition": ("mit", None, None, None),
    "induction": ("mit", None, None, None),
    "python": ("other", "psf-2.0", "code", None),
    "tinyshakespeare": ("other", "public-domain", "en", None),
    "wikitext-2": ("cc-by-sa-3.0", None, "en", "Salesforce/wikitext"),
    "tinystories": ("cdla-sharing-1.0", None, "en", "roneneldan/TinyStories"),
}


def origin_of(source: str, text: str) -> Origin:
    """What is known of a source setting; `text` is what a person calls an uploaded file."""
    name = source.strip()
    built_in = SOURCES.get(name.lower())
    if built_in is not None:
        licence_id, licence_name, language, dataset = _KNOWN.get(built_in.name, (None,) * 4)
        return Origin(
            title=built_in.title,
            source=built_in.name,
            licence=built_in.licence,
            licence_id=licence_id,
            licence_name=licence_name,
            language=language,
            dataset=dataset,
            citation=built_in.citation,
            url=built_in.url,
        )
    if name.startswith(UPLOAD):
        return Origin(title=text, source="text.txt", is_private=True)
    if PurePath(name).suffix or PurePath(name).is_absolute():
        return Origin(title=PurePath(name).name, source=PurePath(name).name, is_private=True)
    dataset = name.partition(":")[0]
    return Origin(title=dataset, source=name, dataset=dataset)
