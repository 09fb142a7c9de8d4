"""GTT: train a small GPT from scratch and watch it learn.

`gtt.train("quickstart")` trains and `gtt.load(folder)` gives the model; see `gtt.facade`.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"
__all__ = ["Attention", "Model", "Training", "__version__", "load", "train"]


def __getattr__(name: str) -> Any:
    """Loads the facade, and torch with it, when it is first asked for: the server does without."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("gtt.facade"), name)
