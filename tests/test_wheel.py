"""The wheel, installed elsewhere, is all that training needs.

It builds and installs for real, which takes seconds: a file that is missing shows nowhere else.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from gtt import __version__

ROOT = Path(__file__).resolve().parent.parent
NEEDED = ("pyproject.toml", "setup.py", "README.md", "LICENSE", "requirements.txt")


def pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, since a build leaves folders beside what it builds."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("gtt", "recipes"):
        shutil.copytree(ROOT / name, folder / "source" / name)
    for name in NEEDED:
        shutil.copy(ROOT / name, folder / "source")
    # The tools that build are those of this environment, so that nothing is downloaded.
    offline = ("--no-deps", "--no-build-isolation", "--no-index")
    pip("wheel", *offline, "-w", str(folder), str(folder / "source"))
    (one,) = folder.glob("*.whl")
    return one


def test_every_file_of_the_package_is_in_it_and_its_pins(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        about = message_from_bytes(archive.read(f"gtt-{__version__}.dist-info/METADATA"))
    here = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "gtt").rglob("*")
        if path.is_file()
        and "__pycache__" not in path.parts
        and not path.is_relative_to(ROOT / "gtt" / "web" / "tests")
        and not path.is_relative_to(ROOT / "gtt" / "web" / "types")
    }
    assert len([name for name in here if not name.endswith(".py")]) > 100
    recipes = {f"gtt/recipe_files/{path.name}" for path in (ROOT / "recipes").iterdir()}
    assert recipes and here | recipes <= names
    beside = {name for name in names - here - recipes if ".dist-info/" not in name}
    assert not beside
    assert f"gtt-{__version__}.dist-info/licenses/LICENSE" in names
    lines = (line.partition("#")[0].strip() for line in (ROOT / NEEDED[-1]).read_text().split("\n"))
    pins = {str(Requirement(line)) for line in lines if line}
    assert {str(Requirement(one)) for one in about.get_all("Requires-Dist", [])} == pins


def test_it_trains_quickstart_from_any_folder(wheel: Path, tmp_path: Path) -> None:
    site, anywhere, account = (tmp_path / name for name in ("site", "anywhere", "account"))
    anywhere.mkdir(), account.mkdir()
    pip("install", "-q", "--no-deps", "--no-index", "--target", str(site), str(wheel))
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GTT_")},
        "PYTHONPATH": str(site),
        "HOME": str(account),
        "OMP_NUM_THREADS": "1",
    }

    def gtt(*arguments: str) -> str:
        done = subprocess.run(
            [str(site / "bin" / "gtt"), *arguments],
            cwd=anywhere,
            env=environment,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    assert gtt("--version") == f"gtt {__version__}"
    # As the recipe has it but for its length: less text, and a model that is soon examined.
    changes = ("training.max_steps=3", "training.eval_every=3", "generation.max_new_tokens=5")
    changes += ("data.max_megabytes=0.1", "model.n_layers=1", "model.n_embed=16")
    settings = [part for change in changes for part in ("--set", change)]
    run = Path(gtt("train", "--recipe", "quickstart", *settings).splitlines()[-1])
    assert run.is_relative_to(account / ".gtt" / "runs")
    assert gtt("generate", str(run), "--prompt", "One day", "--max-new-tokens", "5")
    assert list(anywhere.iterdir()) == []
