"""The README says what is there and nothing that is not."""

from __future__ import annotations

import re
from collections import defaultdict
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

import pytest
import torch
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from gtt.config import RunConfig
from gtt.data.corpus import Corpus
from gtt.recipes import recipe_names
from gtt.training.trainer import Trainer

ROOT = Path(__file__).resolve().parent.parent
PINS = ("requirements.txt", "requirements-dev.txt")
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.S)


def test_two_commands_set_everything_up_by_themselves() -> None:
    main, tests = (block.strip() for block in blocks(README, "sh")[:2])
    for command in (main, tests):
        assert "\n" not in command
        assert command.startswith(
            "python3 -m venv .venv && .venv/bin/pip install -q -r requirements.txt"
        )
    assert main.endswith("app.py")
    assert tests.endswith("-m pytest -q") and "-r requirements-dev.txt" in tests


def pins_for(python: str) -> dict[str, list[Requirement]]:
    """The pinned packages by name, with the lines that hold for this version of Python."""
    lines = "\n".join((ROOT / name).read_text() for name in PINS).splitlines()
    written = [line.partition("#")[0].strip() for line in lines]
    pins: dict[str, list[Requirement]] = defaultdict(list)
    for requirement in (Requirement(line) for line in written if line):
        holds = requirement.marker is None or requirement.marker.evaluate(
            {"python_version": python, "python_full_version": f"{python}.0"}
        )
        pins[requirement.name] += [requirement] if holds else []
    return pins


@pytest.mark.parametrize("python", ["3.10", "3.11", "3.12", "3.13"])
def test_what_is_pinned_installs_on_every_python_that_is_promised(python: str) -> None:
    """As far as it is known here: a pin for another Python than this one is not installed."""
    assert "Python 3.10 or later" in README
    known = 0
    for name, pins in pins_for(python).items():
        assert len(pins) == 1, f"{name} is pinned {len(pins)} times on Python {python}"
        try:
            about = metadata(name)
        except PackageNotFoundError:
            continue
        if pins[0].specifier.contains(about["Version"]):
            known += 1
            allowed = SpecifierSet(about["Requires-Python"] or "")
            assert allowed.contains(f"{python}.0"), f"{pins[0]} needs Python {allowed}"
    assert known >= 15


def test_recipes_that_are_named_exist() -> None:
    for name in re.findall(r"--recipe ([a-z-]+)", README):
        assert name in recipe_names()


def test_files_that_are_linked_or_named_exist() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
    for path in re.findall(r"`(gtt/[\w/.]+|docs/[\w/.]+)`", README):
        assert (ROOT / path).exists(), path


def test_the_transformers_snippet_runs(
    tiny_config: RunConfig,
    tiny_corpus: Corpus,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trainer = Trainer(tiny_config.updated({"training": {"max_steps": 1}}), tiny_corpus, tmp_path)
    list(trainer.run())
    snippet = blocks(README, "python")[0]
    names = {"folder": str(trainer.checkpoints.newest())}
    exec(snippet, names)
    assert names["tokenizer"]("Once ").input_ids == tiny_corpus.tokenizer.encode("Once ")  # type: ignore[operator]
    card = (trainer.checkpoints.newest() / "README.md").read_text(encoding="utf-8")
    monkeypatch.chdir(trainer.checkpoints.newest())
    exec(blocks(card, "python")[0], names)
    with torch.no_grad():
        assert names["model"](torch.tensor([[1, 2]])).logits.shape == (1, 2, tiny_corpus.vocab_size)  # type: ignore[operator]


def test_the_lines_from_python_run(
    tiny_text: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As they stand, with a smaller recipe in place of the one that takes a minute."""
    recipe = tmp_path / "small.yaml"
    small = (ROOT / "recipes" / "quickstart.yaml").read_text(encoding="utf-8")
    values = yaml.safe_load(small)
    values["config"]["data"] = {"source": str(tiny_text), "tokenizer": "char"}
    values["config"]["model"] |= {"n_layers": 1, "n_embed": 16, "n_heads": 2}
    values["measured"] = None
    recipe.write_text(yaml.safe_dump(values), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GTT_HOME", str(tmp_path / "home"))
    snippet = blocks(README, "python")[1]
    assert len([line for line in snippet.splitlines() if line and "import" not in line]) == 4
    exec(snippet.replace('"quickstart"', repr(str(recipe))), {})
    said = capsys.readouterr().out
    assert "RunStarted(" in said and "StepLogged(step=200" in said
    assert "One day" in said and "torch.Size([1, 2, 7, 7])" in said
