"""What is going on in a run, in words: findings from what it measured, the gravest first.

Pure functions of the journal's numbers. Windows are compared by their medians and lines are laid
through many points, so that a finding is there only where noise does not explain it. A good word
needs evidence of its own (`gtt.interpret.findings_praise`): that nothing was found is none.
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
from gtt.interpret.measurements import Measurements
from gtt.interpret.texts import no_order, parts_unlike, text_repeated

ORDER = ("warning", "note", "good")
# Notes that say themselves how far the run got.
VERDICTS = ("learning_rate_too_high", "learning_rate_too_low", "memorising", "near_floor")


def diagnose(run: Measurements) -> list[Finding]:
    """The findings about a run, at least one: warnings, then notes, then what is good.

    One cause is named once: a rate too high explains a plateau and gradients that explode, a text
    known by heart explains why more steps would not help.
    """
    if (broken := diverged(run)) is not None:
        return [one for one in (broken, dead_units(run)) if one is not None]
    cut = cut_short(run)
    if (early := too_early(run)) is not None:
        return [one for one in (cut, early) if one is not None]
    found = _found(run)
    if not any(one.weight == "warning" or one.kind in VERDICTS for one in found):
        found.append(verdict(run))
    if not may_be_praised(run):
        found = [one for one in found if one.weight != "good"]
    if cut is not None:
        found.append(cut)
    return sorted(found or [verdict(run)], key=lambda one: ORDER.index(one.weight))


def _found(run: Measurements) -> list[Finding]:
    """What was found, before anything good is said."""
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
    is_high = any(one and one.kind == "learning_rate_too_high" for one in (climbing, cause))
    gradient = None if is_high else exploding_gradient(run)
    candidates = [climbing, text, halves, cause, gradient, *by_heart, dead_units(run), course]
    if climbing is None:
        candidates.append(floor)
    return [one for one in candidates if one is not None]
