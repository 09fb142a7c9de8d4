"""Text from tokens as they come."""

from __future__ import annotations

from collections.abc import Sequence

from gtt.data.tokenizers import Tokenizer


class GrowingText:
    """Text of tokens as they come, of which is shown what can no longer change.

    Held back is what may be the start of a stop string or an unfinished UTF-8 character. The text
    ends before the first stop string.
    """

    def __init__(self, tokenizer: Tokenizer, stops: Sequence[str]) -> None:
        self.is_ended = False
        self._tokenizer = tokenizer
        self._stops = [stop for stop in stops if stop]
        self._ids: list[int] = []  # tokens since the last point at which nothing was held back
        self._text = ""
        self._shown = 0

    def add(self, id: int) -> str:
        """What the next token lets be shown, often a single character, maybe nothing."""
        self._ids.append(id)
        self._text = self._tokenizer.decode(self._ids)
        found = [at for stop in self._stops if (at := self._text.find(stop)) >= 0]
        if found:
            self.is_ended = True
            self._text = self._text[: min(found)]
            return self.rest()
        piece = self._show(len(self._text) - self._held_back())
        if self._shown == len(self._text):
            self._ids, self._text, self._shown = [], "", 0
        return piece

    def rest(self) -> str:
        """What was held back, once no token comes any more."""
        return self._show(len(self._text))

    def _show(self, until: int) -> str:
        piece = self._text[self._shown : until]
        self._shown = max(self._shown, until)
        return piece

    def _held_back(self) -> int:
        """Characters at the end: half a character, and what before it may begin a stop string."""
        whole = self._text.rstrip("\N{REPLACEMENT CHARACTER}")
        begun = [
            length
            for stop in self._stops
            for length in range(min(len(stop) - 1, len(whole)), 0, -1)
            if whole.endswith(stop[:length])
        ]
        return len(self._text) - len(whole) + max(begun, default=0)
