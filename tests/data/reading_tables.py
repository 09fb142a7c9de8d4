"""Tables for tests: texts to put into them, and what is read out of them."""

from __future__ import annotations

import json
import random
from pathlib import Path

from gtt.data.text_files import open_file


def sentence(number: int) -> str:
    words = [
        "the",
        "old",
        "boat",
        "drifted",
        "past",
        "a",
        "quiet",
        "mill",
        "while",
        "two",
        "geese",
        "argued",
    ]
    return " ".join(random.Random(number).choices(words, k=9)) + f" {number}."


TEXTS = [sentence(number) for number in range(3000)]


def read(path: Path, column: str | None = None) -> tuple[list[str], str]:
    stream = open_file(path, column)
    return list(stream.pieces), " ".join(stream.notes)


def written(path: Path, text: str) -> Path:
    path.write_bytes(text.encode("utf-8"))
    return path


def on_lines(rows: list[object]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)
