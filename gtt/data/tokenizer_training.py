"""Training tokenizers on a text, and loading pretrained ones."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from gtt.data import token_boundaries
from gtt.data.gpt2 import gpt2_tokenizer
from gtt.data.progress import MERGING, Progress, Report, ignore
from gtt.data.sources import is_there
from gtt.data.tokenizer_json import (
    BYTE_OF,
    EVERY_CHARACTER,
    PROBES,
    find_pretrained,
    read_backend,
    without_dressing,
)
from gtt.data.tokenizers import PIECE, Tokenizer
from gtt.errors import UnusableData

GPT2_NAMES = ("gpt2", "openai-community/gpt2")

_LOOK_EVERY = 0.1  # seconds


def train_char_tokenizer(alphabet: Iterable[str]) -> Tokenizer:
    """One token per character, ids in code point order, no special tokens."""
    from tokenizers import Regex, decoders, models, pre_tokenizers
    from tokenizers import Tokenizer as Backend

    characters = sorted(set(alphabet))
    if not characters:
        raise UnusableData("There is no character to learn a vocabulary from.", field="data.source")
    vocabulary = {character: number for number, character in enumerate(characters)}
    # No unknown token: the library raises where a character is missing, it never drops one.
    backend = Backend(models.WordLevel(vocabulary, unk_token=""))
    backend.pre_tokenizer = pre_tokenizers.Split(Regex(EVERY_CHARACTER), "isolated")
    backend.decoder = decoders.Fuse()
    return Tokenizer(backend, "char")


def train_bpe_tokenizer(
    texts: Iterable[str], vocab_size: int, report: Report = ignore, *, has_marks: bool = False
) -> Tokenizer:
    """Byte-level BPE (Sennrich et al. 2016, Radford et al. 2019) learned from `texts`.

    The first 256 tokens are the bytes, so every text is covered. Pairs that occur only once are
    not merged, so a small text may give fewer tokens than asked. The library merges on a thread of
    its own, without a word: meanwhile `report` is told of the seconds, and may raise, as an
    interrupt does, to leave it behind. With `has_marks` the last token is `<|endoftext|>`.
    """
    from tokenizers import Tokenizer as Backend
    from tokenizers import decoders, models, pre_tokenizers, trainers

    backend = Backend(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size - has_marks,
        min_frequency=2,
        show_progress=False,
        special_tokens=[],
        initial_alphabet=sorted(BYTE_OF),
    )
    is_fed, is_done = threading.Event(), threading.Event()
    failed: list[BaseException] = []

    def feed() -> Iterator[str]:
        for text in texts:
            yield from token_boundaries.to_learn_from(text, PIECE)
        is_fed.set()

    def learn() -> None:
        try:
            backend.train_from_iterator(feed(), trainer)
        except BaseException as error:
            failed.append(error)
        finally:
            is_done.set()

    threading.Thread(target=learn, name=MERGING, daemon=True).start()
    began = None
    while not is_done.wait(_LOOK_EVERY):
        if is_fed.is_set():
            began = began or time.monotonic()
            report(Progress(MERGING, int(time.monotonic() - began), None, "seconds"))
    if failed:
        raise failed[0]
    if has_marks:
        backend.add_special_tokens([token_boundaries.END_OF_TEXT])
    return Tokenizer(backend, "bpe")


def load_pretrained_tokenizer(name_or_path: str, sources_folder: Path | None = None) -> Tokenizer:
    """A tokenizer from a local folder or `tokenizer.json`, from `sources_folder`, or from the Hub.

    GPT-2's needs no download: its files come with a package. Parts that change a text are removed:
    special tokens around it, a space before it, truncation, padding, and for byte-level tokenizers
    the Unicode normalisation. Raises `UnusableData` where it is missing, or where decoding does not
    give back the text.
    """
    if name_or_path in GPT2_NAMES and not is_there(Path(name_or_path)):
        return gpt2_tokenizer()
    backend = without_dressing(read_backend(find_pretrained(name_or_path, sources_folder)))
    tokenizer = Tokenizer(backend, "pretrained")
    for text in PROBES:
        covered = "".join(c for c in text if not tokenizer.unknown_characters(c))
        back = backend.decode(
            [id for word in (covered, covered) for id in tokenizer.encode(word)],
            skip_special_tokens=False,
        )
        if back != covered + covered or not covered:
            raise UnusableData(
                f"The tokenizer {name_or_path!r} does not give back the text it was given "
                f"({covered!r} comes back as {back[: len(back) // 2]!r}): choose a byte-level "
                "one such as 'gpt2'.",
                field="data.pretrained_tokenizer",
            )
    return tokenizer
