"""Everything that the app shows and explains beside its settings."""

from __future__ import annotations

from gtt.explain import QUANTITIES, Quantity
from gtt.training.events import METRICS


def quantities() -> dict[str, Quantity]:
    """The metrics under their names, and what else is shown, by id."""
    metrics = {
        name: Quantity(name, metric.label, metric.unit, metric.concept)
        for name, metric in METRICS.items()
    }
    return {**metrics, **QUANTITIES}
