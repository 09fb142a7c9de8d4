"""Which tokens a step reads: a pure function of seed and step, so resuming needs no state."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

GAPS = 17
IGNORED = -100  # a target that is none, as `cross_entropy` has it


class WindowSampler:
    """Passes over the training tokens in windows of one block, shuffled anew in each epoch.

    An epoch leaves out one token in `GAPS`, at random places between the windows. So a token may
    stand at any position of a window, also where the text has lines of one length: with windows
    side by side, a line of 20 characters would begin at a fifth of the positions of a block of 64,
    and a model would know no other. Sequence `i` of the run is window `i % windows` of epoch
    `i // windows`, whatever the batch size: a run on two processes reads what one process with
    twice the batch would.
    """

    def __init__(self, tokens: np.ndarray, block_size: int, seed: int) -> None:
        self.tokens = tokens
        self.block_size = block_size
        self.seed = seed
        room = len(tokens) - 1  # the last token is only ever a target
        self.windows = max(1, room * (GAPS - 1) // (GAPS * block_size))
        self.spare = room - self.windows * block_size
        self._epoch = -1
        self._starts = np.empty(0, dtype=np.int64)

    def sequences(self, first: int, count: int) -> tuple[Tensor, Tensor]:
        """Inputs and targets of `count` sequences from number `first` on, both (count, T) int64."""
        places = [self.place(number) for number in range(first, first + count)]
        starts = np.array([start for start, _ in places])
        rows = self.tokens[starts[:, None] + np.arange(self.block_size + 1)]  # (count, T + 1)
        window = torch.from_numpy(rows.astype(np.int64))
        return window[:, :-1], window[:, 1:]

    def place(self, number: int) -> tuple[int, int]:
        """Where a sequence of the run begins among the tokens, and its length."""
        epoch, position = divmod(number, self.windows)
        if epoch != self._epoch:
            random = np.random.default_rng([self.seed, epoch])
            gaps = np.sort(random.integers(self.spare + 1, size=self.windows))  # up to each window
            starts = np.arange(self.windows) * self.block_size + gaps
            self._starts = random.permutation(starts)
            self._epoch = epoch
        return int(self._starts[position]), self.block_size


class DocumentSampler:
    """As `WindowSampler`, of windows that cross no document.

    Each holds one document or a part of it, from the mark before it on; what is left of the window
    is filled with marks, and nothing is to be predicted there (`IGNORED`).
    """

    def __init__(self, tokens: np.ndarray, block_size: int, seed: int, mark: int) -> None:
        self.tokens, self.block_size, self.seed, self.mark = tokens, block_size, seed, mark
        self.places = np.array(document_windows(tokens, block_size, mark))  # (windows, 2)
        self.windows = len(self.places)
        self._epoch = -1
        self._order = np.empty(0, dtype=np.int64)

    def sequences(self, first: int, count: int) -> tuple[Tensor, Tensor]:
        """Inputs and targets of `count` sequences from number `first` on, both (count, T) int64."""
        inputs = torch.full((count, self.block_size), self.mark)
        targets = torch.full((count, self.block_size), IGNORED)
        for row, number in enumerate(range(first, first + count)):
            start, length = self.place(number)
            window = torch.from_numpy(self.tokens[start : start + length + 1].astype(np.int64))
            inputs[row, :length], targets[row, :length] = window[:-1], window[1:]
        return inputs, targets

    def place(self, number: int) -> tuple[int, int]:
        """As `WindowSampler.place`."""
        epoch, position = divmod(number, self.windows)
        if epoch != self._epoch:
            self._order = np.random.default_rng([self.seed, epoch]).permutation(self.windows)
            self._epoch = epoch
        start, length = self.places[self._order[position]].tolist()
        return start, length


def make_sampler(
    tokens: np.ndarray, block_size: int, seed: int, mark: int | None
) -> WindowSampler | DocumentSampler:
    """The sampler of a run; `mark` is the token that no window may cross, if there is one."""
    if mark is None:
        return WindowSampler(tokens, block_size, seed)
    return DocumentSampler(tokens, block_size, seed, mark)


def evaluation_windows(
    tokens: np.ndarray, block_size: int, count: int, seed: int, mark: int | None = None
) -> list[tuple[int, int]]:
    """Start and length of `count` windows spread over `tokens` by a seeded choice, in order.

    Windows do not overlap; where there are no more than `count`, all are taken.
    """
    windows = all_windows(tokens, block_size, mark)
    full = (
        windows if mark is not None else [window for window in windows if window[1] == block_size]
    )
    if len(full) <= count:
        return full
    chosen = np.random.default_rng(seed).choice(len(full), size=count, replace=False)
    return [full[index] for index in sorted(chosen)]


def all_windows(
    tokens: np.ndarray, block_size: int, mark: int | None = None
) -> list[tuple[int, int]]:
    """Start and length of the windows that predict every token after the first exactly once.

    With a `mark` between documents none of them crosses it.
    """
    if mark is not None:
        return document_windows(tokens, block_size, mark)
    last = len(tokens) - 1
    return [(start, min(block_size, last - start)) for start in range(0, last, block_size)]


def document_windows(tokens: np.ndarray, block_size: int, mark: int) -> list[tuple[int, int]]:
    """The same within documents: a window begins at a mark, or where a block of it was full."""
    last = len(tokens) - 1
    ends = [*np.flatnonzero(tokens == mark).tolist(), last]
    windows: list[tuple[int, int]] = []
    begin = 0
    for end in ends:
        windows += [
            (start, min(block_size, end - start)) for start in range(begin, end, block_size)
        ]
        begin = max(begin, end)
    return windows
