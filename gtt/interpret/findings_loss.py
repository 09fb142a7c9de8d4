"""Findings about training: divergence, a rate too high, exploding gradients, dead units, plateaus.

Each function looks for one fault and returns its finding, or None where the evidence is thin.
`benchmarks/diagnosis.py` measures how often they are right about real runs.
"""

from __future__ import annotations

import numpy as np

from gtt.interpret import fixes
from gtt.interpret.findings import Finding
from gtt.interpret.learning_rates import HIGH, LARGE_UPDATE, over_usual, signs, too_high
from gtt.interpret.measurements import Measurements
from gtt.interpret.trends import Series, trend

STUCK = 0.95  # of the bigram loss: above this nothing but pairs of tokens was learned
FLAT = 0.01  # of the loss per doubling of the steps: less is no progress
DEAD = 0.5  # share of a layer
CLIPPED = 0.9  # share of the log points
LEAST_STEPS = 100
ENOUGH_STEPS = 20


def diverged(run: Measurements) -> Finding | None:
    """Training broke down."""
    if run.ended != "diverged":
        return None
    curve = run.train.smoothed()
    lowest = int(np.argmin(curve.values)) if len(curve) else 0
    evidence = run.message.split(". ")[0].rstrip(".") if run.message else "the loss broke down"
    if len(curve):
        low, at = curve.values[lowest], int(curve.steps[lowest])
        evidence += f"; at step {at:,} it had been {low:.2f}"
    return Finding(
        kind="diverged",
        title="Training broke down",
        sentence="The steps became so large that each made the model worse, until the numbers ran "
        "away. It cannot recover from that: start again with smaller steps.",
        evidence=evidence,
        weight="warning",
        concept="divergence",
        since_step=int(curve.steps[lowest]) if len(curve) else None,
        fix=fixes.lower_rate(run.config),
    )


def rate_too_high(run: Measurements) -> Finding | None:
    """The loss climbs, or stands still while each step turns the weights over."""
    return _climbing(run) or _above_start(run) or _trampling(run)


def _climbing(run: Measurements) -> Finding | None:
    """The training loss is well above where it was, beyond what batches differ by."""
    if len(run.train) < 6 or run.step < LEAST_STEPS // 2:
        return None
    bins = np.array_split(np.arange(len(run.train)), max(2, min(20, len(run.train) // 3)))
    levels = [float(np.median(run.train.values[bin])) for bin in bins]
    lowest = int(np.argmin(levels))
    now, low = min(levels[-2:]), levels[lowest]
    if now - low < max(0.1, 0.05 * low, 4 * run.train.noise() / len(bins[-1]) ** 0.5):
        return None
    since = int(run.train.steps[bins[lowest][-1]])
    return too_high(
        run,
        "The training loss climbs again, although every step is meant to lower it: the steps are "
        "so large that they jump over what they aim for.",
        f"training loss rose from {low:.2f} around step {since:,} to {now:.2f} at step "
        f"{run.step:,}{signs(run)}",
        since,
    )


def _above_start(run: Measurements) -> Finding | None:
    """The training loss ends above where it began."""
    if len(run.train) < 4 or run.step < ENOUGH_STEPS or run.train_level < 1.02 * run.start:
        return None
    return too_high(
        run,
        "The model is worse than before its first step: the steps are so large that each breaks "
        "what was there. It knows less than a guess.",
        f"training loss {run.train_level:.2f} at step {run.step:,}, from {run.start:.2f} at first"
        f"{signs(run)}",
        None,
    )


def _trampling(run: Measurements) -> Finding | None:
    """At full rate, well above the usual one, the loss hardly got below that of token pairs."""
    bigram, end = run.pairs, run.full_rate_end
    if run.is_finished or bigram is None or over_usual(run) < HIGH:
        return None
    if len(run.train) < 8 or end < max(LEAST_STEPS, 0.3 * run.total_steps):
        return None
    if run.step < 0.4 * run.total_steps:
        return None
    level = run.train.around(end, max(5, len(run.train) // 20))
    update = run.largest_update
    if level < STUCK * bigram or (update is not None and update < LARGE_UPDATE):
        return None
    updates = "" if update is None else f"; single steps changed the weights by up to {update:.0%}"
    return too_high(
        run,
        "Each step changes the weights so much that it undoes what the steps before had learned. "
        "The loss hardly falls before the schedule lowers the rate.",
        f"training loss {level:.2f} at step {end:,}, still at full rate, where knowing token "
        f"pairs alone gives {bigram:.2f}{updates}",
    )


def exploding_gradient(run: Measurements) -> Finding | None:
    """Nearly every gradient is far longer than clipping allows, or it grows without end."""
    norms = Series.of(run.gradient_norm).between(run.warmup + 1)
    if len(norms) < 12 or run.step < LEAST_STEPS // 2:
        return None
    clip = run.config.training.grad_clip
    early, late = norms.values[: len(norms) // 3], norms.values[-(len(norms) // 3) :]
    before, now = float(np.median(early)), float(np.median(late))
    share = float(np.mean(norms.values > clip)) if clip else 0.0
    usual = max(clip, 1.0)
    evidence = f"median gradient norm {before:.3g} at first and {now:.3g} lately"
    if now > 8 * usual and (share > CLIPPED or clip == 0 or now > 4 * before):
        limit = f", the limit is {clip:g}" if clip else ", and clipping is off"
        return Finding(
            kind="exploding_gradient",
            title="Gradients explode",
            sentence="The gradient is many times longer than it should be, so its direction is "
            "mostly an accident of the batch. Clipping holds it back but does not mend the cause.",
            evidence=evidence + limit,
            weight="warning",
            concept="gradient_norm",
            since_step=int(norms.steps[int(np.argmax(norms.values > 8 * usual))]),
            fix=fixes.tamed_gradient(run.config),
        )
    if 0 < clip <= 0.3 and share > CLIPPED:
        return Finding(
            kind="exploding_gradient",
            title="Every step is clipped",
            sentence="The limit for the gradient is below its everyday length, so it acts on every "
            "step and not just on accidents. A usual limit shows when something is wrong.",
            evidence=f"{share:.0%} of the gradients are longer than {clip:g}; {evidence}",
            weight="note",
            concept="grad_clip",
            fix=fixes.usual_clipping(run.config),
        )
    return None


def dead_units(run: Measurements) -> Finding | None:
    """Half of a layer's hidden units or more stay silent, in two snapshots in a row."""
    snapshots = [(step, parts) for step, parts in run.dead_units if step >= 8 and parts]
    if len(snapshots) < 2:
        return None
    lasting = {
        part: min(share, snapshots[-2][1].get(part, 0.0))
        for part, share in snapshots[-1][1].items()
    }
    part, share = max(lasting.items(), key=lambda item: item[1])
    if share < DEAD:
        return None
    since = snapshots[-1][0]
    for step, parts in reversed(snapshots):
        if parts.get(part, 0.0) < DEAD:
            break
        since = step
    named = f"layer {int(part.split('.')[1]) + 1}" if part.startswith("h.") else part
    return Finding(
        kind="dead_units",
        title="Many units are dead",
        sentence="A large part of a layer writes nothing whatever it reads, so the model is "
        "narrower than it looks. Steps that were too large early on are the usual cause.",
        evidence=f"{snapshots[-1][1][part]:.0%} of the hidden units in {named} stay near zero on "
        f"every token of the fixed text at step {snapshots[-1][0]:,}",
        weight="warning",
        concept="dead_units",
        since_step=since,
        fix=fixes.living_units(run.config),
    )


def plateau(run: Measurements) -> Finding | None:
    """At full rate the loss has stood still for half of the run, and not because all is learned."""
    end = run.full_rate_end
    stretch = run.train.between(0.45 * end, end)
    if len(stretch) < 8 or end < max(LEAST_STEPS, 0.25 * run.total_steps):
        return None
    line = trend(stretch)
    level = stretch.last(0.3).level()
    if line is None or line.per_doubling < -FLAT * level or run.train_level < 0.97 * level:
        return None
    begin = int(stretch.steps[0])
    bigram, unigram = run.baseline("bigram"), run.baseline("unigram")
    evidence = (
        f"training loss {stretch.around(begin, 7):.2f} around step {begin:,} and "
        f"{level:.2f} at step {end:,}, at full learning rate"
    )
    if bigram is not None and level > STUCK * bigram:
        is_lower = unigram is not None and level > STUCK * unigram
        if (run.largest_update or 0) >= LARGE_UPDATE and over_usual(run) >= HIGH:
            return too_high(
                run,
                "The loss fell fast at first and has stood still since: the steps are so large "
                "that each undoes what the ones before had learned.",
                f"{evidence}; single steps changed the weights by up to "
                f"{run.largest_update:.0%} of their size",
                begin,
            )
        learned = "how frequent each token is" if is_lower else "which token follows which"
        return Finding(
            kind="plateau",
            title="Stuck at the beginning",
            sentence=f"The model has learned {learned} and then nothing more. Either something "
            "keeps it from using what lies further back, or there is nothing more in the text.",
            evidence=f"{evidence}; that alone gives {unigram if is_lower else bigram:.2f}",
            weight="warning",
            concept="plateau",
            since_step=begin,
            fix=fixes.unstuck(run.config),
        )
    return Finding(
        kind="plateau",
        title="The loss has flattened out",
        sentence="More steps of this kind bring little. A larger model can take in more of the "
        "text, if there is more in it to find.",
        evidence=evidence,
        weight="note",
        concept="plateau",
        since_step=begin,
        fix=fixes.larger_model(run.config),
    )
