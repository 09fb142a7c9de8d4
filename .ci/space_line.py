"""Prints what a Space of the Gradio SDK installs: versions come from the files that it reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
# What the Hub adds to the requirements of every such Space, Gradio's version aside.
BESIDE = ("uvicorn>=0.14.0", "websockets>=10.4", "spaces")


def front_matter(readme: str) -> dict[str, Any]:
    """The Space's configuration at the top of its README."""
    _, block, _ = readme.split("---\n", 2)
    values: dict[str, Any] = yaml.safe_load(block)
    return values


def space_line(root: Path = ROOT) -> list[str]:
    """The arguments of the Space's one `pip install`."""
    values = front_matter((root / "README.md").read_text(encoding="utf-8"))
    gradio = f"gradio[oauth,mcp]=={values['sdk_version']}"
    return ["-r", str(root / "requirements.txt"), gradio, *BESIDE]


if __name__ == "__main__":
    print("\n".join(space_line()))
