"""Turns a stream of tokens into text."""

from __future__ import annotations

from collections.abc import Sequence

from gtt.data.tokenizers import Tokenizer


class GrowingText:
    """Decodes tokens as they come, and gives each part of the text once it can no longer change.

    The end is held back while it may be the start of a stop string or an unfinished UTF-8
    character. The text ends before the first stop string.
    """

    def __init__(self, tokenizer: Tokenizer, stops: Sequence[str]) -> None:
        self.is_ended = False
        self._tokenizer = tokenizer
        self._stops = [stop for stop in stops if stop]
        self._ids: list[int] = []  # tokens since the last point at which nothing was held back
        self._text = ""
        self._shown_until = 0

    def add(self, id: int) -> str:
        """Adds a token; returns the text that is certain with it, often a character, maybe none."""
        self._ids.append(id)
        self._text = self._tokenizer.decode(self._ids)
        stop_places = [at for stop in self._stops if (at := self._text.find(stop)) >= 0]
        if stop_places:
            self.is_ended = True
            self._text = self._text[: min(stop_places)]
            return self.finish()
        piece = self._show(len(self._text) - self._held_back())
        if self._shown_until == len(self._text):
            self._ids, self._text, self._shown_until = [], "", 0
        return piece

    def finish(self) -> str:
        """The text that was held back; called after the last token."""
        return self._show(len(self._text))

    def _show(self, until: int) -> str:
        piece = self._text[self._shown_until : until]
        self._shown_until = max(self._shown_until, until)
        return piece

    def _held_back(self) -> int:
        """The number of characters at the end that may change, or that may begin a stop string."""
        whole = self._text.rstrip("\N{REPLACEMENT CHARACTER}")
        begun = [
            length
            for stop in self._stops
            for length in range(min(len(stop) - 1, len(whole)), 0, -1)
            if whole.endswith(stop[:length])
        ]
        return len(self._text) - len(whole) + max(begun, default=0)
