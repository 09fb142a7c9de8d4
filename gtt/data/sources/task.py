"""The base of sources that are tasks: lines with a question and its one right answer."""

from __future__ import annotations

from typing import ClassVar

from gtt.config import DataConfig
from gtt.data.exams import Exam, TaskExam
from gtt.data.sources.source import OURS, OpenedSource, Places, Source
from gtt.data.streams import TextStream
from gtt.data.tasks import VERSION, Task


class TaskSource(Source):
    """A task as a text without end."""

    task: ClassVar[Task]
    licence = OURS
    licence_id = "mit"
    citation = "GTT, gtt/data/tasks.py"
    megabytes = read_at_most = 1
    offline = is_written = is_task = True

    def open(
        self, data: DataConfig, places: Places, limit: int | None, most: int | None = None
    ) -> OpenedSource:
        """Lines that the seed of the data draws."""
        return OpenedSource(
            {"task": self.name, "version": VERSION, "seed": data.seed},
            limit,
            lambda _: TextStream(self.task.write(data.seed), "", limit, endless=True),
            self.task.entropy_rate,
        )

    def exam(self) -> Exam:
        """Prompts that the text never shows."""
        return TaskExam(self.task)

    def answer(self, question: str) -> str:
        """The one right answer."""
        return self.task.answer(question)
