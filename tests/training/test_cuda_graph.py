"""A recorded step trains as the step itself does."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from gtt.config import RunConfig
from gtt.data.corpus import Corpus
from gtt.training import trainer as trainer_module
from gtt.training.events import StepLogged
from gtt.training.optimizers import Muon, set_learning_rate
from gtt.training.trainer import Trainer

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


def trained(config: RunConfig, corpus: Corpus, folder: Path) -> tuple[Trainer, list[float]]:
    trainer = Trainer(config, corpus, folder)
    logged = [event for event in trainer.run() if isinstance(event, StepLogged)]
    return trainer, [value for event in logged for value in (event.loss, event.gradient_norm)]


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
@pytest.mark.parametrize("batches", [1, 2])
def test_a_recorded_step_gives_the_losses_of_the_step_itself(
    tiny_config: RunConfig,
    tiny_corpus: Corpus,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    precision: str,
    optimizer: str,
    batches: int,
) -> None:
    config = tiny_config.updated(
        {
            "model": {"dropout": 0.1},
            "training": {
                "precision": precision,
                "optimizer": optimizer,
                "grad_accumulation_steps": batches,
                "max_steps": 20,
            },
        }
    )
    recorded, replayed = trained(config, tiny_corpus, tmp_path / "recorded")
    assert recorded.update.graph is not None  # type: ignore[attr-defined]
    monkeypatch.setattr(trainer_module, "can_record", lambda accelerator: False)
    plain, stepped = trained(config, tiny_corpus, tmp_path / "plain")
    assert replayed == pytest.approx(stepped, abs=1e-3 if precision == "bf16" else 1e-4)
    for mine, its in zip(recorded.model.parameters(), plain.model.parameters()):
        torch.testing.assert_close(mine, its, atol=2e-2, rtol=0)


def test_a_rate_on_the_device_makes_the_same_step_as_a_number() -> None:
    torch.manual_seed(0)
    start, gradient = torch.randn(8, 24), torch.randn(8, 24)
    ends = []
    for rate in (0.02, torch.tensor(0.02)):
        weight = torch.nn.Parameter(start.clone())
        muon = Muon([{"params": [weight], "parts": 3}], rate, weight_decay=0.1)
        muon.param_groups[0]["peak_lr"] = 0.02
        set_learning_rate([muon], 0.5)
        weight.grad = gradient.clone()
        muon.step()
        ends.append(weight.detach())
    torch.testing.assert_close(ends[0], ends[1], atol=1e-6, rtol=0)
    assert not torch.equal(ends[0], start)
