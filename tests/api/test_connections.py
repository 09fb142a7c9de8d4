"""Connections that are silent or slow make room for those that ask."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from gtt.api.guard.connections import Connections, bounded
from gtt.api.guard.visitor_address import address_of

BODY = b"x" * 4_000_000


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers a few bytes, or at /large more than any buffer holds."""
    if scope["type"] != "http":
        return
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(20 if scope["path"] == "/large" else 0):
        await send({"type": "http.response.body", "body": BODY, "more_body": True})
    await send({"type": "http.response.body", "body": b"ok"})


@contextmanager
def served(most: int = 20, **bounds: float) -> Iterator[tuple[int, Connections]]:
    connections = Connections(most)
    protocol = bounded(AutoHTTPProtocol, connections, **bounds)
    config = uvicorn.Config(app, port=0, http=protocol, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1], connections
    finally:
        server.should_exit = server.force_exit = True
        thread.join(10)
        assert not thread.is_alive()


def connected(port: int, stack: ExitStack) -> socket.socket:
    one = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
    one.settimeout(10)
    return one


def asked(port: int, stack: ExitStack, path: str = "/") -> socket.socket:
    one = connected(port, stack)
    one.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    return one


def is_closed(one: socket.socket, seconds: float) -> bool:
    one.settimeout(seconds)
    try:
        while one.recv(1000):
            pass
        return True
    except TimeoutError:
        return False
    except OSError:
        return True


def test_silent_connections_take_no_place_from_those_that_ask() -> None:
    with served(most=20) as (port, connections), ExitStack() as stack:
        for _ in range(100):
            connected(port, stack)
        began = time.monotonic()
        assert asked(port, stack).recv(1000).startswith(b"HTTP/1.1 200")
        assert time.monotonic() - began < 2 and len(connections) <= 20


@pytest.mark.parametrize("said", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: loc"])
def test_a_request_must_arrive_in_time(said: bytes) -> None:
    with served(first_request=0.3) as (port, connections), ExitStack() as stack:
        one = connected(port, stack)
        one.sendall(said)
        assert is_closed(one, 5)
        kept = asked(port, stack)
        kept.recv(1000)
        kept.sendall(b"GET / HTTP/1.1\r\nHo")  # the next one on the same connection
        assert is_closed(kept, 5)
        deadline = time.monotonic() + 5
        while len(connections) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert len(connections) == 0


def test_who_does_not_read_is_let_go_of() -> None:
    with served(stalled=0.3) as (port, connections), ExitStack() as stack:
        asked(port, stack, "/large")
        deadline = time.monotonic() + 5
        while not len(connections) and time.monotonic() < deadline:
            time.sleep(0.01)
        while len(connections) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert len(connections) == 0


def test_who_reads_gets_all_of_it() -> None:
    with served(stalled=0.3) as (port, _), ExitStack() as stack:
        one, read = asked(port, stack, "/large"), 0
        while data := one.recv(2**20):
            read += len(data)
            if data.endswith(b"0\r\n\r\n"):
                break
        assert read > 20 * len(BODY)


class Idle:
    """A connection without a request, or with one."""

    def __init__(self, idle: bool = True) -> None:
        self.idle, self.ended = idle, False
        self.transport = self

    def is_idle(self) -> bool:
        return self.idle

    def abort(self) -> None:
        self.ended = True


def test_one_address_has_no_more_than_its_share() -> None:
    connections = Connections(100, per_address=3)
    silent, *others = [Idle(), Idle(False), Idle(False)]
    for one in (silent, *others):
        assert connections.enter(one, "8.8.8.9", may_be_proxy=False)
    assert connections.enter(Idle(False), "8.8.8.9", may_be_proxy=False) and silent.ended
    assert not connections.enter(Idle(), "8.8.8.9", may_be_proxy=False)
    assert connections.enter(Idle(), "8.8.8.10", may_be_proxy=False)
    for number in range(50):  # behind a proxy all come from one
        assert connections.enter(Idle(False), "10.0.0.1", may_be_proxy=True), number


def test_the_limit_on_open_files_is_raised() -> None:
    program = (
        "import resource as r; from gtt.api.guard.connections import raise_open_files;"
        "hard = r.getrlimit(r.RLIMIT_NOFILE)[1]; r.setrlimit(r.RLIMIT_NOFILE, (128, hard));"
        "print(raise_open_files(), *r.getrlimit(r.RLIMIT_NOFILE))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    told, soft, hard = map(int, done.stdout.split())
    assert told == soft and (soft == 65_536 if hard == -1 else soft == min(hard, 65_536))


def test_an_address_is_that_of_the_peer_or_what_a_proxy_beside_it_says() -> None:
    assert address_of("8.8.8.9", ["1.1.1.1"]) == "8.8.8.9"
    assert address_of("127.0.0.1", ["1.2.3.4, 1.1.1.1"]) == "1.1.1.1"
    assert address_of("10.0.0.1", ["nonsense"]) == "10.0.0.1"
    assert address_of("::ffff:8.8.8.9") == "8.8.8.9"
    one, other = (address_of(f"2001:db8::{n}") for n in (1, 2))
    assert one == other != address_of("2001:db8:0:1::1")
    assert address_of(None) == ""
