"""GTT: train a small GPT from scratch and watch it learn."""

__version__ = "0.1.0"
