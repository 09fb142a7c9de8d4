"""Guesses the encoding of a text that is not UTF-8, for the error message.

No text is read with the guess: read in a wrong encoding, it would be spoiled without a word.
"""

from __future__ import annotations

import codecs
import unicodedata
from collections.abc import Callable

SAMPLE = 1 << 16  # bytes of a text that are looked at
ENOUGH = 0.85  # of what tells an encoding: so much of it has to fit
_MARKS = (  # the longer ones first: a mark of UTF-32 begins with one of UTF-16
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
_LATIN = set("äöüßÄÖÜéèêëàâáãåçñíìîïóòôõúùûÿøæœØÆÅÉÀÈÇÑÁÓÚÍ‘’“”„–—…•€£§°«»¿¡·´©®²³½ºª\xa0")


def encoding_of(beginning: bytes) -> str | None:
    """The usual name of the encoding that a text seems to have; None where none fits."""
    for mark, name in _MARKS:
        if beginning.startswith(mark):
            return name
    sample = beginning[:SAMPLE]
    if b"\x00" in sample:
        return _wide(sample)
    fits = [(share(sample), name) for name, share in _CANDIDATES]
    best, name = max(fits, key=lambda fit: fit[0])
    if best >= ENOUGH:
        return name
    return _wide_without_zeros(sample)


def _wide(sample: bytes) -> str | None:
    """UTF-16 or UTF-32 without a mark, by where the zero bytes lie and what comes out."""
    if _is_mostly_ascii(sample):  # with some zero bytes in it, whatever these are
        return None
    if len(sample) >= 8:
        for place, codec in ((0, "utf-32-be"), (3, "utf-32-le")):
            quarter = sample[place::4]
            if quarter.count(0) == len(quarter) and _is_text(_decoded(sample, codec)):
                return codec.upper().replace("32-", "32")
    for codec in ("utf-16-le", "utf-16-be"):
        if len(sample) >= 4 and _is_text(_decoded(sample, codec)):
            return codec.upper().replace("16-", "16")
    return None


def _wide_without_zeros(sample: bytes) -> str | None:
    """Chinese or the like in UTF-16: no zero byte, and letters of one script where read so."""
    if _is_mostly_ascii(sample):
        return None
    for codec in ("utf-16-le", "utf-16-be"):
        text = _decoded(sample, codec)
        asian = _share(text, lambda c: "\u3000" <= c <= "\u9fff" or c == "\uff0c")
        if len(text) >= 16 and asian > 0.95 and _is_text(text):
            return codec.upper().replace("16-", "16")
    return None


def _is_mostly_ascii(sample: bytes) -> bool:
    return sum(32 <= byte < 127 for byte in sample) > 0.7 * len(sample)


def _is_text(text: str) -> bool:
    """Whether these are signs that texts have: of few scripts, and nothing that is unassigned."""
    if not text:
        return False
    kinds = [unicodedata.category(sign) for sign in text[:2000]]
    strange = sum(kind in ("Cn", "Co", "Cs", "Cf") for kind in kinds)
    strange += sum(sign < " " and sign not in "\t\n\r\f" for sign in text[:2000])
    blocks = [ord(sign) >> 8 for sign in text[:2000] if ord(sign) < 0x2E80]
    usual = sum(block in (0, 1, 3, 4, 5, 6, 0x0E, 0x20) for block in blocks)
    return strange * 50 <= len(kinds) and usual * 10 >= 9 * len(blocks)


def _decoded(sample: bytes, codec: str) -> str:
    """The text, empty where it cannot be in this encoding; a cut at the end does no harm."""
    try:
        return codecs.getincrementaldecoder(codec)("strict").decode(sample)
    except UnicodeDecodeError:
        return ""


def _share(text: str, fits: Callable[[str], bool]) -> float:
    """Of the signs beyond ASCII those that fit."""
    beyond = [sign for sign in text if sign > "\x7f"]
    return sum(map(fits, beyond)) / len(beyond) if beyond else 0.0


def _chinese(sample: bytes) -> float:
    """Common signs and punctuation lie in the first half of GB 2312."""
    return _common(sample, "gb18030", "gb2312")


def _common(sample: bytes, codec: str, usual: str) -> float:
    def is_usual(sign: str) -> bool:
        try:
            lead = sign.encode(usual)[0]
        except UnicodeEncodeError:
            return False
        return low <= lead <= high or lead in marks

    low, high, marks = {
        "gb2312": (0xB0, 0xD7, (0xA1, 0xA3)),
        "big5": (0xA4, 0xC6, (0xA1,)),
    }[usual]
    return _share(_decoded(sample, codec), is_usual)


def _traditional(sample: bytes) -> float:
    return _common(sample, "big5", "big5")


def _japanese(codec: str) -> Callable[[bytes], float]:
    """Kana make up a good part of any Japanese text; they are rare where it is none."""

    def share(sample: bytes) -> float:
        text = _decoded(sample, codec)
        kana = _share(text, lambda c: "\u3041" <= c <= "\u30ff")
        whole = _share(text, lambda c: "\u3001" <= c <= "\u9fff" or "\uff01" <= c <= "\uff5e")
        return whole + 0.1 if kana > 0.25 else 0.0

    return share


def _korean(sample: bytes) -> float:
    text = _decoded(sample, "euc_kr")
    return _share(text, lambda c: "\uac00" <= c <= "\ud7a3" or "\u3000" <= c <= "\u303f") + 0.05


def _cyrillic(codec: str) -> Callable[[bytes], float]:
    """Small letters after capital ones, not the other way round."""

    def share(sample: bytes) -> float:
        text = _decoded(sample, codec)
        small = _share(text, lambda c: "а" <= c <= "я" or c in "ёіїєґў")
        share = _share(text, lambda c: "А" <= c <= "я" or c in "Ёё«»—–…№ІіЇїЄєҐґЎў\xa0")
        crowded = sum(sign > "\x7f" for sign in text) > 0.3 * len(text)
        frequent = _share(text.lower(), lambda c: c in "оеаинт")  # not so in Greek or Hebrew
        return share if small > 0.6 and frequent > 0.35 and crowded else 0.0

    return share


def _western(codec: str) -> Callable[[bytes], float]:
    """A few letters with accents among many without."""

    def share(sample: bytes) -> float:
        text = _decoded(sample, codec)
        beyond = sum(sign > "\x7f" for sign in text)
        return _share(text, _LATIN.__contains__) if 0 < beyond < 0.3 * len(text) else 0.0

    return share


_CANDIDATES: tuple[tuple[str, Callable[[bytes], float]], ...] = (
    ("Shift JIS (Japanese)", _japanese("cp932")),
    ("EUC-JP (Japanese)", _japanese("euc_jp")),
    ("EUC-KR (Korean)", _korean),
    ("GBK (Chinese)", _chinese),
    ("Big5 (Chinese)", _traditional),
    ("Windows-1251 (Cyrillic)", _cyrillic("cp1251")),
    ("KOI8-R (Cyrillic)", _cyrillic("koi8_r")),
    ("Windows-1252 (Western European)", _western("cp1252")),
    ("Mac Roman", _western("mac_roman")),
)
