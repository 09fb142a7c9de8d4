"""Waiting for what comes about in another process or thread."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")


def until(is_so: Callable[[], Value], seconds: float = 60) -> Value:
    """Waits until something is so, and returns it."""
    deadline = time.monotonic() + seconds
    while not (value := is_so()):
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)
    return value
