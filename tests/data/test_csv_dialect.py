"""Separated tables as programs and people write them: read as what they are, or refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from reading_tables import read

from gtt.config import DataConfig
from gtt.data.corpus import build_corpus
from gtt.data.excerpt import Places, read_excerpt
from gtt.data.sources import resolve_source
from gtt.errors import UnusableData

TEXTS = [
    f"The {['old', 'quick', 'small'][i % 3]} boat number {i} went out at dawn." for i in range(90)
]
SAID = [f'He said "{text[:-1]}", and left.' for text in TEXTS]
COMMAS = [f"Well, {text}" for text in TEXTS]
OH = [f'"Oh" {text}' for text in TEXTS]
ESCAPED = [text.replace('"', '\\"') for text in SAID]


def lines(template: str, texts: list[str], first: int = 0) -> str:
    return "".join(template.format(i=i, t=text) for i, text in enumerate(texts, first))


READ: dict[str, tuple[str, list[str], str]] = {
    # R: write.table, whose heading has no name for the names of rows.
    "R, commas": ('"id","text"\n' + lines('"{i}",{i},"{t}"\n', COMMAS, 1), COMMAS, "R writes"),
    "R, tabs, bare": ("id\ttext\n" + lines("{i}\t{i}\t{t}\n", TEXTS, 1), TEXTS, "R writes"),
    "R, one column": ('"text"\n' + lines('"{i}","{t}"\n', COMMAS, 1), COMMAS, "R writes"),
    "R, one bare column": ("text\n" + lines("{i},{t}\n", TEXTS, 1), TEXTS, "R writes"),
    "R, semicolons": ('"text"\n' + lines('"{i}";"{t}"\n', COMMAS, 1), COMMAS, "R writes"),
    "R, blanks": ('"id" "text"\n' + lines('"{i}" {i} "{t}"\n', COMMAS, 1), COMMAS, "R writes"),
    "R, names": ('"id","text"\n' + lines('"row {i}",{i},"{t}"\n', TEXTS), TEXTS, "R writes"),
    "R, write.csv": ('"","text"\n' + lines('"{i}","{t}"\n', COMMAS, 1), COMMAS, "column 1, text"),
    "pandas": (",text\n" + lines('{i},"{t}"\n', COMMAS), COMMAS, "column 1, text"),
    # A backslash before a quotation mark, as MySQL, Spark and others write it.
    "escaped": ("id,text\n" + lines('{i},"{t}"\n', ESCAPED), SAID, "A backslash before"),
    "escaped, one column": ("text\n" + lines('"{t}"\n', ESCAPED), SAID, "A backslash before"),
    "escaped, no heading": (lines('pos,"{t}"\n', ESCAPED), SAID, "no heading"),
    "escaped separators": (
        "id,text\n" + lines("{i},{t}\n", [text.replace(",", "\\,") for text in COMMAS]),
        COMMAS,
        "A backslash before",
    ),
    "escaped backslash": (
        "id,text\n" + lines('{i},"a \\"b\\" in C:\\\\"\n', TEXTS),
        ['a "b" in C:\\'] * len(TEXTS),
        "A backslash before",
    ),
    "a backslash that is none": (
        "id,text\n" + lines('{i},"C:\\new\\{t}, ""x"""\n', TEXTS),
        [f'C:\\new\\{text}, "x"' for text in TEXTS],
        "was read",
    ),
    # Quotation marks that do not enclose cells, and blanks after separators.
    "bare, tabs": (
        "id\ttext\n" + lines('{i}\t"Oh" {t}\n', TEXTS),
        OH,
        "read as parts of the texts",
    ),
    "bare, commas": (
        "id,text\n" + lines('{i},"Oh" {t}\n', TEXTS),
        OH,
        "read as parts of the texts",
    ),
    "bare, open": (
        "id\ttext\n" + lines('{i}\t"{t}\n', TEXTS),
        [f'"{text}' for text in TEXTS],
        "read as parts of the texts",
    ),
    "within": ("id,text\n" + lines('{i},Oh "{t}"\n', TEXTS), [f'Oh "{t}"' for t in TEXTS], "was"),
    "blanks": ("id, text\n" + lines('{i}, "{t}"\n', COMMAS), COMMAS, "chosen from id, text"),
    "decimal commas": ("x;text\n" + lines("{i},5;{t}\n", TEXTS), TEXTS, "chosen from x, text"),
    # Lines above the heading.
    "title": ("My export\nid,text\n" + lines("{i},{t}\n", TEXTS), TEXTS, "Line 1 was left out"),
    "title, blank": ("My export\n\nid,text\n" + lines("{i},{t}\n", TEXTS), TEXTS, "on line 3"),
    "title, wide": ("My export,,\nid,n,text\n" + lines("{i},1,{t}\n", TEXTS), TEXTS, "on line 2"),
    "two titles": (
        "My export\nof May\nid;text\n" + lines("{i};{t}\n", TEXTS),
        TEXTS,
        "Lines 1 to 2 were left out",
    ),
    "comments": (
        "# by a tool, 2024\n# second\nid,text\n" + lines("{i},{t}\n", TEXTS),
        TEXTS,
        "Lines 1 to 2 were left out ('# by a tool, 2024'): the heading stands on line 3.",
    ),
    "comment, one column": ("# a tool\ntext\n" + lines("{t}\n", COMMAS), COMMAS, "on line 2"),
    "heading in a comment": ("#id,text\n" + lines("{i},{t}\n", TEXTS), TEXTS, "#id, text"),
    "hashtags": (
        lines("#{i} {t}\n", COMMAS),
        [f"#{i} {t}" for i, t in enumerate(COMMAS)],
        "no head",
    ),
    # No heading.
    "one column": (lines("{t}\n", TEXTS), TEXTS, "no heading"),
    "one quoted column": (lines('"{t}"\n', COMMAS), COMMAS, "no heading"),
    "numbers": (lines("{i},{t}\n", TEXTS), TEXTS, "no heading"),
    "labels": (lines("{t};pos\n", TEXTS), TEXTS, "no heading"),
    "excel": (
        "sep=;\r\nid;text\r\n" + lines("{i};{t}\r\n", COMMAS),
        COMMAS,
        "chosen from id, text",
    ),
    "excel, title": (
        "sep=;\nMy export, of May\nid;text\n" + lines("{i};{t}\n", COMMAS),
        COMMAS,
        "Line 2 was left out ('My export, of May'): the heading stands on line 3.",
    ),
    "excel, two titles": (
        "sep=;\n\nMy export;\nof May\n\nid;text\n" + lines("{i};{t}\n", COMMAS),
        COMMAS,
        "Lines 3 to 4 were left out",
    ),
    "excel, one column": ("sep=;\ntext\n" + lines("{t}\n", COMMAS), COMMAS, "was read"),
}


@pytest.mark.parametrize("name", READ)
def test_it_is_read_as_what_it_is(tmp_path: Path, name: str) -> None:
    """Every text, whole and alone; a preview and a run say the same."""
    text, texts, note = READ[name]
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode())
    documents, notes = read(path)
    assert documents == texts
    assert note in notes
    config = DataConfig(source=str(path))
    seen = read_excerpt(resolve_source(str(path)), config, Places(tmp_path, None, None))
    corpus = build_corpus(config, tmp_path / "corpora")
    assert seen.text.split("\n\n")[:-1] == texts
    assert len(corpus.train) + len(corpus.validation) == len(seen.text)
    assert set(seen.notes) <= set(corpus.notes)


def test_an_escape_that_comes_late_is_read_too(tmp_path: Path) -> None:
    """Beyond the lines by which a file is judged."""
    texts = [*(COMMAS * 60), *SAID]
    rows = [text.replace('"', '\\"') for text in texts]
    path = tmp_path / "a.csv"
    path.write_text("id,text\n" + lines('{i},"{t}"\n', rows))
    documents, notes = read(path)
    assert documents == texts and "A backslash before" in notes


REFUSED = {
    "bare commas": ("id,text\n" + lines("{i},{t}\n", COMMAS), r"Line 2 of a\.csv has 3 cells"),
    "one more at times": (
        '"id","text"\n' + lines('"{i}",{i},"{t}"\n', TEXTS * 3) + '8,"a",b,"c"\n',
        r"Line 272 of a\.csv has 4 cells",
    ),
    "a quotation mark late": (
        "id,text\n" + lines('{i},"{t}"\n', COMMAS * 3) + '9,"Oh" he said\n',
        r"Line 272 of a\.csv has a quotation mark within a quoted cell",
    ),
    "title that may be a text": (
        "A line\nfoo,bar\nbaz,qux\nbee,ant\n",
        r"Line 1 of a\.csv has 1 cell, and the lines below have 2: if it is a title, take it out",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_may_be_read_in_two_ways_is_refused(tmp_path: Path, name: str) -> None:
    text, words = REFUSED[name]
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(UnusableData, match=words):
        read(path)
    config = DataConfig(source=str(path))
    with pytest.raises(UnusableData, match=words):
        read_excerpt(resolve_source(str(path)), config, Places(tmp_path, None, None))


@pytest.mark.parametrize(
    "text",
    ["# a\n;;\nb\n", "#\n,,\n,,\nx,y\n", "Title\n\n\n", "#\n#\n", "sep=;\n", '"a"\n"', "\\\n\\,\n"],
)
def test_what_is_hardly_a_table_gets_a_sentence_at_most(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text)
    try:
        documents, _ = read(path)
    except UnusableData as refused:
        assert "a.csv" in refused.message and "\n" not in refused.message
    else:
        assert all(document in text for document in documents)


def test_a_sentence_stays_on_one_line_whatever_columns_are_called(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('id,"te\nxt"\n1,a\n2,b,c\n')
    with pytest.raises(
        UnusableData, match=r"Line 4 of a\.csv has 3 cells.*\(id, te xt\)"
    ) as caught:
        read(path)
    assert "\n" not in caught.value.message
