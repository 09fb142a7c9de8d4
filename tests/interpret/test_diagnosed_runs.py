"""Real runs: what is wrong with them is found, and the fix that is offered mends it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gtt.api.api_errors import NotFound
from gtt.api.endpoints.diagnosis import diagnosis
from gtt.api.schemas import OfMaybeRun
from gtt.api.service import Caller, Service
from gtt.api.workspaces import new_key, owner_of
from gtt.config import RunConfig
from gtt.data.corpus import build_corpus
from gtt.data.tales import write_tales
from gtt.interpret.diagnosis import diagnose
from gtt.interpret.findings import Finding
from gtt.interpret.measurements import Measurements
from gtt.runs.folder import RunFolder
from gtt.runs.home import Home
from gtt.runs.journal import Journal
from gtt.runs.limits import Limits
from gtt.runs.run_reader import RunReader
from gtt.training.events import Evaluated, Event, RunEnded, RunStarted, StepFinished, StepLogged
from gtt.training.trainer import Trainer

MINE = new_key()


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """5 kB: a text so short that a model of 100,000 weights soon knows it by heart."""
    path = tmp_path_factory.mktemp("text") / "short.txt"
    path.write_text("".join(write_tales(5_000, seed=0)), encoding="utf-8")
    return path


def config_of(text: Path, **training: Any) -> RunConfig:
    return RunConfig.parse(
        {
            "data": {"source": str(text), "validation_fraction": 0.2},
            "model": {"n_layers": 2, "n_heads": 2, "n_embed": 48, "block_size": 32},
            "training": {
                "batch_size": 8,
                "max_steps": 200,
                "warmup_steps": 20,
                "precision": "fp32",
                "log_every": 2,
                "eval_every": 20,
                "eval_windows": 8,
                "checkpoint_every": 1_000_000,
                **training,
            },
            "generation": {"max_new_tokens": 1},
        }
    )


def trained(config: RunConfig, folder: Path, corpora: Path) -> tuple[list[Finding], float]:
    """What is found in a run of these settings, and its validation loss at the end."""
    folder.mkdir()
    with Journal(folder / "journal.jsonl") as journal:
        for event in Trainer(config, build_corpus(config.data, corpora), folder).run():
            if not isinstance(event, StepFinished):
                journal.append(event)
    reader = RunReader(folder)
    loss = reader.view().validation_loss
    assert loss is not None
    return diagnose(Measurements.of(config, reader)), loss


def mended(config: RunConfig, finding: Finding, folder: Path, corpora: Path) -> float:
    """The validation loss of a run with the fix."""
    assert finding.fix is not None
    _, loss = trained(config.updated(finding.fix.changes), folder, corpora)
    return loss


def test_an_absurd_rate_is_too_high_and_the_fix_mends_it(
    text: Path, tmp_path: Path, corpora: Path
) -> None:
    config = config_of(text, learning_rate=1.0, max_steps=100)
    findings, loss = trained(config, tmp_path / "first", corpora)
    assert findings[0].kind in ("diverged", "learning_rate_too_high")
    assert mended(config, findings[0], tmp_path / "second", corpora) < loss - 1


def test_a_tiny_rate_is_too_low_and_the_fix_mends_it(
    text: Path, tmp_path: Path, corpora: Path
) -> None:
    config = config_of(text, learning_rate=1e-6, max_steps=120)
    findings, loss = trained(config, tmp_path / "first", corpora)
    assert [one.kind for one in findings] == ["learning_rate_too_low"]
    assert mended(config, findings[0], tmp_path / "second", corpora) < loss - 0.5


def test_many_passes_over_a_short_text_overfit_and_the_fix_mends_it(
    text: Path, tmp_path: Path, corpora: Path
) -> None:
    config = config_of(
        text, optimizer="muon", muon_learning_rate=0.03, learning_rate=5e-3, batch_size=16
    ).updated({"model": {"n_embed": 64}, "training": {"max_steps": 280}})
    findings, loss = trained(config, tmp_path / "first", corpora)
    assert [one.kind for one in findings] == ["overfitting", "memorising"]
    since = findings[0].since_step
    assert since is not None and 60 <= since <= 200
    assert mended(config, findings[0], tmp_path / "second", corpora) < loss - 0.05


def test_a_model_without_residuals_is_stuck(text: Path, tmp_path: Path, corpora: Path) -> None:
    config = config_of(text, learning_rate=2e-3).updated(
        {"model": {"residual": False, "n_layers": 4}}
    )
    findings, _ = trained(config, tmp_path / "first", corpora)
    assert findings[0].kind == "architecture" and findings[0].fix is not None
    assert findings[0].concept == "residual"
    assert findings[0].fix.changes == {"model": {"residual": True}}


def test_a_sensible_run_hears_no_warning(text: Path, tmp_path: Path, corpora: Path) -> None:
    findings, _ = trained(config_of(text, learning_rate=5e-3), tmp_path / "run", corpora)
    assert findings and all(one.weight != "warning" for one in findings)


# -------------------------------------------------------------------------- the endpoint


def journaled(steps: int, config: RunConfig) -> list[Event]:
    """A run whose validation loss turns at 40 % of its steps."""
    about = RunStarted(
        step=0,
        config=config.model_dump(mode="json"),
        parameters=100_000,
        vocab_size=65,
        total_steps=steps,
        tokens_per_step=512,
        steps_per_epoch=steps / 20,
        train_tokens=steps * 512 // 20,
        validation_tokens=10_000,
        baselines={"uniform": 4.2, "unigram": 3.3, "bigram": 2.5, "floor": None},
        bytes_per_token=1.0,
        fingerprint="0",
        precision="fp32",
        device="cpu",
        processes=1,
    )
    events: list[Event] = [about]
    for step in range(10, steps + 1, 10):
        loss = 0.5 + 3.7 / (1 + 50 * step / steps)
        events.append(StepLogged(step, loss, 1e-3, 0.5, 1e4, step * 512, 20 * step / steps, 1.0))
        if step % (steps // 20) == 0:
            seen = loss + max(0.0, step / steps - 0.4)
            events.append(Evaluated(step, seen, 1.0, 1.0, None, False))
    return [*events, RunEnded(steps, "completed", "Finished.", 60.0)]


@pytest.fixture
def caller(tmp_path: Path) -> Iterator[Caller]:
    """A visitor of a Space, with a run of 20,000 steps on the desk."""
    home = Home(tmp_path / "home")
    config = RunConfig().updated(
        {"data": {"source": "tinyshakespeare"}, "training": {"max_steps": 20_000}}
    )
    folder = home.new_run("long")
    folder.mkdir(parents=True)
    RunFolder(folder).create(config, "0", owner=owner_of(MINE))
    with Journal(folder / "journal.jsonl") as journal:
        for event in journaled(20_000, config):
            journal.append(event)
    service = Service(home, Limits.for_space(), spare=False)
    yield service.caller(MINE)
    service.close()


def test_the_endpoint_tells_of_the_current_run(caller: Caller) -> None:
    answer = diagnosis(caller, OfMaybeRun())
    assert answer == diagnosis(caller, OfMaybeRun(run_id=answer.run_id))
    assert answer.step == 20_000
    first = answer.findings[0]
    assert first.kind == "overfitting" and first.since_step is not None
    assert abs(first.since_step - 8000) <= 2000
    run = caller.run(answer.run_id)
    assert first.fix is not None
    assert run.config.updated(first.fix.changes).training.max_steps == first.since_step


def test_a_fix_beyond_what_the_server_allows_is_left_out(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = caller.run_or_current(None)
    fixed = [one.fix for one in diagnosis(caller, OfMaybeRun()).findings if one.fix is not None]
    assert fixed
    small = Limits.for_space(max_parameters=1000)
    monkeypatch.setattr(caller.service, "limits", small)
    assert run.config.model.parameter_count(65) > 1000
    assert all(one.fix is None for one in diagnosis(caller, OfMaybeRun()).findings)


def test_another_desk_is_told_nothing(caller: Caller) -> None:
    stranger = caller.service.caller(new_key())
    theirs = caller.run_or_current(None).id
    for request in (OfMaybeRun(), OfMaybeRun(run_id=theirs)):
        with pytest.raises(NotFound):
            diagnosis(stranger, request)
