"""The task `copy`: letters, then the same letters again."""

from __future__ import annotations

from gtt.data.sources.task import TaskSource
from gtt.data.tasks import TASKS


class Copy(TaskSource):
    """Letters twice."""

    name = "copy"
    title = "Task: copy"
    description = "Eight random letters, then the same letters again: kqzbfmta>kqzbfmta."
    order = 20
    task = TASKS["copy"]
