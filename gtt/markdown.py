"""Escapes foreign words for Markdown."""

from __future__ import annotations

import html
import re

# Everywhere, at the beginning of a line, and what looks like an address and becomes a link.
_SIGNS = re.compile(r"[\\\`*_{}\[\]#|~$:@]|^[-+=]|(?<=^\d)[.)]|(?<=\bwww)\.", re.IGNORECASE)


def as_text(words: str) -> str:
    """Words for a place in Markdown: one line, and whatever is a sign in Markdown or HTML escaped.

    See CommonMark, section 2.4.
    """
    line = " ".join(words.split())
    return html.escape(_SIGNS.sub(r"\\\g<0>", line), quote=False)


def fenced(text: str, language: str = "text") -> str:
    """A block in which no text can end the block: its fence is longer than any run of backticks."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{printable(text)}\n{fence}"


def printable(text: str) -> str:
    """The text with a mark in place of each character that shows nothing; lines stay lines."""
    return "".join(
        c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text
    )
