"""The point from which a run resumes: its newest resumable checkpoint, or else its start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gtt.config import RunConfig
from gtt.data.corpus import Corpus
from gtt.errors import UnusableRun
from gtt.model.export import read_about
from gtt.runs.folder import RunFolder
from gtt.runs.run_reader import RunReader
from gtt.training.resume_differences import refuse_other_model

FROM_THE_START = "No checkpoint had been saved: the run begins again at step 0."


@dataclass(frozen=True)
class Beginning:
    """Where a training begins: its settings, and the data if they are settled.

    `is_saved` says that the trainer finds a checkpoint to restore.
    """

    config: RunConfig
    fingerprint: str | None
    step: int = 0
    is_saved: bool = False
    notes: tuple[str, ...] = ()

    def refuse_other_data(self, corpus: Corpus, name: str) -> None:
        """Raises `UnusableRun` where the run called `name` was begun on other data.

        With a checkpoint the trainer itself compares.
        """
        if not self.is_saved and self.fingerprint not in (None, corpus.fingerprint):
            raise UnusableRun(
                f"{name} was begun on other data than {corpus.source_title!r} gives now: "
                "bring the text back, or start a new run."
            )


def beginning_of(run: RunFolder, change: Callable[[RunConfig], RunConfig]) -> Beginning:
    """Where a run that has ended goes on, its settings changed by `change`; raises `BadInput`.

    Its settings are those it trained with last, which may be newer than its last checkpoint.
    """
    original = run.config()
    checkpoint = run.checkpoints.resumable()
    about = run.about() if checkpoint is None else read_about(checkpoint)
    config = change(RunConfig.recorded(RunReader(run.path).view().config or about["config"]))
    refuse_other_model(original, config)
    if checkpoint is None:
        return Beginning(config, about.get("fingerprint"), notes=(FROM_THE_START,))
    return Beginning(config, about.get("fingerprint"), int(about["step"]), is_saved=True)
