"""The task `induction`: what followed a letter before follows it again."""

from __future__ import annotations

from gtt.data.sources.task import TaskSource
from gtt.data.tasks import TASKS


class Induction(TaskSource):
    """Letters of which some come again."""

    name = "induction"
    title = "Task: induction"
    description = (
        "Twelve random letters, then six of them again from a random place: the next letter is the "
        "one that followed before, which takes two layers to find."
    )
    order = 50
    task = TASKS["induction"]
    citation = "Olsson et al. (2022), In-context Learning and Induction Heads, arXiv:2209.11895"
