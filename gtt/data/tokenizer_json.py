"""Reading `tokenizer.json` files of the `tokenizers` library: where they lie, of which kind."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from gtt.data.sources import is_there, local_path
from gtt.errors import UnusableData
from gtt.plain_files import read_plain_text

if TYPE_CHECKING:
    import tokenizers as library

EVERY_CHARACTER = r"[\s\S]"
"""The pattern by which a character-level tokenizer splits."""

PROBES = (
    "Hello, World! It's 3.14 o'clock.",
    " a leading space,  two  spaces and one at the end ",
    "\n\nLines\n\tand tabs\n",
    "naïve café “quotes” 你好 🙂 e\u0301 ﬁ ½ .",
)
"""Texts that a tokenizer has to give back as far as it covers them."""


def find_pretrained(name: str, sources_folder: Path | None) -> Path:
    """The `tokenizer.json` of a local name, else of the Hub; raises `UnusableData`."""
    own = local_path(name)
    places = [own] if is_there(own) else []
    if sources_folder is not None:
        shared = [sources_folder / name, sources_folder / name.replace("/", "--")]
        places += filter(is_there, shared)
    for place in places:
        if place.is_dir() and (place / "tokenizer.json").is_file():
            return place / "tokenizer.json"
        if place.is_file():
            return place
    if own in places:
        raise UnusableData(
            f"The folder {name!r} has no tokenizer.json: save the tokenizer in the fast format.",
            field="data.pretrained_tokenizer",
        )
    from gtt.data.hub import download_tokenizer

    return download_tokenizer(name)


def read_backend(path: Path) -> library.Tokenizer:
    """Raises `UnusableData` where `path` is no tokenizer of the library."""
    from tokenizers import Tokenizer as Backend

    try:
        return Backend.from_str(read_plain_text(path))
    except OSError as error:
        raise UnusableData(f"There is no tokenizer at {path}: {error.strerror}.") from None
    except Exception as error:  # the library raises nothing more precise
        raise UnusableData(f"{path} is not a tokenizer.json: {error}.") from None


def without_dressing(backend: library.Tokenizer) -> library.Tokenizer:
    """The same vocabulary without added tokens, added spaces, truncation and normalisation."""
    from tokenizers import Tokenizer as Backend

    layout = json.loads(backend.to_str())
    layout.update(truncation=None, padding=None, post_processor=None)
    if is_byte_level(backend):
        layout["normalizer"] = None
        for step in _steps(layout["pre_tokenizer"]):
            if step["type"] == "ByteLevel":
                step["add_prefix_space"] = False
    return Backend.from_str(json.dumps(layout))


def is_byte_level(backend: library.Tokenizer) -> bool:
    """Whether it is BPE over bytes with a token for each, so that it covers every text."""
    kinds = [step["type"] for step in _steps(_pre_tokenizer(backend))]
    return (
        type(backend.model).__name__ == "BPE"
        and "ByteLevel" in kinds
        and all(backend.token_to_id(symbol) is not None for symbol in BYTE_OF)
    )


def is_character_level(backend: library.Tokenizer) -> bool:
    """Whether each token is one character, as `train_char_tokenizer` makes it."""
    return (
        type(backend.model).__name__ == "WordLevel"
        and (_pre_tokenizer(backend) or {}).get("pattern") == {"Regex": EVERY_CHARACTER}
        and all(len(token) == 1 for token in backend.get_vocab())
    )


def _pre_tokenizer(backend: library.Tokenizer) -> dict[str, Any] | None:
    part = backend.pre_tokenizer
    return None if part is None else cast("dict[str, Any]", json.loads(part.__getstate__()))


def _steps(part: dict[str, Any] | None) -> list[dict[str, Any]]:
    if part is None:
        return []
    if part["type"] == "Sequence":
        return [step for inner in part.get("pretokenizers", []) for step in _steps(inner)]
    return [part]


def _byte_symbols() -> dict[str, int]:
    """GPT-2's byte alphabet: a visible character for each byte (`bytes_to_unicode`)."""
    visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in visible]
    symbols = {chr(byte): byte for byte in visible}
    return symbols | {chr(256 + place): byte for place, byte in enumerate(hidden)}


BYTE_OF = _byte_symbols()


def show_ranges(characters: Sequence[str], most: int = 40) -> str:
    """Characters in code point order, runs as `a-z`: `'\\n' ' ' '!' 'A'-'Z'`."""
    runs: list[list[str]] = []
    for character in characters:
        if runs and ord(character) == ord(runs[-1][-1]) + 1:
            runs[-1].append(character)
        else:
            runs.append([character])
    ranges = [
        " ".join(map(repr, run)) if len(run) < 4 else f"{run[0]!r}-{run[-1]!r}" for run in runs
    ]
    return " ".join(ranges[:most]) + (" ..." if len(ranges) > most else "")
