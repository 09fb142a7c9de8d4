"""The likeliest cause of a loss that is too high: the most unusual setting of the run.

An unusual setting alone is no fault: many runs do well with one. It is named as the cause only
where the loss is also higher than expected (`gtt.interpret.standing.lag`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gtt.interpret import fixes, learning_rates
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
    """An unusual setting with its `strength` (1 is just enough); `accuse` makes the finding."""

    strength: float
    accuse: Callable[[Lag], Finding | None]


def cause_of_lag(run: Measurements) -> Finding | None:
    """The finding about a run with too high a loss, where an unusual setting explains it."""
    if run.step < LEAST_STEPS:
        return None
    gap = lag(run, suspected=True)
    if gap is None:
        return None
    suspects = sorted(_suspects(run, gap), key=lambda suspect: -suspect.strength)
    accused = (suspect.accuse(gap) for suspect in suspects if suspect.strength >= 1)
    return next((finding for finding in accused if finding is not None), None)


def _suspects(run: Measurements, gap: Lag) -> Iterator[Suspect]:
    yield from _rate(run, gap)
    yield from _shape(run)
    yield from _dropout(run)


def _rate(run: Measurements, gap: Lag) -> Iterator[Suspect]:
    ratio = learning_rates.over_usual(run)
    strength = ratio / learning_rates.HIGH
    slowness = learning_rates.LOW / ratio
    if gap.reference is not None:
        compared = learning_rates.over_reference(run.config, gap.reference.config)
        if compared is not None:
            ratio, strength, slowness = compared, compared / 1.8, 0.55 / compared
    yield Suspect(strength, lambda lag: learning_rates.lagging_at_high_rate(run, lag, ratio))
    if learning_rates.is_published(run.config):
        return
    if run.reach is None or run.reach <= learning_rates.LITTLE_REACH or gap.reference is not None:
        yield Suspect(slowness, lambda lag: learning_rates.lagging_at_low_rate(run, lag, ratio))


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


def _architecture(run: Measurements, gap: Lag, concept: str, title: str, sentence: str) -> Finding:
    slight = gap.share < SLIGHT * (1 if gap.reference else expected_share(run.step))
    return Finding(
        kind="architecture",
        title=title,
        sentence=sentence,
        evidence=f"{gap.evidence}; {run.config.model.n_layers} layers",
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

    def accuse(gap: Lag) -> Finding:
        return Finding(
            kind="dropout_too_high",
            title="Dropout too high",
            sentence="So much of each layer is switched off at random in training that little can "
            "be learned. Dropout keeps a model from learning by heart; this one is far from that.",
            evidence=f"training loss {run.train_level:.2f}, validation loss {run.level:.2f}, with "
            f"dropout {share:g}; {gap.evidence}",
            weight="warning",
            concept="dropout",
            fix=fixes.less_dropout(run.config),
        )

    yield Suspect((share / MUCH_DROPOUT) ** 2, accuse)
