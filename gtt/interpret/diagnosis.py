"""Findings about a run in words, from its measurements, the gravest first.

Pure functions of the journal's numbers. Windows are compared by their medians and lines are laid
through many points, so that noise alone gives no finding. Praise needs evidence of its own
(`gtt.interpret.findings_praise`); that no fault was found is not enough.
"""

from __future__ import annotations

from gtt.interpret.findings import Finding
from gtt.interpret.findings_causes import cause_of_lag
from gtt.interpret.findings_generalization import (
    cut_short,
    memorising,
    near_floor,
    overfitting,
    too_early,
    under_trained,
)
from gtt.interpret.findings_loss import (
    dead_units,
    diverged,
    exploding_gradient,
    plateau,
    rate_too_high,
)
from gtt.interpret.findings_praise import may_be_praised, verdict
from gtt.interpret.findings_text import no_order, parts_unlike, text_repeated
from gtt.interpret.measurements import Measurements

ORDER = ("warning", "note", "good")
# Notes that say themselves how far the run got.
VERDICTS = ("learning_rate_too_high", "learning_rate_too_low", "memorising", "near_floor")


def diagnose(run: Measurements) -> list[Finding]:
    """The findings about a run, at least one: warnings, then notes, then what is good.

    One cause is named once: a rate too high explains a plateau and gradients that explode, a text
    known by heart explains why more steps would not help.
    """
    if (broken := diverged(run)) is not None:
        return [finding for finding in (broken, dead_units(run)) if finding is not None]
    cut = cut_short(run)
    if (early := too_early(run)) is not None:
        return [finding for finding in (cut, early) if finding is not None]
    findings = _find(run)
    if not any(finding.weight == "warning" or finding.kind in VERDICTS for finding in findings):
        findings.append(verdict(run))
    if not may_be_praised(run):
        findings = [finding for finding in findings if finding.weight != "good"]
    if cut is not None:
        findings.append(cut)
    return sorted(findings or [verdict(run)], key=lambda finding: ORDER.index(finding.weight))


def _find(run: Measurements) -> list[Finding]:
    """The warnings and notes, without praise."""
    floor = near_floor(run)
    text = no_order(run)
    halves = text_repeated(run) or parts_unlike(run)
    by_heart = [] if halves else [overfitting(run), memorising(run)]
    climbing = rate_too_high(run)
    cause = course = None
    if climbing is None and floor is None and text is None and not any(by_heart):
        cause = cause_of_lag(run)
        if cause is None and halves is None:
            course = plateau(run) or under_trained(run)
    is_high = any(
        finding and finding.kind == "learning_rate_too_high" for finding in (climbing, cause)
    )
    gradient = None if is_high else exploding_gradient(run)
    candidates = [climbing, text, halves, cause, gradient, *by_heart, dead_units(run), course]
    if climbing is None:
        candidates.append(floor)
    return [finding for finding in candidates if finding is not None]
