"""Bounds on results that wait at Gradio to be fetched, in bytes and in age.

A call of Gradio's interface takes two requests: one begins it, another fetches the results. Gradio
keeps results that nobody fetches until the server ends. Here they are kept as bytes, so that they
can be counted and dropped; a result beyond a bound, or not fetched in time, is replaced by a
sentence.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

import orjson

MEGABYTE = 10**6
PER_DESK = 16 * MEGABYTE
FOR_ALL = 32 * MEGABYTE
MOST_SESSIONS = 2000
MOST_EVENTS = 5000
AGE = 60.0  # seconds
SWEEP_EVERY = 10.0


class Unread(dict[str, "asyncio.Queue[Any]"]):
    """Takes the place of Gradio's `pending_messages_per_session`: the messages of each session.

    Used in the event loop alone. `forgotten` is called with a session that is let go of. At most
    `per_desk` bytes wait for one desk and `for_all` in all, each for `age` seconds.
    """

    def __init__(
        self,
        *,
        per_desk: int = PER_DESK,
        for_all: int = FOR_ALL,
        age: float = AGE,
        most_sessions: int = MOST_SESSIONS,
        clock: Callable[[], float] = time.monotonic,
        forgotten: Callable[[str], object] = lambda session: None,
    ) -> None:
        super().__init__()
        self.per_desk, self.for_all, self.age = per_desk, for_all, age
        self.most_sessions, self.clock, self.forgotten = most_sessions, clock, forgotten
        self._owners: dict[str, str] = {}  # of the events at work
        self._waiting: dict[int, _Packed] = {}  # in the order in which they arrived
        self._bytes: Counter[str] = Counter()  # by desk
        self._sweeping: asyncio.TimerHandle | None = None

    def belongs(self, event: str | None, owner: str) -> None:
        """Notes on whose desk an event counts."""
        if event is not None:
            self._owners[event] = owner
            while len(self._owners) > MOST_EVENTS:  # those that were cancelled never end
                del self._owners[next(iter(self._owners))]

    def bytes(self) -> int:
        """The bytes of all results that wait."""
        return self._bytes.total()

    def __setitem__(self, session: str, messages: asyncio.Queue[Any]) -> None:
        super().__setitem__(session, _Messages(self))
        if len(self) > self.most_sessions:
            unheard = (
                other for other in self if other != session and not _is_heard(self.get(other))
            )
            self._forget(next(unheard, next(iter(self))))
        self._sweep_later()

    def __delitem__(self, session: str) -> None:
        """Deletes a session, also one that was forgotten before: its listener ends later."""
        messages = self.pop(session, None)
        if isinstance(messages, _Messages):
            messages.let_go()

    def __missing__(self, session: str) -> asyncio.Queue[Any]:
        """An empty queue in place of a session that was forgotten, which nobody can reach."""
        return asyncio.Queue()

    def pack(self, message: Any) -> _Packed:
        """Packs a message into bytes; drops older ones where there are too many."""
        event = str(getattr(message, "event_id", None) or "")
        owner = self._owners.get(event, event)
        packed = _Packed(message, owner, self.clock())
        self._waiting[id(packed)] = packed
        self._bytes[owner] += packed.bytes
        while self._bytes[owner] > self.per_desk:
            self._drop(
                next(message for message in self._waiting.values() if message.owner == owner)
            )
        while self.bytes() > self.for_all:
            self._drop(next(iter(self._waiting.values())))
        self._sweep_later()
        return packed

    def unpack(self, packed: _Packed) -> Any:
        """Unpacks a message and takes it out of the count."""
        self.let_go(packed)
        return packed.message()

    def let_go(self, packed: _Packed) -> None:
        """Takes a message out of the count."""
        if self._waiting.pop(id(packed), None) is not None:
            self._bytes[packed.owner] -= packed.bytes
            if self._bytes[packed.owner] <= 0:
                del self._bytes[packed.owner]

    def sweep(self) -> None:
        """Forgets the sessions whose messages nobody fetched in time."""
        old = self.clock() - self.age
        for session, messages in list(self.items()):
            if isinstance(messages, _Messages) and messages.is_older(old):
                self._forget(session)

    def finished(self, event: str) -> None:
        """An event has ended, and has nothing more to say."""
        self._owners.pop(event, None)

    def _drop(self, packed: _Packed) -> None:
        self.let_go(packed)
        packed.empty()

    def _forget(self, session: str) -> None:
        del self[session]
        self.forgotten(session)

    def _sweep_later(self) -> None:
        if self._sweeping is None and self:
            loop = asyncio.get_running_loop()
            self._sweeping = loop.call_later(min(SWEEP_EVERY, self.age / 2), self._sweep_again)

    def _sweep_again(self) -> None:
        self._sweeping = None
        self.sweep()
        self._sweep_later()


class _Packed:
    """A message whose output is kept as bytes."""

    __slots__ = ("_message", "_output", "arrived", "bytes", "owner")

    def __init__(self, message: Any, owner: str, arrived: float) -> None:
        self.owner, self.arrived, self._message = owner, arrived, message
        output = getattr(message, "output", None)
        self._output = b"" if output is None else orjson.dumps(output, default=_plain)
        if self._output:
            message.output = {}
        self.bytes = 200 + len(self._output)  # and what an object takes

    def empty(self) -> None:
        """Lets go of the output: a sentence stands in its place."""
        self._output = orjson.dumps({"error": NOT_READ})
        if hasattr(self._message, "success"):
            self._message.success = False

    def message(self) -> Any:
        if self._output:
            self._message.output = orjson.loads(self._output)
        return self._message


def _plain(value: Any) -> Any:
    """What JSON has no word for, as Gradio writes it: models of pydantic by their fields."""
    dump = getattr(value, "model_dump", None)
    return str(value) if dump is None else dump()


NOT_READ = (
    "Too many results waited to be read, and this one was let go of: fetch each before you ask for "
    "the next."
)


class _Messages(asyncio.Queue[Any]):
    """The messages of one session. One that somebody waits for is handed on as it is.

    `asyncio.Queue` lets a subclass say how it puts and gets.
    """

    def __init__(self, unread: Unread) -> None:
        super().__init__()
        self._unread = unread
        self._used = unread.clock()
        self._waiting: deque[Any] = deque()
        self._listeners = 0

    async def get(self) -> Any:
        self._listeners += 1
        try:
            return await super().get()
        finally:
            self._listeners -= 1

    def is_older(self, before: float) -> bool:
        """Whether nobody listens, and what waits, or the last look, is from before a moment."""
        first = self._waiting[0] if self._waiting else None
        arrived = first.arrived if isinstance(first, _Packed) else self._used
        return not self.is_heard() and arrived < before

    def is_heard(self) -> bool:
        """Whether somebody waits for the next message, and not for one that arrived already."""
        return self._listeners > len(self._waiting)

    def let_go(self) -> None:
        """Takes all messages of the session out of the count."""
        for message in self._waiting:
            if isinstance(message, _Packed):
                self._unread.let_go(message)

    def _put(self, item: Any) -> None:
        message = item if self.is_heard() else self._unread.pack(item)
        self._waiting.append(message)
        super()._put(message)
        if getattr(item, "msg", None) == "process_completed":
            self._unread.finished(str(getattr(item, "event_id", "")))

    def _get(self) -> Any:
        self._used = self._unread.clock()
        self._waiting.popleft()
        item = super()._get()
        return self._unread.unpack(item) if isinstance(item, _Packed) else item


def _is_heard(messages: asyncio.Queue[Any] | None) -> bool:
    return isinstance(messages, _Messages) and messages.is_heard()
