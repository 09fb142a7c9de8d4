"""What is going on in a run, in words: findings from what it measured, the gravest first.

Pure functions of the journal's numbers. Windows are compared by their medians and lines are laid
through many points, so that a finding is there only where noise does not explain it.
"""

from __future__ import annotations

from gtt.interpret.findings import Finding
from gtt.interpret.generalising import (
    cut_short,
    healthy,
    memorising,
    near_floor,
    overfitting,
    too_early,
    under_trained,
)
from gtt.interpret.learning import (
    dead_units,
    diverged,
    exploding_gradient,
    plateau,
    rate_too_high,
    rate_too_low,
)
from gtt.interpret.measurements import Measurements


def diagnose(run: Measurements) -> list[Finding]:
    """The findings about a run, at least one: warnings, then notes, then what is good.

    One cause is named once: a rate too high explains a plateau, a text known by heart explains why
    more steps would not help.
    """
    if (broken := diverged(run)) is not None:
        return [one for one in (broken, dead_units(run)) if one is not None]
    cut = cut_short(run)
    if (early := too_early(run)) is not None:
        return [one for one in (cut, early) if one is not None]
    floor = near_floor(run)
    by_heart = [overfitting(run), memorising(run)]
    rate = rate_too_high(run)
    if rate is None and floor is None and not any(by_heart):
        rate = rate_too_low(run)
    course = None
    if rate is None and floor is None and not any(by_heart):
        course = plateau(run) or under_trained(run)
    candidates = [rate, exploding_gradient(run), *by_heart, dead_units(run), course, floor]
    found = [one for one in candidates if one is not None]
    if not any(by_heart) and all(one.weight == "note" for one in found):
        found.append(healthy(run))
    if cut is not None:
        found.append(cut)
    order = ("warning", "note", "good")
    return sorted(found, key=lambda one: order.index(one.weight))
