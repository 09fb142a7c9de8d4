"""The script, run by itself: the losses of its run, step by step, for every kind of model."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from small_models import SHAPES, combinations

from gtt.config import RunConfig
from gtt.data.tales import write_tales
from gtt.errors import BadInput
from gtt.exports.formats import FORMATS
from gtt.exports.making import RunToExport, export
from gtt.exports.script_folder import refusal
from gtt.exports.templates import fill
from gtt.runs.execute import start_run
from gtt.runs.folder import RunFolder
from gtt.runs.home import Home

CLOSE = 1e-5
# What torch and tokenizers need by themselves to be imported.
ALONE = ("torch", "torchgen", "functorch", "tokenizers", "typing_extensions", "filelock", "sympy",
         "mpmath", "networkx", "jinja2", "markupsafe", "fsspec", "setuptools")  # fmt: skip
TRAININGS: list[dict[str, Any]] = [
    {"optimizer": "muon"},
    {"grad_accumulation_steps": 3, "batch_size": 2},
    {"lr_scheduler": "linear", "min_lr_ratio": 0.0},
    {"lr_scheduler": "constant", "warmup_steps": 0, "grad_clip": 0},
    {"max_steps": None, "num_epochs": 1, "batch_size": 32},
    {"optimizer": "muon", "weight_decay": 0.0, "beta1": 0.5, "beta2": 0.9},
]
MODELS: list[dict[str, Any]] = [
    *SHAPES,
    {"dropout": 0.2},
    {"dropout": 0.2, "attention": "separate_heads", "norm_position": "post"},
    {"norm_position": "none", "residual": False},
    {"norm_position": "post", "residual": False, "bias": False, "position": "sinusoidal"},
    *combinations(3, seed=1),
]


def losses_of_run(run: RunFolder) -> list[float]:
    return [record["loss"] for record in run.records() if record["type"] == "StepLogged"]


def losses_in(text: str) -> list[float]:
    return [float(loss) for loss in re.findall(r"(?m)^step \d+ loss (\S+)$", text)]


def trained(config: RunConfig, home: Home) -> RunFolder:
    folder, end = start_run(config, home)
    assert end.reason == "completed"
    return RunFolder(folder)


def script_of(run: RunFolder, home: Home, out: Path) -> Path:
    export(RunToExport(run, None, home.corpora), FORMATS["script"], out)
    return out / "train.py"


def run_here(script: Path, steps: int, capsys: pytest.CaptureFixture[str]) -> list[float]:
    """The losses that a script prints, run in this process."""
    capsys.readouterr()
    runpy.run_path(str(script))["main"](steps)
    return losses_in(capsys.readouterr().out)


@pytest.mark.parametrize(
    "changes",
    [{"model": model} for model in MODELS] + [{"training": training} for training in TRAININGS],
    ids=str,
)
def test_it_prints_the_losses_of_its_run(
    changes: dict[str, Any],
    tiny_config: RunConfig,
    home: Home,
    out: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = trained(tiny_config.updated(changes), home)
    expected = losses_of_run(run)
    script = script_of(run, home, out)
    found = run_here(script, len(expected), capsys)
    assert len(found) == len(expected) >= 10
    torch.testing.assert_close(torch.tensor(found), torch.tensor(expected), atol=CLOSE, rtol=0)
    lines = script.read_text(encoding="utf-8").splitlines()
    assert max(map(len, lines)) <= 100
    assert not re.search(r"(?m)@\w+@|^#[?!.]", script.read_text(encoding="utf-8"))


def test_windows_within_documents(
    tiny_config: RunConfig, home: Home, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = home.path / "documents.txt"
    text.write_text("<|endoftext|>".join(write_tales(20_000, seed=3)), encoding="utf-8")
    changes = {
        "data": {"source": str(text), "tokenizer": "bpe", "vocab_size": 300},
        "training": {"cross_documents": False},
    }
    run = trained(tiny_config.updated(changes), home)
    found = run_here(script_of(run, home, out), 10, capsys)
    expected = losses_of_run(run)
    torch.testing.assert_close(torch.tensor(found), torch.tensor(expected), atol=CLOSE, rtol=0)


def test_fifty_steps_where_torch_and_tokenizers_are_alone(
    tiny_config: RunConfig, home: Home, out: Path, tmp_path: Path
) -> None:
    """Not even NumPy is there. The shape is that of `quickstart`, narrower."""
    changes: dict[str, Any] = {
        "data": {"tokenizer": "bpe", "vocab_size": 400},
        "model": {"n_layers": 2, "n_heads": 4, "n_embed": 64, "block_size": 64, "bias": False},
        "training": {"max_steps": 50, "optimizer": "muon", "learning_rate": 8e-3, "batch_size": 8},
    }
    run = trained(tiny_config.updated(changes), home)
    script = script_of(run, home, out / "deeper")
    packages = tmp_path / "packages"
    packages.mkdir()
    for name in ALONE:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            continue
        place = Path(spec.origin)
        place = place.parent if place.name == "__init__.py" else place
        (packages / place.name).symlink_to(place)
    program = (
        "import importlib.util, runpy, sys; packages, script = sys.argv[1:];"
        "sys.path.append(packages); assert importlib.util.find_spec('numpy') is None;"
        "sys.argv = [script]; runpy.run_path(script, run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program, packages, script],
        capture_output=True,
        text=True,
        check=True,
    )
    found, expected = losses_in(done.stdout), losses_of_run(run)
    assert len(found) == 50
    torch.testing.assert_close(torch.tensor(found), torch.tensor(expected), atol=CLOSE, rtol=0)


def test_a_console_without_the_letters_of_the_text_ends_nothing(
    tiny_config: RunConfig, home: Home, out: Path, tmp_path: Path
) -> None:
    text = tmp_path / "text.txt"
    text.write_text("你好 ♥ naïve. " * 2000, encoding="utf-8")
    changes = {"data": {"source": str(text)}, "training": {"max_steps": 12}}
    script = script_of(trained(tiny_config.updated(changes), home), home, out)
    done = subprocess.run(
        [sys.executable, str(script), "2"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert done.returncode == 0, done.stderr
    assert len(losses_in(done.stdout)) == 2 and "\\u" in done.stdout


def test_it_imports_torch_and_tokenizers_and_nothing_else(
    characters: RunToExport, home: Home, out: Path
) -> None:
    script = script_of(characters.run, home, out)
    found = set()
    for node in ast.walk(ast.parse(script.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name.split(".")[0] for name in node.names}
        if isinstance(node, ast.ImportFrom):
            found.add(str(node.module).split(".")[0])
    assert found - set(sys.stdlib_module_names) == {"torch", "tokenizers"}
    assert sorted(path.name for path in script.parent.iterdir()) == [
        "tokenizer.json", "train.py", "train.txt", "windows.txt"]  # fmt: skip


def test_a_name_that_means_harm_stays_a_name(taken: RunToExport, home: Home, out: Path) -> None:
    for number, name in enumerate(('"""; raise SystemExit(1) #', "\\", "@seed@", '"', "#.")):
        config = taken.run.config().updated({"name": name})
        folder = out / str(number)
        run = RunFolder(taken.run.path)
        values = {"config": lambda self, config=config: config}
        changed = type("Named", (RunFolder,), values)(run.path)
        tree = ast.parse(script_of(changed, home, folder).read_text(encoding="utf-8"))
        assert "a small GPT" in str(ast.get_docstring(tree))


def test_what_it_cannot_be_is_refused(
    tiny_config: RunConfig, characters: RunToExport, home: Home, out: Path, tmp_path: Path
) -> None:
    assert refusal(tiny_config, {"processes": 1, "precision": "bf16"}) is None
    assert "2 processes" in str(refusal(tiny_config, {"processes": 2}))
    assert "scaled gradients" in str(refusal(tiny_config, {"precision": "fp16"}))
    strange = tiny_config.model.model_copy(update={"activation": "tanh"})
    other = tiny_config.model_copy(update={"model": strange})
    assert "model.activation 'tanh'" in str(refusal(other, {}))
    gone = RunToExport(characters.run, None, tmp_path / "nowhere")
    with pytest.raises(BadInput, match="text of this run is not kept"):
        export(gone, FORMATS["script"], out)
    assert not out.exists()


def test_a_template_is_filled() -> None:
    template = "a\n#? x > 1\nb @x@\n#? y\nc\n#!\nd\n#.\n#!\ne\n#.\nf\n"
    assert fill(template, {"x": 2, "y": False}) == "a\nb 2\nd\nf\n"
    assert fill(template, {"x": 1, "y": True}) == "a\ne\nf\n"
