"""A forward pass that keeps chosen activations, the basis of all looks into a model.

A probe is an argument of the call (`gtt.model.gpt`), never a hook on the module: nothing is left
behind, and two looks at once do not see each other. Dropout is off, gradients are not recorded, and
the weights are only read.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from gtt.model.gpt import GPT, Probe
from gtt.model.sampling import evaluating


def ends_with(*endings: str) -> Callable[[str], bool]:
    """Chooses probe points by the end of their dotted name, `ends_with(".attn.weights")`."""
    return lambda name: name.endswith(endings)


@torch.inference_mode()
def activations_of(
    model: GPT,
    tokens: Tensor,
    is_wanted: Callable[[str], bool],
    alter: Probe | None = None,
) -> tuple[Tensor, dict[str, Tensor]]:
    """Logits (B, T, V) over `tokens` (B, T), and the wanted activations by their dotted names.

    `alter` is called first at every probe point, and what it returns is what the model goes on
    with and what is kept. The names and shapes stand at the top of `gtt/model/gpt.py`.
    """
    activations: dict[str, Tensor] = {}

    def probe(name: str, activation: Tensor) -> Tensor:
        if alter is not None:
            activation = alter(name, activation)
        if is_wanted(name):
            activations[name] = activation
        return activation

    with evaluating(model):
        logits: Tensor = model(tokens, probe=probe)
    return logits, activations
