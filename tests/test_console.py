"""Consoles of every encoding: what they cannot hold is written in other characters."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from gtt.cli import main
from gtt.config import RunConfig
from gtt.console import json_line, write_anything

ROOT = Path(__file__).resolve().parent.parent
ENCODINGS = ("ascii", "cp1252", "gbk", "utf-16", "utf-8")
TEXT = "Zażółć gęślą jaźń 中文字符 😀 élan — “so” …\n"


class Console(io.TextIOWrapper):
    """A stream of one encoding whose bytes can be looked at."""

    def __init__(self, encoding: str, errors: str = "strict") -> None:
        super().__init__(io.BytesIO(), encoding=encoding, errors=errors, newline="\n")

    def text(self) -> str:
        self.flush()
        assert isinstance(self.buffer, io.BytesIO)
        return self.buffer.getvalue().decode(self.encoding)


def run(monkeypatch: pytest.MonkeyPatch, encoding: str, *arguments: str) -> tuple[int, str, str]:
    """One command on a console of an encoding: its exit code and what it wrote."""
    out, err = Console(encoding), Console(encoding, "backslashreplace")
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", out)
        patched.setattr(sys, "stderr", err)
        code = main(list(arguments))
    return code, out.text(), err.text()


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory, tiny_config: RunConfig) -> Path:
    """A tiny run on a text that no encoding but Unicode's holds."""
    folder = tmp_path_factory.mktemp("console")
    (folder / "text.txt").write_text(TEXT * 300, encoding="utf-8")
    config = tiny_config.updated({"data": {"source": str(folder / "text.txt")}})
    config = config.updated({"generation": {"prompt": "Zażółć 中 😀"}})
    written = {
        "title": "Tiny",
        "summary": "A model of a few thousand weights.",
        "audience": "the tests",
        "config": config.model_dump(mode="json", exclude={"name"}),
        "measured": None,
    }
    (folder / "tiny.yaml").write_text(yaml.safe_dump(written), encoding="utf-8")
    return folder / "tiny.yaml"


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_command_writes_on_a_console_of_any_encoding(
    encoding: str, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GTT_HOME", str(recipe.parent / "home"))

    def gtt(*arguments: str, code: int = 0) -> str:
        ended, out, err = run(monkeypatch, encoding, *arguments)
        assert ended == code, err
        return out or err

    folder = str(tmp_path / "run")
    shown = gtt("train", "--recipe", str(recipe), "--out", folder)
    assert shown.splitlines()[-1] == folder and "sample" in shown
    told = gtt("train", "--recipe", str(recipe), "--json").rstrip("\n").split("\n")
    lines = [json.loads(line) for line in told]
    sampled = next(line for line in lines if line["type"] == "Sampled")
    assert sampled["prompt"] == "Zażółć 中 😀"  # the very same, in escapes where need be
    written = gtt("generate", folder, "--prompt", "jaźń 中", "--max-new-tokens", "8")
    assert written.startswith("jaźń 中" if encoding.startswith("utf") else "ja\\u017a")
    assert json.loads(gtt("evaluate", folder, "--json"))["tokens"] > 0
    for command in ("recipes", "datasets"):
        assert json.loads(gtt(command, "--json"))
        assert gtt(command)
    assert gtt("settings", "training")
    refused = gtt("train", "--recipe", "中", code=2)
    assert ("\\u4e2d" if encoding in ("ascii", "cp1252") else "中") in refused


def test_a_process_is_told_its_encoding_by_its_surroundings(recipe: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gtt", "train", "--recipe", str(recipe)],
        capture_output=True,
        timeout=120,
        cwd=recipe.parent,
        env={
            **os.environ,
            "GTT_HOME": str(recipe.parent / "home"),
            "PYTHONIOENCODING": "cp1252",
            "PYTHONPATH": str(ROOT),
        },
    )
    assert done.returncode == 0 and done.stderr == b"", done.stderr
    assert "\\u017c" in done.stdout.decode("cp1252") and b"\xb7 sample" in done.stdout


def test_our_own_marks_have_plain_forms_and_a_chosen_way_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain, chosen = Console("ascii"), Console("ascii", "ignore")
    monkeypatch.setattr(sys, "stdout", plain)
    monkeypatch.setattr(sys, "stderr", chosen)
    write_anything()
    for stream in (plain, chosen):
        print("GTT · tiny: ready … 3 × 4 – “é” ␇", file=stream)
    assert plain.text() == 'GTT - tiny: ready ... 3 x 4 - "\\xe9" ^G\n'
    assert chosen.text() == "GTT  tiny: ready  3  4   \n"


def test_a_file_name_that_is_no_text_is_written_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    out = Console("utf-8")
    monkeypatch.setattr(sys, "stdout", out)
    write_anything()
    name = os.fsdecode(b"run-\xff\xe9")
    print(name)
    out.flush()
    assert isinstance(out.buffer, io.BytesIO) and out.buffer.getvalue() == b"run-\xff\xe9\n"
    values: Any = {"run_dir": name}
    assert json.loads(json_line(values)) == values and "\\udcff" in json_line(values)
