"""Questions about a checkpoint that its run lets go of before it is read."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from gtt.api.api_errors import NotFound
from gtt.api.endpoints.checkpoints import answer_about
from gtt.api.schemas import NextToken
from gtt.api.service import Service
from gtt.api.table import TABLE
from gtt.api.workspaces import new_key
from gtt.config import RunConfig
from gtt.data.corpus import Corpus
from gtt.errors import UnusableRun
from gtt.inference.questions import NextTokenJob
from gtt.runs.home import Home
from gtt.runs.limits import Limits
from gtt.runs.managed_run import ManagedRun
from gtt.runs.scheduling import Scheduler
from gtt.settings import parse
from gtt.training.trainer import Trainer

KEY = new_key()


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setattr(Scheduler, "start_waiting", lambda self: None)  # nothing trains beside us
    one = Service(Home(tmp_path / "home"), Limits.for_space(), spare=False)
    yield one
    one.close()


@pytest.fixture
def run(service: Service, tiny_config: RunConfig, tiny_corpus: Corpus) -> ManagedRun:
    """A run with two checkpoints."""
    row = TABLE["create_run"]
    answer = row.call(service.caller(KEY), parse(row.request, {"recipe": "quickstart"}))
    one = service.manager.get(answer.run.id)
    assert one is not None
    for _ in Trainer(tiny_config, tiny_corpus, one.path).run():
        pass
    newest, best = one.folder.checkpoints.newest(), one.folder.checkpoints.best()
    if newest == best:  # the earlier one is thinned away: keep one all the same
        shutil.copytree(newest, newest.with_name("step-00000005"), dirs_exist_ok=True)
    return one


def ask(
    service: Service,
    run: ManagedRun,
    losing: list[Path],
    which: str = "latest",
    asked: list[str] | None = None,
) -> list[str]:
    """Asks while the checkpoint that is about to be read is lost, as often as `losing` says."""
    asked = [] if asked is None else asked

    def asking(checkpoint: str) -> NextTokenJob:
        asked.append(checkpoint)
        if losing:
            shutil.rmtree(losing.pop(0))
        return NextTokenJob(checkpoint=checkpoint, text="a")

    request = NextToken(run_id=run.id, text="a", checkpoint=which)
    answer = asyncio.run(answer_about(service.caller(KEY), run, request, asking))
    assert answer["tokens"]
    return asked


def test_the_next_best_is_read_where_one_is_lost(service: Service, run: ManagedRun) -> None:
    older, newer = run.folder.checkpoints.all()
    assert ask(service, run, losing=[newer]) == [str(newer), str(older)]


def test_what_was_asked_for_by_its_step_is_said_to_be_gone(
    service: Service, run: ManagedRun
) -> None:
    older, newer = run.folder.checkpoints.all()
    with pytest.raises(
        NotFound, match=f"keeps no such checkpoint; there are: {int(older.name[5:])}"
    ):
        ask(service, run, losing=[newer], which=str(int(newer.name[5:])))


def test_no_checkpoint_is_asked_about_twice(service: Service, run: ManagedRun) -> None:
    older, newer = run.folder.checkpoints.all()
    (newer / "config.json").write_text("{")
    asked: list[str] = []
    with pytest.raises(UnusableRun):
        ask(service, run, losing=[], asked=asked)
    assert asked == [str(newer)]
    with pytest.raises(NotFound, match="no checkpoint"):
        ask(service, run, losing=[newer, older])
