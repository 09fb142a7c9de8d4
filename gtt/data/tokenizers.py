"""Text to token numbers and back: characters, byte-level BPE, or a pretrained vocabulary.

Whatever the kind, a tokenizer is a plain `tokenizer.json` of the `tokenizers` library, which
`AutoTokenizer` reads, and `decode(encode(text)) == text` for every text that it covers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

import numpy as np
import numpy.typing as npt

from gtt.atomic_files import write_text
from gtt.data import token_boundaries
from gtt.data.tokenizer_json import (
    BYTE_OF,
    is_byte_level,
    is_character_level,
    read_backend,
    show_ranges,
)
from gtt.errors import BadInput
from gtt.plain_files import read_plain_text

if TYPE_CHECKING:
    import tokenizers as library

Kind = Literal["char", "bpe", "pretrained"]
Ids = npt.NDArray[np.unsignedinteger[Any]]

PIECE = 8192  # characters that enter the library as one text
_BATCH = 64  # pieces
_LONGEST_CHARACTER = 4  # bytes, and so tokens


class Tokenizer:
    """A tokenizer of the `tokenizers` library that covers a known set of characters.

    Encoding adds no special tokens. Decoding a sequence that breaks off inside a character (byte
    level) shows U+FFFD in its place.
    """

    def __init__(self, backend: library.Tokenizer, kind: Kind) -> None:
        self.kind: Kind = kind
        self._backend = backend
        self._covered: set[str] = set()
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
        waiting = token_boundaries.cut(text, PIECE)
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
        ids = self._backend.encode(
            f"a{token_boundaries.END_OF_TEXT}a", add_special_tokens=False
        ).ids
        id = self._backend.token_to_id(token_boundaries.END_OF_TEXT)
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
        if self._is_byte_level or character in self._covered:
            return True
        if character in self._unknown:
            return False
        ids = self._backend.encode(character, add_special_tokens=False).ids
        covered = self._backend.decode(ids, skip_special_tokens=False) == character
        (self._covered if covered else self._unknown).add(character)
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
        examples = ", ".join(map(repr, unknown[:5]))
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
            f"The tokenizer does not know {examples}{more}. It covers {covered}. Leave "
            f"{'it' if len(unknown) == 1 else 'them'} out"
            + ("." if self.covers_everything else ", or train with the bpe tokenizer."),
            field="text",
        )


def _code_points(text: str) -> npt.NDArray[np.uint32]:
    """(N,) code points, lone surrogates included."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")


def _is_surrogate(character: str) -> bool:
    return "\ud800" <= character <= "\udfff"
