"""The places that must be read to answer on the task texts: where a head should look."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

Pairs = Iterator[tuple[int, int]]  # of a query and a key, as places within a line


def expected_attention(
    source: str, tokens: Sequence[str], *, is_cut: bool = False
) -> list[tuple[int, int]]:
    """Query and key, as places in the text, of every token that only one place can foretell.

    A query is the token before the one that is foretold. Empty where `source` is no task, or where
    tokens are not single characters. Where the text `is_cut` on the left, its first line is the
    rest of one, of which nothing can be told.
    """
    rule = RULES.get(source)
    if rule is None or any(len(token) != 1 for token in tokens):
        return []
    pairs: list[tuple[int, int]] = []
    start = 0
    for number, line in enumerate("".join(tokens).split("\n")):
        if number > 0 or not is_cut:
            pairs += [(start + query, start + key) for query, key in rule(line)]
        start += len(line) + 1
    return pairs


def _copy(line: str) -> Pairs:
    length = line.find(">")
    for answered in range(min(length, len(line) - length)) if length > 0 else ():
        yield length + answered, answered


def _reverse(line: str) -> Pairs:
    length = line.find(">")
    for answered in range(min(length, len(line) - length)) if length > 0 else ():
        yield length + answered, length - 1 - answered


def _add(line: str) -> Pairs:
    """Each digit of the sum looks at both digits of its own place."""
    question, equals, answer = line.partition("=")
    first, plus, second = question.partition("+")
    if not (equals and plus and first.isdigit() and second.isdigit()):
        return
    total = str(int(first) + int(second))
    for place in range(min(len(total), len(answer) + 1)):
        power = len(total) - 1 - place  # 0 for units
        query = len(question) + place
        for begin, number in ((0, first), (len(first) + 1, second)):
            if power < len(number):
                yield query, begin + len(number) - 1 - power


def _induction(line: str) -> Pairs:
    """After the space each letter looks at what followed it before."""
    string, space, repeated = line.partition(" ")
    for place, letter in enumerate(repeated if space else ""):
        first_place = string.find(letter)
        if 0 <= first_place < len(string) - 1:
            yield len(string) + 1 + place, first_place + 1


RULES: dict[str, Callable[[str], Pairs]] = {
    "copy": _copy,
    "reverse": _reverse,
    "addition": _add,
    "induction": _induction,
}
