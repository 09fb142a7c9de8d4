"""Comparison of runs."""

from __future__ import annotations

from dataclasses import asdict

from gtt.api.schemas import (
    ComparedRun,
    ComparedRuns,
    CompareRuns,
    RunFigures,
    SettingDifference,
)
from gtt.api.service import Caller
from gtt.api.table import endpoint
from gtt.config import describe_settings
from gtt.errors import BadInput
from gtt.interpret.comparison import best_of, cautions, differences, outcome, progress
from gtt.runs.managed_run import ManagedRun

POINTS = 600  # of one curve


@endpoint("POST", "/api/compare", rate="look")
def compare(caller: Caller, request: CompareRuns) -> ComparedRuns:
    """Two to eight runs: curves, which settings differ, and what came of each.

    What it costs does not depend on how long the runs are.
    """
    ids = request.run_ids
    if len(set(ids)) < len(ids):
        raise BadInput("A run is named twice: name each run once.", field="run_ids")
    runs = [caller.run(id) for id in ids]
    configs = [run.config for run in runs]
    outcomes = [outcome(run.view()) for run in runs]
    about = {f"{setting.group}.{setting.name}": setting for setting in describe_settings()}
    return ComparedRuns(
        runs=[
            _compared(run, RunFigures(**asdict(outcome)))
            for run, outcome in zip(runs, outcomes, strict=True)
        ],
        settings=[
            SettingDifference(
                key=difference.key,
                label=about[difference.key].label,
                unit=about[difference.key].unit,
                values=dict(zip(ids, difference.values, strict=True)),
            )
            for difference in differences(configs)
        ],
        best={
            name: [ids[place] for place in places]
            for name, places in best_of(outcomes, configs).items()
        },
        cautions=cautions(configs),
    )


def _compared(run: ManagedRun, figures: RunFigures) -> ComparedRun:
    return ComparedRun(
        id=run.id,
        name=run.name,
        text=run.text,
        state=run.state(),
        loss=run.reader.curve("loss", POINTS),
        validation_loss=run.reader.curve("validation_loss", POINTS),
        progress=progress(run.reader),
        bytes_per_token=run.view().bytes_per_token,
        figures=figures,
    )
