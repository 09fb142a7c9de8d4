"""The endpoint functions, by subject; importing this fills the table."""

from gtt.api.endpoints import configuration, data, inside, journal, runs, server, watching

__all__ = ["configuration", "data", "inside", "journal", "runs", "server", "watching"]
