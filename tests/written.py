"""What the README and the docs tell a person to type, and a check of it that starts nothing.

Each command is read by the argument parser that would read it, each variable by what would take it.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from gtt.cli import build_parser
from gtt.errors import GTTError
from gtt.listening import address_from, settle_sub_path
from gtt.recipes import load_recipe
from gtt.runs.limits import Limits
from gtt.training.variables import FOREIGN, refuse_foreign

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
PYTHON = ("python", "python3", ".venv/bin/python")
PIP = ("pip", ".venv/bin/pip")
PROGRAMS = (*PYTHON, *PIP, "accelerate", "torchrun", "gtt")
OF_OURS = {"GTT_HOME": "/srv/gtt", "GTT_SOURCES": "/srv/texts", "GTT_SHARD": "true"}
# Of libraries, whose names and values are theirs.
OF_OTHERS = re.compile(
    r"(GLOO|NCCL)_SOCKET_IFNAME|OMP_\w+|GOMP_\w+|CUDA_VISIBLE_DEVICES|PYTHONIOENCODING|"
    r"GRADIO_MCP_SERVER"
)
VARIABLE = re.compile(r"([A-Z][A-Z0-9_]*)=(\S*)")


class Wrong(Exception):
    """What is written cannot be typed."""


class Command(NamedTuple):
    """A command as it is written, the variables before it, its words, and its page."""

    line: str
    variables: dict[str, str]
    words: list[str]
    page: str

    def __str__(self) -> str:
        return f"{self.page}: {self.line}"


def commands_of(text: str, page: str = "") -> Iterator[Command]:
    """The commands of one page: the lines of its shell blocks, and code within a sentence."""
    blocks = re.findall(r"```sh\n(.*?)```", text, re.S)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    spans = re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", text, flags=re.S))
    for line in [*lines, *(" ".join(span.split()) for span in spans)]:
        if line.lstrip().startswith("#"):
            continue
        for part in re.split(r"\s+&&\s+|(?<=\S) -- (?=python)", line):
            with contextlib.suppress(ValueError):  # a quote that is open: a block's inner line
                words = shlex.split(part, comments=True)
                variables = {}
                while words and (match := VARIABLE.fullmatch(words[0])):
                    variables[match[1]] = match[2]
                    words.pop(0)
                if len(words) > 1 and words[0] in PROGRAMS:
                    yield Command(" ".join(part.split()), variables, words, page)


def all_commands() -> list[Command]:
    return [
        command
        for page in PAGES
        for command in commands_of(page.read_text(encoding="utf-8"), page.name)
    ]


def check(command: Command) -> None:
    """Raises `Wrong` where the command would be refused for how it is written."""
    check_variables(command.variables)
    program, *words = command.words
    words = [word.strip("[]") for word in words]
    if program in PIP:
        _check_pip(words)
    elif program in PYTHON:
        _check_python(words)
    elif program == "gtt":
        _check_ours(words)
    elif program == "accelerate" and words[0] == "launch":
        from accelerate.commands.launch import launch_command_parser

        _check_launched(launch_command_parser(), words[1:])
    elif program == "torchrun":
        from torch.distributed.run import get_args_parser

        _check_launched(get_args_parser(), words)


def check_variables(variables: dict[str, str]) -> None:
    """Raises `Wrong` for a name that nobody reads, or a value that its reader refuses."""
    try:
        for name, value in variables.items():
            if name.startswith("GTT_") and name not in OF_OURS:
                if name.removeprefix("GTT_").lower() not in Limits.model_fields:
                    raise Wrong(f"GTT has no variable {name}")
            elif name in ("GRADIO_SERVER_NAME", "GRADIO_SERVER_PORT"):
                address_from({name: value})
            elif name == "GRADIO_ROOT_PATH":
                settle_sub_path({name: value})
            elif name.startswith(FOREIGN):
                refuse_foreign({name: value})
            elif name not in OF_OURS and not OF_OTHERS.fullmatch(name):
                raise Wrong(f"nobody reads {name}")
        Limits.from_environment(variables)
    except GTTError as error:
        raise Wrong(str(error)) from None


def _check_python(words: list[str]) -> None:
    if words[0] == "-m" and words[1] == "gtt":
        _check_ours(words[2:])
    elif words[0] == "-m":
        if words[1] not in ("venv", "pytest"):
            raise Wrong(f"no module {words[1]}")
    elif words[0].startswith("benchmarks/"):
        _check_benchmark(words[0], words[1:])
    elif words[0] == "train.py":  # of a script that was taken home: tests/exports/test_script.py
        return
    elif not (ROOT / words[0]).is_file() or (words[0] == "app.py" and words[1:]):
        raise Wrong(f"no such program: {words}")


def _check_ours(words: list[str]) -> None:
    if not words:
        return
    options = _parsed(build_parser(), ["quickstart" if word == "NAME" else word for word in words])
    recipes = getattr(options, "recipe", None) or []
    try:
        for recipe in [recipes] if isinstance(recipes, str) else recipes:
            load_recipe(recipe).config.with_assignments(getattr(options, "assignments", []))
    except GTTError as error:
        raise Wrong(str(error)) from None


def _check_launched(parser: argparse.ArgumentParser, words: list[str]) -> None:
    words = [word for word in words if word != "…"]
    if "-m" not in words and not any(word.endswith(".py") for word in words):
        words += ["-m", "gtt", "recipes"]  # a sentence on the launcher's options alone
    options = _parsed(parser, words)
    if options.training_script != "gtt" or not options.module:
        raise Wrong(f"{options.training_script} is no module of ours")
    _check_ours(options.training_script_args)


# Whoever imports pip takes setuptools' distutils away, which torch's compiler asks for later on.
READ_BY_PIP = """
import json, sys
from pip._internal.commands import create_command
options, places = create_command(sys.argv[1]).parse_args(sys.argv[2:])
print(json.dumps([*options.requirements, *[place for place in places if place == "."]]))
"""


@cache
def _names_of_pip(*words: str) -> list[str]:
    """Files and folders that a command of pip names."""
    command = [sys.executable, "-c", READ_BY_PIP, *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise Wrong(done.stderr.strip().splitlines()[-1])
    names: list[str] = json.loads(done.stdout)
    return names


def _check_pip(words: list[str]) -> None:
    for name in _names_of_pip(*words):
        if not (ROOT / name).exists():
            raise Wrong(f"there is no {name}")


class _Parsed(Exception):
    pass


def _check_benchmark(place: str, words: list[str]) -> None:
    """By the program's own parser; its work does not begin."""
    if place.endswith("/NAME.py"):
        return
    if not (ROOT / place).is_file():
        raise Wrong(f"there is no {place}")
    if words and words[-1] == "…":  # which of its parts, the sentence leaves open
        words = [*words[:-1], "--help"]
    parse = argparse.ArgumentParser.parse_args

    def parse_and_end(parser: argparse.ArgumentParser, *given: Any) -> None:
        parse(parser, *given)
        raise _Parsed

    name = Path(place).stem
    folder = str(ROOT / "benchmarks")
    with patch.object(sys, "path", [folder, *sys.path]):
        program = importlib.import_module(name)
    with (
        patch.object(sys, "argv", [place, *words]),
        patch.object(argparse.ArgumentParser, "parse_args", parse_and_end),
        contextlib.suppress(_Parsed),
        _refusals(),
    ):
        program.main()


def _parsed(parser: argparse.ArgumentParser, words: list[str]) -> argparse.Namespace:
    with _refusals():
        return parser.parse_args(words)


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    """What a parser refuses becomes `Wrong`, in its words; `--help` is no refusal."""
    told = io.StringIO()
    try:
        with contextlib.redirect_stderr(told), contextlib.redirect_stdout(io.StringIO()):
            yield
    except SystemExit as end:
        if end.code:
            raise Wrong(told.getvalue().strip().splitlines()[-1]) from None
