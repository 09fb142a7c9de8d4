"""The task `reverse`: letters, then the same letters backwards."""

from __future__ import annotations

from gtt.data.sources.task import TaskSource
from gtt.data.tasks import TASKS


class Reverse(TaskSource):
    """Letters forwards and backwards."""

    name = "reverse"
    title = "Task: reverse"
    description = "Eight random letters, then the same letters backwards: kqzbfmta>atmfbzqk."
    order = 30
    task = TASKS["reverse"]
