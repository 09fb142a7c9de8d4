"""Tales: an offline text source whose exact entropy and exact set of sentences are known.

A tale is one paragraph of four to eight sentences, ending in a blank line. Since the language is
our own, two questions have exact answers that no other text can give: how low can the loss go
(`entropy_rate`), and which sentences of a model belong to the language (`judge`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from random import Random

from gtt.data.grammar import Grammar
from gtt.data.tales_lexicon import CAST, WORDS
from gtt.data.tales_plots import PHRASES, PLOTS, SENTENCES

SEPARATOR = "\n\n"

# A full stop (or ! or ?), perhaps a closing quote, a space, and what can begin a sentence.
_BOUNDARY = re.compile(r'(?:(?<=[.!?])|(?<=[.!?]")) (?=[A-Z]|"[A-Z])')
_BEGINNING = re.compile(r'"?[A-Z]')


@lru_cache(maxsize=1)
def grammar() -> Grammar:
    """The compiled language; `tale` derives one tale without its separator."""
    return Grammar({**PLOTS, **SENTENCES, **PHRASES, **WORDS}, CAST, start="tale")


def write_tales(characters: int, seed: int) -> Iterator[str]:
    """Independent tales, each with its separator, until `characters` or more have been written."""
    random, written = Random(seed), 0
    while written < characters:
        tale = grammar().sample(random).text + SEPARATOR
        written += len(tale)
        yield tale


@lru_cache(maxsize=1)
def entropy_rate() -> float:
    """Nats per character of the endless stream of tales: the floor of any model's loss.

    Tales are independent and the separator shows where each ends, so the stream is a renewal
    process and its rate is H(tale) / E[characters of a tale], separator included (Cover and
    Thomas, *Elements of Information Theory*, chapter 4, with the renewal reward theorem).
    """
    return grammar().entropy() / (grammar().expected_length() + len(SEPARATOR))


def log_probability(tale: str) -> float:
    """Nats; `-inf` for what is not a tale. The separator at its end may be left out."""
    return grammar().log_probability(tale.removesuffix(SEPARATOR))


def production_count() -> int:
    """How many alternatives, words and cast members were written for this language."""
    return grammar().production_count()


@dataclass(frozen=True)
class Judgement:
    """How much of a text belongs to the language. Shares are 0 where there was nothing to judge."""

    sentences: int
    valid_sentences: int
    tales: int
    valid_tales: int
    first_invalid: str | None

    @property
    def sentence_share(self) -> float:
        return self.valid_sentences / self.sentences if self.sentences else 0.0

    @property
    def tale_share(self) -> float:
        return self.valid_tales / self.tales if self.tales else 0.0


def split_sentences(paragraph: str) -> list[str]:
    """Cut a paragraph into sentences; what is left over at its end comes last.

    A sentence ends at `.`, `!` or `?`, with the closing quote if there is one, where a space and a
    capital (or a quote and a capital) follow. The question in `"Where is it?" asked Mira.` ends
    nothing, for `asked` is in lower case.
    """
    return _BOUNDARY.split(paragraph) if paragraph else []


@lru_cache(maxsize=1)
def longest_sentence() -> int:
    """Characters of the longest sentence of the language."""
    return max(grammar().longest(rule) for rule in SENTENCES)


def is_sentence(text: str) -> bool:
    """Whether some tale of the language contains exactly this sentence."""
    return any(grammar().derives(text, rule) for rule in SENTENCES)


def judge(text: str) -> Judgement:
    """Count the sentences and tales of a sampled text, and the valid ones among them.

    A blank line ends a tale; `split_sentences` says what ends a sentence. A sentence is valid if
    some tale contains it, a tale if it has positive probability.

    Not counted: a first sentence that begins in the middle, a last one that the text breaks off,
    the last tale without its blank line, and the first one unless its first sentence can open a
    tale. A fragment longer than every sentence of the language is counted, as invalid, so that a
    text without full stops does not pass for one without mistakes.
    """
    paragraphs = text.split(SEPARATOR)
    sentences = valid_sentences = tales = valid_tales = 0
    first_invalid: str | None = None
    for number, paragraph in enumerate(paragraphs):
        first, last = number == 0, number == len(paragraphs) - 1
        pieces = split_sentences(paragraph.removesuffix("\n") if last else paragraph)
        if not last and (not first or _opens(pieces)):
            tales += 1
            valid_tales += grammar().derives(paragraph, "tale")
        if last and pieces and _is_broken_off(pieces[-1]):
            del pieces[-1]
        if first and pieces and _begins_in_the_middle(pieces[0]):
            del pieces[0]
        for piece in pieces:
            sentences += 1
            if is_sentence(piece):
                valid_sentences += 1
            elif first_invalid is None:
                first_invalid = piece
    return Judgement(sentences, valid_sentences, tales, valid_tales, first_invalid)


def _opens(pieces: list[str]) -> bool:
    return bool(pieces) and grammar().derives(pieces[0], "opening")


def _begins_in_the_middle(piece: str) -> bool:
    return not _BEGINNING.match(piece) and len(piece) <= longest_sentence()


def _is_broken_off(piece: str) -> bool:
    """Whether more could follow: an open quote, no full stop, or a `?"` that wants its speaker."""
    ended = piece.endswith((".", "!", "?", '."')) and piece.count('"') % 2 == 0
    return not ended and len(piece) <= longest_sentence()
