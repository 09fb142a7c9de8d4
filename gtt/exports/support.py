"""The settings that a format knows, so that none is ever skipped in silence."""

from __future__ import annotations

from collections.abc import Mapping

from gtt.settings import Settings

# A setting that is not here has to be as it is by default; None stands for any value.
Known = Mapping[str, tuple[object, ...] | None]

# What the pocket model and the script compute, the page and the file of their own that they are.
PLAIN: Known = {
    **dict.fromkeys(("n_layers", "n_heads", "n_embed", "block_size", "mlp_ratio", "dropout")),
    "attention": ("fused", "separate_heads"),  # two ways to compute the same
    "norm_position": ("pre", "post", "none"),
    "residual": (True, False),
    "position": ("learned", "sinusoidal", "none"),
    "activation": ("gelu", "relu", "silu"),
    "tie_embeddings": (True, False),
    "bias": (True, False),
}


def unknown_setting(settings: Settings, known: Known) -> str | None:
    """The first setting with a value that a format does not know, as `name value`."""
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        values = known.get(name, (field.default,))
        if values is not None and value not in values:
            return f"{name} {value!r}"
    return None
