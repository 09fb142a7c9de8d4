"""Every setting and every shown quantity is explained, and nothing else is."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from gtt.config import describe_settings
from gtt.errors import BadInput
from gtt.explain import (
    FOLDER,
    PARAGRAPHS,
    TIP_LENGTH,
    concepts,
    explain,
    parse_concept,
    read_concepts,
)
from gtt.training.quantities import quantities

WELL_FORMED = "# Dropout\n\n> Buys this; costs that.\n\nOne\nwrapped.\n\nTwo.\n"


def used_concepts() -> set[str]:
    settings = {setting.concept for setting in describe_settings()}
    return settings | {quantity.concept for quantity in quantities().values()}


def test_no_concept_is_missing() -> None:
    assert not used_concepts() - concepts().keys()


def test_no_concept_is_orphaned() -> None:
    assert not concepts().keys() - used_concepts()


def test_the_folder_holds_nothing_but_concepts() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {f"{id}.md" for id in concepts()}


def test_quantities_are_listed_by_their_own_id() -> None:
    assert all(id == quantity.id for id, quantity in quantities().items())


@pytest.mark.parametrize("id", sorted(concepts()))
def test_a_concept_fits_its_places(id: str) -> None:
    concept = concepts()[id]
    assert concept.id == id
    assert concept.title
    assert 0 < len(concept.tip) <= TIP_LENGTH
    assert not set(concept.tip) & set("`*_[]<>"), "a tip is plain text"
    assert len(concept.body.split("\n\n")) in PARAGRAPHS
    assert 90 <= len(concept.body.split()) <= 220
    assert concept.body.count("`") % 2 == 0


EFFECTS = "buys costs cuts counts ends fixes gives guarantees judges keeps lets makes marks"
EFFECTS += " measures picks pulls repeats sets shows tells turns warns widens hides"


@pytest.mark.parametrize("id", sorted(concepts()))
def test_a_tip_says_what_a_thing_is_before_what_it_does(id: str) -> None:
    first, *_ = concepts()[id].tip.lower().split()
    assert first not in EFFECTS.split(), "a tip begins with what the thing is"


def test_titles_tell_concepts_apart() -> None:
    titles = [concept.title for concept in concepts().values()]
    assert len(set(titles)) == len(titles)


def test_a_title_is_what_the_page_calls_the_thing() -> None:
    """A person who clicks on "Warm-up" must not land on a page called otherwise."""
    for setting in describe_settings():
        assert explain(setting.concept).title == setting.label
    for quantity in quantities().values():
        assert quantity.label.lower() in explain(quantity.concept).title.lower()


def test_explain_finds_a_concept_and_its_records_are_frozen() -> None:
    concept = explain("warmup_steps")
    assert concept.title == "Warm-up"
    with pytest.raises(dataclasses.FrozenInstanceError):
        concept.tip = ""  # type: ignore[misc]


def test_changing_the_returned_table_leaves_the_next_one_whole() -> None:
    concepts().clear()
    assert "dropout" in concepts()


@pytest.mark.parametrize(
    ("asked", "nearest"), [("drop_out", "dropout"), ("learningrate", "learning_rate")]
)
def test_an_unknown_id_names_the_nearest(asked: str, nearest: str) -> None:
    with pytest.raises(BadInput, match=f"'{asked}'.*nearest is '{nearest}'"):
        explain(asked)


@pytest.mark.parametrize("asked", ["", "??", "x" * 100_000])
def test_a_hopeless_id_is_still_answered_with_one_short_sentence(asked: str) -> None:
    with pytest.raises(BadInput) as caught:
        explain(asked)
    assert len(caught.value.message) < 200


def test_parsing_joins_wrapped_lines() -> None:
    concept = parse_concept("dropout", WELL_FORMED)
    assert concept.title == "Dropout"
    assert concept.tip == "Buys this; costs that."
    assert concept.body == "One wrapped.\n\nTwo."


def test_windows_line_ends_and_a_byte_order_mark_are_harmless(tmp_path: Path) -> None:
    windows = b"\xef\xbb\xbf" + WELL_FORMED.replace("\n", "\r\n").encode()
    (tmp_path / "dropout.md").write_bytes(windows)
    assert read_concepts(tmp_path)["dropout"] == parse_concept("dropout", WELL_FORMED)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "must begin with a line '# Title'"),
        ("Dropout\n\n> Tip.\n\nOne.\n\nTwo.", "must begin with a line '# Title'"),
        ("#\n\n> Tip.\n\nOne.\n\nTwo.", "must begin with a line '# Title'"),
        ("# Dropout\n> Tip.\n\nOne.\n\nTwo.", "must begin with a line '# Title'"),
        ("# Dropout\n\nOne.\n\nTwo.", "needs one line '> tip'"),
        ("# Dropout\n\n>\n\nOne.\n\nTwo.", "needs one line '> tip'"),
        ("# Dropout\n\n> Tip\n> goes on.\n\nOne.\n\nTwo.", "needs one line '> tip'"),
        (f"# Dropout\n\n> {'x' * 141}\n\nOne.\n\nTwo.", "a tip of 141 characters"),
        ("# Dropout\n\n> Tip.", "has 0 paragraphs"),
        ("# Dropout\n\n> Tip.\n\nOne.", "has 1 paragraph after"),
        ("# Dropout\n\n> Tip.\n\n1\n\n2\n\n3\n\n4", "has 4 paragraphs"),
        ("# Dropout\n\n> Tip.\n\nOne.\n\n# Again", "second title or tip"),
    ],
)
def test_a_malformed_file_is_refused_with_its_fault(text: str, fault: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_concept("dropout", text)
    assert caught.value.message.startswith("The explanation dropout.md ")
    assert fault in caught.value.message


def test_a_file_in_another_encoding_is_refused_with_its_fault(tmp_path: Path) -> None:
    (tmp_path / "dropout.md").write_bytes("# Dröpout".encode("latin-1"))
    with pytest.raises(BadInput, match=r"dropout\.md .*UTF-8"):
        read_concepts(tmp_path)


def test_explaining_needs_no_torch() -> None:
    code = "import sys, gtt.explain; gtt.explain.concepts(); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
