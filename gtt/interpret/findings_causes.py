"""Why a run is not where it should be: of all that is unusual about it, the likeliest cause.

A single unusual setting is no fault by itself: many runs do well with it. It becomes one where the
run also stands too high (`gtt.interpret.standing.lag`). Of several suspects the most unusual one is
named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gtt.interpret import fixes, rates
from gtt.interpret.findings import Finding
from gtt.interpret.measurements import Measurements
from gtt.interpret.standing import Lag, expected_share, lag

MUCH_DROPOUT = 0.35  # from here on it is a suspect
MOST_DROPOUT = 0.6  # from here on too little is left to do better without it
DROPPED = 1.02  # training loss over validation loss that dropout alone makes
LEAST_STEPS = 40
SLIGHT = 1.12  # times what a sound run is mostly below: less may have other reasons


@dataclass(frozen=True)
class Suspect:
    """Something unusual: how much so (1 is just enough), and what it is called if it is guilty."""

    strength: float
    accuse: Callable[[Lag], Finding | None]


def cause_of_lag(run: Measurements) -> Finding | None:
    """The finding about a run that stands too high, where something unusual explains it."""
    if run.step < LEAST_STEPS:
        return None
    found = lag(run, suspected=True)
    if found is None:
        return None
    suspects = sorted(_suspects(run, found), key=lambda one: -one.strength)
    accused = (one.accuse(found) for one in suspects if one.strength >= 1)
    return next((finding for finding in accused if finding is not None), None)


def _suspects(run: Measurements, found: Lag) -> Iterator[Suspect]:
    yield from _rate(run, found)
    yield from _shape(run)
    yield from _dropout(run)


def _rate(run: Measurements, found: Lag) -> Iterator[Suspect]:
    ratio = rates.over_usual(run)
    strength = ratio / rates.HIGH
    slowness = rates.LOW / ratio
    if found.reference is not None:
        compared = rates.over_reference(run.config, found.reference.config)
        if compared is not None:
            ratio, strength, slowness = compared, compared / 1.8, 0.55 / compared
    yield Suspect(strength, lambda lag: rates.lagging_at_high_rate(run, lag, ratio))
    if rates.is_published(run.config):
        return
    if run.reach is None or run.reach <= rates.LITTLE_REACH or found.reference is not None:
        yield Suspect(slowness, lambda lag: rates.lagging_at_low_rate(run, lag, ratio))


def _shape(run: Measurements) -> Iterator[Suspect]:
    model = run.config.model
    if not model.residual:
        yield Suspect(
            8.0 * model.n_layers,
            lambda lag: _architecture(
                run,
                lag,
                "residual",
                "The signal gets lost between layers",
                "Residual connections are off, so each layer sees only what the one before made of "
                "the text, and the gradient fades on its way back. The more layers, the less is "
                "learned.",
            ),
        )
    if model.norm_position == "none":
        yield Suspect(
            0.75 * model.n_layers,
            lambda lag: _architecture(
                run,
                lag,
                "norm_position",
                "Without layer norm it does not learn well",
                "Nothing keeps the activations at one size from layer to layer, so the same "
                "rate is too large for some and too small for others.",
            ),
        )
    if model.norm_position == "post":
        yield Suspect(
            0.3 * model.n_layers * (1.5 if run.warmup < 5 else 1),
            lambda lag: _architecture(
                run,
                lag,
                "norm_position",
                "Post-norm this deep does not learn well",
                "Layer norm stands after the addition, on the path that the gradient takes back "
                "through the layers. Deep models of this kind need a long warm-up and a small "
                "rate; with pre-norm they do not.",
            ),
        )


def _architecture(
    run: Measurements, found: Lag, concept: str, title: str, sentence: str
) -> Finding:
    slight = found.share < SLIGHT * (1 if found.reference else expected_share(run.step))
    return Finding(
        kind="architecture",
        title=title,
        sentence=sentence,
        evidence=f"{found.evidence}; {run.config.model.n_layers} layers",
        weight="note" if slight else "warning",
        concept=concept,
        fix=fixes.unstuck(run.config),
    )


def _dropout(run: Measurements) -> Iterator[Suspect]:
    share = run.config.model.dropout
    if share < MUCH_DROPOUT or not len(run.validation):
        return
    if share < MOST_DROPOUT and run.train_level < DROPPED * run.level:
        return

    def accuse(found: Lag) -> Finding:
        return Finding(
            kind="dropout_too_high",
            title="Dropout too high",
            sentence="So much of each layer is switched off at random in training that little can "
            "be learned. Dropout keeps a model from learning by heart; this one is far from that.",
            evidence=f"training loss {run.train_level:.2f}, validation loss {run.level:.2f}, with "
            f"dropout {share:g}; {found.evidence}",
            weight="warning",
            concept="dropout",
            fix=fixes.less_dropout(run.config),
        )

    yield Suspect((share / MUCH_DROPOUT) ** 2, accuse)
