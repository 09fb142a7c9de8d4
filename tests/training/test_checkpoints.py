"""Checkpoints on a disk that refuses: whatever fails, what was there before stays whole."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from gtt.errors import BadInput, UnusableRun
from gtt.markdown import as_text
from gtt.training.checkpoints import CheckpointFolder, step_of


def save(folder: Path, step: int, best: bool = False) -> None:
    def export(place: Path) -> None:
        (place / "weights").write_text(f"weights of {step}")

    def resume(place: Path) -> None:
        (place / "state").write_text(f"state of {step}")

    CheckpointFolder(folder).save(step, export, resume, best=best)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "checkpoints").iterdir())


def test_the_newest_and_the_best_stay_and_the_newest_can_be_resumed(tmp_path: Path) -> None:
    for step, best in ((1, True), (2, True), (3, False), (4, False)):
        save(tmp_path, step, best)
    assert names(tmp_path) == ["step-00000002", "step-00000004", "step-00000004.resume"]
    checkpoints = CheckpointFolder(tmp_path)
    assert checkpoints.best().name == "step-00000002"
    assert checkpoints.newest() == checkpoints.resumable()
    save(tmp_path, 4)  # saved again, as after a stop: nothing is left of the first
    assert names(tmp_path) == ["step-00000002", "step-00000004", "step-00000004.resume"]


def test_one_is_chosen_by_a_word_or_its_step(tmp_path: Path) -> None:
    save(tmp_path, 2, best=True)
    save(tmp_path, 4)
    kept = CheckpointFolder(tmp_path)
    assert [step_of(kept.chosen(which)) for which in ("best", "latest", "2", "004")] == [2, 4, 2, 4]
    assert kept.steps() == [2, 4]
    with pytest.raises(UnusableRun, match=r"No checkpoint of step 3 is kept; there are: 2, 4\."):
        kept.chosen("3")
    for words in ("newest", "-2", "\u0664", ""):
        with pytest.raises(BadInput, match="write best, latest or a step"):
            kept.chosen(words)


class Refusing:
    """Stands before functions of the system and fails at the n-th call of any of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, fail_at: int, error: BaseException) -> None:
        self.calls, self.fail_at, self.error = 0, fail_at, error
        for owner, name in (
            (os, "fsync"),
            (Path, "mkdir"),
            (Path, "rename"),
            (Path, "replace"),
            (Path, "write_text"),
        ):
            monkeypatch.setattr(owner, name, self.wrap(getattr(owner, name)))

    def wrap(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            self.calls += 1
            if self.calls == self.fail_at:
                raise self.error
            return function(*arguments, **options)

        return call


@pytest.mark.parametrize("again", [False, True], ids=["new step", "same step"])
@pytest.mark.parametrize("fail_at", range(1, 21))
def test_a_refused_save_leaves_a_whole_checkpoint_to_resume(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fail_at: int, again: bool
) -> None:
    save(tmp_path, 1, best=True)
    step = 1 if again else 2
    with monkeypatch.context() as patched:
        refusing = Refusing(patched, fail_at, OSError(28, "No space left on device"))
        try:
            save(tmp_path, step)
        except OSError:
            pass
        else:
            assert refusing.calls < fail_at
    checkpoints = CheckpointFolder(tmp_path)
    resumable = checkpoints.resumable()
    assert resumable is not None
    number = int(resumable.name[5:])
    assert (resumable / "weights").read_text() == f"weights of {number}"
    state = resumable.with_name(resumable.name + ".resume") / "state"
    assert state.read_text() == f"state of {number}"
    assert checkpoints.newest().is_dir() and checkpoints.best().is_dir()
    save(tmp_path, 3)  # the next save cleans up whatever is left
    assert names(tmp_path) == ["step-00000001", "step-00000003", "step-00000003.resume"]


@pytest.mark.parametrize("fail_at", range(1, 21))
def test_a_kill_between_any_two_operations_leaves_a_checkpoint_to_resume(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fail_at: int
) -> None:
    """A killed process cleans nothing up: removing is switched off with the rest."""
    save(tmp_path, 1)
    with monkeypatch.context() as patched:
        Refusing(patched, fail_at, KeyboardInterrupt())
        patched.setattr(shutil, "rmtree", lambda *arguments, **options: None)
        patched.setattr(Path, "unlink", lambda *arguments, **options: None)
        with suppress(KeyboardInterrupt):
            save(tmp_path, 2)
    resumable = CheckpointFolder(tmp_path).resumable()
    assert resumable is not None and resumable.name in ("step-00000001", "step-00000002")
    assert (resumable / "weights").read_text() == f"weights of {int(resumable.name[5:])}"
    save(tmp_path, 3)
    assert "step-00000003.resume" in names(tmp_path)
    assert not [name for name in names(tmp_path) if name.startswith(".")]


def test_names_mean_nothing_but_themselves_in_a_card() -> None:
    name = "<script>x</script> [a](javascript:x) | **b** `c`\n# d https://e.f www.g.h 0.4 M"
    shown = as_text(name)
    assert "\n" not in shown and "<" not in shown
    for sign in "[]|*`#:":
        assert re.search(rf"(?<!\\){re.escape(sign)}", shown) is None, sign
    assert "www\\.g" in shown and "0.4 M" in shown
    assert [as_text(one) for one in ("- a", "1. a", "a - b", "tales")] == [
        "\\- a",
        "1\\. a",
        "a - b",
        "tales",
    ]
