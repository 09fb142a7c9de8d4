"""Bounds on connections: their number, and the time of silent and slow ones.

uvicorn waits without end for the first request of a connection, and for a client that does not
read. Each of them holds an open file of the server, and a system allows few. Here requests have to
arrive, and answers to be read, within a time; the number of connections is bounded, and the limit
on open files is raised as far as it goes.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from gtt.api.doors.server import replace_http_protocol, without_upgrades
from gtt.api.guard.visitor_address import is_near

MOST = 2000  # connections, where the system gives enough files
PER_ADDRESS = 200  # from one address that is not a proxy's
SPARE_FILES = 200  # beside those of the connections and of what they read
FIRST_REQUEST = 10.0  # seconds from the connection, or the first byte, to the end of the headers
STALLED = 60.0  # seconds in which a client must take what the server wrote


class Connections:
    """The connections that are open. `most` in all; used in the event loop alone."""

    def __init__(self, most: int, per_address: int = PER_ADDRESS) -> None:
        self.most, self.per_address = most, per_address
        self._open: dict[Any, str] = {}  # protocols with their addresses, the oldest first
        self._from: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._open)

    def enter(self, protocol: Any, address: str, *, may_be_proxy: bool) -> bool:
        """Whether a new connection may stay; where there are too many, an idle one is closed."""
        if not may_be_proxy and self._from[address] >= self.per_address:
            if not self._close_idle(address):
                return False
        elif len(self._open) >= self.most and not self._close_idle(None):
            return False
        self._open[protocol] = address
        self._from[address] += 1
        return True

    def leave(self, protocol: Any) -> None:
        """A connection has ended."""
        address = self._open.pop(protocol, None)
        if address is not None:
            self._from[address] -= 1
            if not self._from[address]:
                del self._from[address]

    def _close_idle(self, address: str | None) -> bool:
        """Closes the oldest connection, of one address or of all, that has no request at work."""
        for protocol, whose in self._open.items():
            if address in (None, whose) and protocol.is_idle():
                protocol.abort()
                self.leave(protocol)
                return True
        return False


def bounded(
    base: Any,
    connections: Connections,
    *,
    first_request: float = FIRST_REQUEST,
    stalled: float = STALLED,
) -> Any:
    """uvicorn's protocol with these bounds; `base` is its own class for HTTP."""

    class BoundedProtocol(without_upgrades(base)):  # type: ignore[misc]
        """One connection."""

        _arriving: asyncio.TimerHandle | None = None
        _unread: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:
            self._connection = transport
            super().connection_made(transport)
            peer = transport.get_extra_info("peername")
            address = str(peer[0]) if isinstance(peer, tuple) else ""
            if connections.enter(self, address, may_be_proxy=is_near(address)):
                self._expect_request()
            else:
                self.abort()

        def connection_lost(self, error: Exception | None) -> None:
            connections.leave(self)
            self._cancel("_arriving")
            self._cancel("_unread")
            super().connection_lost(error)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self.is_idle():  # a part of a request
                self._expect_request()
            else:
                self._cancel("_arriving")

        def pause_writing(self) -> None:
            super().pause_writing()
            if self._unread is None:
                self._unread = asyncio.get_running_loop().call_later(stalled, self.abort)

        def resume_writing(self) -> None:
            self._cancel("_unread")
            super().resume_writing()

        def abort(self) -> None:
            """Ends it at once."""
            self._connection.abort()

        def _expect_request(self) -> None:
            if self._arriving is None and not self._connection.is_closing():
                loop = asyncio.get_running_loop()
                self._arriving = loop.call_later(first_request, self.abort)

        def _cancel(self, name: str) -> None:
            timer = getattr(self, name)
            if timer is not None:
                timer.cancel()
                setattr(self, name, None)

    return BoundedProtocol


def bound_connections() -> Connections:
    """Puts the bounds before every server of this process that uvicorn starts from now on."""
    connections = Connections(min(MOST, max(64, (raise_open_files() - SPARE_FILES) // 2)))
    replace_http_protocol(lambda base: bounded(base, connections))
    return connections


def raise_open_files() -> int:
    """Raises the limit on open files as far as this user may, and returns it."""
    try:
        import resource
    except ImportError:  # Windows, which counts otherwise
        return 2 * MOST + SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
    if soft == resource.RLIM_INFINITY or soft >= limit:
        return int(min(soft if soft != resource.RLIM_INFINITY else limit, 2**31))
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    except (OSError, ValueError):
        return int(soft)
    return int(limit)
