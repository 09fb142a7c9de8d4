"""The task `addition`: sums of two numbers."""

from __future__ import annotations

from gtt.data.sources.task import TaskSource
from gtt.data.tasks import TASKS


class Addition(TaskSource):
    """Sums."""

    name = "addition"
    title = "Task: addition"
    description = "Sums of two numbers of two digits: 37+85=122."
    order = 40
    task = TASKS["addition"]
