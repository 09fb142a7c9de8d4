"""A probabilistic grammar with a cast, small enough that everything about it is exact.

A rule is a list of alternatives, one of which is drawn; an alternative is text with references in
braces: `{meal}` another rule, `{hero.name}` a form of a cast member, `{^meal}` either of them with
a capital. The cast is drawn before the first word (one record per role, uniformly), so a name, a
pronoun and an animal stay the same through a text. Which alternative is drawn never depends on the
cast; that independence is what makes the sums below exact.

Every text has one derivation where `overlaps` is empty; `gtt.data.grammar_overlaps` says why. Cast
members that a text does not tell apart are summed over, so probabilities are those of the text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import exp, inf, log
from random import Random

from gtt.data.grammar_overlaps import Overlap, find_overlaps
from gtt.data.grammar_symbols import Mention, Rule, Stack, Symbol

_REFERENCE = re.compile(r"\{(\^?)([a-z_]+)(?:\.([a-z_]+))?\}")
_WEIGHT = re.compile(r"(\d+)\* (.*)")

Knowledge = tuple[tuple[int, ...], ...]  # by role which records a reader can tell apart


@dataclass(frozen=True)
class Sample:
    """A drawn text and its log-probability in nats, from the draws that made it."""

    text: str
    log_probability: float


class Grammar:
    """Rules compiled for sampling, parsing and counting. The language is finite.

    `rules` maps a name to its alternatives, one template each (`3* text` weighs three);
    `cast` maps a role to its records, each a mapping from form to text.
    Raises `ValueError` for unknown references, unused rules and rules that contain themselves.
    """

    def __init__(
        self,
        rules: Mapping[str, Sequence[str]],
        cast: Mapping[str, Sequence[Mapping[str, str]]],
        start: str,
    ) -> None:
        self._source = {name: [_weigh(line) for line in lines] for name, lines in rules.items()}
        self._cast = cast
        self._roles = {role: index for index, role in enumerate(cast)}
        self._rules: dict[str, Rule] = {}
        self._mentions: dict[str, Mention] = {}
        self._order: list[Rule] = []  # a rule stands before the rules that it uses
        self.start = self._rule(start, ())
        self._order.reverse()
        if unused := sorted(set(rules) - {name.lstrip("^") for name in self._rules}):
            raise ValueError(f"rules that nothing uses: {', '.join(unused)}")
        self._everyone = tuple((1 << len(records)) - 1 for records in cast.values())

    # -- compiling ---------------------------------------------------------------------------

    def _rule(self, name: str, above: tuple[str, ...]) -> Rule:
        if name in above:
            raise ValueError(f"rule {name} contains itself: {' > '.join((*above, name))}")
        if name in self._rules:
            return self._rules[name]
        capital = name.startswith("^")
        source = self._source.get(name.lstrip("^"))
        if not source:
            raise ValueError(f"rule {name} is unknown or empty")
        rule = Rule(name)
        total = sum(weight for weight, _ in source)
        for weight, template in source:
            rule.alternatives.append(self._compile(template, capital, (*above, name)))
            rule.probabilities.append(weight / total)
        rule.logs = [log(p) for p in rule.probabilities]
        rule.cumulative = list(accumulate(rule.probabilities))[:-1]  # no bound for the last one
        texts = [a[0] for a in rule.alternatives if len(a) == 1 and isinstance(a[0], str)]
        if len(texts) == len(set(texts)) == len(rule.alternatives):
            rule.words = dict(zip(texts, rule.logs, strict=True))
            rule.lengths = tuple(sorted({len(text) for text in texts}))
        for index, alternative in enumerate(rule.alternatives):
            for character in _first_characters(alternative):
                rule.starts.setdefault(character, []).append(index)
        self._rules[name] = rule
        self._order.append(rule)
        return rule

    def _compile(self, template: str, capital: bool, above: tuple[str, ...]) -> tuple[Symbol, ...]:
        symbols: list[Symbol] = []
        at = 0
        for match in _REFERENCE.finditer(template):
            if literal := template[at : match.start()]:
                symbols.append(literal[0].upper() + literal[1:] if capital else literal)
                capital = False
            mark = "^" if capital or match[1] else ""
            name, form = match[2], match[3]
            symbols.append(
                self._mention(mark, name, form) if form else self._rule(mark + name, above)
            )
            capital, at = False, match.end()
        if literal := template[at:]:
            symbols.append(literal[0].upper() + literal[1:] if capital else literal)
        if any(isinstance(s, str) and ("{" in s or "}" in s) for s in symbols):
            raise ValueError(f"a brace without a reference in {template!r}")
        return tuple(symbols)

    def _mention(self, mark: str, role: str, form: str) -> Mention:
        name = f"{mark}{role}.{form}"
        if name not in self._mentions:
            try:
                texts = tuple(record[form] for record in self._cast[role])
            except KeyError as error:
                raise ValueError(f"the cast has no {role}.{form}") from error
            if mark:
                texts = tuple(text[0].upper() + text[1:] for text in texts)
            self._mentions[name] = Mention(self._roles[role], texts)
        return self._mentions[name]

    # -- sampling ----------------------------------------------------------------------------

    def sample(self, random: Random) -> Sample:
        """Draw a text. Uses `random.random()` only, whose stream Python guarantees for a seed."""
        draw = random.random
        cast = [int(draw() * everyone.bit_length()) for everyone in self._everyone]
        possible = list(self._everyone)
        out: list[str] = []
        log_probability = 0.0
        stack: list[Symbol] = [self.start]
        while stack:
            symbol = stack.pop()
            if type(symbol) is str:
                out.append(symbol)
            elif type(symbol) is Rule:
                index = bisect_right(symbol.cumulative, draw())
                log_probability += symbol.logs[index]
                stack.extend(reversed(symbol.alternatives[index]))
            elif type(symbol) is Mention:
                text = symbol.texts[cast[symbol.role]]
                possible[symbol.role] &= symbol.records[text]
                out.append(text)
        for everyone, records in zip(self._everyone, possible, strict=True):
            log_probability += log(records.bit_count() / everyone.bit_count())
        return Sample("".join(out), log_probability)

    # -- parsing -----------------------------------------------------------------------------

    def derivations(self, text: str, rule: str | None = None) -> Iterator[float]:
        """The log-probability of every derivation of the whole text from a rule (the start).

        A depth-first reading from left to right: linear in the text when the grammar has no
        overlaps, since then all but one alternative fail within their first words.
        """
        top = self._rules[rule] if rule else self.start
        agenda: list[tuple[Stack, int, tuple[int, ...], float]] = [
            ((top, None), 0, self._everyone, 0.0)
        ]
        while agenda:
            stack, at, cast, total = agenda.pop()
            while stack is not None:
                symbol, stack = stack
                if isinstance(symbol, str):
                    if not text.startswith(symbol, at):
                        break
                    at += len(symbol)
                    continue
                if isinstance(symbol, Mention):
                    found = self._read_mention(symbol, text, at, cast)
                elif symbol.words is not None:
                    words = symbol.words
                    ends = ((at + n, words.get(text[at : at + n])) for n in symbol.lengths)
                    found = [
                        (end, cast, p) for end, p in ends if p is not None and end <= len(text)
                    ]
                else:
                    for index in symbol.starts.get(text[at : at + 1], ()):
                        rest = stack
                        for item in reversed(symbol.alternatives[index]):
                            rest = (item, rest)
                        agenda.append((rest, at, cast, total + symbol.logs[index]))
                    break
                if not found:
                    break
                agenda.extend((stack, end, who, total + p) for end, who, p in found[1:])
                at, cast, total = found[0][0], found[0][1], total + found[0][2]
            else:
                if at == len(text):
                    yield total

    def _read_mention(
        self, mention: Mention, text: str, at: int, cast: tuple[int, ...]
    ) -> list[tuple[int, tuple[int, ...], float]]:
        """Where a form can end, who of the cast is then left, and what that costs."""
        found = []
        role, before = mention.role, cast[mention.role]
        for length in mention.lengths:
            after = before & mention.records.get(text[at : at + length], 0)
            if after and at + length <= len(text):
                who = (*cast[:role], after, *cast[role + 1 :])
                found.append((at + length, who, log(after.bit_count() / before.bit_count())))
        return found

    def log_probability(self, text: str) -> float:
        """Nats; `-inf` for a text outside the language. Many derivations are summed over."""
        logs = list(self.derivations(text))
        if len(logs) < 2:
            return logs[0] if logs else -inf
        return log(sum(exp(value) for value in logs))

    def derives(self, text: str, rule: str) -> bool:
        """Whether some cast lets the rule derive exactly this text."""
        return next(self.derivations(text, rule), None) is not None

    # -- counting ----------------------------------------------------------------------------

    def visits(self) -> dict[str, float]:
        """How often each rule is drawn from in one text, on average."""
        visits = dict.fromkeys((rule.name for rule in self._order), 0.0)
        visits[self.start.name] = 1.0
        for rule in self._order:
            for p, alternative in zip(rule.probabilities, rule.alternatives, strict=True):
                for symbol in alternative:
                    if isinstance(symbol, Rule):
                        visits[symbol.name] += visits[rule.name] * p
        return visits

    def expected_length(self) -> float:
        """Mean characters of a text, exactly: expectations add up over its parts."""
        visits = self.visits()
        return sum(
            visits[rule.name] * p * sum(_mean_length(symbol) for symbol in alternative)
            for rule in self._order
            for p, alternative in zip(rule.probabilities, rule.alternatives, strict=True)
        )

    def longest(self, rule: str) -> int:
        """Characters of the longest text that a rule derives."""
        lengths: dict[str, int] = {}
        for each in reversed(self._order):
            lengths[each.name] = max(
                sum(
                    lengths[symbol.name]
                    if isinstance(symbol, Rule)
                    else len(symbol)
                    if isinstance(symbol, str)
                    else symbol.lengths[-1]
                    for symbol in alternative
                )
                for alternative in each.alternatives
            )
        return lengths[rule]

    def entropy_by_rule(self) -> dict[str, float]:
        """Nats per text from the draws of each rule, by the chain rule of entropy."""
        visits = self.visits()
        return {rule.name: visits[rule.name] * rule.entropy for rule in self._order}

    def cast_entropy(self) -> float:
        """Nats per text from learning who the cast is, as far as the text tells.

        Follows what the reader knows: per role a partition of the records, refined by each form
        that is mentioned. A refinement is worth the entropy that it adds.
        """
        nobody = tuple((0,) * len(records) for records in self._cast.values())
        memo: dict[tuple[str, Knowledge], tuple[float, dict[Knowledge, float]]] = {}

        def learn(rule: Rule, knowledge: Knowledge) -> tuple[float, dict[Knowledge, float]]:
            if (rule.name, knowledge) in memo:
                return memo[rule.name, knowledge]
            gain, outcome = 0.0, dict[Knowledge, float]()
            for p, alternative in zip(rule.probabilities, rule.alternatives, strict=True):
                states = {knowledge: p}
                for symbol in alternative:
                    after: dict[Knowledge, float] = {}
                    for state, q in states.items():
                        if isinstance(symbol, Rule):
                            more, ends = learn(symbol, state)
                        else:
                            more, ends = _hear(symbol, state)
                        gain += q * more
                        for end, r in ends.items():
                            after[end] = after.get(end, 0.0) + q * r
                    states = after
                for state, q in states.items():
                    outcome[state] = outcome.get(state, 0.0) + q
            memo[rule.name, knowledge] = gain, outcome
            return gain, outcome

        return learn(self.start, nobody)[0]

    def entropy(self) -> float:
        """Nats per text. Exact for the text, and not only its derivation, without overlaps."""
        return sum(self.entropy_by_rule().values()) + self.cast_entropy()

    def production_count(self) -> int:
        """Alternatives as written, and records of the cast."""
        written = sum(len(lines) for lines in self._source.values())
        return written + sum(len(records) for records in self._cast.values())

    # -- unambiguity -------------------------------------------------------------------------

    def overlaps(self) -> list[Overlap]:
        """What breaks the prefix-code condition. An empty list proves one derivation per text."""
        return find_overlaps(self._mentions, self._order)


def _weigh(line: str) -> tuple[int, str]:
    match = _WEIGHT.fullmatch(line)
    return (int(match[1]), match[2]) if match else (1, line)


def _first_characters(symbols: tuple[Symbol, ...]) -> set[str]:
    """Characters that a sequence can begin with."""
    if not symbols:
        raise ValueError("an alternative may not be empty")
    head = symbols[0]
    if isinstance(head, str):
        return {head[0]}
    return {text[0] for text in head.texts} if isinstance(head, Mention) else set(head.starts)


def _mean_length(symbol: Symbol) -> float:
    if isinstance(symbol, str):
        return len(symbol)
    if isinstance(symbol, Mention):
        return sum(len(text) for text in symbol.texts) / len(symbol.texts)
    return 0.0  # counted where the rule itself is visited


def _hear(symbol: str | Mention, knowledge: Knowledge) -> tuple[float, dict[Knowledge, float]]:
    """What a mention adds to the reader's knowledge of the cast, in nats."""
    if isinstance(symbol, str):
        return 0.0, {knowledge: 1.0}
    before = knowledge[symbol.role]
    labels: dict[tuple[int, str], int] = {}
    after = tuple(
        labels.setdefault(pair, len(labels)) for pair in zip(before, symbol.texts, strict=True)
    )
    state = (*knowledge[: symbol.role], after, *knowledge[symbol.role + 1 :])
    return _partition_entropy(after) - _partition_entropy(before), {state: 1.0}


def _partition_entropy(labels: tuple[int, ...]) -> float:
    shares = [labels.count(label) / len(labels) for label in set(labels)]
    return -sum(p * log(p) for p in shares)
