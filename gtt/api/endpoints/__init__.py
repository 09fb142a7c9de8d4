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
    jobs,
    journal,
    looking,
    pushing,
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
    "jobs",
    "journal",
    "looking",
    "pushing",
    "runs",
    "server",
    "taking",
    "watching",
]
