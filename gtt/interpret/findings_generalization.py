"""Findings about generalisation: overfitting, memorising, training that was too short."""

from __future__ import annotations

import math

import numpy as np

from gtt.interpret import fixes
from gtt.interpret.findings import Finding, Weight
from gtt.interpret.findings_loss import FLAT, STUCK
from gtt.interpret.measurements import Measurements
from gtt.interpret.trends import trend

NEAR = 0.12  # of the floor: so far above it a loss still counts as close
CLOSE = 0.02  # nats: likewise, where the floor itself is almost nothing
STILL_FALLING = 0.05  # of the loss per doubling of the steps
GAP = 0.2  # of the validation loss, between it and the training loss
LEAST_EPOCHS = 3  # before a text can be known by heart


def overfitting(run: Measurements) -> Finding | None:
    """The validation loss rose lastingly from its lowest while the training loss fell on."""
    validation = run.validation
    if len(validation) < 4 or len(run.train) < 4:
        return None
    calm = validation.smoothed()
    lowest = int(np.argmin(calm.values[:-1]))
    best, since = float(calm.values[lowest]), int(validation.steps[lowest])
    after = validation.values[lowest + 1 :]
    if len(after) < 2:
        return None
    late = after[-max(2, math.ceil(len(after) / 3)) :]
    rise = float(np.median(late)) - best
    needed = max(0.025, 0.02 * best, 3 * validation.noise() / len(late) ** 0.5)
    if (
        rise < (needed if len(after) > 2 else 2 * needed)
        or float(np.mean(late > best + needed / 2)) < 0.8
    ):
        return None
    width = max(3, len(run.train) // 20)
    # Nothing is said of a warm-up.
    then, now = run.train.around(since, width), run.train_level
    if then - now < max(0.01, 0.005 * then, 2 * run.train.noise() / width**0.5):
        return None
    numbers = (
        f"validation loss rose from {best:.2f} at step {since:,} to {validation.values[-1]:.2f} at "
        f"step {int(validation.steps[-1]):,} while training loss fell from "
        f"{run.train_around(since):.2f} to {now:.2f}"
    )
    if 0 < run.epochs < 1:
        return Finding(
            kind="parts_unlike",
            title="Unseen text gets worse",
            sentence="The model has read no passage twice, so it learns nothing by heart. What it "
            "has found holds for the training part and not for the validation part: look how the "
            "two differ.",
            evidence=f"{numbers}, within {run.epochs:.2f} passes over the text",
            weight="warning",
            concept="validation_fraction",
            since_step=since,
        )
    return Finding(
        kind="overfitting",
        title="Overfitting",
        sentence="The model still gets better on the text it trains on and worse on text it has "
        "not seen: it learns this text by heart instead of the language. The best checkpoint, from "
        "before the turn, is kept.",
        evidence=numbers,
        weight="warning",
        concept="overfitting",
        since_step=since,
        fix=fixes.against_overfitting(run, since),
    )


def memorising(run: Measurements) -> Finding | None:
    """It is much surer of the training text than of new text, or surer than anyone can be."""
    return _below_the_floor(run) or _apart(run)


def _below_the_floor(run: Measurements) -> Finding | None:
    floor = run.baseline("floor")
    if floor is None or len(run.train) < 8 or 0 < run.epochs < 1.5:
        return None
    now = run.train_level
    if floor - now < max(0.03, 0.03 * floor, 3 * run.train.noise() / len(run.train.last()) ** 0.5):
        return None
    calm = run.train.smoothed()
    above = np.flatnonzero(calm.values >= floor)
    since = int(calm.steps[min(above[-1] + 1, len(calm) - 1)]) if len(above) else None
    return _memorises(
        run,
        "warning",
        f"training loss {now:.2f} lies below the floor of {floor:.2f}, the least that anyone "
        "can have who knows the language but not this very text",
        since,
    )


def _apart(run: Measurements) -> Finding | None:
    validation = run.validation
    if len(validation) < 3 or len(run.train) < 8 or run.epochs < LEAST_EPOCHS:
        return None
    gaps = np.array([v - run.train_around(s) for s, v in zip(validation.steps, validation.values)])
    now, level = float(np.median(gaps[-2:])), float(np.median(validation.values[-2:]))
    # A validation part that is merely harder has its gap from the first pass on.
    of_first_pass = gaps[[run.epochs_at(step) <= 1.5 for step in validation.steps]]
    first = max(0.0, float(of_first_pass[-1])) if len(of_first_pass) else 0.0
    needed = max(0.25, GAP * level)
    if now - first < needed:
        return None
    behind = np.flatnonzero(gaps - first < needed)
    since = int(validation.steps[min(behind[-1] + 1, len(validation) - 1)]) if len(behind) else None
    return _memorises(
        run,
        "warning" if overfitting(run) else "note",
        f"after {run.epochs:.0f} passes the training loss is {run.train_level:.2f} and the "
        f"validation loss {level:.2f}",
        since,
    )


def _memorises(run: Measurements, weight: Weight, evidence: str, since: int | None) -> Finding:
    return Finding(
        kind="memorising",
        title="It knows the text by heart",
        sentence="The model is far surer of the text it was trained on than of new text from the "
        "same source: put at the start of a passage from its training part, it can go on by heart. "
        "What it writes freely may still be no copy, since chance leads it elsewhere. More text, "
        "fewer passes or dropout make it learn rules.",
        evidence=evidence,
        weight=weight,
        concept="memorising",
        since_step=since,
        fix=fixes.against_memorising(run, turned=overfitting(run) is not None),
    )


def under_trained(run: Measurements) -> Finding | None:
    """The run ended while its loss was still falling at a clear slope."""
    if not run.is_finished:
        return None
    stretch = run.train.between(run.step / 3)
    line = trend(stretch)
    if line is None or not line.is_falling():
        return None
    bigram = run.baseline("bigram")
    is_basic = bigram is not None and run.level > STUCK * bigram
    if line.per_doubling > -(FLAT if is_basic else STILL_FALLING) * run.level:
        return None
    out_of_time = run.ended == "out_of_time" and run.step < 0.95 * run.total_steps
    begin = int(stretch.steps[0])
    return Finding(
        kind="under_trained",
        title="It could learn more",
        sentence="The time limit ended the run before its schedule had lowered the rate. With a "
        "schedule that ends in time the same minutes lead to a lower loss."
        if out_of_time
        else "The loss was still falling when the run ended, so this model was not done with "
        "this text: train it longer.",
        evidence=f"training loss fell from {stretch.around(begin, 7):.2f} around step {begin:,} "
        f"to {run.train_level:.2f} at step {run.step:,}, by about {-line.per_doubling:.2f} for "
        "each doubling of the steps",
        weight="note",
        concept="under_training",
        fix=fixes.shorter(run.config, run.step) if out_of_time else fixes.more_steps(run),
    )


def near_floor(run: Measurements) -> Finding | None:
    """Of what can be learned from this source, nearly all is learned."""
    floor = run.baseline("floor")
    if floor is None or not len(run.validation):
        return None
    level = float(run.validation.values[-1])
    excess = level - floor
    if excess > max(NEAR * floor, CLOSE):
        return None
    return Finding(
        kind="near_floor",
        title="Close to the floor",
        sentence="The model has found nearly all that can be known about this text; what remains "
        "is chance. More steps or layers would gain little.",
        evidence=f"validation loss {level:.2f}, {max(0.0, excess):.2f} above the floor of "
        f"{floor:.2f} that no model can pass",
        weight="good",
        concept="floor",
    )


def cut_short(run: Measurements) -> Finding | None:
    """The run ended early, so its last figures are not what it could have reached."""
    if not run.is_cut_short:
        return None
    title, sentence = (
        "Its process was lost",
        (
            "The training ended without a word, as in a power cut. Resume it: it goes on from its "
            "newest checkpoint, or from the start where there is none, and what came after is "
            "trained again."
        ),
    )
    if run.ended == "stopped":
        title = "Stopped before its end"
        sentence = (
            "The schedule had not lowered the learning rate to its end yet, which is where much of "
            "the last gain comes from. Resume it: it goes on where it was stopped."
        )
    elif run.ended == "failed":
        title = "It ended with a fault"
        sentence = (
            "Something outside of the model went wrong. Resume it from its newest checkpoint once "
            "the cause is gone."
        )
    evidence = f"{run.step:,} of {run.total_steps:,} steps are done"
    if run.ended == "failed" and run.message:
        evidence += f"; {run.message.split('. ')[0].rstrip('.')}"
    return Finding(
        kind="cut_short",
        title=title,
        sentence=sentence,
        evidence=evidence,
        weight="warning" if run.ended != "stopped" else "note",
        concept="checkpoint",
    )


def too_early(run: Measurements) -> Finding | None:
    """Too few steps to judge by."""
    is_over = run.ended is not None or run.is_cut_short
    needed = 40 if is_over else max(40, min(run.warmup * 1.2, 500), 0.02 * run.total_steps)
    if run.step >= needed and len(run.train) >= 4:
        return None
    begun = f"{run.step:,} of {run.total_steps:,} steps"
    if is_over:
        return Finding(
            kind="too_early",
            title="Too short to judge",
            sentence="A few steps show that the model runs, not whether it learns. Some hundreds "
            "are needed for a curve that says something.",
            evidence=f"the run ended after {begun}",
            weight="note",
            concept="max_steps",
            fix=fixes.more_steps(run, 10, least=300) if run.ended == "completed" else None,
        )
    return Finding(
        kind="too_early",
        title="Too early to say",
        sentence="The first steps look alike in good and bad runs: the loss falls steeply while "
        "the model learns which tokens are frequent. Wait a little.",
        evidence=begun,
        weight="note",
        concept="warmup_steps" if run.step < run.warmup else "loss",
    )
