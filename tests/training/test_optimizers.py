"""AdamW's groups, and Muon against its definition."""

from __future__ import annotations

import torch

from gtt.config import ModelConfig, TrainingConfig
from gtt.model.gpt import GPT
from gtt.training.optimizers import (
    Muon,
    build_optimizers,
    orthogonalise,
    set_learning_rate,
)


def small_gpt() -> GPT:
    torch.manual_seed(0)
    return GPT(ModelConfig(n_embed=16, n_heads=2, block_size=8), 11)


def test_matrices_decay_and_vectors_do_not_and_every_weight_is_trained_once() -> None:
    for kind in ("adamw", "muon"):
        model = small_gpt()
        config = TrainingConfig(optimizer=kind, weight_decay=0.3)  # type: ignore[arg-type]
        groups = [
            g for optimizer in build_optimizers(model, config) for g in optimizer.param_groups
        ]
        trained = [id(p) for group in groups for p in group["params"]]
        assert sorted(trained) == sorted(id(p) for p in model.parameters())
        for group in groups:
            for parameter in group["params"]:
                assert group["weight_decay"] == (0.3 if parameter.dim() == 2 else 0)


def test_muon_takes_the_matrices_of_the_blocks_only() -> None:
    model = small_gpt()
    _, muon = build_optimizers(model, TrainingConfig(optimizer="muon"))
    of_muon = {id(p) for group in muon.param_groups for p in group["params"]}
    for name, parameter in model.named_parameters():
        assert (id(parameter) in of_muon) == (".h." in name and parameter.dim() == 2), name


def test_frozen_positions_are_left_out() -> None:
    model = GPT(ModelConfig(n_embed=16, n_heads=2, position="sinusoidal"), 11)
    trained = {
        id(p)
        for optimizer in build_optimizers(model, TrainingConfig())
        for group in optimizer.param_groups
        for p in group["params"]
    }
    assert id(model.transformer.wpe.weight) not in trained


def test_the_schedule_scales_each_group_from_its_own_peak() -> None:
    config = TrainingConfig(optimizer="muon", learning_rate=1e-2, muon_learning_rate=4e-2)
    optimizers = build_optimizers(small_gpt(), config)
    set_learning_rate(optimizers, 0.5)
    set_learning_rate(optimizers, 0.25)  # of the peak, not of what was set before
    assert {g["lr"] for o in optimizers for g in o.param_groups} == {0.0025, 0.01}


def test_orthogonalised_matrices_have_singular_values_near_one() -> None:
    generator = torch.Generator().manual_seed(0)
    for shape in ((2, 16, 40), (2, 40, 16)):
        matrices = torch.randn(shape, generator=generator)
        values = torch.linalg.svdvals(orthogonalise(matrices))
        assert values.min() > 0.6 and values.max() < 1.3
        assert torch.linalg.svdvals(matrices).max() > 5


def test_orthogonalising_keeps_the_singular_vectors() -> None:
    matrix = torch.randn(12, 12, generator=torch.Generator().manual_seed(1))
    u, _, vt = torch.linalg.svd(matrix)
    rotated = u.T @ orthogonalise(matrix[None])[0] @ vt.T
    assert (rotated - rotated.diag().diag()).abs().max() < 1e-4


def test_queries_keys_and_values_are_updated_as_three_matrices() -> None:
    fused = torch.nn.Parameter(torch.zeros(8, 24))
    fused.grad = torch.randn(8, 24, generator=torch.Generator().manual_seed(2))
    apart = [torch.nn.Parameter(torch.zeros(8, 8)) for _ in range(3)]
    for part, gradient in zip(apart, fused.grad.chunk(3, dim=1)):
        part.grad = gradient.clone()
    Muon([{"params": [fused], "parts": 3}], lr=0.1).step()
    Muon([{"params": apart}], lr=0.1).step()
    assert torch.allclose(fused, torch.cat(apart, dim=1), atol=1e-5)
    assert torch.linalg.svdvals(fused[:, :8]).median() > 0.05


def test_a_wide_hidden_layer_is_one_matrix_even_if_three_times_as_wide() -> None:
    model = GPT(ModelConfig(n_embed=16, n_heads=2, mlp_ratio=3.0), 11)
    _, muon = build_optimizers(model, TrainingConfig(optimizer="muon"))
    parts = {id(p): group["parts"] for group in muon.param_groups for p in group["params"]}
    block = model.transformer.h[0]
    assert parts[id(block.attn.c_attn.weight)] == 3
    assert parts[id(block.mlp.c_fc.weight)] == 1
