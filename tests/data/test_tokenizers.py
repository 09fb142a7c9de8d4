"""Round trips, coverage, determinism, and equality with what `AutoTokenizer` makes of the files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gtt.data import token_boundaries
from gtt.data.tokenizer_training import (
    load_pretrained_tokenizer,
    train_bpe_tokenizer,
    train_char_tokenizer,
)
from gtt.data.tokenizers import Tokenizer
from gtt.errors import BadInput, UnusableData

TEXT = (
    "It was the best of times, it was the worst of times.\n\n  Two  spaces, a\ttab, and a naïve "
    "café — “quoted”.\nDon't stop: 3.14 is not 42! 你好, 世界 🙂 e\u0301\n"
) * 20
CHARACTERS = "".join(sorted(set(TEXT)))
CHAR = train_char_tokenizer(TEXT)
BPE = train_bpe_tokenizer([TEXT], 400)

unicode_text = st.text(st.characters(exclude_categories=("Cs",)))
mixed_text = st.lists(
    st.one_of(unicode_text, st.sampled_from([" ", "\n", TEXT[:90], "\r\n", "'s"]))
)


@given(st.text(st.sampled_from(CHARACTERS)))
@settings(deadline=None)
def test_characters_come_back(text: str) -> None:
    assert CHAR.decode(CHAR.encode(text)) == text


@given(mixed_text.map("".join))
@settings(deadline=None)
def test_bpe_covers_every_text(text: str) -> None:
    assert BPE.decode(BPE.encode(text)) == text
    assert BPE.unknown_characters(text) == []


@given(mixed_text.map("".join))
@settings(deadline=None)
def test_a_pretrained_tokenizer_covers_every_text(text: str) -> None:
    """GPT-2's, which is here without a network."""
    tokenizer = load_pretrained_tokenizer("gpt2")
    assert tokenizer.kind == "pretrained" and tokenizer.vocab_size == 50257
    assert tokenizer.decode(tokenizer.encode(text)) == text
    assert tokenizer.unknown_characters(text) == []


@given(mixed_text.map("".join), st.integers(1, 60))
@settings(deadline=None)
def test_safe_cuts_change_no_token(text: str, size: int) -> None:
    parts = list(token_boundaries.cut(text, size))
    assert "".join(parts) == text
    whole = BPE._backend.encode(text, add_special_tokens=False).ids
    assert [id for part in parts for id in BPE._backend.encode(part).ids] == whole


def test_long_text_without_a_place_to_cut_comes_back() -> None:
    for text in ("x" * 200_000, " " * 200_000, "ab\n" * 70_000, "世界" * 70_000):
        assert BPE.decode(BPE.encode_array(text)) == text
        assert max(map(len, token_boundaries.in_chunks([text]))) <= 1 << 21
        assert "".join(token_boundaries.in_chunks([text[:150_000], text[150_000:]])) == text


def test_character_ids_are_in_code_point_order() -> None:
    tokenizer = train_char_tokenizer("hello world")
    assert tokenizer.alphabet == " dehlorw"
    assert tokenizer.vocab_size == 8
    assert tokenizer.encode("held") == [3, 2, 4, 1]
    assert tokenizer.encode_array("held").dtype == np.uint16
    assert tokenizer.token_text(0) == " "


def test_unknown_characters_are_named_with_what_is_covered() -> None:
    tokenizer = train_char_tokenizer("abcdefg \n")
    assert tokenizer.unknown_characters("a~b~\u00e9") == ["~", "\u00e9"]
    with pytest.raises(BadInput) as caught:
        tokenizer.encode("a~b~\u00e9")
    assert "'~', '\u00e9'" in caught.value.message
    assert "'a'-'g'" in caught.value.message
    assert caught.value.field == "text"


def test_lone_surrogates_are_refused_not_dropped() -> None:
    for tokenizer in (CHAR, BPE):
        assert tokenizer.unknown_characters("\ud800") == ["\ud800"]
        with pytest.raises(BadInput, match="ud800"):
            tokenizer.encode("a\ud800")


def test_ids_outside_the_vocabulary_are_refused() -> None:
    for tokenizer in (CHAR, BPE):
        with pytest.raises(BadInput, match="from 0 to"):
            tokenizer.decode([tokenizer.vocab_size])


def test_half_a_character_is_shown_as_the_replacement_character() -> None:
    ids = train_bpe_tokenizer(["plain"], 256).encode("🙂")
    tokenizer = train_bpe_tokenizer(["plain"], 256)
    assert tokenizer.decode(ids[:2]) == "\ufffd"
    assert tokenizer.token_text(ids[0]) == "\\xf0"


def test_merges_are_in_the_order_in_which_they_were_learned() -> None:
    tokenizer = train_bpe_tokenizer(["low low low lower lower newest"] * 5, 300)
    assert tokenizer.merges[0] == ("l", "o")
    assert tokenizer.vocab_size == 256 + len(tokenizer.merges) < 300
    assert tokenizer.token_text(256) == "lo"


def test_training_is_deterministic_across_processes() -> None:
    program = (
        "from gtt.data.tokenizer_training import train_bpe_tokenizer;"
        "import tests.data.test_tokenizers as t;"
        "print(train_bpe_tokenizer([t.TEXT], 400).merges)"
    )
    root = Path(__file__).parents[2]
    again = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True
    )
    assert again.stdout.strip() == str(BPE.merges)


@pytest.mark.parametrize("tokenizer", [CHAR, BPE], ids=["char", "bpe"])
def test_saved_files_load_here_and_in_transformers(tokenizer: Tokenizer, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer.save(tmp_path)
    again = Tokenizer.load(tmp_path)
    auto = AutoTokenizer.from_pretrained(tmp_path)
    assert again.kind == tokenizer.kind
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "special_tokens_map.json",
        "tokenizer.json",
        "tokenizer_config.json",
    ]
    for text in (TEXT, " don't , stop !  ", "\n\n", "a"):
        if tokenizer.unknown_characters(text):
            continue
        ids = tokenizer.encode(text)
        assert again.encode(text) == auto(text)["input_ids"] == ids
        assert again.decode(ids) == auto.decode(ids) == text
    assert len(auto) == tokenizer.vocab_size
    assert auto.special_tokens_map == {}


def test_character_files_raise_in_transformers_too(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    CHAR.save(tmp_path)
    with pytest.raises(Exception, match="UNK"):
        AutoTokenizer.from_pretrained(tmp_path)("ж")


def _pretrained(tmp_path: Path, **changes: object) -> Path:
    BPE.save(tmp_path)
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return tmp_path


def test_a_pretrained_tokenizer_is_taken_from_a_folder_a_file_or_the_shared_folder(
    tmp_path: Path,
) -> None:
    folder = _pretrained(tmp_path / "owner" / "name")
    for tokenizer in (
        load_pretrained_tokenizer(str(folder)),
        load_pretrained_tokenizer(str(folder / "tokenizer.json")),
        load_pretrained_tokenizer("owner/name", sources_folder=tmp_path),
    ):
        assert tokenizer.kind == "pretrained"
        assert tokenizer.encode(TEXT) == BPE.encode(TEXT)


def test_the_dressing_of_a_pretrained_tokenizer_is_taken_off(tmp_path: Path) -> None:
    folder = _pretrained(
        tmp_path,
        normalizer={"type": "NFC"},
        pre_tokenizer={"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True},
        truncation={"direction": "Right", "max_length": 3, "strategy": "LongestFirst", "stride": 0},
    )
    tokenizer = load_pretrained_tokenizer(str(folder))
    assert tokenizer.encode(TEXT) == BPE.encode(TEXT)
    assert tokenizer.covers_everything


def test_a_tokenizer_that_changes_the_text_is_refused(tmp_path: Path) -> None:
    folder = _pretrained(
        tmp_path,
        normalizer={"type": "Lowercase"},
        pre_tokenizer={"type": "Whitespace"},
        decoder=None,
    )
    with pytest.raises(UnusableData, match="does not give back the text") as caught:
        load_pretrained_tokenizer(str(folder))
    assert caught.value.field == "data.pretrained_tokenizer"


def test_missing_and_damaged_tokenizers_get_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gtt.data.hub.reachable", lambda: False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    with pytest.raises(UnusableData, match="Hub cannot be reached"):
        load_pretrained_tokenizer("nobody/nothing-of-this-name")
    with pytest.raises(UnusableData, match="neither a folder"):
        load_pretrained_tokenizer("x" * 300, tmp_path)
    with pytest.raises(UnusableData, match=r"has no tokenizer\.json"):
        load_pretrained_tokenizer(str(tmp_path))
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(UnusableData, match=r"is not a tokenizer\.json"):
        load_pretrained_tokenizer(str(tmp_path))
    with pytest.raises(UnusableData, match="There is no tokenizer"):
        Tokenizer.load(tmp_path / "nowhere")
