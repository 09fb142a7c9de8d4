"""Texts in other encodings are told by name, with what to do; what is UTF-8 never is."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from gtt.api.upload_checks import ContentCheck
from gtt.config import DataConfig
from gtt.data.encodings import encoding_of
from gtt.data.excerpt import Places, read_excerpt
from gtt.data.sources import resolve_source
from gtt.data.text_files import open_file
from gtt.errors import UnusableData

SPANISH = "El niño comió en el jardín; mañana irá a la montaña.\n"
GERMAN = "Ich weiß nicht, “was” soll es bedeuten … daß ich so traurig bin.\n"
RUSSIAN = "Это русский текст, и он довольно длинный. Мы читаем его каждый день.\n"
CHINESE = "这是一个很长的中文句子，我们在学校里学习语言模型。今天天气很好。\n"
TAIWAN = "這是一個很長的中文句子，我們在學校裡學習語言模型。今天天氣很好。\n"
JAPANESE = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。\n"
KOREAN = "이것은 한국어 문장입니다. 봄이 오면 꽃이 핍니다.\n"
ENGLISH = "The old boat drifted past a quiet mill.\n"

OTHERS = [
    (ENGLISH, "utf-16", "UTF-16", "UTF-16"),
    (ENGLISH, "utf-16-le", "UTF-16LE", "UTF-16LE"),
    (ENGLISH, "utf-16-be", "UTF-16BE", "UTF-16BE"),
    (CHINESE, "utf-16-le", "UTF-16LE", "UTF-16LE"),
    (RUSSIAN, "utf-16-be", "UTF-16BE", "UTF-16BE"),
    (ENGLISH, "utf-32", "UTF-32", "UTF-32"),
    (ENGLISH, "utf-32-le", "UTF-32LE", "UTF-32LE"),
    (ENGLISH, "utf-32-be", "UTF-32BE", "UTF-32BE"),
    (SPANISH, "latin-1", "Windows-1252 (Western European)", "CP1252"),
    (GERMAN, "cp1252", "Windows-1252 (Western European)", "CP1252"),
    (GERMAN, "mac_roman", "Mac Roman", "MACINTOSH"),
    (RUSSIAN, "cp1251", "Windows-1251 (Cyrillic)", "CP1251"),
    (RUSSIAN, "koi8_r", "KOI8-R (Cyrillic)", "KOI8-R"),
    (CHINESE, "gbk", "GBK (Chinese)", "GBK"),
    (TAIWAN, "big5", "Big5 (Chinese)", "BIG5"),
    (JAPANESE, "shift_jis", "Shift JIS (Japanese)", "SHIFT_JIS"),
    (JAPANESE, "euc_jp", "EUC-JP (Japanese)", "EUC-JP"),
    (KOREAN, "euc_kr", "EUC-KR (Korean)", "EUC-KR"),
]


@pytest.mark.parametrize(("text", "codec", "name", "code"), OTHERS)
@pytest.mark.parametrize("times", [1, 400])
def test_it_is_told_alike_by_preview_upload_and_run(
    tmp_path: Path, text: str, codec: str, name: str, code: str, times: int
) -> None:
    for suffix, above in ((".txt", ""), (".csv", "id,text\n1,"), (".jsonl", "")):
        path = tmp_path / f"mine{suffix}"
        path.write_bytes((above + text * times).encode(codec))
        words = f"as it seems, in {name}: save it as UTF-8 in your editor, or with `iconv -f {code}"
        config = DataConfig(source=str(path))
        with pytest.raises(UnusableData) as run:
            list(open_file(path, None).pieces)
        with pytest.raises(UnusableData) as seen:
            read_excerpt(resolve_source(str(path)), config, Places(tmp_path, None, None))
        with pytest.raises(UnusableData) as upload:
            check = ContentCheck(suffix)
            check.feed(path.read_bytes())
            check.finish(path, 10**9)
        assert run.value.message == seen.value.message
        assert run.value.message.startswith(f"mine{suffix} is not in UTF-8")
        for error in (run, seen, upload):
            assert words in error.value.message, codec


@pytest.mark.parametrize("codec", ["cp1253", "cp1250"])
def test_what_cannot_be_told_gets_no_name(tmp_path: Path, codec: str) -> None:
    text = "γειά σου κόσμε, τι κάνεις σήμερα\n" if codec == "cp1253" else "Zażółć gęślą jaźń.\n"
    path = tmp_path / "mine.txt"
    path.write_bytes((text * 30).encode(codec))
    with pytest.raises(UnusableData, match=r"not in UTF-8 \(line 1 has bytes that are none\): "):
        list(open_file(path, None).pieces)


def test_bytes_by_chance_are_no_text() -> None:
    draw = random.Random(1)
    for length in (40, 3000, 70_000):
        assert [encoding_of(draw.randbytes(length)) for _ in range(20)] == [None] * 20
    assert encoding_of(bytes(range(256)) * 10) is None
