"""Variables of the environment change no run: our settings win, or the variable is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from accelerate import Accelerator

from gtt.cli import main
from gtt.config import RunConfig
from gtt.data.corpus import Corpus
from gtt.errors import BadInput
from gtt.launch import is_main_process, leave
from gtt.training.events import StepLogged
from gtt.training.sharding import shards_model
from gtt.training.trainer import Trainer
from gtt.training.variables import (
    GROUP,
    SHARDS,
    asks_for_shards,
    for_one_process,
    hide_from_accelerate,
    is_on,
    refuse_foreign,
)

WHOLE = {"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1", "MASTER_ADDR": "h", "MASTER_PORT": "1"}
REFUSED = [
    {"ACCELERATE_USE_DEEPSPEED": "true"},
    {"ACCELERATE_USE_FSDP": "perhaps"},
    {"GTT_SHARD": "perhaps"},
    {"ACCELERATE_USE_FSDP": "true", "FSDP_OFFLOAD_PARAMS": "true"},
    {"ACCELERATE_USE_MEGATRON_LM": "1"},
    {"ACCELERATE_USE_PARALLELISM_CONFIG": "true"},
    {"ACCELERATE_USE_SAGEMAKER": "true"},
    {"ACCELERATE_TORCH_DEVICE": "mps"},
    {"ACCELERATE_TORCH_DEVICE": "nonsense"},
    {"ACCELERATE_USE_CPU": "perhaps"},
    {"ACCELERATE_CPU_AFFINITY": "perhaps"},
    {"WORLD_SIZE": "2"},
    {"PMI_SIZE": "2", "ACCELERATE_USE_CPU": "1"},
    {"OMPI_COMM_WORLD_SIZE": "4", "OMPI_COMM_WORLD_RANK": "0", "ACCELERATE_USE_CPU": "true"},
    {"MV2_COMM_WORLD_SIZE": "x", "ACCELERATE_USE_CPU": "true"},
    {"WORLD_SIZE": "two"},
    {"RANK": "1"},
    {"RANK": "-1"},
    {"LOCAL_RANK": "3"},
    {"LOCAL_WORLD_SIZE": "x"},
    {"MASTER_PORT": "x"},
    {**WHOLE, "RANK": "2"},
    *({name: value for name, value in WHOLE.items() if name != left_out} for left_out in GROUP
      if left_out != "WORLD_SIZE"),
]  # fmt: skip
# Of other programs, or left over from them; nothing here asks for another run.
HARMLESS = {
    "ACCELERATE_GRADIENT_ACCUMULATION_STEPS": "4",
    "ACCELERATE_MIXED_PRECISION": "fp8",
    "ACCELERATE_DYNAMO_BACKEND": "nonsense",
    "ACCELERATE_DYNAMO_USE_FULLGRAPH": "perhaps",
    "ACCELERATE_DEBUG_MODE": "perhaps",
    "ACCELERATE_GRADIENT_CLIPPING": "0.001",
    "ACCELERATE_USE_DEEPSPEED": "false",
    "FORK_LAUNCHED": "perhaps",
    "FSDP_VERSION": "2",
    "RANK": "0",
    "LOCAL_RANK": "0",
    "WORLD_SIZE": "1",
    "LOCAL_WORLD_SIZE": "8",
    "GROUP_RANK": "",
    "PMI_SIZE": "",
    "ACCELERATE_USE_CPU": "1",
    "ACCELERATE_LOG_LEVEL": "nonsense",
}


@pytest.mark.parametrize("given", REFUSED, ids=lambda given: "-".join(given))
def test_what_a_run_cannot_do_is_refused_by_name(
    given: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(BadInput) as refused:
        refuse_foreign(given)
    assert refused.value.field in given and refused.value.field in refused.value.message
    if given.get("WORLD_SIZE", "1") != "1":
        return  # such a process ends at once, with its exit code, and this one is still needed
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GTT_HOME", str(tmp_path))
    assert main(["train"]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1  # also where a lonely rank says that another process speaks
    assert not list(tmp_path.iterdir())


def losses(config: RunConfig, corpus: Corpus, folder: Path) -> list[float]:
    trainer = Trainer(config, corpus, folder)
    seen = [event.loss for event in trainer.run() if isinstance(event, StepLogged)]
    assert trainer.accelerator.gradient_accumulation_steps == 1
    assert trainer.accelerator.num_processes == 1
    return seen


def test_variables_of_other_programs_change_no_loss(
    tiny_config: RunConfig, tiny_corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = losses(tiny_config, tiny_corpus, tmp_path / "plain")
    for name, value in HARMLESS.items():
        monkeypatch.setenv(name, value)
    refuse_foreign()
    assert losses(tiny_config, tiny_corpus, tmp_path / "surrounded") == expected
    assert "ACCELERATE_GRADIENT_ACCUMULATION_STEPS" not in os.environ


def test_a_whole_group_is_left_to_accelerate_and_half_a_one_is_none() -> None:
    whole = {**WHOLE, "ACCELERATE_USE_CPU": "true", "ACCELERATE_MIXED_PRECISION": "no"}
    refuse_foreign(whole)
    hide_from_accelerate(whole)
    assert whole == {**WHOLE, "ACCELERATE_USE_CPU": "true"}
    half = {"LOCAL_RANK": "0", "MASTER_ADDR": "h", "PATH": "/bin"}
    hide_from_accelerate(half)
    assert half == {"MASTER_ADDR": "h", "PATH": "/bin"}
    assert for_one_process({**whole, "PMI_SIZE": "2", "PMI_RANK": "1", "PATH": "/bin"}) == {
        "ACCELERATE_USE_CPU": "true",
        "PATH": "/bin",
    }


def test_who_speaks_and_how_to_leave_is_told_whatever_the_variables_hold() -> None:
    assert is_main_process({"RANK": ""}) and is_main_process({}) and is_main_process({"RANK": "0"})
    group = {"WORLD_SIZE": "2", "LOCAL_RANK": "1", "MASTER_ADDR": "::1", "MASTER_PORT": "29500"}
    assert not is_main_process({"RANK": "1", **group})
    assert is_main_process({"RANK": "1"}) and is_main_process({"RANK": "1", "WORLD_SIZE": "2"})
    assert [leave(2, {"WORLD_SIZE": size}) for size in ("", "0", "1")] == [2, 2, 2]
    assert is_on("X", {"X": " Yes "}) and not is_on("X", {"X": "off"}) and not is_on("X", {})


def test_the_launchers_wish_for_fsdp_is_kept_under_a_name_that_accelerate_does_not_read() -> None:
    launched = {**WHOLE, "ACCELERATE_USE_FSDP": "true", "FSDP_VERSION": "2"}
    refuse_foreign(launched)
    hide_from_accelerate(launched)
    assert launched == {**WHOLE, SHARDS: "true"} and asks_for_shards(launched)
    assert for_one_process({**launched, "PATH": "/bin"}) == {"PATH": "/bin"}


def test_only_several_processes_share_a_model_out_and_scaled_gradients_are_refused(
    tiny_config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny_config.updated({"training": {"precision": "fp16"}}).training
    accelerator = Accelerator(cpu=True)
    assert not shards_model(accelerator, config)
    monkeypatch.setenv(SHARDS, "true")
    assert not shards_model(accelerator, config), "nobody to share with"
    monkeypatch.setattr(Accelerator, "num_processes", 2)
    assert shards_model(accelerator, tiny_config.training)
    with pytest.raises(BadInput) as refused:
        shards_model(accelerator, config)
    assert refused.value.field == "training.precision"
