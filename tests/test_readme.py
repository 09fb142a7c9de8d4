"""The README says what is there and nothing that is not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from gtt.cli import build_parser
from gtt.config import RunConfig
from gtt.data.corpus import Corpus
from gtt.recipes import recipe_names
from gtt.training.trainer import Trainer

ROOT = Path(__file__).resolve().parent.parent
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


def test_every_command_and_option_that_is_named_exists() -> None:
    """Parses each command line of the README and of the page on launching, without running it."""
    parser = build_parser()
    launching = (ROOT / "docs" / "launch.md").read_text(encoding="utf-8")
    lines = re.findall(r"-m gtt ([a-z][^`|\n&]*)", README + launching)
    assert len(lines) >= 9
    for line in lines:
        words = [word.strip('"') for word in re.findall(r'"[^"]*"|\S+', line)]
        words = ["beginner" if word == "NAME" else word for word in words]
        parser.parse_args(words)
    row = next(line for line in README.splitlines() if "gtt train --recipe NAME" in line)
    for option in re.findall(r"`(--[a-z-]+(?: [^`]+)?)`", row):
        parser.parse_args(["train", *option.split()])
    row = next(line for line in README.splitlines() if "gtt generate $RUN" in line)
    for option in re.findall(r"`(--[a-z-]+)`", row):
        parser.parse_args(["generate", "run", option, "1"])


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
    (snippet,) = blocks(README, "python")
    names = {"folder": str(trainer.checkpoints.newest())}
    exec(snippet, names)
    assert names["tokenizer"]("Once ").input_ids == tiny_corpus.tokenizer.encode("Once ")  # type: ignore[operator]
    card = (trainer.checkpoints.newest() / "README.md").read_text(encoding="utf-8")
    monkeypatch.chdir(trainer.checkpoints.newest())
    exec(blocks(card, "python")[0], names)
    with torch.no_grad():
        assert names["model"](torch.tensor([[1, 2]])).logits.shape == (1, 2, tiny_corpus.vocab_size)  # type: ignore[operator]
