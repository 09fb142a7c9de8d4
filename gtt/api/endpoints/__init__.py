"""The endpoint functions, by subject; importing this fills the table."""

from gtt.api.endpoints import (
    architecture,
    comparison,
    configuration,
    data,
    diagnosis,
    downloads,
    estimates,
    exports,
    generation,
    interpretability,
    jobs,
    journal,
    live,
    pushes,
    runs,
    server,
)

__all__ = [
    "architecture",
    "comparison",
    "configuration",
    "data",
    "diagnosis",
    "downloads",
    "estimates",
    "exports",
    "generation",
    "interpretability",
    "jobs",
    "journal",
    "live",
    "pushes",
    "runs",
    "server",
]
