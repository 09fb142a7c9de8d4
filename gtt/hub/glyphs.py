"""Which fonts of this machine draw a text; what none of them has is no empty box in a picture."""

from __future__ import annotations

from functools import cache

from matplotlib.font_manager import FontEntry, fontManager, get_font

FIRST = "DejaVu Sans Mono"  # comes with matplotlib
# Of matplotlib: parts of formulas, and boxes for every character. Coloured letters it cannot draw.
_NO_TEXT = ("cm", "STIXSize", "STIXNonUnicode", "Last Resort")


def families_for(text: str) -> list[str] | None:
    """Font families that have every letter of a text between them, None where there are none."""
    missing = {ord(c) for c in text if not c.isspace()} - _letters_of(_first_file())
    families = [FIRST]
    for font in sorted(fontManager.ttflist, key=lambda one: one.name):
        if not missing:
            break
        found = _letters_of(font.fname) & missing if _is_for_text(font) else frozenset()
        if found and font.name not in families:
            families.append(font.name)
            missing -= found
    return None if missing else families


def _is_for_text(font: FontEntry) -> bool:
    return (
        font.style == "normal" and "Emoji" not in font.name and not font.name.startswith(_NO_TEXT)
    )


@cache
def _first_file() -> str:
    return next(
        one.fname
        for one in fontManager.ttflist
        if one.name == FIRST and one.style == "normal" and one.weight in (400, "normal", "regular")
    )


@cache
def _letters_of(file: str) -> frozenset[int]:
    """The code points that a font has a glyph for; none where it cannot be read."""
    try:
        return frozenset(get_font(file).get_charmap())
    except (OSError, RuntimeError):
        return frozenset()
