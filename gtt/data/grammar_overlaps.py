"""Whether each text of a grammar has one derivation.

A set of strings is a *prefix code* when none of them begins another. If the alternatives of every
rule derive sets that do not begin one another, and so do the forms of the cast, then by induction
every symbol derives a prefix code, a sequence of prefix codes can be cut in one way only, and
reading from left to right leaves no choice (Sardinas and Patterson, 1953, is the general question;
prefix codes are its easy case). `find_overlaps` decides this condition exactly, by walking through
every pair of alternatives, and lists what breaks it. Cast members that a text does not tell apart
are summed over, so probabilities are those of the text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

from gtt.data.grammar_symbols import Mention, Rule, Stack, Symbol, stacked


@dataclass(frozen=True)
class Overlap:
    """Two alternatives of a rule (or two forms of a role) of which one can begin the other."""

    where: str
    first: str
    second: str
    shared: str


def find_overlaps(mentions: Mapping[str, Mention], rules: Iterable[Rule]) -> list[Overlap]:
    """What breaks the prefix-code condition. An empty list proves one derivation per text."""
    found = []
    for name, mention in mentions.items():
        for a, b in combinations(sorted(mention.records), 2):
            if b.startswith(a):
                found.append(Overlap(name, a, b, a))
    for rule in rules:
        for first, second in combinations(rule.alternatives, 2):
            shared = _clash(stacked(first), stacked(second))
            if shared is not None:
                found.append(Overlap(rule.name, _as_text(first), _as_text(second), shared))
    return found


def _as_text(symbols: tuple[Symbol, ...]) -> str:
    names = (
        s if isinstance(s, str) else s.name if isinstance(s, Rule) else "{..}" for s in symbols
    )
    return " ".join(names)


def _clash(first: Stack, second: Stack) -> str | None:
    """A string of one sequence that begins a string of the other; None if there is no such pair.

    Mentions count as free choices, which can only find too much. A symbol at the head of both is
    skipped: its own alternatives are compared elsewhere, and both must then derive the same text.
    """
    agenda = [(first, second, "")]
    seen = set()
    while agenda:
        a, b, shared = agenda.pop()
        while a is not None and b is not None and a[0] is b[0]:
            a, b = a[1], b[1]
        if a is None or b is None:
            return shared
        if (a, b) in seen:
            continue
        seen.add((a, b))
        head, other = a[0], b[0]
        if not isinstance(head, str):
            agenda.extend((stack, b, shared) for stack in _unfold(head, a[1]))
        elif not isinstance(other, str):
            agenda.extend((a, stack, shared) for stack in _unfold(other, b[1]))
        elif head.startswith(other):
            rest = head[len(other) :]
            agenda.append(((rest, a[1]) if rest else a[1], b[1], shared + other))
        elif other.startswith(head):
            agenda.append((a[1], (other[len(head) :], b[1]), shared + head))
    return None


def _unfold(symbol: Mention | Rule, rest: Stack) -> list[Stack]:
    if isinstance(symbol, Mention):
        return [(text, rest) for text in symbol.records]
    return [stacked(alternative, rest) for alternative in symbol.alternatives]
