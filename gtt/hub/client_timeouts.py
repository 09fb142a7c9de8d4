"""How long the Hub's client waits, which would be for ever."""

from __future__ import annotations

import httpx2
from huggingface_hub import set_client_factory

CONNECT, SILENCE = 20.0, 120.0  # seconds to wait for a connection, and for the next word on it


def bound_waiting() -> None:
    """Lets the client of this process give up on a connection on which nothing moves."""
    timeout = httpx2.Timeout(SILENCE, connect=CONNECT)
    set_client_factory(lambda: httpx2.Client(follow_redirects=True, timeout=timeout))
