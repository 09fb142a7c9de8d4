"""What a CPU trains with gives what the model's own code gives, and what autograd makes of it."""

from __future__ import annotations

import copy
import gc
import shutil
import weakref
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gtt.config import ModelConfig, RunConfig
from gtt.data.corpus import Corpus
from gtt.model.gpt import GPT, KeyValueCache, next_token_loss
from gtt.training import kernels
from gtt.training.trainer import Trainer

SHAPES = [(1, 1), (3, 2), (2, 7), (5, 64), (2, 129), (1, 300)]  # sequences, tokens


def two_models(**settings: Any) -> tuple[GPT, GPT]:
    """One as the model file has it, the other with what a CPU trains with, of equal weights."""
    config = ModelConfig.model_validate(
        {"n_layers": 2, "n_heads": 4, "n_embed": 64, "block_size": 300, "dropout": 0.0} | settings
    )
    torch.manual_seed(0)
    plain = GPT(config, 50)
    for parameter in plain.parameters():  # biases too, which begin at zero
        nn.init.normal_(parameter, std=0.1)
    fast = copy.deepcopy(plain)
    kernels.use_cpu_kernels(fast)
    return plain, fast


def logits_and_gradients(
    model: GPT, shape: tuple[int, int], dtype: torch.dtype
) -> tuple[Tensor, list[Tensor]]:
    tokens = torch.randint(50, (2, *shape), generator=torch.Generator().manual_seed(1))
    with torch.autocast("cpu", dtype=dtype, enabled=dtype != torch.float32):
        logits = model(tokens[0])
        next_token_loss(logits, tokens[1]).backward()
    gradients = [parameter.grad for parameter in model.parameters()]
    return logits.detach(), [gradient for gradient in gradients if gradient is not None]


def distance(gradients: list[Tensor], exact: list[Tensor]) -> float:
    """Of all gradients together, relative to their size."""
    a, b = (torch.cat([one.flatten() for one in these]) for these in (gradients, exact))
    return float((a - b).norm() / b.norm())


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"bias": False},
        {"n_heads": 1, "activation": "relu"},
        {"attention": "separate_heads"},
        {"norm_position": "none", "residual": False},
    ],
    ids=str,
)
def test_in_fp32_they_equal_the_model_and_autograd(
    settings: dict[str, Any], shape: tuple[int, int]
) -> None:
    plain, fast = two_models(**settings)
    logits, gradients = logits_and_gradients(plain, shape, torch.float32)
    seen, measured = logits_and_gradients(fast, shape, torch.float32)
    torch.testing.assert_close(seen, logits, rtol=1e-4, atol=1e-5)
    assert distance(measured, gradients) < 1e-5


@pytest.mark.parametrize("shape", SHAPES)
def test_in_bf16_logits_are_as_they_were_and_gradients_as_near_to_the_truth(
    shape: tuple[int, int],
) -> None:
    plain, fast = two_models()
    _, exact = logits_and_gradients(copy.deepcopy(plain), shape, torch.float32)
    logits, gradients = logits_and_gradients(plain, shape, torch.bfloat16)
    seen, measured = logits_and_gradients(fast, shape, torch.bfloat16)
    torch.testing.assert_close(seen, logits, rtol=0.0, atol=4e-3)  # equal, on the CPUs we know
    assert distance(measured, exact) < 1.1 * distance(gradients, exact)


@pytest.mark.parametrize("tokens", [1, 2, 5, 9])
def test_attention_has_the_gradients_that_differences_give(
    tokens: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernels, "ROWS", 2)  # several stretches, several pieces
    monkeypatch.setattr(kernels, "SCORES", 24)
    generator = torch.Generator().manual_seed(2)
    qkv = torch.randn(3, tokens, 12, generator=generator, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: kernels.CausalAttention.apply(x, 2), (qkv,))


def test_in_bf16_long_texts_take_no_more_from_keys_and_values() -> None:
    generator = torch.Generator().manual_seed(6)
    qkv = 0.5 + torch.randn(1, 2048, 3 * 32, generator=generator)
    dz = 0.5 + torch.randn(1, 2048, 32, generator=generator)
    mask = torch.full((2048, 2048), float("-inf")).triu(1)

    def plain(x: Tensor) -> Tensor:
        q, k, v = x.split(32, dim=2)
        return torch.baddbmm(mask.to(x.dtype), q / 32**0.5, k.mT).softmax(-1) @ v

    def gradients(function: Any, dtype: torch.dtype) -> list[Tensor]:
        x = qkv.to(dtype).requires_grad_()
        return [part.float() for part in torch.autograd.grad(function(x), x, dz.to(dtype))]

    exact = gradients(plain, torch.float32)[0].split(32, dim=2)
    theirs = gradients(plain, torch.bfloat16)[0].split(32, dim=2)
    ours = gradients(lambda x: kernels.CausalAttention.apply(x, 1), torch.bfloat16)[0].split(32, 2)
    for true, plain_one, one in zip(exact, theirs, ours, strict=True):  # of q, k and v
        assert distance([one], [true]) < 1.5 * distance([plain_one], [true])


def test_a_product_has_the_gradients_of_its_plain_form() -> None:
    generator = torch.Generator().manual_seed(7)
    x, W, b = (torch.randn(shape, generator=generator) for shape in ((9, 5), (5, 3), (3,)))
    grad = torch.randn(9, 3, generator=generator)
    if not kernels.has_fused_bias(x.dtype):
        pytest.skip("no oneDNN here")
    given = [one.requires_grad_() for one in (x, W, b)]
    plain = torch.autograd.grad(torch.addmm(b, x, W), given, grad)
    for mine, theirs in zip(
        torch.autograd.grad(kernels.Product.apply(*given), given, grad), plain, strict=True
    ):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-5)


def test_gelu_is_exact_in_its_tails_and_of_any_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "HIDDEN", 100)
    x = torch.linspace(-100, 100, 4_002).view(2, 3, 667).requires_grad_()
    weights = torch.randn(x.shape, generator=torch.Generator().manual_seed(3))
    for given in (x, x.transpose(0, 1), x[0, 0], x[:, :, ::2]):
        results = []
        for function in (kernels.gelu, lambda x: F.gelu(x, approximate="tanh")):
            y = function(given)
            dx = torch.autograd.grad((y * weights.flatten()[: y.numel()].view(y.shape)).sum(), x)
            results.append((y.detach(), *dx))
        for mine, theirs in zip(*results, strict=True):
            torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=5e-6)


def test_without_the_fused_bias_the_models_own_product_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert not kernels.has_fused_bias(torch.float64)
    monkeypatch.setattr(kernels, "has_fused_bias", lambda dtype: False)
    monkeypatch.setattr(kernels.Product, "apply", None)  # which is not called
    plain, fast = two_models()
    logits, gradients = logits_and_gradients(plain, (2, 9), torch.float32)
    seen, measured = logits_and_gradients(fast, (2, 9), torch.float32)
    torch.testing.assert_close(seen, logits, rtol=1e-4, atol=1e-5)
    assert distance(measured, gradients) < 1e-5


@torch.no_grad()
def test_whoever_does_not_train_gets_the_model_as_it_is() -> None:
    plain, fast = two_models()
    tokens = torch.randint(50, (2, 40), generator=torch.Generator().manual_seed(4))
    assert fast(tokens).equal(plain(tokens))
    seen: dict[str, list[str]] = {"plain": [], "fast": []}
    for name, model in (("plain", plain), ("fast", fast)):
        cache = KeyValueCache(model, 2)
        step = torch.cat([model(tokens[:, :30], cache), model(tokens[:, 30:], cache)], dim=1)
        torch.testing.assert_close(step, plain(tokens))
        model(tokens, probe=lambda point, x, to=seen[name]: to.append(point) or x)
    assert seen["plain"] == seen["fast"] != []


def test_dropout_is_drawn_as_before() -> None:
    plain, fast = two_models(dropout=0.3)
    seen = []
    for model in (plain, fast):
        torch.manual_seed(5)
        seen.append(logits_and_gradients(model, (2, 20), torch.float32))
    torch.testing.assert_close(seen[0][0], seen[1][0], rtol=1e-4, atol=1e-5)
    assert distance(seen[1][1], seen[0][1]) < 1e-5


def test_they_are_what_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = {"Product": 0, "Gelu": 0, "CausalAttention": 0}
    for name in counts:
        function = getattr(kernels, name)
        real = function.forward

        def counted(ctx: Any, *given: Any, name: str = name, real: Any = real) -> Tensor:
            counts[name] += 1
            return real(ctx, *given)

        monkeypatch.setattr(function, "forward", staticmethod(counted))
    _, fast = two_models()
    logits_and_gradients(fast, (2, 9), torch.float32)
    products = 8 if kernels.has_fused_bias(torch.float32) else 0
    assert counts == {"Product": products, "Gelu": 2, "CausalAttention": 2}


def test_a_model_goes_with_its_last_reference() -> None:
    _, fast = two_models()
    gc.disable()
    try:
        layer = weakref.ref(fast.transformer.h[0].mlp.c_fc)
        del fast
        assert layer() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("compiled", [False, True])
def test_the_trainer_uses_them_where_it_does_not_compile(
    compiled: bool, tiny_config: RunConfig, tiny_corpus: Corpus, tmp_path: Path
) -> None:
    if compiled and not any(shutil.which(name) for name in ("g++", "clang++")):
        pytest.skip("torch.compile needs a C++ compiler")
    config = tiny_config.updated({"training": {"compile": compiled}})
    trainer = Trainer(config, tiny_corpus, tmp_path)
    attention = trainer.model.transformer.h[0].attn
    wanted = trainer.device.type == "cpu" and not compiled
    assert isinstance(attention, kernels.TrainedAttention) == wanted
    trainer.close()
