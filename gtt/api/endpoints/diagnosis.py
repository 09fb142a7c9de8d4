"""The diagnosis of a run in words, with fixes."""

from __future__ import annotations

from gtt.api.schemas import Diagnosis, FindingFix, FindingInfo, OfMaybeRun
from gtt.api.service import Caller
from gtt.api.table import endpoint
from gtt.config import RunConfig
from gtt.explain import explain
from gtt.interpret.diagnosis import diagnose
from gtt.interpret.findings import Finding
from gtt.interpret.measurements import Measurements
from gtt.interpret.references import Reference, is_same_text
from gtt.runs.limits import Limits
from gtt.runs.managed_run import ACTIVE, ManagedRun

PEERS = 50  # of the desk's runs that a run is held against


@endpoint("GET", "/api/diagnosis", rate="read")
def diagnosis(caller: Caller, request: OfMaybeRun) -> Diagnosis:
    """What a run shows, or the desk's current one: findings with evidence and, if any, a fix.

    It is held against the recipes and the newest runs of the desk on the same text. What it costs
    does not depend on how long the run is. A fix that this server would refuse is left out.
    """
    run = caller.run_or_current(request.run_id)
    view, limits = run.view(), caller.limits
    measured = Measurements.of(
        run.config,
        run.reader,
        at_work=run.state() in ACTIVE,
        peers=_peers(caller, run),
        most_steps=limits.max_steps,
        most_minutes=limits.max_minutes,
    )
    return Diagnosis(
        run_id=run.id,
        step=view.step,
        findings=[
            _info(finding, run.config, limits, view.vocab_size) for finding in diagnose(measured)
        ],
    )


def _peers(caller: Caller, run: ManagedRun) -> list[Reference]:
    """The newest runs of the desk that ended as they were meant to."""
    peers = []
    for other in caller.runs()[:PEERS]:
        if other.id == run.id or not is_same_text(run.config.data, other.config.data):
            continue
        view = other.view()
        if view.ended is None or view.ended.reason != "completed" or not view.validation_loss:
            continue
        title = f"your run “{other.name}”"
        peers.append(Reference(title, other.config, view.step, view.validation_loss))
    return peers


def _info(
    finding: Finding, config: RunConfig, limits: Limits, vocabulary: int | None
) -> FindingInfo:
    fix = None
    if finding.fix is not None:
        fixed = config.updated(finding.fix.changes)
        if _is_allowed(fixed, limits, vocabulary):
            changes = {group: dict(values) for group, values in finding.fix.changes.items()}
            fix = FindingFix(label=finding.fix.label, changes=changes)
    return FindingInfo(
        kind=finding.kind,
        title=finding.title,
        sentence=finding.sentence,
        evidence=finding.evidence,
        weight=finding.weight,
        concept=finding.concept,
        about=explain(finding.concept).body,
        since_step=finding.since_step,
        fix=fix,
    )


def _is_allowed(config: RunConfig, limits: Limits, vocabulary: int | None) -> bool:
    """Whether this server would train that, as far as a fix could make a difference."""
    most = limits.max_parameters
    if most is not None and config.model.parameter_count(vocabulary or 0) > most:
        return False
    megabytes = config.data.max_megabytes
    return not limits.for_strangers or megabytes is None or megabytes <= limits.max_upload_mb
