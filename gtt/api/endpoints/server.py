"""Health and load of the server."""

from __future__ import annotations

from gtt.api.schemas import Health, Nothing, Stats
from gtt.api.service import Caller
from gtt.api.table import endpoint


@endpoint("GET", "/healthz", rate="read", tag="server")
def healthz(caller: Caller, request: Nothing) -> Health:
    """The server answers."""
    return Health(status="ok")


@endpoint("GET", "/stats", rate="read", tag="server")
def stats(caller: Caller, request: Nothing) -> Stats:
    """Runs, queue, memory and disk; nothing about anybody."""
    return Stats(**caller.service.stats())
