"""The endpoint functions, by subject; importing this fills the table."""

from gtt.api.endpoints import (
    comparing,
    configuration,
    data,
    diagnosing,
    drawing,
    estimating,
    exporting,
    inside,
    journal,
    looking,
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
    "drawing",
    "estimating",
    "exporting",
    "inside",
    "journal",
    "looking",
    "runs",
    "server",
    "taking",
    "watching",
]
