"""Text to token numbers and back: characters, byte-level BPE, or a pretrained vocabulary.

Whatever the kind, a tokenizer is a plain `tokenizer.json` of the `tokenizers` library, which
`AutoTokenizer` reads, and `decode(encode(text)) == text` for every text that it covers.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

import numpy as np
import numpy.typing as npt

from gtt.atomic_files import write_text
from gtt.data import pieces
from gtt.data.layouts import (
    BYTE_OF,
    EVERY_CHARACTER,
    PROBES,
    find_pretrained,
    is_byte_level,
    is_character_level,
    read_backend,
    show_ranges,
    without_dressing,
)
from gtt.data.progress import MERGING, Progress, Report, ignore
from gtt.data.sources import is_there
from gtt.errors import BadInput, UnusableData
from gtt.plain_files import read_plain_text

if TYPE_CHECKING:
    import tokenizers as library

Kind = Literal["char", "bpe", "pretrained"]
Ids = npt.NDArray[np.unsignedinteger[Any]]

GPT2_NAMES = ("gpt2", "openai-community/gpt2")

_PIECE = 8192  # characters that enter the library as one text
_BATCH = 64  # pieces
_LOOK_EVERY = 0.1  # seconds
_LONGEST_CHARACTER = 4  # bytes, and so tokens


class Tokenizer:
    """A tokenizer of the `tokenizers` library that covers a known set of characters.

    Encoding adds no special tokens. Decoding a sequence that breaks off inside a character (byte
    level) shows U+FFFD in its place.
    """

    def __init__(self, backend: library.Tokenizer, kind: Kind) -> None:
        self.kind: Kind = kind
        self._backend = backend
        self._known: set[str] = set()
        self._unknown: set[str] = set()

    @cached_property
    def vocab_size(self) -> int:
        """One more than the highest id."""
        return max(self._backend.get_vocab().values(), default=-1) + 1

    @property
    def dtype(self) -> np.dtype[np.unsignedinteger[Any]]:
        """uint16 where it holds every id, else uint32."""
        return np.dtype(np.uint16 if self.vocab_size <= 1 << 16 else np.uint32)

    def encode(self, text: str) -> list[int]:
        """Ids of `text`; raises `BadInput` that names the characters it does not cover."""
        return cast("list[int]", self.encode_array(text).tolist())

    def encode_array(self, text: str) -> Ids:
        """Ids of `text`, (N,) uint16 or uint32: a table look-up for characters, batches for BPE."""
        if self._table is not None:
            points = _code_points(text)
            if points.size and int(points.max()) >= len(self._table):
                self._refuse(text)
            ids = self._table[points]
            if ids.size and int(ids.min()) < 0:
                self._refuse(text)
            return ids.astype(self.dtype)
        self._check(text)
        parts: list[Ids] = [np.empty(0, self.dtype)]
        waiting = pieces.cut(text, _PIECE)
        while batch := list(islice(waiting, _BATCH)):
            for encoding in self._backend.encode_batch_fast(batch, add_special_tokens=False):
                parts.append(np.array(encoding.ids, self.dtype))
        return np.concatenate(parts)

    def decode(self, ids: Sequence[int] | npt.NDArray[Any]) -> str:
        """The text of `ids`; bytes that are no whole character become U+FFFD."""
        numbers = [int(number) for number in ids]
        if any(not 0 <= number < self.vocab_size for number in numbers):
            raise BadInput(f"Token numbers go from 0 to {self.vocab_size - 1}.", field="ids")
        if self._table is not None:
            return "".join([self._characters[number] for number in numbers])
        return self._backend.decode(numbers, skip_special_tokens=False)

    def decode_in_pieces(self, ids: npt.NDArray[Any], size: int = 1 << 17) -> Iterator[str]:
        """The text of `ids` (N,), about `size` tokens at a time; no character is cut in two."""
        start = 0
        while start < len(ids):
            end = start + size
            text = self.decode(ids[start:end])
            while text.endswith("\ufffd") and end < min(
                len(ids), start + size + _LONGEST_CHARACTER
            ):
                end += 1
                text = self.decode(ids[start:end])
            yield text
            start = end

    def token_text(self, id: int) -> str:
        r"""One token for display; bytes that are no whole character read `\xe2\x82`."""
        text = self.decode([id])
        token = self._backend.id_to_token(id)
        if "\ufffd" not in text or token is None or not self._is_byte_level:
            return text
        numbers = [BYTE_OF.get(symbol) for symbol in token]
        if None in numbers:
            return text
        raw = bytes(number for number in numbers if number is not None)
        return raw.decode("utf-8", errors="backslashreplace")

    def unknown_characters(self, text: str) -> list[str]:
        """The distinct characters of `text` that it does not cover, in order of appearance."""
        return [character for character in dict.fromkeys(text) if not self._covers(character)]

    @property
    def covers_everything(self) -> bool:
        """Whether every text can be encoded."""
        return self._is_byte_level

    @cached_property
    def end_of_text(self) -> int | None:
        """The id of `<|endoftext|>` where it is read out of a text as one token, else None."""
        if not self._is_byte_level:
            return None
        ids = self._backend.encode(f"a{pieces.END_OF_TEXT}a", add_special_tokens=False).ids
        id = self._backend.token_to_id(pieces.END_OF_TEXT)
        return id if len(ids) == 3 and ids[1] == id else None

    @property
    def alphabet(self) -> str | None:
        """The covered characters in the order of their ids; None unless it is character level."""
        return None if self._table is None else "".join(self._characters)

    @cached_property
    def merges(self) -> list[tuple[str, str]]:
        """BPE merges in the order in which they were learned, in the byte-level alphabet."""
        learned = json.loads(self._backend.to_str())["model"].get("merges") or []
        pairs = (merge.split(" ", 1) if isinstance(merge, str) else merge for merge in learned)
        return [(first, second) for first, second in pairs]

    def save(self, folder: Path) -> None:
        """Write `tokenizer.json` and its two configuration files, each atomically.

        `AutoTokenizer.from_pretrained(folder)` gives the same ids and decodes the same text.
        """
        settings = {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "clean_up_tokenization_spaces": False,
            "add_prefix_space": False,
            "model_max_length": int(1e30),
            "gtt_kind": self.kind,
        }
        folder.mkdir(parents=True, exist_ok=True)
        write_text(folder / "tokenizer.json", self._backend.to_str(pretty=True))
        write_text(folder / "special_tokens_map.json", "{}")
        write_text(folder / "tokenizer_config.json", json.dumps(settings, indent=2))

    @classmethod
    def load(cls, folder: Path) -> Tokenizer:
        """The tokenizer that `save` wrote; raises `UnusableData` where there is none."""
        backend = read_backend(folder / "tokenizer.json")
        try:
            settings = json.loads(read_plain_text(folder / "tokenizer_config.json"))
            kind = settings.get("gtt_kind")
        except (OSError, ValueError, AttributeError):
            kind = None
        if kind not in get_args(Kind):  # a tokenizer from elsewhere
            kind = "char" if is_character_level(backend) else "pretrained"
        return cls(backend, kind)

    @cached_property
    def _is_byte_level(self) -> bool:
        return is_byte_level(self._backend)

    @cached_property
    def _characters(self) -> list[str]:
        tokens = self._backend.get_vocab()
        return sorted(tokens, key=lambda token: tokens[token])

    @cached_property
    def _table(self) -> npt.NDArray[np.int32] | None:
        """Id of each code point, -1 where there is none; None unless it is character level."""
        if not is_character_level(self._backend):
            return None
        table = np.full(max(map(ord, self._characters)) + 1, -1, np.int32)
        for number, character in enumerate(self._characters):
            table[ord(character)] = number
        return table

    def _covers(self, character: str) -> bool:
        if self._table is not None:
            return ord(character) < len(self._table) and self._table[ord(character)] >= 0
        if _is_surrogate(character):
            return False
        if self._is_byte_level or character in self._known:
            return True
        if character in self._unknown:
            return False
        ids = self._backend.encode(character, add_special_tokens=False).ids
        covered = self._backend.decode(ids, skip_special_tokens=False) == character
        (self._known if covered else self._unknown).add(character)
        return covered

    def _check(self, text: str) -> None:
        """Raises `BadInput` unless every character of `text` is covered."""
        if self._is_byte_level:
            try:
                text.encode("utf-8")
                return
            except UnicodeEncodeError:
                self._refuse(text)
        if any(not self._covers(character) for character in set(text)):
            self._refuse(text)

    def _refuse(self, text: str) -> None:
        unknown = self.unknown_characters(text)
        shown = ", ".join(map(repr, unknown[:5]))
        more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
        if self.covers_everything:
            covered = "every character that UTF-8 can write"
        elif self._table is not None:
            covered = (
                f"the {self.vocab_size} characters of its text: {show_ranges(self._characters)}"
            )
        else:
            covered = "only what its vocabulary spells out"
        raise BadInput(
            f"The tokenizer does not know {shown}{more}. It covers {covered}. Leave "
            f"{'it' if len(unknown) == 1 else 'them'} out"
            + ("." if self.covers_everything else ", or train with the bpe tokenizer."),
            field="text",
        )


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
            yield from pieces.to_learn_from(text, _PIECE)
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
        backend.add_special_tokens([pieces.END_OF_TEXT])
    return Tokenizer(backend, "bpe")


def load_pretrained_tokenizer(name_or_path: str, sources_folder: Path | None = None) -> Tokenizer:
    """A tokenizer from a local folder or `tokenizer.json`, from `sources_folder`, or from the Hub.

    GPT-2's is always here: its files came with a package.
    What only dresses its output is taken off: special tokens around a text, a space before it,
    truncation, padding, and for byte-level ones the Unicode normalisation. Raises `UnusableData`
    where it is missing, or where texts do not come back as they went in.
    """
    if name_or_path in GPT2_NAMES and not is_there(Path(name_or_path)):
        from gtt.data.gpt2 import gpt2_tokenizer

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


def _code_points(text: str) -> npt.NDArray[np.uint32]:
    """(N,) code points, lone surrogates included."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")


def _is_surrogate(character: str) -> bool:
    return "\ud800" <= character <= "\udfff"
