"""Rate limits: token buckets, one per desk and kind of request, and one per kind for all."""

from __future__ import annotations

import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from gtt.api.api_errors import RateLimited

Kind = Literal[
    "create",
    "push",
    "generate",
    "look",
    "upload",
    "file",
    "tokenize",
    "watch",
    "write",
    "read",
    "desk",
    "page",
]


@dataclass(frozen=True)
class Rate:
    """`burst` requests at once, then `per_minute`."""

    burst: int
    per_minute: float


# look: attention, odds, whole journals. file: what Gradio receives, of a class behind one address
# too. watch: where a run stands, which every open tab asks again and again. write: what changes a
# desk or a run and costs little. read: the rest. desk: a new desk that is to hold something, per
# address: a school has one for all of its classes. page: the page itself, per address likewise.
DESK_RATES: dict[Kind, Rate] = {
    "create": Rate(5, 6),
    "push": Rate(5, 6),
    "generate": Rate(10, 30),
    "look": Rate(20, 60),
    "upload": Rate(5, 6),
    "file": Rate(20, 30),
    "tokenize": Rate(30, 120),
    "watch": Rate(400, 3600),
    "write": Rate(30, 60),
    "read": Rate(200, 1200),
    "desk": Rate(100, 6),
    "page": Rate(90, 90),
}
SERVER_RATES: dict[Kind, Rate] = {
    "create": Rate(40, 60),
    "push": Rate(20, 30),
    "generate": Rate(60, 300),
    "look": Rate(120, 600),
    "upload": Rate(40, 60),
    "file": Rate(60, 120),
    "tokenize": Rate(200, 1200),
    "watch": Rate(6000, 60_000),
    "write": Rate(300, 1200),
    "read": Rate(3000, 30_000),
    "desk": Rate(400, 12),
    "page": Rate(3000, 30_000),
}

STREAMS_PER_DESK = 8
STREAMS = 120  # of all desks: a class of thirty with four each
RETRY_STREAM = 10.0  # seconds

_ACTS: dict[Kind, str] = {
    "create": "runs are started",
    "push": "models are pushed",
    "generate": "texts are generated",
    "look": "looks inside a model are asked for",
    "upload": "texts are uploaded",
    "file": "files are sent",
    "tokenize": "texts are tokenized",
    "watch": "looks at a run are made",
    "write": "changes are made",
    "read": "requests are made",
    "desk": "desks are opened",
    "page": "pages are opened",
}


class _Bucket:
    """Holds up to `burst` tokens and fills at a steady rate."""

    __slots__ = ("filled", "tokens")

    def __init__(self, tokens: float, now: float) -> None:
        self.tokens = tokens
        self.filled = now

    def is_full(self, rate: Rate, now: float) -> bool:
        """Fills up; whether nothing more fits in."""
        passed = max(0.0, now - self.filled)
        self.tokens = min(float(rate.burst), self.tokens + passed * rate.per_minute / 60)
        self.filled = now
        return self.tokens >= rate.burst

    def wait(self, rate: Rate, now: float) -> float:
        """Fills up; seconds until there is a token, 0 where there is one."""
        self.is_full(rate, now)
        # What rounding leaves out of a whole token is not worth another request.
        return 0.0 if self.tokens > 1 - 1e-6 else (1 - self.tokens) * 60 / rate.per_minute


class RateLimiter:
    """Thread-safe. A kind that a table leaves out is not limited on that level.

    At most `most_buckets` are kept; the one unused for longest is forgotten, which at worst gives
    its desk a full bucket again: the bucket for all still holds.
    """

    def __init__(
        self,
        per_desk: Mapping[Kind, Rate],
        for_all: Mapping[Kind, Rate] | None = None,
        clock: Callable[[], float] = time.monotonic,
        most_buckets: int = 10_000,
    ) -> None:
        self.per_desk = dict(per_desk)
        self.for_all = dict(for_all or {})
        self.clock = clock
        self.most_buckets = most_buckets
        self._desks: OrderedDict[tuple[Kind, str], _Bucket] = OrderedDict()
        self._server: dict[Kind, _Bucket] = {}
        self._lock = threading.Lock()

    @classmethod
    def for_strangers(cls) -> RateLimiter:
        """The rates of an open server."""
        return cls(DESK_RATES, SERVER_RATES)

    @classmethod
    def together(cls) -> RateLimiter:
        """The rates of an open server whose visitors all work on one desk."""
        return cls({}, SERVER_RATES)

    @classmethod
    def at_home(cls) -> RateLimiter:
        """No limits: the visitor owns the machine."""
        return cls({})

    def take(self, kind: Kind, owner: str) -> None:
        """Takes one token for the desk of `owner`; raises `RateLimited` where there is none."""
        if kind not in _ACTS:
            raise KeyError(kind)
        with self._lock:
            now = self.clock()
            desk, server = self._desk_bucket(kind, owner, now), self._server_bucket(kind, now)
            wait_desk = desk.wait(self.per_desk[kind], now) if desk else 0.0
            wait_all = server.wait(self.for_all[kind], now) if server else 0.0
            if not wait_desk and not wait_all:
                for bucket in (desk, server):
                    if bucket is not None:
                        bucket.tokens -= 1
                return
        wait = max(wait_desk, wait_all)
        whose = "on this desk" if wait_desk >= wait_all else "on this server"
        if kind in ("desk", "page") and wait_desk >= wait_all:
            whose = "from your address"
        raise RateLimited(
            f"Too many {_ACTS[kind]} {whose}: try again in {_seconds(wait)}.", retry_after=wait
        )

    def forget_full(self) -> None:
        """Forgets the buckets that are full again: anew they would be the same."""
        with self._lock:
            now = self.clock()
            for (kind, owner), bucket in list(self._desks.items()):
                if bucket.is_full(self.per_desk[kind], now):
                    del self._desks[kind, owner]

    def _desk_bucket(self, kind: Kind, owner: str, now: float) -> _Bucket | None:
        rate = self.per_desk.get(kind)
        if rate is None:
            return None
        key = (kind, owner)
        if key not in self._desks:
            self._desks[key] = _Bucket(rate.burst, now)
            while len(self._desks) > self.most_buckets:
                self._desks.popitem(last=False)
        self._desks.move_to_end(key)
        return self._desks[key]

    def _server_bucket(self, kind: Kind, now: float) -> _Bucket | None:
        rate = self.for_all.get(kind)
        if rate is None:
            return None
        return self._server.setdefault(kind, _Bucket(rate.burst, now))


class Places:
    """How many streams may be open at the same time, per desk and in all. Thread-safe."""

    def __init__(self, per_desk: int | None, for_all: int) -> None:
        self.per_desk, self.for_all = per_desk, for_all
        self._places: Counter[str] = Counter()
        self._lock = threading.Lock()

    @classmethod
    def for_strangers(cls) -> Places:
        """Those of an open server."""
        return cls(STREAMS_PER_DESK, STREAMS)

    @classmethod
    def at_home(cls) -> Places:
        """No limit per desk; the limit for all keeps connections free for the page."""
        return cls(None, STREAMS)

    def take(self, owner: str) -> None:
        """Takes a place, to be left with `leave`; raises `RateLimited` where none is free."""
        with self._lock:
            is_desk_full = self.per_desk is not None and self._places[owner] >= self.per_desk
            if is_desk_full or self._places.total() >= self.for_all:
                whose = "on this desk" if is_desk_full else "on this server"
                raise RateLimited(
                    f"Too many streams are open {whose}: close one, or try again in "
                    f"{_seconds(RETRY_STREAM)}.",
                    retry_after=RETRY_STREAM,
                )
            self._places[owner] += 1

    def count(self) -> int:
        """How many are taken."""
        with self._lock:
            return self._places.total()

    def leave(self, owner: str) -> None:
        """Gives a place back."""
        with self._lock:
            self._places[owner] -= 1
            if not self._places[owner]:
                del self._places[owner]

    @contextmanager
    def held(self, owner: str) -> Iterator[None]:
        """A place for the length of a `with` block."""
        self.take(owner)
        try:
            yield
        finally:
            self.leave(owner)


def _seconds(wait: float) -> str:
    whole = max(1, -int(-wait // 1))
    return "a second" if whole == 1 else f"{whole} seconds"
