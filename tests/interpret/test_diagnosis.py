"""Findings from curves whose truth is known: every kind is found, and health raises no alarm."""

from __future__ import annotations

import dataclasses
import random
import re
from typing import Any

import numpy as np
import pytest
from made_runs import (
    BASELINES,
    BIGRAM,
    UNIFORM,
    UNIGRAM,
    by_doubling,
    decay,
    flat_from,
    run_of,
    strange_runs,
)

from gtt.config import RunConfig
from gtt.explain import concepts
from gtt.interpret.diagnosis import diagnose
from gtt.interpret.findings import Finding, Fix
from gtt.interpret.findings_praise import verdict
from gtt.interpret.measurements import Measurements
from gtt.interpret.standing import rise
from gtt.interpret.trends import Series


def kinds(run: Measurements) -> list[str]:
    return [finding.kind for finding in diagnose(run)]


def found(run: Measurements, kind: str) -> Finding:
    findings = {finding.kind: finding for finding in diagnose(run)}
    assert kind in findings, findings
    return findings[kind]


SEEDS = range(8)


# ------------------------------------------------------------------------- no false alarm


def healthy_run(seed: int, until: float, spikes: int = 0) -> Measurements:
    """A run like any that goes well: its length, end, noise, rates and text are drawn."""
    rng = random.Random(seed)
    total = rng.choice([200, 300, 600, 1200, 5000, 40_000, 300_000])
    end = rng.uniform(0.9, 1.9)
    floor = rng.choice([None, end - rng.uniform(0.02, 0.3)])
    speed, early = rng.uniform(0.7, 1.6), rng.uniform(0.005, 0.05)
    shape = decay(end, total, speed, early)
    gap = rng.uniform(-0.03, 0.12)  # a validation part may be harder, and dropout turns it round
    norm = rng.uniform(0.3, 3.0)
    rate = rng.uniform(1e-3, 2e-3)
    return run_of(
        shape,
        lambda steps: shape(steps) + gap,
        seed=seed,
        total=total,
        until=until,
        noise=rng.choice([0.005, 0.02, 0.06]),
        spikes=spikes,
        update=rng.choice([None, rng.uniform(5e-3, 2.5e-2) if total <= 1200 else 2e-3]),
        norms=lambda steps: norm + 2 / np.sqrt(steps),
        dead=lambda steps: np.full_like(steps, rng.uniform(0, 0.3)),
        epochs=rng.uniform(0.3, 8),
        evaluations=rng.choice([4, 10, 25, 100]),
        baselines={**BASELINES, "floor": floor},
        training={
            "lr_scheduler": rng.choice(["cosine", "linear", "constant"]),
            "warmup_steps": rng.choice([0, 20, 100]),
            "learning_rate": rate,
        },
    )


@pytest.mark.parametrize("seed", range(80))
def test_a_healthy_run_raises_no_alarm(seed: int) -> None:
    """At no moment, spikes or not."""
    for until in (0.02, 0.1, 0.2, 0.4, 0.7, 1.0):
        findings = diagnose(healthy_run(seed, until, spikes=seed % 4))
        assert findings
        assert all(one.weight != "warning" for one in findings), (until, findings)


@pytest.mark.parametrize("seed", range(40))
def test_a_healthy_run_hears_a_good_word(seed: int) -> None:
    findings = diagnose(healthy_run(seed, 1.0))
    assert any(one.weight == "good" for one in findings), findings


def test_a_source_without_any_order_is_not_overfitted_by_noise() -> None:
    """Both losses lie flat at the loss of guessing; there is nothing to learn but frequencies."""

    def level(steps: np.ndarray) -> np.ndarray:
        return UNIGRAM + 0.8 * np.exp(-steps / 20)

    for seed in SEEDS:
        run = run_of(level, level, seed=seed, noise=0.05, evaluations=40)
        assert not {"overfitting", "memorising", "learning_rate_too_high"} & set(kinds(run))


# -------------------------------------------------------------------------- every kind


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("turn", [200, 500])
def test_overfitting_is_dated_to_its_turn(seed: int, turn: int) -> None:
    shape = decay(0.4, 1000)
    run = run_of(
        shape,
        lambda steps: (
            decay(1.3, 1000)(np.minimum(steps, turn)) + 0.4 * np.maximum(0, steps - turn) / 1000
        ),
        seed=seed,
        epochs=20,
    )
    finding = found(run, "overfitting")
    assert finding.since_step is not None and abs(finding.since_step - turn) <= 100
    assert finding.weight == "warning" and str(f"{finding.since_step:,}") in finding.evidence
    assert finding.fix == Fix(
        f"Restart ending at step {finding.since_step:,}",
        {"training": {"max_steps": finding.since_step}},
    )
    assert "under_trained" not in kinds(run) and "healthy" not in kinds(run)


@pytest.mark.parametrize("seed", SEEDS)
def test_one_higher_point_is_no_overfitting(seed: int) -> None:
    shape = decay(1.3, 1000)

    def bumped(steps: np.ndarray) -> np.ndarray:
        return shape(steps) + 0.1 * (steps == 700)

    assert "overfitting" not in kinds(run_of(shape, bumped, seed=seed, epochs=20))


def test_a_rise_within_the_first_pass_is_not_called_learning_by_heart() -> None:
    run = run_of(
        decay(1.0, 1000),
        lambda steps: 3.0 + steps / 1000,
        seed=1,
        epochs=0.9,
    )
    finding = found(run, "parts_unlike")
    assert "hardly a passage twice" in finding.sentence and finding.fix is None
    assert "overfitting" not in kinds(run)


@pytest.mark.parametrize("seed", SEEDS)
def test_memorising_is_a_gap_that_grew(seed: int) -> None:
    run = run_of(
        decay(0.3, 1000),
        lambda steps: np.maximum(decay(0.3, 1000)(steps), 1.4 - 0.05 * steps / 1000),
        seed=seed,
        epochs=30,
    )
    finding = found(run, "memorising")
    assert "overfitting" not in kinds(run)
    assert finding.since_step is not None and finding.since_step < 900
    assert finding.weight == "note" and "healthy" not in kinds(run)
    assert finding.fix is not None and finding.fix.changes == {
        "model": {"dropout": 0.1},
        "training": {"max_steps": 2000},
    }


@pytest.mark.parametrize("seed", SEEDS)
def test_a_harder_validation_part_is_not_memorising(seed: int) -> None:
    shape = decay(0.9, 1000)
    run = run_of(shape, lambda steps: shape(steps) + 0.6, seed=seed, epochs=6)
    assert "memorising" not in kinds(run)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_training_loss_below_the_floor_is_memorising(seed: int) -> None:
    run = run_of(
        decay(0.9, 1000),
        decay(1.05, 1000),
        seed=seed,
        epochs=5,
        baselines={**BASELINES, "floor": 1.0},
        data={"source": "tales", "max_megabytes": 0.5},
    )
    finding = found(run, "memorising")
    assert "floor" in finding.evidence
    assert finding.fix is not None and finding.fix.changes["data"] == {"max_megabytes": 2.0}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_loss_that_climbs_has_too_high_a_rate(seed: int) -> None:
    def shape(steps: np.ndarray) -> np.ndarray:
        return decay(1.8, 1000)(steps) + np.maximum(0, steps - 400) / 1000

    finding = found(run_of(shape, shape, seed=seed, noise=0.05), "learning_rate_too_high")
    assert finding.since_step is not None and 250 <= finding.since_step <= 550
    assert finding.fix is not None and finding.fix.changes["training"]["learning_rate"] < 1e-3


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("until", [0.6, 1.0])
def test_huge_updates_without_progress_are_too_high_a_rate(seed: int, until: float) -> None:
    shape = flat_from(100, decay(2.45, 1000, early=0.005))
    run = run_of(shape, shape, seed=seed, until=until, update=0.08, training={"learning_rate": 0.1})
    assert kinds(run)[0] == "learning_rate_too_high" and "plateau" not in kinds(run)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_little_updates_and_a_slow_fall_are_too_low_a_rate(seed: int, optimizer: str) -> None:
    shape = by_doubling(0.1)
    run = run_of(
        shape,
        shape,
        seed=seed,
        update=1e-4,
        training={"learning_rate": 1e-5, "muon_learning_rate": 1e-4, "optimizer": optimizer},
    )
    finding = found(run, "learning_rate_too_low")
    assert {"under_trained", "plateau"}.isdisjoint(kinds(run))
    rate = "muon_learning_rate" if optimizer == "muon" else "learning_rate"
    assert finding.fix is not None
    assert finding.fix.changes["training"][rate] >= 3 * getattr(run.config.training, rate)


def test_a_short_run_at_a_usual_rate_does_not_blame_the_rate() -> None:
    shape = decay(1.5, 100, speed=0.8, early=0.2)
    run = run_of(shape, shape, seed=3, total=100, training={"learning_rate": 2e-3})
    assert kinds(run)[0] == "under_trained"


@pytest.mark.parametrize("seed", SEEDS)
def test_a_run_that_ended_as_diverged_says_so_first(seed: int) -> None:
    def shape(steps: np.ndarray) -> np.ndarray:
        return 2.5 + 6 * (steps > 900)

    run = run_of(shape, shape, seed=seed, ended="diverged", training={"learning_rate": 0.5})
    finding = diagnose(run)[0]
    assert finding.kind == "diverged" and "the loss rose to 18.0" in finding.evidence
    assert finding.fix is not None and finding.fix.changes["training"]["learning_rate"] < 0.01


def test_divergence_in_the_first_steps_needs_no_curve() -> None:
    run = run_of(decay(2, 1000), decay(2, 1000), seed=0, ended="diverged")
    for loss in ([], [(1, 4.2)], [(1, 4.2), (2, 11.0)]):
        bare = dataclasses.replace(run, loss=loss, validation_loss=[], step=2, dead_units=[])
        assert [one.kind for one in diagnose(bare)] == ["diverged"]


@pytest.mark.parametrize("seed", SEEDS)
def test_dead_units_are_named_by_layer(seed: int) -> None:
    shape = decay(1.5, 1000)
    run = run_of(
        shape,
        shape,
        seed=seed,
        dead=lambda steps: 0.1 + 0.6 * (steps > 100),
        model={"activation": "relu"},
    )
    finding = found(run, "dead_units")
    assert "70% of the hidden units in layer 2" in finding.evidence
    assert finding.since_step is not None and 100 < finding.since_step <= 256
    assert finding.fix is not None and finding.fix.changes == {"model": {"activation": "gelu"}}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("level", [UNIGRAM, BIGRAM])
def test_a_stuck_model_is_told_at_which_baseline(seed: int, level: float) -> None:
    shape = flat_from(100, lambda steps: level + (UNIFORM - level) * np.exp(-steps / 25))
    run = run_of(shape, shape, seed=seed, model={"residual": False})
    finding = found(run, "architecture")
    assert finding.weight == "warning" and f"gives {BIGRAM:.2f}" in finding.evidence
    assert finding.fix is not None and finding.fix.changes == {"model": {"residual": True}}
    unsuspected = run_of(shape, shape, seed=seed)
    finding = found(unsuspected, "plateau")
    assert finding.weight == "warning" and f"gives {level:.2f}" in finding.evidence


@pytest.mark.parametrize("seed", SEEDS)
def test_a_loss_that_has_flattened_out_is_a_note(seed: int) -> None:
    shape = flat_from(200, decay(1.5, 1000, early=0.005))
    run = run_of(shape, shape, seed=seed, training={"lr_scheduler": "constant"})
    finding = found(run, "plateau")
    assert finding.weight == "note" and finding.fix is not None
    assert finding.fix.changes == {"model": {"n_embed": 256}}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_loss_still_falling_at_the_end_is_under_trained(seed: int) -> None:
    shape = by_doubling(0.25)
    run = run_of(shape, shape, seed=seed, noise=0.05)
    finding = found(run, "under_trained")
    told = re.search(r"by about (\S+) for each doubling", finding.evidence)
    assert finding.weight == "note" and told and abs(float(told[1]) - 0.25) < 0.03
    assert finding.fix is not None and finding.fix.changes == {"training": {"max_steps": 2000}}
    going_on = run_of(shape, shape, seed=seed, noise=0.05, until=0.8)
    assert kinds(going_on) == ["healthy"]


def test_what_ran_out_of_time_gets_a_schedule_that_ends_in_time() -> None:
    shape = by_doubling(0.25)
    run = dataclasses.replace(
        run_of(shape, shape, seed=0, until=0.5, ended="out_of_time"), ended="out_of_time"
    )
    finding = found(run, "under_trained")
    assert finding.fix is not None and finding.fix.changes["training"]["max_steps"] == 500


@pytest.mark.parametrize("seed", SEEDS)
def test_close_to_a_known_floor_is_praised(seed: int) -> None:
    shape = decay(1.02, 1000, speed=1.5, early=0.01)
    run = run_of(shape, shape, seed=seed, baselines={**BASELINES, "floor": 1.0})
    assert kinds(run) == ["near_floor"]


@pytest.mark.parametrize("seed", SEEDS)
def test_gradients_that_explode(seed: int) -> None:
    shape = decay(2.0, 1000)
    run = run_of(shape, shape, seed=seed, norms=lambda steps: 1 + steps / 20)
    finding = found(run, "exploding_gradient")
    assert finding.weight == "warning" and finding.since_step is not None
    bare = run_of(
        shape, shape, seed=seed, norms=lambda steps: 30 + 0 * steps, model={"norm_position": "none"}
    )
    fix = found(bare, "exploding_gradient").fix
    assert fix is not None and fix.changes == {"model": {"norm_position": "pre"}}


def test_a_limit_below_everyday_gradients_is_a_note() -> None:
    shape = decay(1.5, 1000)
    run = run_of(shape, shape, seed=0, training={"grad_clip": 0.02})
    finding = found(run, "exploding_gradient")
    assert finding.weight == "note" and finding.fix is not None
    assert finding.fix.changes == {"training": {"grad_clip": 1.0}}


@pytest.mark.parametrize("until", [0.001, 0.01, 0.03])
def test_at_first_it_is_too_early_to_say(until: float) -> None:
    shape = by_doubling(0)
    assert kinds(run_of(shape, shape, seed=0, until=until)) == ["too_early"]


def test_a_run_of_a_few_steps_is_too_short() -> None:
    shape = decay(2, 10)
    finding = diagnose(run_of(shape, shape, seed=0, total=10))[0]
    assert finding.kind == "too_early" and finding.fix is not None
    assert finding.fix.changes["training"]["max_steps"] == 300


def test_nothing_measured_is_too_early() -> None:
    bare = Measurements(
        config=RunConfig(), step=0, total_steps=1, loss=[], validation_loss=[], baselines={}
    )
    assert kinds(bare) == ["too_early"]


# ------------------------------------------------------------------- whatever is measured


def test_findings_are_of_one_style() -> None:
    """Short titles, whole sentences, known concepts; over all that these tests can provoke."""
    known = concepts()
    seen: dict[str, Finding] = {}
    for run in strange_runs(300):
        for finding in diagnose(run):
            seen.setdefault(finding.kind, finding)
            assert len(finding.title.split()) <= 6
            assert finding.sentence.endswith(".") and "nan" not in finding.evidence
            assert finding.concept in known
            assert finding.since_step is None or 0 <= finding.since_step <= run.step
            if finding.fix is not None:
                assert finding.fix.label.startswith("Restart ")
    assert len(seen) >= 9, sorted(seen)


def test_findings_come_warnings_first() -> None:
    order = ("warning", "note", "good")
    for run in strange_runs(100):
        places = [order.index(one.weight) for one in diagnose(run)]
        assert places == sorted(places) and places


@pytest.mark.parametrize(
    ("ended", "title"), [("stopped", "Stopped"), ("failed", "fault"), (None, "process was lost")]
)
def test_how_a_run_was_cut_short_is_told(ended: Any, title: str) -> None:
    run = dataclasses.replace(
        healthy_run(0, 0.5), ended=ended, at_work=False, message="The disk is full. Make room."
    )
    findings = {one.kind: one for one in diagnose(run)}
    assert title in findings["cut_short"].title
    assert "Resume" in findings["cut_short"].sentence
    assert ("The disk is full" in findings["cut_short"].evidence) == (ended == "failed")
    assert "Let it run" not in " ".join(one.sentence for one in findings.values())
    assert "cut_short" not in {one.kind for one in diagnose(healthy_run(0, 0.5))}


@pytest.mark.parametrize(
    ("end", "known"),
    [
        (UNIFORM, "hardly more than at its first step"),
        (UNIGRAM, "how frequent each token is"),
        (BIGRAM, "which token follows which"),
    ],
)
def test_what_is_not_past_token_pairs_is_told_by_what_it_knows(end: float, known: str) -> None:
    shape = decay(end, 1000, early=0.001)
    finding = verdict(run_of(shape, shape, seed=0, update=None))
    assert finding.kind == "not_yet" and known in finding.sentence


def test_a_loss_of_almost_nothing_does_not_rise() -> None:
    for tiny in (0.0, 1e-4):
        assert rise(Series.of([(step, tiny * (1 + step / 1000)) for step in range(1, 100)])) is None


# -------------------------------------------------------------------- praise has evidence


def learning(until: float = 1.0, **changes: Any) -> Measurements:
    """A run that deserves praise, unless it is changed."""
    shape = decay(1.5, 1000, early=0.005)
    return dataclasses.replace(run_of(shape, shape, seed=3, until=until), **changes)


@pytest.mark.parametrize("until", [0.7, 1.0])
def test_what_was_not_measured_on_unseen_text_is_not_praised(until: float) -> None:
    assert "healthy" in kinds(learning(until))
    early = [(2, 4.0), (100, 1.65)]  # the last evaluation is long ago
    late_and_bad = [(int(1000 * until * 0.9), BIGRAM)]
    for seen in ([], [(0, 4.2)], early, late_and_bad):
        findings = diagnose(learning(until, validation_loss=seen))
        assert all(one.weight != "good" for one in findings), (seen, findings)
    finding = found(learning(until, validation_loss=early), "unproven")
    assert "validation loss 1.65 at step 100, the last that was measured" in finding.evidence
    assert ("Evaluate more often" in finding.sentence) == (until == 1.0)
    assert ("next evaluation" in finding.sentence) == (until < 1.0)


@pytest.mark.parametrize("until", [0.7, 1.0])
def test_without_the_loss_of_token_pairs_nothing_is_called_good(until: float) -> None:
    for baselines in ({}, {"uniform": UNIFORM, "unigram": UNIGRAM, "bigram": None}):
        findings = diagnose(learning(until, baselines=baselines))
        assert all(one.weight != "good" for one in findings)
        assert "token pairs alone gives was not measured" in " ".join(
            one.sentence for one in findings
        )


@pytest.mark.parametrize("gap", [0.0, 0.8])
def test_a_validation_part_is_not_of_another_kind_while_both_losses_fall_steeply(
    gap: float,
) -> None:
    """Within a warm-up a loss is held against the loss of the same step."""
    shape = decay(1.5, 1000, early=0.3)
    run = run_of(
        shape,
        lambda steps: shape(steps) + gap,
        seed=2,
        epochs=8,
        evaluations=100,
        training={"warmup_steps": 400},
    )
    assert ("parts_unlike" in kinds(run)) == (gap > 0)
