"""The trainer as a generator: looking, stopping and resuming change no loss."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from gtt.config import RunConfig
from gtt.data.corpus import Corpus
from gtt.errors import BadInput, UnusableData, UnusableRun
from gtt.training.events import (
    CheckpointSaved,
    Evaluated,
    Event,
    RunEnded,
    RunStarted,
    Sampled,
    Snapshotted,
    StepFinished,
    StepLogged,
)
from gtt.training.trainer import Trainer


def run_to_end(
    config: RunConfig, corpus: Corpus, folder: Path, **options: Any
) -> tuple[Trainer, list[Event]]:
    trainer = Trainer(config, corpus, folder, **options)
    return trainer, list(trainer.run())


def losses(events: list[Event]) -> list[tuple[int, float, float]]:
    return [(e.step, e.loss, e.gradient_norm) for e in events if isinstance(e, StepLogged)]


def of_type(events: list[Event], kind: type) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def changed(config: RunConfig, **training: Any) -> RunConfig:
    return config.updated({"training": training})


def until_step(events: Iterator[Event], step: int) -> list[Event]:
    """Pulls up to the end of a step and not further."""
    pulled = []
    for event in events:
        pulled.append(event)
        if isinstance(event, StepFinished) and event.step == step:
            return pulled
    raise AssertionError(f"the run ended before step {step}")


def test_a_run_tells_its_story_in_order(
    tiny_config: RunConfig, tiny_corpus: Corpus, tmp_path: Path
) -> None:
    _, events = run_to_end(tiny_config, tiny_corpus, tmp_path)
    started, ended = events[0], events[-1]
    assert isinstance(started, RunStarted) and isinstance(ended, RunEnded)
    assert started.total_steps == 10 and started.tokens_per_step == 4 * 16
    assert RunConfig.parse(started.config) == tiny_config
    assert started.parameters == tiny_config.model.parameter_count(tiny_corpus.vocab_size)
    assert started.baselines["uniform"] > started.baselines["unigram"] > started.baselines["bigram"]
    assert [e.step for e in of_type(events, StepLogged)] == list(range(1, 11))
    assert [e.step for e in of_type(events, Evaluated)] == [0, 2, 4, 5, 10]  # early: 2, 4
    assert [e.step for e in of_type(events, Sampled)] == [0, 1, 2, 4, 8, 10]
    assert [e.step for e in of_type(events, Snapshotted)] == [0, 1, 2, 4, 8, 10]
    assert [e.step for e in of_type(events, CheckpointSaved)] == [5, 10]
    assert ended.reason == "completed" and ended.step == 10
    json.dumps([event.as_json() for event in events], allow_nan=False)
    first, last = of_type(events, StepLogged)[0], of_type(events, StepLogged)[-1]
    assert abs(first.loss - started.baselines["uniform"]) < 0.1
    assert last.loss < first.loss - 0.3
    assert last.tokens == 640 and last.tokens_per_second > 0


def test_the_checkpoint_loads_in_transformers_with_equal_logits(
    tiny_config: RunConfig, tiny_corpus: Corpus, tmp_path: Path
) -> None:
    trainer, _ = run_to_end(tiny_config, tiny_corpus, tmp_path)
    folder = tmp_path / "checkpoints" / (tmp_path / "latest").read_text().strip()
    assert folder.name == "step-00000010"
    model = AutoModelForCausalLM.from_pretrained(folder)
    tokens = AutoTokenizer.from_pretrained(folder)("Once a fox", return_tensors="pt").input_ids
    assert tokens[0].tolist() == tiny_corpus.tokenizer.encode("Once a fox")
    with torch.no_grad():
        assert (model(tokens).logits - trainer.model.eval()(tokens)).abs().max() < 1e-4
    assert {path.name for path in folder.iterdir()} >= {
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "README.md",
        "gtt.json",
    }


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("stop_at", [5, 7])
def test_stopped_and_resumed_equals_never_stopped(
    tiny_config: RunConfig,
    tiny_corpus: Corpus,
    tmp_path: Path,
    optimizer: str,
    dropout: float,
    stop_at: int,
) -> None:
    """Also where the stop falls between two log points: at step 7 with a log every 2 steps."""
    config = changed(tiny_config, optimizer=optimizer, log_every=2).updated(
        {"model": {"dropout": dropout}}
    )
    _, whole = run_to_end(config, tiny_corpus, tmp_path / "whole")

    first = Trainer(config, tiny_corpus, tmp_path / "parts")
    events = until_step(first.run(), stop_at)
    events += list(first.stop())
    assert isinstance(events[-1], RunEnded) and events[-1].reason == "stopped"
    torch.manual_seed(999)  # another process would not share this one's random state either
    _, rest = run_to_end(config, tiny_corpus, tmp_path / "parts", resume=True)
    assert rest[0].step == stop_at
    assert losses(events + rest) == losses(whole)
    evaluations = [(e.step, e.validation_loss) for e in of_type(events + rest, Evaluated)]
    assert evaluations == [(e.step, e.validation_loss) for e in of_type(whole, Evaluated)]
    assert not any("differ" in note for note in rest[0].notes)


def test_a_changed_setting_that_breaks_equal_losses_is_named(
    tiny_config: RunConfig, tiny_corpus: Corpus, tmp_path: Path
) -> None:
    trainer = Trainer(tiny_config, tiny_corpus, tmp_path)
    until_step(trainer.run(), 5)
    list(trainer.stop())
    _, rest = run_to_end(
        changed(tiny_config, learning_rate=1e-3, log_every=5), tiny_corpus, tmp_path, resume=True
    )
    notes = " ".join(rest[0].notes)
    assert "training.learning_rate changed from 0.01 to 0.001" in notes
    assert "log_every" not in notes


def test_looking_changes_nothing(
    tiny_config: RunConfig, tiny_corpus: Corpus, tmp_path: Path
) -> None:
    config = tiny_config.updated({"model": {"dropout": 0.2}})
    _, watched = run_to_end(changed(config, eval_every=1), tiny_corpus, tmp_path / "watched")
    unwatched = changed(config, eval_every=10, snapshots=False, checkpoint_every=1000)
    unwatched = unwatched.updated({"generation": {"max_new_tokens": 1}})  # fewer draws as well
    _, unwatched_events = run_to_end(unwatched, tiny_corpus, tmp_path / "unwatched")
    assert losses(watched) == losses(unwatched_events)
    assert not of_type(unwatched_events, Snapshotted)


def test_early_evaluations_draw_the_curve_and_save_nothing(
    tiny_config: RunConfig, tiny_corpus: Corpus, tmp_path: Path
) -> None:
    """The first stretch is measured where it bends; the losses stay the same, bit for bit."""
    config = changed(tiny_config, max_steps=40, eval_every=20, checkpoint_every=1000)
    _, events = run_to_end(config, tiny_corpus, tmp_path / "early")
    early = [e for e in of_type(events, Evaluated) if 0 < e.step < 20]
    assert [e.step for e in early] == [2, 4, 8, 12, 16]
    assert not any(e.best for e in early)
    assert [e.step for e in of_type(events, CheckpointSaved)] == [20, 40]
    dear = changed(config, eval_windows=4000)  # dearer than the training up to there
    _, without = run_to_end(dear, tiny_corpus, tmp_path / "without")
    assert [e.step for e in of_type(without, Evaluated)] == [0, 20, 40]
    assert losses(events) == losses(without)


def test_a_run_may_be_pulled_from_changing_threads(
    tiny_config: RunConfig, tiny_corpus: Corpus, tmp_path: Path
) -> None:
    """Nothing thread-local, such as grad mode, may be open across a yield."""
    _, expected = run_to_end(tiny_config, tiny_corpus, tmp_path / "one")
    trainer = Trainer(tiny_config, tiny_corpus, tmp_path / "many")
    run, events, failures = trainer.run(), [], []

    def pull() -> None:
        try:
            events.append(next(run, None))
            assert torch.is_grad_enabled()
        except BaseException as error:
            failures.append(error)

    while not events or events[-1] is not None:
        with torch.no_grad():  # the thread that coordinates has its own mode
            thread = threading.Thread(target=pull)
            thread.start()
            thread.join()
        assert not failures
    assert losses(events[:-1]) == losses(expected)


def test_accumulated_batches_make_the_same_step_as_one_large_batch(
    tiny_config: RunConfig, tiny_corpus: Corpus, tmp_path: Path
) -> None:
    large = changed(tiny_config, batch_size=8)
    parts = changed(tiny_config, batch_size=2, grad_accumulation_steps=4)
    _, one = run_to_end(large, tiny_corpus, tmp_path / "one")
    _, four = run_to_end(parts, tiny_corpus, tmp_path / "four")
    for (_, loss, norm), (_, its_loss, its_norm) in zip(losses(one), losses(four)):
        assert loss == pytest.approx(its_loss, abs=1e-4)
        assert norm == pytest.approx(its_norm, rel=1e-2)


def test_a_diverging_run_ends_and_keeps_the_checkpoint_from_before(
    tiny_config: RunConfig, tiny_corpus: Corpus, tmp_path: Path
) -> None:
    config = changed(tiny_config, max_steps=40, checkpoint_every=5, log_every=3, warmup_steps=0)
    trainer = Trainer(config, tiny_corpus, tmp_path)
    run = trainer.run()
    events = until_step(run, 6)
    with torch.no_grad():
        trainer.model.lm_head.weight.mul_(float("nan"))
    events += list(run)
    ended = events[-1]
    assert isinstance(ended, RunEnded) and ended.reason == "diverged" and ended.step == 8
    assert "Lower training.learning_rate (now 0.01)" in ended.message
    assert "step-00000005 is kept" in ended.message
    assert trainer.checkpoints.newest().name == "step-00000005"
    weights = load_file(trainer.checkpoints.newest() / "model.safetensors")
    assert all(tensor.isfinite().all() for tensor in weights.values())


def test_an_exploding_loss_counts_as_diverged(
    tiny_config: RunConfig, tiny_corpus: Corpus, tmp_path: Path
) -> None:
    config = changed(
        tiny_config, learning_rate=1.0, grad_clip=0, max_steps=200, warmup_steps=0, log_every=2
    ).updated({"model": {"norm_position": "none"}})
    _, events = run_to_end(config, tiny_corpus, tmp_path)
    assert events[-1].reason == "diverged"  # type: ignore[attr-defined]


def test_stopping_a_diverged_run_saves_nothing(
    tiny_config: RunConfig, tiny_corpus: Corpus, tmp_path: Path
) -> None:
    trainer = Trainer(changed(tiny_config, log_every=100), tiny_corpus, tmp_path)
    run = trainer.run()
    until_step(run, 2)
    with torch.no_grad():
        trainer.model.lm_head.weight.mul_(float("nan"))
    until_step(run, 3)
    assert [e.reason for e in trainer.stop()] == ["diverged"]  # type: ignore[attr-defined]
    assert not (tmp_path / "checkpoints").exists()


def test_the_time_limit_ends_the_run_with_a_checkpoint(
    tiny_config: RunConfig, tiny_corpus: Corpus, tmp_path: Path
) -> None:
    now = [0.0]

    def clock() -> float:
        now[0] += 0.5
        return now[0]

    config = changed(tiny_config, max_minutes=0.4, max_steps=1000)
    trainer, events = run_to_end(config, tiny_corpus, tmp_path, clock=clock)
    ended = events[-1]
    assert isinstance(ended, RunEnded) and ended.reason == "out_of_time"
    assert 0 < ended.step < 1000 and "training.max_minutes" in ended.message
    assert trainer.checkpoints.resumable() is not None
    assert trainer.checkpoints.newest().name == f"step-{ended.step:08d}"


def test_the_newest_and_the_best_checkpoint_are_kept(
    tiny_config: RunConfig, tiny_corpus: Corpus, tmp_path: Path
) -> None:
    """The rate jumps up once the run is good, so that the best is not the newest."""
    config = changed(tiny_config, max_steps=30, eval_every=2, checkpoint_every=10, log_every=1)
    trainer = Trainer(config, tiny_corpus, tmp_path)
    events = []
    for event in trainer.run():
        events.append(event)
        if isinstance(event, StepFinished) and event.step == 20:
            with torch.no_grad():
                trainer.model.lm_head.weight.add_(
                    0.3 * torch.randn_like(trainer.model.lm_head.weight)
                )
    evaluations = {e.step: e.validation_loss for e in of_type(events, Evaluated) if e.step}
    best = min(evaluations, key=lambda step: evaluations[step])
    assert best <= 20
    kept = sorted(path.name for path in (tmp_path / "checkpoints").iterdir())
    assert kept == [f"step-{best:08d}", "step-00000030", "step-00000030.resume"]
    assert trainer.checkpoints.best().name == f"step-{best:08d}"


def test_a_snapshot_holds_every_heads_attention(
    tiny_config: RunConfig, tiny_corpus: Corpus, tmp_path: Path
) -> None:
    _, events = run_to_end(tiny_config, tiny_corpus, tmp_path)
    snapshot = of_type(events, Snapshotted)[-1]
    arrays = load_file(tmp_path / snapshot.path)
    assert arrays["attention"].shape == (2, 2, 16, 16)
    assert torch.allclose(arrays["attention"].float().sum(-1), torch.ones(2, 2, 16), atol=1e-2)
    assert arrays["attention"].float().triu(1).abs().max() == 0
    assert len(arrays["tokens"]) == 16
    assert set(snapshot.statistics) >= {"wte", "h.0.attn", "h.1.mlp", "ln_f", "final"}
    for part in ("wte", "h.0.attn", "h.1.mlp"):
        assert 0 < snapshot.statistics[part]["update_to_weight"] < 1
        assert snapshot.statistics[part]["gradient_norm"] > 0
    assert 0 <= snapshot.statistics["h.0.mlp"]["dead_units"] <= 1
    assert "update_to_weight" not in of_type(events, Snapshotted)[0].statistics.get("wte", {})


def test_input_that_does_not_fit_is_refused_before_training(
    tiny_config: RunConfig, tiny_corpus: Corpus, tmp_path: Path
) -> None:
    with pytest.raises(UnusableData, match="block"):
        Trainer(tiny_config.updated({"model": {"block_size": 4096}}), tiny_corpus, tmp_path)
    with pytest.raises(BadInput, match="@"):
        Trainer(tiny_config.updated({"generation": {"prompt": "a@b"}}), tiny_corpus, tmp_path)
    with pytest.raises(UnusableRun, match="no checkpoint"):
        Trainer(tiny_config, tiny_corpus, tmp_path, resume=True)
    if not torch.cuda.is_available():
        with pytest.raises(BadInput, match="fp16 needs a GPU"):
            Trainer(changed(tiny_config, precision="fp16"), tiny_corpus, tmp_path)
    with pytest.raises(BadInput, match="pip install wandb"):
        Trainer(changed(tiny_config, track="wandb"), tiny_corpus, tmp_path)
    assert not list(tmp_path.iterdir())


def test_bf16_and_fp32_learn_alike(
    tiny_config: RunConfig, tiny_corpus: Corpus, tmp_path: Path
) -> None:
    last = {}
    for precision in ("fp32", "bf16"):
        config = changed(tiny_config, precision=precision, max_steps=100, log_every=20)
        _, events = run_to_end(config, tiny_corpus, tmp_path / precision)
        assert events[0].precision == precision  # type: ignore[attr-defined]
        last[precision] = losses(events)[-1][1]
    assert last["bf16"] == pytest.approx(last["fp32"], abs=0.05)


def test_the_compiled_model_learns_the_same(
    tiny_config: RunConfig, tiny_corpus: Corpus, tmp_path: Path
) -> None:
    if not any(shutil.which(name) for name in ("g++", "clang++")):
        pytest.skip("torch.compile needs a C++ compiler")
    short = changed(tiny_config, max_steps=3)
    _, plain = run_to_end(short, tiny_corpus, tmp_path / "plain")
    trainer, compiled = run_to_end(changed(short, compile=True), tiny_corpus, tmp_path / "compiled")
    for (_, loss, _), (_, its, _) in zip(losses(plain), losses(compiled)):
        assert loss == pytest.approx(its, abs=1e-4)
    names = load_file(trainer.checkpoints.newest() / "model.safetensors")
    assert all(name.startswith("transformer.") for name in names)


def test_a_tracker_gets_the_figures(
    tiny_config: RunConfig, tiny_corpus: Corpus, tmp_path: Path
) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    trainer, events = run_to_end(changed(tiny_config, track="tensorboard"), tiny_corpus, tmp_path)
    trainer.close()
    folders = {path.parent for path in tmp_path.rglob("events.out.tfevents.*")}
    logs = [EventAccumulator(str(folder)).Reload() for folder in folders]
    (read,) = (log for log in logs if "loss" in log.Tags()["scalars"])  # beside the settings
    logged = [(scalar.step, scalar.value) for scalar in read.Scalars("loss")]
    assert logged == [(step, pytest.approx(loss, abs=1e-6)) for step, loss, _ in losses(events)]
    assert len(read.Scalars("validation_loss")) == 5


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_a_gpu_trains_and_resumes(
    tiny_config: RunConfig, tiny_corpus: Corpus, tmp_path: Path, precision: str
) -> None:
    config = changed(tiny_config, precision=precision)
    trainer = Trainer(config, tiny_corpus, tmp_path)
    events = until_step(trainer.run(), 5)
    events += list(trainer.stop())
    _, rest = run_to_end(config, tiny_corpus, tmp_path, resume=True)
    logged = losses(events + rest)
    assert [step for step, _, _ in logged] == list(range(1, 11))
    assert logged[-1][1] < logged[0][1]
