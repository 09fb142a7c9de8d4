"""Checkpoints of a run: written beside their place and renamed, so that none is ever half there.

checkpoints/step-00000500/         the export: what transformers loads and the Hub gets
checkpoints/step-00000500.resume/  optimizer, random states, counters: what resuming needs
latest  best                       names of the newest and the best by validation loss

Only names and files here, no tensors: a server that lists checkpoints has no need of torch.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from gtt.atomic_files import write_folder, write_text
from gtt.errors import BadInput, UnusableRun
from gtt.plain_files import read_plain_text

PREFIX = "step-"  # of a checkpoint's name, before its step

# What `CheckpointFolder.chosen` takes, for whoever checks words before.
WHICH = r"^(best|latest|\d{1,9})$"


class CheckpointFolder:
    """The checkpoints under one run folder. One process writes; any may read."""

    def __init__(self, run_folder: Path) -> None:
        self.run_folder = run_folder
        self.folder = run_folder / "checkpoints"

    def save(
        self,
        step: int,
        write_export: Callable[[Path], None],
        write_resume: Callable[[Path], None],
        *,
        best: bool,
    ) -> Path:
        """Adds the checkpoint of `step`, marks it, removes those no longer needed; returns it.

        Kept are the newest and the best; the newest can be resumed. If anything fails, the
        checkpoints that were there stay as they were and the error goes on to the caller.
        """
        place = self.folder / f"{PREFIX}{step:08d}"
        try:
            write_folder(resume_part(place), write_resume)
            write_folder(place, write_export)
        except BaseException:
            self._sweep()
            raise
        write_text(self.run_folder / "latest", place.name + "\n")
        if best:
            write_text(self.run_folder / "best", place.name + "\n")
        self._thin()
        return place

    def chosen(self, which: str) -> Path:
        """The `best` one, the `latest`, or that of a step.

        Raises `UnusableRun` where there is none, and `BadInput` for words that choose none.
        """
        if which == "best":
            return self.best()
        if which == "latest":
            return self.newest()
        if not (which.isascii() and which.isdecimal()):
            raise BadInput(
                f"{which!r} is not a checkpoint: write best, latest or a step.", field="checkpoint"
            )
        return self.at_step(int(which))

    def steps(self) -> list[int]:
        """The steps of the checkpoints that are kept, the oldest first."""
        return [step_of(path) for path in self.all()]

    def newest(self) -> Path:
        """The newest checkpoint; raises `UnusableRun` if there is none."""
        return self._marked("latest")

    def best(self) -> Path:
        """The best checkpoint by validation loss, else the newest; raises `UnusableRun`."""
        return self._marked("best") if (self.run_folder / "best").exists() else self.newest()

    def at_step(self, step: int) -> Path:
        """The checkpoint of that step; raises `UnusableRun` naming those that are kept."""
        place = self.folder / f"{PREFIX}{step:08d}"
        if not place.is_dir():
            steps = ", ".join(map(str, self.steps())) or "none"
            raise UnusableRun(f"No checkpoint of step {step} is kept; there are: {steps}.")
        return place

    def resumable(self) -> Path | None:
        """The newest checkpoint that has what resuming needs, or None."""
        complete = [path for path in self.all() if resume_part(path).is_dir()]
        return complete[-1] if complete else None

    def _marked(self, mark: str) -> Path:
        try:
            place = self.folder / read_plain_text(self.run_folder / mark).strip()
            if place.parent == self.folder and place.is_dir():
                return place
        except (OSError, ValueError):  # damaged: not even text
            pass
        present = self.all()
        if not present:
            raise UnusableRun(
                f"{self.run_folder} holds no checkpoint yet: train on, or choose another run."
            )
        return present[-1]

    def all(self) -> list[Path]:
        """Every checkpoint that is kept, the oldest first."""
        if not self.folder.is_dir():
            return []
        return sorted(
            path
            for path in self.folder.iterdir()
            if path.name.startswith(PREFIX)
            and path.name.removeprefix(PREFIX).isdecimal()
            and path.is_dir()
        )

    def _thin(self) -> None:
        keep = {self.newest(), self.best(), self.resumable()}
        for path in self.all():
            if path not in keep:
                shutil.rmtree(path, ignore_errors=True)
        self._sweep()

    def _sweep(self) -> None:
        """Removes what no longer serves: resume folders of older checkpoints, unfinished ones."""
        if not self.folder.is_dir():
            return
        resumable = self.resumable()
        for path in self.folder.iterdir():
            is_spare = path.suffix == ".resume" and (
                resumable is None or path != resume_part(resumable)
            )
            if is_spare or path.name.startswith("."):
                shutil.rmtree(path, ignore_errors=True)


def step_of(place: Path) -> int:
    """The step of a checkpoint, from its name."""
    return int(place.name.removeprefix(PREFIX))


def resume_part(place: Path) -> Path:
    """Where what resuming needs lies beside the export."""
    return place.with_name(place.name + ".resume")
