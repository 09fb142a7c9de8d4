"""Finds fonts on this machine that can draw a text, so that pictures have no empty boxes.

Matplotlib brings DejaVu: Latin, Greek, Cyrillic, Arabic, Hebrew and signs, no Chinese, Thai, Hindi
or coloured ones. Other fonts are taken where the machine has them.
"""

from __future__ import annotations

import re
from functools import cache

from matplotlib.font_manager import FontEntry, fontManager, get_font

FIRST = "DejaVu Sans Mono"  # comes with matplotlib, as does the next
SANS = "DejaVu Sans"
_ENDS_IN_NUMBER = re.compile(r"U\+[0-9A-F]+$")
# Of matplotlib: parts of formulas, and boxes for every character. Coloured letters it cannot draw.
_NO_TEXT = ("cm", "STIXSize", "STIXNonUnicode", "Last Resort")


def families_for(text: str) -> list[str] | None:
    """Font families that have every letter of a text between them, None where there are none."""
    families, missing = fonts_for(text)
    return None if missing else families


def fonts_for(text: str, first: str = FIRST) -> tuple[list[str], frozenset[str]]:
    """Font families for a text, `first` among them, and the letters that none of them has."""
    missing = {ord(c) for c in text if not c.isspace()} - _letters_of(_file_of(first))
    families = [first]
    for font in sorted(fontManager.ttflist, key=lambda entry: entry.name):
        if not missing:
            break
        covered = _letters_of(font.fname) & missing if _is_for_text(font) else frozenset()
        if covered and font.name not in families:
            families.append(font.name)
            missing -= covered
    return families, frozenset(map(chr, missing))


def spelled(text: str, missing: frozenset[str], most: int) -> str:
    """A text with the numbers of letters that cannot be drawn, as U+4E2D; `most` characters."""
    parts = re.split(f"([{re.escape(''.join(sorted(missing)))}])", text)
    out = ""
    for part in parts:
        is_number = part in missing
        sign = f"U+{ord(part):04X}" if is_number else part
        apart = " " if _ENDS_IN_NUMBER.search(out) and sign[:1].isalnum() else ""
        if len(out) + len(apart) + len(sign) > most:
            beginning = "" if is_number else apart + sign
            return (out + beginning[: most - 1 - len(out)]).rstrip() + "…"
        out += apart + sign
    return out


def _is_for_text(font: FontEntry) -> bool:
    return (
        font.style == "normal" and "Emoji" not in font.name and not font.name.startswith(_NO_TEXT)
    )


@cache
def _file_of(family: str) -> str:
    return next(
        font.fname
        for font in fontManager.ttflist
        if font.name == family
        and font.style == "normal"
        and font.weight in (400, "normal", "regular")
    )


@cache
def _letters_of(file: str) -> frozenset[int]:
    """The code points that a font has a glyph for; none where it cannot be read."""
    try:
        return frozenset(get_font(file).get_charmap())
    except (OSError, RuntimeError):
        return frozenset()
