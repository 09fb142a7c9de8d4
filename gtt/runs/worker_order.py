"""What a server asks of a worker process. Apart from the worker, so that asking needs no torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Order:
    """Which run to train, and how much of it is allowed here.

    `changes` to training and generation count for a resumed run. `memory` is in bytes.
    """

    folder: str
    resume: bool = False
    changes: Mapping[str, Any] = field(default_factory=dict)
    max_steps: int | None = None
    max_parameters: int | None = None
    memory: int | None = None

    def as_line(self) -> str:
        """The order as it goes through the pipe: one line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False) + "\n"

    @classmethod
    def from_line(cls, line: str) -> Order:
        """The order in such a line."""
        return cls(**json.loads(line))
