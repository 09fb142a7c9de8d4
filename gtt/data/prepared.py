"""Finds the prepared corpus of some settings without reading the text again."""

from __future__ import annotations

from pathlib import Path

from gtt.config import DataConfig
from gtt.data.corpus import Corpus, fingerprint_of, reopen_corpus
from gtt.data.corpus_records import newest_records
from gtt.data.excerpt import Places
from gtt.data.reading import OpenedSource, open_source, read_as
from gtt.data.sources import Resolved
from gtt.data.streams import TextStream


def find_corpus(
    config: DataConfig, resolved: Resolved, places: Places, corpora: Path
) -> Corpus | None:
    """The corpus that was prepared with these very settings, if there is one."""
    if resolved.path is not None:
        fingerprint = _fingerprint_of_upload(config, resolved.path, corpora)
    else:
        source = open_source(resolved, config, places.downloads, places.sources)
        fingerprint = fingerprint_of(source, config)
    if fingerprint is None:
        return None
    return reopen_corpus(config, corpora, fingerprint, places.uploads)


def _fingerprint_of_upload(config: DataConfig, path: Path, corpora: Path) -> str | None:
    """The fingerprint of a corpus made from an upload, found by the upload's id.

    An upload never changes, so its id stands for its bytes; hashing a gigabyte would take too long.
    """
    limit = None if config.max_megabytes is None else max(1, int(config.max_megabytes * 1e6))
    read = read_as(path.suffix.lower(), config.column)
    for record in newest_records(corpora):
        try:
            if record["settings"]["source"] != config.source:
                continue
            identity = {**record["identity"], **read}
            source = OpenedSource(identity, limit, lambda _: TextStream(iter(()), None))
            if fingerprint_of(source, config) == record["fingerprint"]:
                return str(record["fingerprint"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return None
