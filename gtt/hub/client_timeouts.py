"""Timeouts of the Hub's client, which by itself waits without an end."""

from __future__ import annotations

import httpx2
from huggingface_hub import set_client_factory

CONNECT, SILENCE = 20.0, 120.0  # seconds to wait for a connection, and for the next word on it


def bound_waiting() -> None:
    """Sets the timeouts for this process: a connection on which nothing moves is given up."""
    timeout = httpx2.Timeout(SILENCE, connect=CONNECT)
    set_client_factory(lambda: httpx2.Client(follow_redirects=True, timeout=timeout))
