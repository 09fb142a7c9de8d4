"""Tables with tabs between their cells, `.tsv` or called `.csv`: as any other table."""

from __future__ import annotations

from pathlib import Path

import pytest
from reading_tables import read

from gtt.config import DataConfig
from gtt.data.corpus import build_corpus
from gtt.data.excerpt import Places, read_excerpt
from gtt.data.sources import resolve_source
from gtt.errors import UnusableData

TEXTS = [f"The {['old', 'quick', 'small'][i % 3]} boat, number {i}, went out." for i in range(60)]
SAID = [f'"Oh no," said boat {i}.' for i in range(60)]
TABBED = [f'{text}\twith a "tab"\nand a break' for text in TEXTS]
NO_HEADING = "The file has no heading: its first row was read like the others."


def lines(template: str, texts: list[str], first: int = 0) -> str:
    return "".join(template.format(i=i, t=text) for i, text in enumerate(texts, first))


def quoted(texts: list[str]) -> list[str]:
    return [text.replace('"', '""') for text in texts]


READ: dict[str, tuple[str, list[str], str]] = {
    "plain.tsv": ("id\ttext\n" + lines("{i}\t{t}\n", TEXTS), TEXTS, "chosen from id, text"),
    "BIG.TSV": ("id\ttext\n" + lines("{i}\t{t}\n", TEXTS), TEXTS, "chosen from id, text"),
    "no heading.tsv": (lines("{i}\t{t}\n", TEXTS), TEXTS, NO_HEADING),
    "sentences.tsv": (lines("{t}\tDer alte Kahn {i}.\n", TEXTS), TEXTS, NO_HEADING),
    "quoted.tsv": ("id\ttext\n" + lines('{i}\t"{t}"\n', quoted(TABBED)), TABBED, "was read"),
    "said.tsv": ("id\ttext\n" + lines("{i}\t{t}\n", SAID), SAID, "Quotation marks were read as"),
    "said first.tsv": ("text\tid\n" + lines("{t}\t{i}\n", SAID), SAID, "Quotation marks"),
    "tabs.csv": ("id\ttext\n" + lines("{i}\t{t}\n", TEXTS), TEXTS, "chosen from id, text"),
    "quoted.csv": ("id\ttext\n" + lines('{i}\t"{t}"\n', quoted(TABBED)), TABBED, "was read"),
    "no heading.csv": (lines("{i}\t{t}\n", TEXTS), TEXTS, NO_HEADING),
    # The heading has a comma in it, the file has no tab at all, the only column has none.
    "a comma.tsv": ('"Name, first"\ttext\n' + lines("N, {i}\t{t}\n", TEXTS), TEXTS, "was read"),
    "commas.tsv": ("id,text\n" + lines('{i},"{t}"\n', TEXTS), TEXTS, "chosen from id, text"),
    "one.tsv": ("text\n" + lines("{t}\n", TEXTS), TEXTS, "the only one"),
    "prose.tsv": (lines("{t}\n", TEXTS), TEXTS, "the only one"),
    "title.tsv": ("Boats\nid\ttext\n" + lines("{i}\t{t}\n", TEXTS), TEXTS, "Line 1 was left out"),
    "ends.tsv": ("id\ttext\t\n" + lines("{i}\t{t}\t\n", TEXTS), TEXTS, "chosen from id, text."),
    "names of rows.tsv": (
        '"x"\t"text"\n' + lines('"{i}"\t{i}\t"{t}"\n', TEXTS, 1),
        TEXTS,
        "as R writes names of rows",
    ),
    "numbers of rows.tsv": (
        "id\ttext\n" + lines("{i}\t9{i}\t{t}\n", TEXTS, 1),
        TEXTS,
        "as R writes names of rows",
    ),
    "few cells.tsv": ("text\tlabel\nHello\nyou\tpos\n", ["Hello", "you"], "1 row has fewer cells"),
}


@pytest.mark.parametrize("name", READ)
def test_it_is_read_whole_and_alike_in_preview_and_run(tmp_path: Path, name: str) -> None:
    text, texts, note = READ[name]
    path = tmp_path / name
    path.write_bytes(text.encode())
    documents, notes = read(path)
    assert documents == texts and note in notes
    config = DataConfig(source=str(path))
    seen = read_excerpt(resolve_source(str(path)), config, Places(tmp_path, None, None))
    assert seen.text == "".join(f"{text}\n\n" for text in texts)
    if len(texts) > 2:
        corpus = build_corpus(config, tmp_path / "corpora")
        assert len(corpus.train) + len(corpus.validation) == len(seen.text)
        assert set(seen.notes) <= set(corpus.notes)


REFUSED = {
    "wide.tsv": (
        "id\ttext\n" + lines("{i}\t{t}\n", TEXTS) + "9\tone\ttwo\n",
        r"Line 62 of wide\.tsv has 3 cells, and the heading has 2 \(id, text\): put a text with a "
        "tab in it into quotation marks",
    ),
    # A tab within each text: what stands behind it was read alone.
    "cut.tsv": ("id\ttext\n" + lines("{i}\t{t}\tand on.\n", TEXTS), r"Line 2 of cut\.tsv has 3"),
    "cut.csv": ("id\ttext\n" + lines("{i}\t{t}\tand on.\n", TEXTS), r"Line 2 of cut\.csv has 3"),
    "counted.tsv": ("#\ttext\n" + lines("{i}\t{t}\tand on.\n", TEXTS, 1), r"Line 2 of counted"),
    "open.tsv": (
        "id\ttext\n" + lines("{i}\t{t}\n", TEXTS) + '3\t"never closed\n4\tmore\n',
        r"Line 62 of open\.tsv opens a quotation mark that is never closed",
    ),
    "numbers.tsv": (lines("{i}\t{i}\n", TEXTS), "numbers.tsv has no column with text"),
    "empty.tsv": ("\t\t\n\t\n", "empty.tsv has no rows"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused_in_plain_words(tmp_path: Path, name: str) -> None:
    text, words = REFUSED[name]
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    for look in (
        lambda: read(path),
        lambda: build_corpus(DataConfig(source=str(path)), tmp_path / "corpora"),
        lambda: read_excerpt(
            resolve_source(str(path)),
            DataConfig(source=str(path)),
            Places(tmp_path, None, None),
        ),
    ):
        with pytest.raises(UnusableData, match=words) as caught:
            look()
        assert "\n" not in caught.value.message and "\t" not in caught.value.message
