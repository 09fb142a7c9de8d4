"""Output to consoles and files whose encoding lacks some characters: no text causes an error.

Windows encodes redirected output in cp1252 or gbk, `PYTHONIOENCODING` and an old terminal in
anything. What such an encoding cannot hold is written in plain characters, or as an escape that
names the character, so that nothing is lost.
"""

from __future__ import annotations

import codecs
import io
import json
import sys
from typing import Any

PLAIN = "gtt.plain"  # the name of our way with characters that an encoding lacks
# Ours and those of ordinary typography; what a model wrote is escaped instead.
_PLAINER = dict(
    zip(
        "·…–—−×→←“”„‘’≥≤\u00a0",
        ("-", "...", "-", "-", "-", "x", "->", "<-", '"', '"', '"', "'", "'", ">=", "<=", " "),
    )
)


def write_anything() -> None:
    """Lets stdout and stderr take every text, whatever their encoding; call it before the first.

    Whoever chose a way with such characters (`PYTHONIOENCODING=cp1252:ignore`) keeps it.
    """
    codecs.register_error(PLAIN, _in_plain_characters)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors in _UNCHOSEN:
            stream.reconfigure(errors=PLAIN)


_UNCHOSEN = ("strict", "surrogateescape", "backslashreplace")


def _in_plain_characters(error: UnicodeError) -> tuple[str | bytes, int]:
    """An error handler of `codecs`: what to write in place of the characters at fault."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    character = error.object[error.start]
    is_byte_wise = not error.encoding.startswith(("utf-16", "utf-32"))
    if "\udc80" <= character <= "\udcff" and is_byte_wise:  # a byte of a file name that is no text
        return bytes([ord(character) - 0xDC00]), error.start + 1
    return _plainer(character), error.start + 1


def _plainer(character: str) -> str:
    number = ord(character)
    if 0x2400 <= number < 0x2420:  # the picture of a control character
        return f"^{chr(number - 0x2400 + 64)}"
    escape = character.encode("ascii", "backslashreplace").decode("ascii")
    return _PLAINER.get(character, escape)


def json_line(value: Any) -> str:
    """Plain values as one line of JSON for stdout, escaped where its encoding lacks characters.

    So a program reads the same values whatever the encoding.
    """
    line = json.dumps(value, ensure_ascii=False)
    if (sys.stdout.encoding or "").lower().startswith("utf") and not _has_half_pairs(line):
        return line
    return json.dumps(value)


def _has_half_pairs(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)
