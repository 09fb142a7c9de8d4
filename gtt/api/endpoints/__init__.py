"""The endpoint functions, by subject; importing this fills the table."""

from gtt.api.endpoints import (
    comparing,
    configuration,
    data,
    diagnosing,
    estimating,
    inside,
    journal,
    runs,
    server,
    taking,
    watching,
)

__all__ = [
    "comparing",
    "configuration",
    "data",
    "diagnosing",
    "estimating",
    "inside",
    "journal",
    "runs",
    "server",
    "taking",
    "watching",
]
