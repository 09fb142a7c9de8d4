"""Measures the nesting of a JSON body while it arrives, before anything parses it."""

from __future__ import annotations

import re

_OUTSIDE = re.compile(rb'["\[\]{}]')
_INSIDE = re.compile(rb'["\\]')  # of a string
_MOST_MARKS = 200_000


class NestingCheck:
    """Feed it the body in pieces of any size; it answers whether that is still acceptable.

    A body with few brackets cannot be nested deeply and costs one count per piece; only others
    are read mark by mark, and only up to a number of marks that no honest request has.
    """

    def __init__(self, most: int = 64) -> None:
        self.most = most
        self._brackets = 0
        self._unread: list[bytes] = []
        self._depth = self._marks = 0
        self._in_string = self._escaped = False

    def feed(self, piece: bytes) -> bool:
        """Whether the body may go on."""
        self._brackets += piece.count(b"[") + piece.count(b"{")
        self._unread.append(piece)
        if self._brackets <= self.most:
            return True
        pieces, self._unread = self._unread, []
        return all(self._read(part) for part in pieces)

    def _read(self, piece: bytes) -> bool:
        at = 0
        while at < len(piece):
            if self._escaped:
                self._escaped = False
                at += 1
                continue
            mark = (_INSIDE if self._in_string else _OUTSIDE).search(piece, at)
            if mark is None:
                return True
            at = mark.end()
            self._count(mark.group())
            if self._depth > self.most or self._marks > _MOST_MARKS:
                return False
        return True

    def _count(self, mark: bytes) -> None:
        self._marks += 1
        if mark == b'"':
            self._in_string = not self._in_string
        elif mark == b"\\":
            self._escaped = True
        else:
            self._depth += 1 if mark in b"[{" else -1
