"""Findings about the text, from the losses: no order, repetition, two unlike parts."""

from __future__ import annotations

import math

from gtt.data.sources import SOURCES
from gtt.interpret.findings import Finding
from gtt.interpret.measurements import Measurements

AT_UNIGRAM = 0.03  # of the unigram loss: so close to it counts as no more than it
REPEATED = 0.25  # of the validation part: seen in training so often, it says little
TOO_FEW_BITS = 0.25  # per byte: less than any text needs that does not repeat itself
UNLIKE = 0.15  # of the training loss, between it and the validation loss, in the first pass
ENOUGH_STEPS = 20


def no_order(run: Measurements) -> Finding | None:
    """Knowing the token before does not help, and the model found nothing beyond frequencies."""
    unigram, bigram = run.baseline("unigram"), run.baseline("bigram")
    if unigram is None or bigram is None or run.pairs is not None or run.step < ENOUGH_STEPS:
        return None
    floor = run.baseline("floor")
    if floor is not None and floor < (1 - AT_UNIGRAM) * unigram:  # an order beyond pairs
        return None
    if run.train_level < (1 - AT_UNIGRAM) * unigram and run.epochs < 3:
        return None
    if run.level < (1 - AT_UNIGRAM) * unigram:
        return None
    return Finding(
        kind="no_order",
        title="The text has no order to learn",
        sentence="Which token comes next does not depend on the one before: the text looks "
        "shuffled or drawn by chance. All that can be learned is how frequent each token is, and "
        "no setting gets further. Look at the text, and at what was done to it.",
        evidence=f"knowing the token before gives {bigram:.2f}, knowing only how frequent each is "
        f"{unigram:.2f}; validation loss {run.level:.2f}",
        weight="warning",
        concept="bigram_baseline",
    )


def text_repeated(run: Measurements) -> Finding | None:
    """The validation part stands in the training part, so its loss does not speak of new text."""
    share = run.validation_seen
    if share is not None:
        if share < REPEATED:
            return None
        evidence = (
            f"{share:.0%} of the passages that were looked up in the validation part stand word "
            "for word in the training part"
        )
    else:
        bits = _bits_per_byte(run)
        source = SOURCES.get(run.config.data.source.strip().lower())
        is_task = source is not None and source.is_task
        if bits is None or bits > TOO_FEW_BITS or is_task:
            return None
        evidence = f"{bits:.2f} bits per byte on text that should be new; texts need 0.5 and more"
    if len(run.validation):
        evidence += f"; training loss {run.train_level:.2f}, validation loss {run.level:.2f}"
    return Finding(
        kind="text_repeated",
        title="The text repeats itself",
        sentence="The same passages stand in the training part and in the validation part, so a "
        "low validation loss shows only that they were learned by heart. Leave the copies out, "
        "then the losses say whether anything general was learned.",
        evidence=evidence,
        weight="warning",
        concept="validation_fraction",
    )


def _bits_per_byte(run: Measurements) -> float | None:
    if run.bytes_per_token is None or run.baseline("floor") is not None or not len(run.validation):
        return None
    return run.level / run.bytes_per_token / math.log(2)


def parts_unlike(run: Measurements) -> Finding | None:
    """Unseen text is far harder from the first pass on, before anything can be known by heart."""
    validation = run.validation
    early = [
        (step, value)
        for step, value in zip(validation.steps, validation.values)
        if step >= ENOUGH_STEPS and run.epochs_at(step) <= (1.5 if run.epochs < 3 else 1)
    ]
    needed = 1 if run.epochs < 3 else 3  # of a text read often, one early point may be an accident
    if len(early) < needed or len(run.train) < 4 or run.epochs == 0:
        return None
    gaps = [value / run.train_around(step) - 1 for step, value in early]
    gap, (step, value) = min(gaps[-2:]), early[-1]
    if gap < UNLIKE:
        return None
    return Finding(
        kind="parts_unlike",
        title="Validation text is of another kind",
        sentence="The model does far worse on the validation part than on the training part "
        "although it has read hardly a passage twice, so it learned nothing by heart: the two "
        "parts differ in kind. The validation part is the end of the text; look what stands "
        "there.",
        evidence=f"at step {int(step):,}, within {max(0.01, run.epochs_at(step)):.2f} passes over "
        f"the text, training loss {run.train_around(step):.2f} and validation loss "
        f"{value:.2f}",
        weight="warning",
        concept="validation_fraction",
        since_step=int(early[0][0]),
    )
