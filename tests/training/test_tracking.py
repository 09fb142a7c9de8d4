"""What a tracker of experiments gets, and what becomes of a run whose tracker fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gtt.config import RunConfig
from gtt.errors import BadInput
from gtt.training.events import Evaluated, Sampled, StepLogged
from gtt.training.tracking import Tracking, flat_settings, refuse_missing_tracker, run_name

LOGGED = StepLogged(3, 2.5, 1e-3, 0.5, 100.0, 600, 0.1, 1.5)
EVALUATED = Evaluated(3, 2.25, 9.5, 3.2, None, True)


class Trackers:
    """Keeps what it is told, until it `breaks`."""

    def __init__(self, breaks: str = "") -> None:
        self.breaks = breaks
        self.begun: list[tuple[str, dict[str, Any], dict[str, Any]]] = []
        self.told: list[tuple[int, dict[str, Any]]] = []
        self.ended = 0

    def init_trackers(
        self, project_name: str, config: dict[str, Any], init_kwargs: dict[str, Any]
    ) -> None:
        print("a tracker that talks")
        if self.breaks == "start":
            raise RuntimeError("no API key.\nTry again.")
        self.begun.append((project_name, config, init_kwargs))

    def log(self, values: dict[str, Any], step: int) -> None:
        if self.breaks == "log":
            raise OSError("the disk is full")
        self.told.append((step, values))

    def end_training(self) -> None:
        self.ended += 1
        if self.breaks:
            raise RuntimeError("it is broken")


def tracked(tracker: str) -> RunConfig:
    return RunConfig().updated({"name": "my run", "training": {"track": tracker}})


def test_figures_have_the_names_of_the_journal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trackers = Trackers()
    tracking = Tracking(trackers, tracked("trackio"), tmp_path)
    tracking.start()
    for event in (LOGGED, EVALUATED, Sampled(3, "a", "b")):
        tracking.tell(event)
    tracking.finish()
    ((project, settings, options),) = trackers.begun
    assert project == "gtt"
    assert settings["model.n_layers"] == RunConfig().model.n_layers
    assert options["trackio"]["name"] == run_name(tracked("trackio"), tmp_path)
    (step, logged), (_, evaluated) = trackers.told
    assert step == 3
    assert logged == {
        "loss": 2.5,
        "learning_rate": 1e-3,
        "gradient_norm": 0.5,
        "tokens_per_second": 100.0,
        "tokens": 600,
        "epoch": 0.1,
    }
    assert evaluated == {"validation_loss": 2.25, "perplexity": 9.5, "bits_per_byte": 3.2}
    assert trackers.ended == 1
    assert capsys.readouterr().out == ""


def test_a_run_keeps_its_name_and_runs_of_one_name_are_told_apart(tmp_path: Path) -> None:
    config = tracked("wandb")
    assert run_name(config, tmp_path / "a") == run_name(config, tmp_path / "a")
    assert run_name(config, tmp_path / "a") != run_name(config, tmp_path / "b")


def test_without_a_tracker_nothing_is_told(tmp_path: Path) -> None:
    trackers = Trackers()
    tracking = Tracking(trackers, RunConfig(), tmp_path)
    tracking.start()
    tracking.tell(LOGGED)
    tracking.finish()
    assert not trackers.begun and not trackers.told and trackers.ended == 1


def test_a_tracker_that_fails_leaves_the_run_alone(tmp_path: Path) -> None:
    trackers = Trackers("log")
    tracking = Tracking(trackers, tracked("tensorboard"), tmp_path)
    tracking.start()
    tracking.tell(LOGGED)
    assert not tracking.is_on
    tracking.finish()


def test_one_that_does_not_start_is_refused_with_ways_out(tmp_path: Path) -> None:
    tracking = Tracking(Trackers("start"), tracked("wandb"), tmp_path)
    with pytest.raises(BadInput, match=r"\(no API key\).*wandb login.*training.track to none"):
        tracking.start()
    tracking.finish()


def test_a_missing_package_is_named() -> None:
    with pytest.raises(BadInput, match="pip install not_there"):
        refuse_missing_tracker("not_there")


def test_settings_are_plain_values_with_dotted_names() -> None:
    for name, value in flat_settings(RunConfig()).items():
        assert "." in name and isinstance(value, (bool, int, float, str))
