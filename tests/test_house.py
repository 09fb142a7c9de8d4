"""The drawing of the house is the contract that CI holds the imports to."""

from __future__ import annotations

import itertools
import re
import sys
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    tomllib = pytest.importorskip("tomllib", reason="Python 3.10 reads no TOML by itself")

ROOT = Path(__file__).parents[1]


def drawing() -> str:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    return re.findall(r"```mermaid\n(.*?)```", text, re.DOTALL)[0]


def floors_drawn() -> dict[str, list[str]]:
    """The modules of each floor by the name of its box, from the top."""
    boxes = re.findall(r'^  (\w+)\["(.*?)(?:<br/>.*)?"\]$', drawing(), re.MULTILINE)
    return {name: modules.split(" · ") for name, modules in boxes}


def test_the_floors_are_those_of_the_contract() -> None:
    about = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contract = about["tool"]["importlinter"]["contracts"][0]
    assert contract["type"] == "layers"
    layers = [[one.strip() for one in layer.split("|")] for layer in contract["layers"]]
    assert list(floors_drawn().values()) == layers


def test_every_module_of_the_package_has_a_floor() -> None:
    there = {
        f"gtt.{path.stem}"
        for path in (ROOT / "gtt").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    } - {"gtt.__init__"}
    assert there == {one for modules in floors_drawn().values() for one in modules}


def test_arrows_go_down_and_leave_no_floor_out() -> None:
    names = list(floors_drawn())
    chains = [
        re.findall(r"\w+", line)
        for line in drawing().splitlines()
        if "-->" in line and "[" not in line
    ]
    arrows = {pair for chain in chains for pair in itertools.pairwise(chain)}
    assert arrows == set(itertools.pairwise(names))


def test_no_module_outgrows_one_sitting() -> None:
    lengths = {
        path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for folder in ("gtt", "benchmarks")
        for path in (ROOT / folder).rglob("*.py")
    }
    assert {path: length for path, length in lengths.items() if length > 450} == {}
