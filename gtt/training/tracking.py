"""Trackers of experiments: what they are told of a run, through Accelerate, under one set of names.

The names are those of the journal, so that a curve in TensorBoard, Trackio or Weights & Biases is
the curve of the page. The settings go along with their dotted names, `model.n_layers`.
"""

from __future__ import annotations

import hashlib
import logging
import sys
from contextlib import redirect_stdout
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from gtt.config import RunConfig
from gtt.data.public_settings import without_paths
from gtt.errors import BadInput
from gtt.training.events import MEASURED, Event

log = logging.getLogger(__name__)

PROJECT = "gtt"
NO_TRACKER = "none"
REMEDIES = {
    "wandb": "log in with `wandb login`, or set WANDB_MODE=offline",
    "trackio": "see that its folder (TRACKIO_DIR) can be written",
    "tensorboard": "see that the run's folder can be written",
}


class Trackers(Protocol):
    """What is used of an Accelerator, which the server does without."""

    def init_trackers(
        self, project_name: str, config: dict[str, Any], init_kwargs: dict[str, Any]
    ) -> None: ...
    def log(self, values: dict[str, Any], step: int) -> None: ...
    def end_training(self) -> None: ...


class Tracking:
    """One run in the tracker that its settings name; without one, nothing."""

    def __init__(self, accelerator: Trackers, config: RunConfig, folder: Path) -> None:
        self.accelerator, self.config, self.folder = accelerator, config, folder
        self.tracker = config.training.track
        self.is_on = self.tracker != NO_TRACKER

    def start(self) -> None:
        """Raises `BadInput` where the tracker does not start."""
        if not self.is_on:
            return
        name = run_name(self.config, self.folder)
        try:
            with redirect_stdout(sys.stderr):  # they talk, and stdout is for the run
                self.accelerator.init_trackers(
                    PROJECT,
                    config=flat_settings(self.config),
                    init_kwargs={
                        "wandb": {"name": name, "id": name_hash(self.folder), "resume": "allow"},
                        "trackio": {"name": name, "resume": "allow", "embed": False},
                    },
                )
        except Exception as error:  # whatever a tracker raises; wandb's own kinds are many
            self.is_on = False
            why = str(error).strip().partition("\n")[0].rstrip(".:")
            raise BadInput(
                f"{self.tracker} did not start ({why}): {REMEDIES[self.tracker]}, or set "
                f"training.track to {NO_TRACKER}.",
                field="training.track",
            ) from None

    def tell(self, event: Event) -> None:
        """Passes on the metrics of an event; a tracker that fails is left alone from then on."""
        metrics = MEASURED.get(type(event).__name__)
        if not self.is_on or metrics is None:
            return
        values = {name: getattr(event, name) for name, metric in metrics.items() if metric.tracked}
        figures = {name: value for name, value in values.items() if value is not None}
        try:
            self.accelerator.log(figures, step=event.step)
        except Exception as error:  # the training is worth more than its second record
            log.warning("%s failed, the run goes on without it: %s", self.tracker, error)
            self.is_on = False

    def finish(self) -> None:
        """Has the tracker write what it holds, and leaves the group of processes."""
        try:
            with redirect_stdout(sys.stderr):
                self.accelerator.end_training()
        except Exception as error:
            if self.tracker == NO_TRACKER:
                raise
            if not self.is_on:
                return  # it never began, or has failed before
            log.warning("%s failed at its end: %s", self.tracker, error)


def run_name(config: RunConfig, folder: Path) -> str:
    """A name that is the run's own, and the same when it is resumed."""
    return f"{config.name} {name_hash(folder)}"


def name_hash(folder: Path) -> str:
    """Six digits that tell a run from others of its name, and do not tell its id."""
    return hashlib.sha256(folder.name.encode()).hexdigest()[:6]


def flat_settings(config: RunConfig) -> dict[str, Any]:
    """Every setting by its dotted name, paths left out; what a tracker has no kind for as text."""
    groups = config.model_dump(mode="json")
    groups["data"] = without_paths(config.data).model_dump(mode="json")
    return {
        f"{group}.{name}": value if isinstance(value, (bool, int, float, str)) else str(value)
        for group, values in groups.items()
        if isinstance(values, dict)
        for name, value in values.items()
    }


def refuse_missing_tracker(tracker: str) -> None:
    """Raises `BadInput` for a tracker whose package is not installed; Accelerate would skip it."""
    if tracker != NO_TRACKER and find_spec(tracker) is None:
        raise BadInput(
            f"Tracking with {tracker} needs its package: pip install {tracker}.",
            field="training.track",
        )
