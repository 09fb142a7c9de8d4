"""The longest runs of a sequence that another one holds as well, read once from left to right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Match:
    """`length` items of the sequence from `start` on, and where the other one held them last.

    `before` and `after` are up to so many of the other sequence's items around that place as the
    reader was given.
    """

    start: int
    length: int
    before: tuple[str, ...]
    after: tuple[str, ...]


class SuffixAutomaton:
    """Reads another sequence item by item and notes the longest runs it shares with this one.

    The automaton of all substrings (Blumer et al. 1985): a state is a set of substrings that end at
    the same places. N items make at most 2N states; reading an item costs constant time on average,
    however often either sequence repeats itself.
    """

    def __init__(self, items: Sequence[int], shortest: int) -> None:
        self.shortest = shortest
        self._next: list[dict[int, int]] = [{}]
        self._link = [-1]  # the state of the longest suffix that ends elsewhere too
        self._longest = [0]  # items of a state's longest substring
        self._end = [-1]  # where a state's substrings end first
        self._prefixes: list[int] = []  # the state after each item
        for item in items:
            self._extend(item)
        self._state, self._length = 0, 0  # of the reader
        self._runs: dict[int, tuple[int, tuple[str, ...], tuple[str, ...]]] = {}

    def _extend(self, item: int) -> None:
        last = self._prefixes[-1] if self._prefixes else 0
        new = self._add({}, 0, self._longest[last] + 1, len(self._prefixes))
        self._prefixes.append(new)
        state = last
        while state >= 0 and item not in self._next[state]:
            self._next[state][item] = new
            state = self._link[state]
        if state < 0:
            return
        target = self._next[state][item]
        if self._longest[target] > self._longest[state] + 1:  # only its shorter substrings end here
            target = self._split(state, item, target)
        self._link[new] = target

    def _split(self, state: int, item: int, whole: int) -> int:
        """A state for the substrings of `whole` that are one item longer than those of `state`."""
        short = self._add(
            dict(self._next[whole]),
            self._link[whole],
            self._longest[state] + 1,
            self._end[whole],
        )
        self._link[whole] = short
        while state >= 0 and self._next[state].get(item) == whole:
            self._next[state][item] = short
            state = self._link[state]
        return short

    def _add(self, following: dict[int, int], link: int, longest: int, end: int) -> int:
        self._next.append(following)
        self._link.append(link)
        self._longest.append(longest)
        self._end.append(end)
        return len(self._next) - 1

    def read(self, item: int) -> bool:
        """Reads the next item of the other sequence; True where a longer run of its kind ends here.

        Then `note` is to be called.
        """
        state, length = self._state, self._length
        while state and item not in self._next[state]:
            state = self._link[state]
            length = self._longest[state]
        after = self._next[state].get(item)
        self._state, self._length = (0, 0) if after is None else (after, length + 1)
        longest = self._runs.get(self._state)
        return self._length >= self.shortest and (longest is None or longest[0] < self._length)

    @property
    def length(self) -> int:
        """Items of the run that the last item ended."""
        return self._length

    def note(self, before: Sequence[str], after: Sequence[str]) -> None:
        """Keeps the run that ends here, with what stands around it there."""
        self._runs[self._state] = self._length, tuple(before), tuple(after)

    def forget(self) -> None:
        """What comes next does not follow what was read."""
        self._state, self._length = 0, 0

    def maximal(self, items: Sequence[str], around: int) -> Iterator[Match]:
        """The runs that lie in no other, by their start; `items` are this sequence's own."""
        runs = self._in_every_state(items, around)
        matches: list[Match] = []
        for end, state in enumerate(self._prefixes):
            if (best := runs.get(state)) is None:
                continue
            match = Match(end - best[0] + 1, *best)
            if matches and matches[-1].start == match.start:
                matches.pop()  # this one is longer
            matches.append(match)
        return iter(matches)

    def _in_every_state(
        self, items: Sequence[str], around: int
    ) -> dict[int, tuple[int, tuple[str, ...], tuple[str, ...]]]:
        """Of each state the longest run: its own, the end of a longer one, or a shorter suffix."""
        runs = dict(self._runs)
        by_length = sorted(range(1, len(self._next)), key=self._longest.__getitem__)
        for state in reversed(by_length):
            link = self._link[state]
            short = self._longest[link]
            if state not in runs or short < self.shortest:
                continue
            length, before, after = runs[state]
            if link not in runs or runs[link][0] < short:
                start = self._end[state] - length + 1
                own = items[start : start + length - short]
                runs[link] = short, (*before, *own)[-around:], after
        for state in by_length:
            if state not in runs and self._link[state] in runs:
                runs[state] = runs[self._link[state]]
        return runs
