"""Where the text of a run comes from, as the Hub's model cards name it; nothing is guessed."""

from __future__ import annotations

from dataclasses import dataclass

from gtt.data.told import tell_source


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
    told = tell_source(source, uploaded=text)
    if told.built_in is None:
        return Origin(
            title=told.title,
            source=told.setting,
            dataset=told.dataset,
            is_private=told.kind != "hub",
        )
    built_in = told.built_in
    licence_id, licence_name, language, dataset = _KNOWN.get(built_in.name, (None,) * 4)
    return Origin(
        title=told.title,
        source=told.setting,
        licence=built_in.licence,
        licence_id=licence_id,
        licence_name=licence_name,
        language=language,
        dataset=dataset,
        citation=built_in.citation,
        url=built_in.url,
    )
