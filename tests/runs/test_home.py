"""The home: where libraries keep their caches, whatever the account's own home allows."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from thorough import THOROUGH

from gtt.errors import BadInput
from gtt.runs.home import CACHES, Home, can_be_written, default_place, hub_folder, on_volume

ROOT = Path(__file__).resolve().parents[2]


def test_caches_lie_in_the_home_and_named_places_stay(tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path), "MPLCONFIGDIR": "/elsewhere"}
    Home(tmp_path / "gtt").keep_caches(environment)
    assert environment.pop("MPLCONFIGDIR") == "/elsewhere"
    for variable in set(CACHES) - {"MPLCONFIGDIR"}:
        assert Path(environment[variable]).is_relative_to(tmp_path / "gtt" / "caches")
    assert "HF_HOME" not in environment  # what was downloaded and a login are there already
    assert not list(tmp_path.iterdir())  # nothing is made before it is needed


def test_the_hub_moves_in_where_the_account_has_no_place_for_it(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    nowhere = str(tmp_path / "file" / "home")  # also for root, who may write nearly anywhere
    environment = {"HOME": nowhere}
    Home(tmp_path).keep_caches(environment)
    assert environment["HF_HOME"] == str(tmp_path / "caches" / "huggingface")
    kept = {"HOME": nowhere, "HF_HOME": "/named"}
    Home(tmp_path).keep_caches(kept)
    assert kept["HF_HOME"] == "/named"
    assert hub_folder({"XDG_CACHE_HOME": "/x", "HOME": "/y"}) == Path("/x/huggingface")
    assert hub_folder({"HOME": "/y"}) == Path("/y/.cache/huggingface")


def test_what_can_be_written_is_told_without_writing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert can_be_written(tmp_path / "a" / "b") and not (tmp_path / "a").exists()
    assert not can_be_written(tmp_path / "file" / "a")
    assert not can_be_written(tmp_path / "file")


@pytest.mark.parametrize("kind", ["txt", "csv"] if THOROUGH else ["csv"])
def test_a_file_is_read_where_the_account_has_no_home(kind: str, tmp_path: Path) -> None:
    line = "the quick brown fox jumps over the lazy dog"
    text = {"txt": f"{line}\n" * 300, "csv": "text\n" + f"{line}\n" * 300}[kind]
    (tmp_path / f"fox.{kind}").write_text(text, encoding="utf-8")
    tiny = ("model.n_layers=1", "model.n_embed=16", "model.n_heads=2", "training.max_steps=1")
    changes = [part for one in (*tiny, "data.tokenizer=char") for part in ("--set", one)]
    (tmp_path / "file").touch()
    done = subprocess.run(
        [sys.executable, "-m", "gtt", "train", "--data", f"fox.{kind}", *changes],
        cwd=tmp_path,
        env={
            **{name: value for name, value in os.environ.items() if name not in CACHES},
            "GTT_HOME": str(tmp_path / "home"),
            "HOME": str(tmp_path / "file" / "home"),
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": str(ROOT),
        },
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert ".cache" not in done.stdout + done.stderr
    assert {path.name for path in (tmp_path / "home").iterdir()} == {"caches", "corpora", "runs"}


SPACE = {"SPACE_ID": "gtt/gtt"}


def test_a_user_whom_the_system_does_not_know_has_a_home_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a container that runs under a number without an account, and without HOME."""

    def unknown(_: int) -> None:
        raise KeyError

    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pwd.getpwuid", unknown)
    assert default_place({}, tmp_path, code=tmp_path) == Path(tempfile.gettempdir()) / "gtt"
    assert default_place({}, tmp_path, code=ROOT) == ROOT / ".gtt"
    environment: dict[str, str] = {}
    Home.from_environment({"GTT_HOME": str(tmp_path)}).keep_caches(environment)
    assert environment["HF_HOME"] == str(tmp_path / "caches" / "huggingface")
    with pytest.raises(BadInput, match="GTT_HOME=~/gtt begins with a home"):
        Home.from_environment({"GTT_HOME": "~/gtt"})


def test_the_home_is_beside_the_app_or_in_the_account_of_whoever_installed_it(
    tmp_path: Path,
) -> None:
    account = {"HOME": str(tmp_path / "account")}
    assert default_place(account, tmp_path, code=ROOT) == ROOT / ".gtt"
    assert default_place(account, tmp_path, code=tmp_path) == tmp_path / "account" / ".gtt"


def test_the_home_of_a_space_is_its_volume_or_wherever_it_may_write(tmp_path: Path) -> None:
    nowhere = tmp_path / "file"
    nowhere.touch()
    (nowhere_app := tmp_path / "app").mkdir()
    (nowhere_app / "app.py").touch()
    assert default_place(SPACE, tmp_path, code=nowhere) == tmp_path
    assert default_place(SPACE, tmp_path / "none", code=nowhere_app) == nowhere_app / ".gtt"
    account = {**SPACE, "HOME": str(nowhere / "account")}
    place = default_place(account, tmp_path / "none", code=tmp_path / "package")
    assert place == Path(tempfile.gettempdir()) / "gtt"


@pytest.mark.parametrize(
    ("mounts", "kept"),
    [
        ([("/", "overlay")], False),
        ([("/", "ext4")], False),  # the disk of the Space itself
        ([("/", "overlay"), ("/data", "fuse")], True),
        ([("/", "overlay"), ("/database", "ext4")], False),
        ([("/data", "ext4"), ("/data/gtt", "tmpfs")], False),
        ([("/data", "tmpfs"), ("/data/gtt", "nfs4")], True),
        ([], False),
    ],
)
def test_a_disk_forgets_unless_a_volume_is_mounted(
    mounts: list[tuple[str, str]], kept: bool
) -> None:
    assert on_volume(Path("/data/gtt/home"), mounts) == kept


def test_only_a_space_says_that_it_forgets(tmp_path: Path) -> None:
    assert not Home(tmp_path).forgets({})
    if sys.platform == "linux":  # where this is a file system of its own, as a volume is
        assert not Home(Path("/proc/gtt")).forgets(SPACE)
