"""Estimates against the real thing: the module's parameters, its tensors, its operations."""

from __future__ import annotations

import dataclasses
import time
import weakref
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_models import combinations
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from gtt.config import ModelConfig, RunConfig, TrainingConfig, parameter_parts
from gtt.inference.calibration_job import (
    best_seconds,
    calibrate,
    cores_at_work,
    watched_cores,
)
from gtt.model.gpt import GPT, next_token_loss
from gtt.recipes import load_recipe
from gtt.runs import calibration
from gtt.runs.calibration import SHAPES, TYPICAL, VOCABULARY, Calibration, Speed, Timed
from gtt.runs.costs import (
    PROCESS_BYTES,
    block_matrices,
    memory_by_part,
    operations_per_step,
    work_of_step,
)
from gtt.runs.estimates import Machine, TrainedRun, estimate
from gtt.training.optimizers import build_optimizers


def config_of(
    layers: int, heads: int, width: int, block: int, batch: int, **more: Any
) -> RunConfig:
    """A shape, with settings of the model or of the training beside."""
    of_training = {
        name: value for name, value in more.items() if name in TrainingConfig.model_fields
    }
    of_model = {name: value for name, value in more.items() if name not in of_training}
    return RunConfig(
        model=ModelConfig(
            n_layers=layers, n_heads=heads, n_embed=width, block_size=block, **of_model
        ),
        # One window, so that an evaluation is never what is fullest.
        training=TrainingConfig(batch_size=batch, **{"eval_windows": 1, **of_training}),
    )


# ------------------------------------------------------------------ parameters

models = st.builds(
    lambda heads, size, **rest: ModelConfig(n_heads=heads, n_embed=heads * size, **rest),
    heads=st.integers(1, 4),
    size=st.integers(4, 9),
    n_layers=st.integers(1, 3),
    block_size=st.integers(4, 20),
    norm_position=st.sampled_from(["pre", "post", "none"]),
    position=st.sampled_from(["learned", "sinusoidal", "none"]),
    mlp_ratio=st.sampled_from([0.25, 1.0, 2.7, 4.0]),
    tie_embeddings=st.booleans(),
    bias=st.booleans(),
    residual=st.booleans(),
)
OF_MODULE = {
    "token_embedding": ("transformer.wte.",),
    "positions": ("transformer.wpe.",),
    "attention": (".attn.",),
    "mlp": (".mlp.",),
    "norms": (".ln_1.", ".ln_2.", ".ln_f."),
    "unembedding": ("lm_head.",),
}


@settings(deadline=None, max_examples=60)
@given(model=models, vocab_size=st.integers(2, 200))
def test_the_parameters_of_each_part_are_those_of_the_module(
    model: ModelConfig, vocab_size: int
) -> None:
    parts = parameter_parts(model, vocab_size)
    assert sum(part.parameters for part in parts) == model.parameter_count(vocab_size)
    named = [
        (n, p.numel()) for n, p in GPT(model, vocab_size).named_parameters() if p.requires_grad
    ]
    for part in parts:
        marks = OF_MODULE[part.name]
        assert part.parameters == sum(n for name, n in named if any(mark in name for mark in marks))
        if part.per_block is not None:
            first = [n for name, n in named if ".h.0." in name and any(m in name for m in marks)]
            assert part.per_block == sum(first)


# ---------------------------------------------------------------------- memory


LARGER = {"n_layers": 2, "n_heads": 4, "n_embed": 64, "block_size": 64}  # than a tensor's own cost
AT_ONCE = {"batch_size": 8, "eval_windows": 1}


class LiveTensors(TorchDispatchMode):
    """Counts the bytes of all tensors that are alive, and the most there were."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = self.most = 0
        self._known: set[int] = set()

    def add(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key in self._known:
            return
        self._known.add(key)
        self.bytes += size
        self.most = max(self.most, self.bytes)

        def gone() -> None:
            self._known.discard(key)
            self.bytes -= size

        weakref.finalize(storage, gone)

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        result = function(*args, **(kwargs or {}))
        for one in tree_leaves(result):
            if isinstance(one, Tensor):
                self.add(one)
        return result


@dataclasses.dataclass
class Measured:
    """Bytes: of weights and optimizer state, kept for the way back, and most at any time."""

    state: int
    kept: int
    peak: int


def measured(config: RunConfig, vocab_size: int, precision: str) -> Measured:
    """A second training step, when the optimizers have their state."""
    torch.manual_seed(0)
    model = GPT(config.model, vocab_size)
    optimizers = build_optimizers(model, config.training)
    shape = (config.training.batch_size, config.model.block_size)
    tokens = torch.randint(vocab_size, shape)
    result = Measured(0, 0, 0)
    with LiveTensors() as live:
        for parameter in model.parameters():
            live.add(parameter)
        for _ in range(2):
            for optimizer in optimizers:
                optimizer.zero_grad()
            live.most = result.state = live.bytes
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
                loss = next_token_loss(model(tokens), tokens)
            result.kept = live.bytes - result.state
            loss.backward()
            del loss
            for optimizer in optimizers:
                optimizer.step()
            result.peak = live.most
    return result


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize(
    ("config", "vocab_size"),
    [
        (config_of(2, 4, 64, 64, 8), 65),
        (config_of(2, 4, 64, 64, 8, dropout=0.2), 65),
        (config_of(2, 8, 32, 128, 4, activation="relu"), 65),
        (config_of(2, 4, 64, 64, 4), 4096),
        (config_of(2, 4, 64, 64, 8, norm_position="none", residual=False), 65),
        (config_of(2, 4, 64, 64, 8, norm_position="post", tie_embeddings=False), 65),
        (config_of(2, 4, 64, 64, 8, activation="silu", bias=False), 65),
        (config_of(2, 4, 32, 128, 4, attention="separate_heads"), 65),
        (config_of(3, 1, 128, 16, 2, mlp_ratio=8, optimizer="muon"), 65),
        (config_of(2, 4, 64, 32, 8, optimizer="muon"), 512),
        (config_of(1, 2, 64, 16, 1, position="sinusoidal"), 65),
        *(
            (RunConfig().updated({"model": one | LARGER, "training": AT_ONCE}), 65)
            for one in combinations(5, seed=3)
        ),
    ],
)
def test_memory_is_that_of_the_tensors(config: RunConfig, vocab_size: int, precision: str) -> None:
    told = {part.name: part.bytes for part in memory_by_part(config, vocab_size, precision)}
    real = measured(config, vocab_size, precision)
    matrices = sum(
        rows * columns * n for (rows, columns), n in block_matrices(config.model).items()
    )
    halves = 2 * (matrices + vocab_size * config.model.n_embed) if precision == "bf16" else 0
    assert told["weights"] - halves + told["optimizer"] == pytest.approx(real.state, rel=0.02)
    total = sum(told.values()) - PROCESS_BYTES
    assert 0.9 < total / real.peak < 1.4
    tokens = config.training.batch_size * config.model.block_size
    # At the turn the activations are all there, and of the logits what the loss keeps.
    loss = 4 * tokens * vocab_size
    assert loss + halves < 1.1 * real.kept
    assert 0.5 < (told["activations"] + loss + halves) / real.kept < 2


def test_an_evaluation_can_be_what_needs_most() -> None:
    small = config_of(2, 4, 64, 64, 1, eval_windows=256)
    told = {part.name: part.bytes for part in memory_by_part(small, 1000, "fp32")}
    assert told["beyond"] > told["activations"] + told["logits"]


# What whole trainings held at most, in MB (docs/measurements.md).
HELD = [
    (
        config_of(2, 4, 128, 128, 32, optimizer="muon", eval_windows=64, bias=False),
        1024,
        "bf16",
        642,
    ),
    (config_of(2, 4, 128, 128, 32, optimizer="muon", eval_windows=64), 1024, "fp32", 624),
    (config_of(2, 4, 128, 128, 64, eval_windows=64, bias=False), 96, "bf16", 531),
    (config_of(2, 4, 32, 32, 8, optimizer="muon", eval_windows=64), 53, "bf16", 386),
    (config_of(4, 8, 256, 256, 32, eval_windows=64, bias=False), 96, "bf16", 1222),
    (config_of(6, 6, 384, 256, 16, eval_windows=64, bias=False), 96, "bf16", 1071),
    (load_recipe("induction").config, 28, "bf16", 460),
    (load_recipe("beginner").config, 56, "bf16", 540),
    (load_recipe("intermediate").config, 56, "bf16", 1041),
    (load_recipe("speedrun").config, 56, "bf16", 516),
    (load_recipe("quickstart").config, 1024, "bf16", 581),  # between two runs
]


@pytest.mark.parametrize(("config", "vocab_size", "precision", "held"), HELD)
def test_memory_is_told_within_15_percent(
    config: RunConfig, vocab_size: int, precision: str, held: int
) -> None:
    told = sum(part.bytes for part in memory_by_part(config, vocab_size, precision))
    assert told == pytest.approx(held * 1e6, rel=0.15)


def test_fused_attention_of_a_gpu_keeps_no_weights() -> None:
    config = config_of(2, 4, 64, 512, 8)
    on_cpu, on_gpu = (
        sum(part.bytes for part in memory_by_part(config, 65, "bf16", device))
        for device in ("cpu", "cuda")
    )
    assert on_cpu - on_gpu >= 2 * 2 * 8 * 4 * 512 * 512


# ------------------------------------------------------------------ operations


@pytest.mark.parametrize(
    ("config", "vocab_size"),
    [
        (config_of(2, 4, 64, 32, 4), 65),
        (config_of(1, 2, 32, 64, 2, grad_accumulation_steps=3), 300),
        (config_of(2, 4, 64, 32, 4, tie_embeddings=False, mlp_ratio=2.5, norm_position="post"), 65),
        (config_of(2, 4, 64, 32, 4, optimizer="muon"), 65),
    ],
)
def test_operations_are_those_that_torch_counts(config: RunConfig, vocab_size: int) -> None:
    model = GPT(config.model, vocab_size)
    optimizers = build_optimizers(model, config.training)
    shape = (config.training.batch_size, config.model.block_size)
    with FlopCounterMode(display=False) as counter:
        for _ in range(config.training.grad_accumulation_steps):
            tokens = torch.randint(vocab_size, shape)
            next_token_loss(model(tokens), tokens).backward()
        for optimizer in optimizers:
            optimizer.step()
    told = operations_per_step(config, vocab_size)
    assert told.total == pytest.approx(counter.get_total_flops(), rel=0.01)


# ------------------------------------------------------------------------ time

FAST = Speed(1e-12, 1e-10, 1e-4, 4e-12)


def calibrated(speed: Speed = FAST, **changes: Any) -> Calibration:
    """What a machine of this speed would measure."""
    timed = tuple(
        Timed(
            number, precision, speed.seconds(work_of_step(config, VOCABULARY, precision)) * factor
        )
        for precision, factor in (("bf16", 1.0), ("fp32", 4.0))
        for number, config in enumerate(SHAPES)
    )
    values: dict[str, Any] = {
        "name": calibration.machine_name(),
        "threads": 2,
        "torch": calibration.version("torch"),
        "auto": "bf16",
        "measured_at": 1.7e9,
        "timed": timed,
    }
    return Calibration(**{**values, **changes})


def machine(**values: Any) -> Machine:
    return Machine(**{"device": "cpu", "auto": "bf16", "memory": 10**12, **values})


QUICK = config_of(2, 4, 128, 128, 32, max_steps=600, optimizer="muon", eval_every=100)


def trained(config: RunConfig, tokens_per_second: float, **more: Any) -> TrainedRun:
    values: dict[str, Any] = {"precision": "bf16", "device": "cpu", "day": "2026-11-24"}
    return TrainedRun(config, 65, tokens_per_second=tokens_per_second, **{**values, **more})


def test_from_four_small_shapes_follows_the_time_of_any() -> None:
    told = estimate(QUICK, 1024, None, machine(calibration=calibrated()))
    work = work_of_step(QUICK, 1024, "bf16")
    expected = dataclasses.replace(FAST, per_fp32_operation=4e-12).seconds(work)
    assert told.seconds_per_step == pytest.approx(expected, rel=0.02)
    assert told.tokens_per_second == pytest.approx(4096 / told.seconds_per_step)
    assert told.steps == 600 and told.seconds is not None
    assert 600 < told.seconds / told.seconds_per_step < 610  # seven evaluations of one window
    assert "2 threads" in told.basis
    plain = estimate(
        QUICK.updated({"training": {"precision": "fp32"}}),
        1024,
        None,
        machine(calibration=calibrated()),
    )
    assert plain.precision == "fp32" and plain.seconds_per_step > 2 * expected


def test_a_noisy_or_useless_measurement_gives_no_negative_time() -> None:
    slow_start = tuple(Timed(number, "fp32", 0.01) for number in range(len(SHAPES)))
    speed = calibrated(timed=slow_start).speed("fp32")
    assert speed is not None
    assert min(speed.per_operation, speed.per_byte, speed.per_layer) >= 0
    assert calibrated(timed=slow_start[:2]).speed("fp32") is None
    assert calibrated().speed("fp16") is None


def test_a_run_of_this_shape_tells_more_than_a_measurement() -> None:
    run = trained(QUICK, 160_000)
    told = estimate(QUICK, 65, None, machine(calibration=calibrated(), runs=[run]))
    assert told.tokens_per_second == pytest.approx(160_000)
    assert told.basis == "From a run of nearly this shape on this machine on 2026-11-24."


def test_a_run_on_a_busy_machine_does_not_foretell_the_next() -> None:
    """Of runs that are as near the fastest counts, and none that the measured machine belies."""
    busy, calm = trained(QUICK, 9_000), trained(QUICK, 100_000, day="2026-11-25")
    both = estimate(QUICK, 65, None, machine(runs=[busy, calm]))
    assert both.tokens_per_second == pytest.approx(100_000) and "2026-11-25" in both.basis
    measured = estimate(QUICK, 65, None, machine(calibration=calibrated()))
    told = estimate(QUICK, 65, None, machine(calibration=calibrated(), runs=[busy]))
    assert told.seconds == measured.seconds
    assert "busy" in told.basis and "times as long" in told.basis
    alone = estimate(QUICK, 65, None, machine(runs=[busy]))  # nothing else is known
    assert alone.tokens_per_second == pytest.approx(9_000)


@pytest.mark.parametrize("slower", [1.2, 1.4, 1.8, 2.2, 2.45, 3.0, 11.0])
def test_whatever_held_a_run_up_the_next_is_told_within_a_factor_of_two(slower: float) -> None:
    free = estimate(QUICK, 65, None, machine(calibration=calibrated()))
    assert free.tokens_per_second is not None and free.seconds is not None
    run = trained(QUICK, free.tokens_per_second / slower)
    told = estimate(QUICK, 65, None, machine(calibration=calibrated(), runs=[run]))
    assert told.seconds is not None
    assert 1 <= told.seconds / free.seconds < 1.6
    if slower <= 2:  # it may as well be so by its shape
        assert slower / (told.seconds / free.seconds) < 1.6
    assert ("other programs" in told.basis.lower()) == (1.3 < slower < 2.5)


def test_another_shape_takes_its_time_in_proportion() -> None:
    runs = [trained(QUICK, 10_000)]
    deeper = QUICK.updated({"model": {"n_layers": 4}})
    told = estimate(deeper, 65, None, machine(runs=runs))
    assert "another shape" in told.basis
    assert 5000 < told.tokens_per_second < 6500  # twice the blocks, the same unembedding
    wide = QUICK.updated({"model": {"n_embed": 1024}})
    told = estimate(wide, 65, None, machine(runs=runs, calibration=calibrated()))
    assert "measurement" in told.basis  # too far to go by the run


@pytest.mark.parametrize(
    "run",
    [
        trained(QUICK, 1.0, precision="fp32"),
        trained(QUICK, 1.0, device="cuda"),
        trained(QUICK.updated({"training": {"compile": True}}), 1.0),
    ],
)
def test_a_run_of_another_kind_tells_nothing(run: TrainedRun) -> None:
    told = estimate(QUICK, 65, None, machine(runs=[run]))
    assert told.seconds_per_step is None and told.seconds is None
    assert told.basis == "Time is not yet measured on this machine in bf16."


def test_steps_are_known_where_the_text_is() -> None:
    epochs = config_of(2, 4, 64, 64, 8, num_epochs=3)
    assert estimate(epochs, 65, None, machine(calibration=calibrated())).steps is None
    told = estimate(epochs, 65, 51_200, machine(calibration=calibrated()))
    assert told.steps == 300 and told.seconds > 300 * told.seconds_per_step


def test_what_cannot_be_is_said_before() -> None:
    short = QUICK.updated({"training": {"max_minutes": 0.01}})
    told = estimate(short, 65, None, machine(runs=[trained(QUICK, 40_960)], memory=10**8))
    assert "more memory" in told.notes[0] and "near step 5 of 600" in told.notes[1]
    assert estimate(QUICK, 65, None, machine(runs=[trained(QUICK, 40_960)])).notes == ()


# ----------------------------------------------------------------- calibration


def test_a_calibration_is_kept_for_this_machine_alone(tmp_path: Path) -> None:
    calibration.save(tmp_path, calibrated())
    assert calibration.load(tmp_path, threads=2) == calibrated()
    assert calibration.load(tmp_path, threads=1) is None
    calibration.save(tmp_path, calibrated(name="another"))
    assert calibration.load(tmp_path, threads=2) is None


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{}",
        "[]",
        "[" * 100_000,
        '{"format": 2, "busy": false, "timed": [{"shape": 99, "precision": "fp32", "seconds": 1}]}',
        '{"format": 2, "name": "x", "threads": 2, "torch": "2", "auto": "fp32", "busy": false, '
        '"measured_at": 1, "timed": [{"shape": 0, "precision": "fp32", "seconds": -1}]}',
    ],
)
def test_a_damaged_calibration_counts_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / calibration.FILE).write_text(content, encoding="utf-8")
    assert calibration.load(tmp_path, threads=2) is None


def test_what_was_measured_on_a_busy_machine_does_not_last() -> None:
    """Quiet again: measured anew, and told as if it had never been busy."""
    slow = {name: 3 * value for name, value in dataclasses.asdict(FAST).items()}
    busy = calibrated(Speed(**slow), busy=True)
    assert busy.is_due(busy.measured_at + 31) and not busy.is_due(busy.measured_at + 20)
    quiet = calibrated(measured_at=1.7e9 + 60)
    assert not quiet.is_due(quiet.measured_at + 3600) and quiet.is_due(quiet.measured_at + 90_000)
    assert quiet.is_due(quiet.measured_at - 1)  # the clock was set back
    assert quiet.after(busy) == quiet and busy.after(None) == busy
    told = estimate(QUICK, 1024, None, machine(calibration=busy))
    assert "measured again" in told.basis
    again = estimate(QUICK, 1024, None, machine(calibration=quiet.after(busy)))
    assert "again" not in again.basis
    assert again.seconds_per_step == pytest.approx(told.seconds_per_step / 3, rel=0.02)
    # And busy once more: what the quiet machine could do still counts.
    assert busy.after(quiet).timed == quiet.timed and not busy.after(quiet).busy


def test_other_programs_are_seen_while_a_machine_is_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    worked, own, clock = iter([100.0, 104.0]), iter([3.0, 4.4]), iter([0.0, 2.0])
    left = watched_cores(lambda: next(worked), lambda: next(own), lambda: next(clock))
    assert left() == pytest.approx(2 - 2.6 / 2)  # of four seconds of two cores 1.4 were its own
    before = cores_at_work()
    end = time.perf_counter() + 0.2
    while time.perf_counter() < end:
        pass
    assert cores_at_work() - before > 0.1


def test_workers_compute_with_what_they_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert calibration.worker_threads(slots=1) == 3
    monkeypatch.delenv("OMP_NUM_THREADS")
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    assert calibration.worker_threads(slots=4) == 2
    assert calibration.worker_threads(slots=1) >= 1


def test_steps_are_really_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    before = torch.random.get_rng_state(), torch.get_num_threads()
    monkeypatch.setattr("gtt.inference.calibration_job.ROUNDS", 1)
    work = calibrate(threads=1)
    with pytest.raises(StopIteration) as end:
        while True:
            assert next(work) == ""
    answer = end.value.value
    kept = calibration.calibration_from(answer, 1, now=1.7e9)
    assert isinstance(answer["busy"], bool) and kept.busy == answer["busy"]
    assert kept.auto in ("bf16", "fp32") and {one.shape for one in kept.timed} == {0, 1, 2, 3}
    assert kept.speed("fp32") is not None and kept.speed(kept.auto) is not None
    assert torch.equal(torch.random.get_rng_state(), before[0])
    assert torch.get_num_threads() == before[1]


def test_the_best_of_the_steps_counts() -> None:
    moments = iter([0.0, 0, 0.01, 0.01, 0.015, 0.015, 0.04])
    steps: list[int] = []
    seconds = best_seconds(lambda: steps.append(1), clock=lambda: next(moments))
    assert len(steps) == 3 and seconds == pytest.approx(0.005)


def test_no_step_takes_longer_than_the_processor_worked_for_it() -> None:
    """Four other programs on the cores: every step waits, and the process works no more."""
    moments = iter([0.0, 0, 0.2, 0.2, 0.5])
    worked = iter([7.0, 7.06])
    seconds = best_seconds(lambda: None, lambda: next(moments), lambda: next(worked))
    assert seconds == pytest.approx(0.06)  # one step, then time is up
    moments, worked = iter([0.0, 0, 0.02, 0.02, 0.04]), iter([7.0, 7.15])
    seconds = best_seconds(lambda: None, lambda: next(moments), lambda: next(worked))
    assert seconds == pytest.approx(0.02)  # two threads on a free machine


def test_a_disturbed_step_does_not_decide_alone() -> None:
    quiet = calibrated(TYPICAL)
    disturbed = [dataclasses.replace(one, seconds=one.seconds * 3) for one in quiet.timed[:1]]
    noisy = dataclasses.replace(quiet, timed=(*disturbed, *quiet.timed[1:]))
    work = work_of_step(QUICK, 1024, "bf16")
    speeds = [one.speed("bf16") for one in (quiet, noisy)]
    assert speeds[0] is not None and speeds[1] is not None
    assert 0.8 < speeds[1].seconds(work) / speeds[0].seconds(work) < 1.25
