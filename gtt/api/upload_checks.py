"""Checks of uploaded files: UTF-8 text, or a Parquet table that stays small when unpacked."""

from __future__ import annotations

import codecs
import threading
import unicodedata
from pathlib import Path

from gtt.data.byte_decoding import in_encoding
from gtt.data.encodings import encoding_of
from gtt.data.sources import FILE_SUFFIXES, way_with
from gtt.errors import UnusableData
from gtt.runs.parquet_footer import declared

LONGEST_NAME = 100  # characters

MOST_FOOTER = 2**20  # bytes of a Parquet footer; read, it takes up to a hundred times as much

_PARQUET = b"PAR1"
_ARCHIVES = {
    b"PK\x03\x04": "a zip archive",
    b"PK\x05\x06": "a zip archive",
    b"\x1f\x8b": "a gzip archive",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ\x00": "an xz archive",
    b"\x28\xb5\x2f\xfd": "a zstd archive",
    b"\x04\x22\x4d\x18": "an lz4 archive",
    b"Rar!\x1a\x07": "a rar archive",
}
_BZIP2_BLOCK = b"1AY&SY"  # follows "BZh" and a digit, where text would go on otherwise
_TAR, _TAR_AT = b"ustar", 257
_OTHERS = {b"%PDF-": "a PDF", _PARQUET: "a Parquet table"}
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)
_HEAD = 512  # bytes in which every mark above lies
_one_footer = threading.Lock()  # is read at a time, for what it takes meanwhile
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}  # controls, direction marks, surrogates


def suffix_of(name: str) -> str:
    """The suffix of a file name, in small letters; raises `UnusableData` for an unknown one."""
    base = _base(name)
    dot = base.rfind(".")
    suffix = base[dot:].lower() if dot >= 0 else ""
    if suffix in FILE_SUFFIXES:
        return suffix
    ending = repr(suffix[:20]) if suffix else "no ending"
    raise _unusable(
        f"The file has {ending}, and what can be read is {', '.join(FILE_SUFFIXES)}: "
        + way_with(suffix)
    )


def display_name(name: str, suffix: str) -> str:
    """A file name fit for showing: no folders, nothing invisible, at most 100 characters."""
    base = _base(name)
    stem = base[: -len(suffix)] if base.lower().endswith(suffix) else base
    return (stem.strip(" .")[: LONGEST_NAME - len(suffix)] or "text") + suffix


def _base(name: str) -> str:
    last = name[-1000:].replace("\\", "/").rpartition("/")[2]
    return "".join(c for c in last if unicodedata.category(c) not in _HIDDEN).strip()


class ContentCheck:
    """Looks at a file while it arrives; every fault is an `UnusableData`."""

    def __init__(self, suffix: str) -> None:
        self.is_parquet = suffix == ".parquet"
        self._head = b""
        self._bytes_checked = 0
        self._has_text = self._has_zero = False
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def feed(self, chunk: bytes) -> None:
        """Checks the next piece."""
        if len(self._head) < _HEAD:
            self._head += chunk[: _HEAD - len(self._head)]
            self._check_head()
        if not self.is_parquet:
            self._check_text(chunk)
        self._bytes_checked += len(chunk)

    def finish(self, path: Path, most: int) -> None:
        """Checks the end, and that a table unpacks to no more than `most` bytes."""
        if self.is_parquet:
            if self._bytes_checked == 0:
                raise _empty()
            _check_parquet(path, most)
            return
        if self._has_zero:
            raise _wide_or_binary(self._head)
        try:
            self._decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            raise _not_utf8(b"") from None
        if not self._has_text:
            raise _empty()

    def _check_head(self) -> None:
        head = self._head
        if self.is_parquet:
            if not head.startswith(_PARQUET[: len(head)]):
                raise _not_parquet()
            return
        if head.startswith(_WIDE):
            raise _not_utf8(head)
        for magic, kind in _ARCHIVES.items():
            if head.startswith(magic) and (magic != b"BZh" or head[4:10] == _BZIP2_BLOCK):
                raise _archive(kind)
        if head[_TAR_AT:].startswith(_TAR):
            raise _archive("a tar archive")
        for magic, kind in _OTHERS.items():
            if head.startswith(magic):
                raise _unusable(f"The file is {kind}, whatever its name says: export it as text.")

    def _check_text(self, chunk: bytes) -> None:
        self._has_zero = self._has_zero or b"\x00" in chunk
        if self._has_zero and len(self._head) == _HEAD:  # a tar archive shows itself by then
            raise _wide_or_binary(self._head)
        try:
            text = self._decoder.decode(chunk)
        except UnicodeDecodeError:
            raise _not_utf8(chunk) from None
        if not self._has_text:
            self._has_text = bool(text.strip("\ufeff").strip())


def _check_parquet(path: Path, most: int) -> None:
    """Reads the footer only: its own size and what it declares to hold must be bounded."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(4)
        file.seek(max(0, size - 8))
        footer, end = file.read(4), file.read(4)
    if start != _PARQUET or end != _PARQUET or size < 12:
        raise _not_parquet()
    if size - 12 >= int.from_bytes(footer, "little") > MOST_FOOTER:
        raise _unusable(
            "The Parquet file has too many columns or parts to be read here: keep the column of "
            "the text only, and write it again."
        )
    with _one_footer:
        size, rows = declared(path)
    if max(size, rows) > most:
        raise _unusable(
            f"The Parquet file unpacks to more than the {most / 1e6:g} MB that are allowed: upload "
            "a part of it."
        )


def _archive(kind: str) -> UnusableData:
    return _unusable(f"The file is {kind}, and archives are not unpacked: upload the text itself.")


def _binary() -> UnusableData:
    return _unusable(
        "The file is binary, not text: upload .txt, .md, .csv, .tsv, .json or .jsonl in UTF-8, or "
        "a .parquet table."
    )


def _wide_or_binary(head: bytes) -> UnusableData:
    return _not_utf8(head) if encoding_of(head) else _binary()


def _not_utf8(part: bytes) -> UnusableData:
    encoding = encoding_of(part)
    if encoding is None:
        return _unusable("The file is not in UTF-8: save it as UTF-8 in your editor.")
    return _unusable(f"The file {in_encoding(encoding)}")


def _not_parquet() -> UnusableData:
    return _unusable("The file is not a Parquet table, whatever its name says: export it again.")


def _empty() -> UnusableData:
    return _unusable("The file is empty: upload one with text in it.")


def _unusable(sentence: str) -> UnusableData:
    return UnusableData(sentence, field="file")
