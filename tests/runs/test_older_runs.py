"""Runs that an older version recorded: what it took and this one does not is read all the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from managing import ended, ending_workers, managing

from gtt.api.workspaces import Workspaces, new_key
from gtt.config import RunConfig
from gtt.runs.limits import Limits

PROMPT = "a" * 20_000 + "One day the wise girl"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "home"
    folder.mkdir()
    with ending_workers(folder):
        yield folder


def lengthen(path: Path, *place: str) -> None:
    """Writes the long prompt into the settings of a JSON file, or of each line of one."""
    lines = [path.read_text()] if path.suffix == ".json" else path.read_text().splitlines()
    written = []
    for line in lines:
        values = json.loads(line)
        found = values
        for name in place:
            found = found.get(name) if isinstance(found, dict) else None
        if isinstance(found, dict):
            found["generation"] |= {"prompt": PROMPT, "stop": ["x" * 300]}
        written.append(json.dumps(values))
    path.write_text("".join(f"{line}\n" for line in written))


def test_a_run_with_a_longer_prompt_is_whole_and_goes_on(
    home: Path, tiny_config: RunConfig
) -> None:
    with managing(home) as manager:
        run = manager.create(tiny_config, None)
        assert ended(run) == "completed"
    lengthen(run.path / "run.json", "config")
    lengthen(run.folder.journal, "config")
    for about in run.path.glob("checkpoints/*/gtt.json"):
        lengthen(about, "config")
    with managing(home) as manager:
        again = manager.get(run.id)
        assert again is not None and again.damage is None and again.state() == "completed"
        assert again.config.generation.prompt == PROMPT[-4000:]
        manager.resume(again, {"training": {"max_steps": 15}})
        assert ended(again) == "completed"
        assert again.view().step == 15 and again.damage is None


def test_a_draft_with_a_longer_prompt_is_kept(tmp_path: Path) -> None:
    desks = Workspaces(tmp_path, Limits.for_space())
    key = new_key()
    desk = desks.desk(key)
    desk.save_draft(desk.draft.updated({"model": {"n_layers": 3}}))
    lengthen(desk.folder / "desk.json", "draft")
    draft = Workspaces(tmp_path, Limits.for_space()).desk(key).draft
    assert draft.model.n_layers == 3 and draft.generation.prompt == PROMPT[-4000:]
