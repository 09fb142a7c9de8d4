"""Where the text of a run comes from, as the Hub's model cards name it; nothing is guessed."""

from __future__ import annotations

from dataclasses import dataclass

from gtt.data.public_settings import public_source


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


def origin_of(source: str, text: str) -> Origin:
    """What is known of a source setting; `text` is what a person calls an uploaded file."""
    source_name = public_source(source, uploaded=text)
    if source_name.built_in is None:
        return Origin(
            title=source_name.title,
            source=source_name.setting,
            dataset=source_name.dataset,
            is_private=source_name.kind != "hub",
        )
    built_in = source_name.built_in
    return Origin(
        title=source_name.title,
        source=source_name.setting,
        licence=built_in.licence,
        licence_id=built_in.licence_id,
        licence_name=built_in.licence_name,
        language=built_in.language,
        dataset=built_in.dataset,
        citation=built_in.citation,
        url=built_in.url,
    )
