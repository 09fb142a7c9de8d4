"""What is computed beside the model is what the model computes, or it is refused."""

from __future__ import annotations

import copy
import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from small_models import VOCAB, combinations, every_value, random_ids, random_model
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoModelForCausalLM

import gtt
from gtt.config import GenerationConfig, ModelConfig, RunConfig, parameter_parts, parameters
from gtt.data.corpus import Corpus
from gtt.errors import BadInput
from gtt.exports import gguf_file, pocket_page, script_folder
from gtt.interpret import architecture, following, lens
from gtt.interpret.probing import activations_of
from gtt.model import decoding, export
from gtt.model.gpt import GPT, next_token_loss
from gtt.model.modeling_gtt import GTTConfig
from gtt.model.sampling import Reader
from gtt.runs import costs
from gtt.settings import choices_of, setting
from gtt.support import Support
from gtt.training import kernels, optimizers
from gtt.training.optimizers import build_optimizers
from gtt.training.trainer import Trainer

SETTINGS = [*every_value(), *combinations(24)]


def named(settings: dict[str, Any]) -> str:
    """A short name of a test."""
    return (
        "-".join(f"{value}" for value in settings.values()) if len(settings) > 1 else str(settings)
    )


PATHS: dict[str, Support] = {
    "gtt/config/parameters.py": parameters.supports,
    "gtt/exports/gguf_file.py": gguf_file.supports,
    "gtt/exports/pocket_page.py": pocket_page.supports,
    "gtt/exports/script_folder.py": script_folder.supports,
    "gtt/interpret/architecture.py": architecture.supports,
    "gtt/interpret/following.py": following.supports,
    "gtt/interpret/lens.py": lens.supports,
    "gtt/model/decoding.py": decoding.supports,
    "gtt/model/export.py": export.supports,
    "gtt/runs/costs.py": costs.supports,
    "gtt/training/kernels.py": kernels.supports,
    "gtt/training/optimizers.py": optimizers.supports,
}
ONE_BLOCK = {"n_layers": 2, "n_heads": 4, "n_embed": 16, "block_size": 16}


class NewSwitch(ModelConfig):
    """A model with one more setting, which does nothing as it is."""

    softcap: float = setting(
        0.0, label="Softcap", concept="n_layers", off_page="it is of a test", ge=0
    )


def model_of(**settings: Any) -> GPT:
    return random_model(**ONE_BLOCK | settings)


def newer(**settings: Any) -> GPT:
    """A model whose configuration has a setting that nobody has named."""
    model = model_of(**settings)
    with_more = NewSwitch(**model.config.model_dump())
    for module in model.modules():
        if hasattr(module, "config"):
            module.config = with_more
    return model


def tokens_of(model: GPT, rows: int = 3) -> torch.Tensor:
    T = model.config.block_size
    return torch.tensor([random_ids(T, seed) for seed in range(rows)])


# ------------------------------------------------- the same numbers, for every value


@pytest.mark.parametrize("settings", SETTINGS, ids=named)
def test_training_has_the_gradients_of_the_model(settings: dict[str, Any]) -> None:
    plain = model_of(**settings).train()
    fast = copy.deepcopy(plain)
    assert kernels.use_cpu_kernels(fast)
    tokens = tokens_of(plain)
    for model in (plain, fast):
        torch.manual_seed(7)  # what dropout draws
        next_token_loss(model(tokens), tokens.roll(-1, 1)).backward()
    gradients = []
    for (name, one), other in zip(plain.named_parameters(), fast.parameters(), strict=True):
        if one.requires_grad:
            assert one.grad is not None and other.grad is not None, name
            gradients.append((one.grad.flatten(), other.grad.flatten()))
    expected, found = (torch.cat(these) for these in zip(*gradients))
    assert expected.norm() > 0.1
    # Without norms and residual paths rounding grows with every layer.
    assert float((found - expected).norm() / expected.norm()) < (1e-3 if is_wild(plain) else 1e-5)


def is_wild(model: GPT) -> bool:
    """Whether nothing holds the numbers of a model in bounds."""
    return model.config.norm_position == "none"


@pytest.mark.parametrize("settings", SETTINGS, ids=named)
def test_greedy_text_is_that_of_the_model(settings: dict[str, Any]) -> None:
    """Over more than two blocks, so that the window slides; the model reads it whole each time."""
    model = model_of(**settings)
    reader = Reader(model, torch.tensor([random_ids(3)]))
    assert reader.decoder is not None
    written = []
    for _ in range(2 * model.config.block_size + 5):
        found = reader.logits()[0]
        with torch.no_grad():
            expected = model(reader.window)[0, -1]
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3)
        assert found.argmax() == expected.argmax()
        written.append(int(found.argmax()))
        reader.append(found.argmax()[None])
    assert len(written) > model.config.block_size


def operations_of(model: GPT, tokens: torch.Tensor) -> int:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(tokens)
    return int(counter.get_total_flops())


@pytest.mark.parametrize("settings", SETTINGS, ids=named)
def test_drawing_and_costs_count_what_the_model_has(settings: dict[str, Any]) -> None:
    model = model_of(**settings)
    config, tokens = model.config, tokens_of(model)
    has = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
    does = operations_of(model, tokens)
    drawn = architecture.draw(config, VOCAB, *tokens.shape)
    assert sum(node.parameters for node in drawn.nodes) == has
    assert 2 * sum(node.multiply_adds for node in drawn.nodes) == does
    _, at = activations_of(model, tokens, lambda name: True)
    shapes = {probe: node.shape for node in drawn.nodes for probe in node.probes}
    assert shapes == {name: tuple(activation.shape) for name, activation in at.items()}

    assert sum(part.parameters for part in parameter_parts(config, VOCAB)) == has
    whole = RunConfig().updated({"training": {"batch_size": len(tokens)}})
    whole = whole.model_copy(update={"model": config})
    assert costs.operations_per_step(whole, VOCAB).total == 3 * does
    matrices = [one for one in model.transformer.h.parameters() if one.dim() == 2]
    counted = sum(rows * cols * n for (rows, cols), n in costs.block_matrices(config).items())
    assert counted == sum(one.numel() for one in matrices)


@pytest.mark.parametrize("settings", SETTINGS, ids=named)
@torch.no_grad()
def test_the_way_of_a_token_is_that_of_the_model(settings: dict[str, Any]) -> None:
    """What stands between the probe points is worked out beside the model: it leads to the next."""
    model, place = model_of(**settings), 4
    config, layer = model.config, model.config.n_layers - 1
    ids = random_ids(7)
    logits = model(torch.tensor([ids]))[0, place]
    _, at = activations_of(model, torch.tensor([ids]), lambda name: True)
    steps = {
        step.name: torch.tensor(step.rows)
        for step in following.follow(model, ids, place, layer).steps
    }
    close: dict[str, Any] = {"rtol": 1e-4, "atol": 1e-4}
    for name, rows in steps.items():
        if name in at:
            own = at[name][0]
            assert rows.equal(own[:, place] if own.dim() == 3 else own[None, place]), name
    embedded = steps["wte"] + steps.get("wpe", 0)
    torch.testing.assert_close(steps["embed"], embedded, **close)
    block = f"h.{layer}"
    before = at["embed" if layer == 0 else f"h.{layer - 1}.resid_post"][0, place]
    body = model.transformer.h[layer]
    read = steps.get(f"{block}.ln_1", before[None])
    qkv = torch.cat([steps[f"{block}.attn.{one}"].flatten() for one in "qkv"])
    torch.testing.assert_close(body.attn.c_attn(read)[0], qkv, **close)
    out = steps[f"{block}.attn.writes"].sum(0, keepdim=True)
    out = out if body.attn.c_proj.bias is None else out + body.attn.c_proj.bias
    torch.testing.assert_close(steps[f"{block}.attn.out"], out, **close)
    read = steps.get(f"{block}.ln_2", steps[f"{block}.resid_mid"])
    torch.testing.assert_close(body.mlp.c_fc(read), steps[f"{block}.mlp.pre"], **close)
    end = steps.get("final", steps[f"{block}.resid_post"])
    torch.testing.assert_close(model.lm_head(end)[0], logits, **close)
    torch.testing.assert_close(steps["logits"][0], logits.softmax(-1).topk(10).values, **close)
    torch.testing.assert_close(
        lens.read_out(model, steps[f"{block}.resid_post"])[0], logits, **close
    )
    assert (f"{block}.ln_1" in steps) == (config.norm_position == "pre")


@pytest.mark.parametrize("settings", SETTINGS, ids=named)
@torch.no_grad()
def test_a_checkpoint_is_the_model(settings: dict[str, Any], tmp_path: Path) -> None:
    model = model_of(**settings)
    export.save_model(model, tmp_path, GenerationConfig(), {})
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path, trust_remote_code=True).eval()
    logits = model(tokens_of(model))
    torch.testing.assert_close(theirs(tokens_of(model)).logits, logits, rtol=1e-3, atol=1e-3)
    assert export.load_model(tmp_path)[0](tokens_of(model)).equal(logits)


# ------------------------------------------------------- what is not named is refused


def test_every_path_is_in_the_table() -> None:
    """Whoever declares what it supports is held to it here."""
    root = Path(gtt.__file__).parent
    declaring = {
        file.relative_to(root.parent).as_posix()
        for file in root.rglob("*.py")
        if re.search(r"(?m)^supports = Support\(", file.read_text(encoding="utf-8"))
    }
    assert declaring == set(PATHS)


@pytest.mark.parametrize("path", PATHS)
def test_a_path_names_settings_that_there_are(path: str) -> None:
    supports = PATHS[path]
    assert supports(ModelConfig())
    assert set(supports.supported) == set(ModelConfig.model_fields)
    for name, values in supports.supported.items():
        annotation = ModelConfig.model_fields[name].annotation
        if values is None:  # any: for numbers alone, of which no new value can come
            assert choices_of(annotation) is None and annotation is not bool, name
        elif annotation is not bool:
            assert set(values) <= set(choices_of(annotation) or ()), name


@pytest.mark.parametrize("path", PATHS)
def test_a_new_setting_or_value_is_not_supported_by_any_path(path: str) -> None:
    supports = PATHS[path]
    assert not supports(NewSwitch()) and not supports(NewSwitch(softcap=30.0))
    assert "softcap 0.0" in str(supports.refusal(NewSwitch()))
    for name in ("attention", "norm_position", "position", "activation"):
        changed = ModelConfig().model_copy(update={name: "another"})
        assert not supports(changed)
        assert f"{name} 'another'" in str(supports.refusal(changed))
    for name in ("residual", "tie_embeddings", "bias"):
        assert not supports(ModelConfig().model_copy(update={name: "rows"}))
    assert not supports(object())  # of which nothing is known


def test_the_fast_paths_leave_a_new_setting_to_the_model() -> None:
    model = newer()
    before = [type(layer) for layer in model.modules()]
    activation = model.transformer.h[0].mlp.activation
    assert not kernels.use_cpu_kernels(model)
    assert [type(layer) for layer in model.modules()] == before
    assert model.transformer.h[0].mlp.activation is activation
    reader = Reader(model, torch.tensor([random_ids(3)]))
    assert reader.decoder is None
    with torch.no_grad():
        expected = model(reader.window)[:, -1]
    torch.testing.assert_close(reader.logits(), expected)
    reader.append(expected.argmax(-1))
    with torch.no_grad():
        torch.testing.assert_close(reader.logits(), model(reader.window)[:, -1])


def test_a_layer_of_another_kind_keeps_its_own_code() -> None:
    class Doubled(kernels.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return 2 * super().forward(x)

    model = model_of()
    model.transformer.h[1].mlp.c_fc.__class__ = Doubled
    plain = copy.deepcopy(model)
    assert kernels.use_cpu_kernels(model)
    torch.testing.assert_close(model(tokens_of(model)), plain(tokens_of(model)))
    assert type(model.transformer.h[1].mlp.c_fc) is Doubled


def refused() -> dict[str, Callable[[GPT, Path], Any]]:
    """What is asked of each path that refuses, with the model that it is asked of."""

    def run_of(model: GPT, **training: Any) -> RunConfig:
        config = RunConfig().updated({"training": training})
        return config.model_copy(update={"model": model.config})

    return {
        "parameters": lambda model, folder: model.config.parameter_count(VOCAB),
        "drawing": lambda model, folder: architecture.draw(model.config, VOCAB, 2, 5),
        "following": lambda model, folder: following.follow(model, random_ids(5), 3, 1),
        "lens": lambda model, folder: lens.read_out(model, torch.zeros(1, 16)),
        "operations": lambda model, folder: costs.operations_per_step(run_of(model), VOCAB),
        "memory": lambda model, folder: costs.memory_by_part(run_of(model), VOCAB, "fp32"),
        "work": lambda model, folder: costs.work_of_step(run_of(model), VOCAB, "fp32"),
        "decoder": lambda model, folder: decoding.Decoder(model, Reader(model, ONE).cache),
        "checkpoint": lambda model, folder: export.save_model(
            model, folder, GenerationConfig(), {}
        ),
        "muon": lambda model, folder: build_optimizers(
            model, RunConfig().updated({"training": {"optimizer": "muon"}}).training
        ),
    }


ONE = torch.tensor([[1]])


@pytest.mark.parametrize("path", refused())
def test_every_other_path_refuses_a_new_setting_with_a_sentence(path: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"model\.softcap 0\.0.*: .*\."):
        refused()[path](newer(), tmp_path)
    assert list(tmp_path.iterdir()) == []
    refused()[path](model_of(), tmp_path)  # and no other


def test_the_formats_to_take_home_refuse_a_new_setting() -> None:
    config = RunConfig().model_copy(update={"model": NewSwitch()})
    for refusal in (
        gguf_file.supports.refusal(config.model),
        pocket_page.refusal(config.model, VOCAB),
        script_folder.refusal(config, {}),
    ):
        assert "model.softcap 0.0" in str(refusal) and "instead." in f"{refusal} instead."
    assert not export.fits_gpt2(config.model)


def test_a_run_that_could_not_be_saved_does_not_begin(
    tiny_config: RunConfig, tiny_corpus: Corpus, tmp_path: Path
) -> None:
    model = NewSwitch(**tiny_config.model.model_dump())
    with pytest.raises(BadInput, match=r"checkpoint cannot hold .* model\.softcap"):
        Trainer(tiny_config.model_copy(update={"model": model}), tiny_corpus, tmp_path)


def test_the_file_that_a_checkpoint_carries_knows_what_a_checkpoint_can_hold() -> None:
    given = inspect.signature(GTTConfig.__init__).parameters
    own = {
        name: one.default for name, one in given.items() if one.kind is one.POSITIONAL_OR_KEYWORD
    }
    del own["self"], own["vocab_size"]
    assert own == ModelConfig().model_dump()
    assert set(own) == set(export.supports.supported)
