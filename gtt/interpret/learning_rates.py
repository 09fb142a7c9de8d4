"""Findings about the learning rate: evidence that it is too high or too low."""

from __future__ import annotations

from gtt.config import RunConfig
from gtt.interpret import fixes
from gtt.interpret.findings import Finding, Weight
from gtt.interpret.measurements import Measurements
from gtt.interpret.references import known_recipes
from gtt.interpret.standing import Lag

HIGH = 3.0  # times the usual rate: from here on it is a suspect
LOW = 0.3  # likewise
FAR_BELOW = 0.12  # the careful rates of published recipes lie above this
LITTLE_REACH = 1.5  # updates of a whole run that add up to less leave weights near their start
LARGE_UPDATE = 0.035  # update over weight: steps this large undo what the ones before have built
HUGE_RATE = 5.0  # times the usual: no run at such a rate is praised


def over_usual(run: Measurements) -> float:
    """The peak rate over one that suits; without a warm-up a rate counts half as much again."""
    ratio = fixes.rate_over_usual(run.config)
    return 1.5 * ratio if ratio > 1 and run.warmup < 5 else ratio


def is_published(config: RunConfig) -> bool:
    """Whether a recipe has this rate at this width, so that it is careful on purpose."""
    return any(
        recipe.config.model.n_embed == config.model.n_embed
        and over_reference(config, recipe.config) == 1
        for recipe in known_recipes()
    )


def over_reference(config: RunConfig, reference: RunConfig) -> float | None:
    """The peak rate over that of a reference; None where they use different optimizers."""
    training, reference_training = config.training, reference.training
    if training.optimizer != reference_training.optimizer:
        return None
    if training.optimizer == "muon":
        return training.muon_learning_rate / reference_training.muon_learning_rate
    return training.learning_rate / reference_training.learning_rate


def too_high(
    run: Measurements,
    sentence: str,
    evidence: str,
    since: int | None = None,
    weight: Weight = "warning",
) -> Finding:
    """The finding that the rate is too high; the gradient norm goes into its evidence."""
    return Finding(
        kind="learning_rate_too_high",
        title="Learning rate too high",
        sentence=sentence,
        evidence=evidence,
        weight=weight,
        concept="learning_rate",
        since_step=since,
        fix=fixes.lower_rate(run.config),
    )


def signs(run: Measurements) -> str:
    """Further evidence for a rate that is too high, to be appended to a sentence."""
    ratio = over_usual(run)
    excess = (
        f"; the rate is {_times(ratio)} what suits a model of this width" if ratio > HIGH else ""
    )
    return excess + _updates(run)


def _updates(run: Measurements) -> str:
    """Updates and gradients that are far too large."""
    evidence = ""
    if run.largest_update is not None and run.largest_update >= LARGE_UPDATE:
        evidence += f"; single steps changed the weights by up to {run.largest_update:.0%}"
    if run.gradient_course is not None and run.gradient_course[1] > 10:
        evidence += f"; gradient norm {run.gradient_course[1]:,.0f} lately"
    return evidence


def lagging_at_high_rate(run: Measurements, lag: Lag, ratio: float) -> Finding:
    """It learned less than it should have, at a rate above the usual."""
    evidence = f"{lag.evidence}; the rate is {_times(ratio)} {_held_to(lag)}{_updates(run)}"
    mild = ratio < HIGH + 1 and lag.share < 1 and lag.reference is None
    return too_high(
        run,
        "Each step changes the weights so much that it undoes what the steps before had learned, "
        "so the loss falls far less than it could. Smaller steps get further.",
        evidence,
        weight="note" if mild else "warning",
    )


def lagging_at_low_rate(run: Measurements, lag: Lag, ratio: float) -> Finding | None:
    """It learned less than it should have, at a rate below the usual."""
    reach = run.reach
    factor = 1 / max(ratio, 1e-4)
    if reach is not None:
        factor = min(factor, max(5 / max(reach, 1e-6), 3))
    fix = fixes.higher_rate(run.config, factor)
    if fix is None:
        return None
    evidence = f"{lag.evidence}; the rate is {_times(ratio)} {_held_to(lag)}"
    if reach is not None and run.update_size is not None:
        evidence += (
            f"; a step at full rate changes the weights by {run.update_size:.2%} of their size, "
            f"the whole run by at most {reach:.2g} times"
        )
    clear = ratio < FAR_BELOW
    return Finding(
        kind="learning_rate_too_low",
        title="Learning rate too low" if clear else "A higher rate would get further",
        sentence="The loss falls, but slowly: each step changes the weights so little that they "
        "stay near their random start. Larger steps reach further in the same time.",
        evidence=evidence,
        weight="warning" if clear else "note",
        concept="learning_rate",
        fix=fix,
    )


def _times(ratio: float) -> str:
    if ratio < 0.095:
        return f"1/{1 / ratio:,.0f} of"
    return f"{ratio:.2g} times" if ratio < 9.95 else f"{ratio:,.0f} times"


def _held_to(lag: Lag) -> str:
    return "that one's" if lag.reference else "what suits a model of this width"
