"""Health and load of the server."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from gtt.api.schemas.base import Response


class Health(Response):
    """The server answers."""

    status: Literal["ok"]


class Stats(Response):
    """What the server is busy with; nothing about anybody."""

    slots: int
    runs: dict[str, int]
    waiting: int
    workspaces: int
    spare_is_warm: bool
    server_bytes: int
    worker_bytes: int
    inference: dict[str, Any]
    disk_bytes: int
    unread_bytes: int = Field(description="Results of Gradio's interface that wait to be fetched.")
    streams: int = Field(description="Streams and downloads that are open.")
    uptime_seconds: float
