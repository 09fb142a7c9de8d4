"""The parts of a model from its settings alone, so that a draft can be shown before it exists.

A test holds this against the named parameters of the real module.
"""

from __future__ import annotations

from gtt.api.schemas import Part
from gtt.config import ModelConfig

Size = int | str


def parts_of(model: ModelConfig, vocab_size: int | None) -> list[Part]:
    """Every module that has weights, in the order in which data flow through them."""
    width = model.n_embed
    vocabulary: Size = vocab_size if vocab_size is not None else "vocabulary"
    parts = [_part("transformer.wte", "embedding", [vocabulary, width])]
    if model.position == "learned":
        parts.append(_part("transformer.wpe", "position embedding", [model.block_size, width]))
    for layer in range(model.n_layers):
        parts += _block(model, f"transformer.h.{layer}")
    if model.norm_position == "pre":
        parts.append(_norm("transformer.ln_f", model))
    if not model.tie_embeddings:
        parts.append(_part("lm_head", "unembedding", [vocabulary, width]))
    return parts


def _block(model: ModelConfig, name: str) -> list[Part]:
    width, hidden = model.n_embed, model.mlp_width
    bias = model.bias
    attention = [
        _part(f"{name}.attn.c_attn", "query, key, value", [width, 3 * width], bias),
        _part(f"{name}.attn.c_proj", "attention output", [width, width], bias),
    ]
    mlp = [
        _part(f"{name}.mlp.c_fc", "MLP in", [width, hidden], bias),
        _part(f"{name}.mlp.c_proj", "MLP out", [hidden, width], bias),
    ]
    if model.norm_position == "none":
        return attention + mlp
    first, second = _norm(f"{name}.ln_1", model), _norm(f"{name}.ln_2", model)
    if model.norm_position == "pre":
        return [first, *attention, second, *mlp]
    return [*attention, first, *mlp, second]


def _norm(name: str, model: ModelConfig) -> Part:
    return _part(name, "layer norm", [model.n_embed], model.bias)


def _part(name: str, kind: str, shape: list[Size], bias: bool = False) -> Part:
    """One part; `bias` adds as many parameters as the last size. 0 parameters: not known."""
    known = [size for size in shape if isinstance(size, int)]
    count = 1
    for size in known:
        count *= size
    parameters = count + (known[-1] if bias else 0) if len(known) == len(shape) else 0
    return Part(name=name, kind=kind, shape=shape, parameters=parameters)
