"""The verdict on a run without faults: praise, or the reason why it is too early for praise."""

from __future__ import annotations

from gtt.interpret import fixes, learning_rates
from gtt.interpret.findings import Finding
from gtt.interpret.measurements import Measurements
from gtt.interpret.standing import (
    LEARNED,
    PAST,
    is_below_start,
    is_past_pairs,
    lag,
    risen,
    shows_on_unseen,
)


def may_be_praised(run: Measurements) -> bool:
    """Both losses lie below their start and token pairs, as measured; none is on its way up."""
    return (
        is_below_start(run) and is_past_pairs(run) and shows_on_unseen(run) and risen(run) is None
    )


def verdict(run: Measurements) -> Finding:
    """The finding where no other was made: praise, or the reason why there is none."""
    return (
        _rising(run)
        or _behind(run)
        or _bold(run)
        or _not_yet(run)
        or _unproven(run)
        or _healthy(run)
    )


def _rising(run: Measurements) -> Finding | None:
    rise = risen(run)
    if rise is None:
        return None
    name, low, now, since = rise
    return Finding(
        kind="unsettled",
        title="The loss has begun to rise",
        sentence=f"The {name} loss was lower before than it is now. The difference may still be "
        "chance; if it goes on, more training does harm.",
        evidence=f"{name} loss {low:.2f} around step {since:,} and {now:.2f} at step {run.step:,}",
        weight="note",
        concept="validation_loss" if name == "validation" else "loss",
        since_step=since,
    )


def _behind(run: Measurements) -> Finding | None:
    gap = lag(run)
    if gap is None or gap.reference is None:
        return None
    return Finding(
        kind="behind",
        title="The same text allows more",
        sentence="A model of this size that was trained no longer got clearly further on this "
        "text. Compare the settings of the two: what differs is what to try.",
        evidence=gap.evidence,
        weight="note",
        concept="validation_loss",
    )


def _bold(run: Measurements) -> Finding | None:
    ratio = learning_rates.over_usual(run)
    if ratio < learning_rates.HUGE_RATE:
        return None
    return learning_rates.too_high(
        run,
        "The rate is far above what usually suits a model of this width. It learned all the same; "
        "with smaller steps it would most likely get further.",
        f"training loss {run.train_level:.2f} at step {run.step:,}; the rate is {ratio:.0f} times "
        "the usual",
        weight="note",
    )


def _not_yet(run: Measurements) -> Finding | None:
    """It has not passed what counting pairs of tokens gives, and nothing explains it."""
    bigram, level = run.baseline("bigram"), max(run.train_level, run.level)
    if is_below_start(run) and (bigram is None or is_past_pairs(run)):
        return None
    evidence = f"loss {level:.2f} at step {run.step:,}, from {run.start:.2f} at first"
    if bigram is not None:
        evidence += f"; knowing token pairs alone gives {bigram:.2f}"
    is_over = run.ended is not None or run.is_cut_short
    return Finding(
        kind="not_yet",
        title="Not yet past token pairs" if bigram is not None else "Hardly below its start",
        sentence=f"So far the model knows {_learned(run, level)}."
        + (" Train it longer to see what else there is to learn." if is_over else " Let it run."),
        evidence=evidence,
        weight="note",
        concept="bigram_baseline",
        fix=fixes.more_steps(run) if run.ended == "completed" else None,
    )


def _learned(run: Measurements, level: float) -> str:
    """What a loss shows that is not past token pairs."""
    unigram = run.baseline("unigram")
    if level >= LEARNED * run.start:
        return "hardly more than at its first step"
    if unigram is not None and level >= PAST * unigram:
        return "little more than how frequent each token is"
    return "little more than which token follows which, as counting pairs would tell"


def _unproven(run: Measurements) -> Finding | None:
    """The loss fell, and whether that is good was not measured."""
    bigram = run.baseline("bigram")
    if shows_on_unseen(run):
        return None
    evidence = (
        f"training loss {run.train_level:.2f} at step {run.step:,}, from {run.start:.2f} at first"
    )
    is_over = run.ended is not None or run.is_cut_short
    if len(run.validation):
        step, value = int(run.validation.steps[-1]), run.validation.values[-1]
        evidence += f"; validation loss {value:.2f} at step {step:,}, the last that was measured"
    if bigram is None:
        sentence = (
            "Whether that is much or little cannot be said: what knowing token pairs alone gives "
            "was not measured on this text."
        )
    elif not is_over:
        sentence = (
            "Whether it does on unseen text too will show at the next evaluation. Let it run."
        )
    else:
        sentence = (
            "Whether it learned more than this very text cannot be said: the loss on unseen text "
            "was not measured, or only early. Evaluate more often to see it."
        )
    return Finding(
        kind="unproven",
        title="The loss comes down",
        sentence=sentence,
        evidence=evidence,
        weight="note",
        concept="bigram_baseline" if bigram is None else "validation_loss",
    )


def _healthy(run: Measurements) -> Finding:
    """It learns as it should; said where nothing speaks against it and figures speak for it."""
    bigram = run.baseline("bigram")
    title, sentence = (
        "Learning as it should",
        "The loss comes down on seen and unseen text alike, and is below that of token pairs. "
        "Let it run.",
    )
    if run.is_finished:
        title = "It learned what it should"
        sentence = (
            "The losses on seen and unseen text came down together, and the model knows more than "
            "which token follows which."
        )
    elif run.is_cut_short:
        title = "It was learning as it should"
        sentence = "Up to its end the loss came down on seen and unseen text alike."
    return Finding(
        kind="healthy",
        title=title,
        sentence=sentence,
        evidence=f"training loss {run.train_level:.2f} at step {run.step:,}, from {run.start:.2f} "
        f"at first; validation loss {run.validation.values[-1]:.2f}, where knowing token pairs "
        f"alone gives {bigram:.2f}",
        weight="good",
        concept="validation_loss",
    )
