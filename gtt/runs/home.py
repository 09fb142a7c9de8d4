"""Where runs and corpora live: `$GTT_HOME`, by default `.gtt` beside the app, or in one's home."""

from __future__ import annotations

import os
import secrets
import tempfile
import time
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from gtt.errors import BadInput
from gtt.runs.limits import is_on_space

CODE = Path(__file__).resolve().parents[2]  # the folder of the app, or of installed packages
PERSISTENT = Path("/data")  # where a Space has storage that outlives a restart, if it has any
# File systems that go with their container or with its memory.
FORGETFUL = frozenset(("overlay", "aufs", "tmpfs", "ramfs"))

# Variables that name a library's cache, and the folder among ours.
CACHES = {
    "HF_DATASETS_CACHE": "datasets",
    "MPLCONFIGDIR": "matplotlib",
    "TORCHINDUCTOR_CACHE_DIR": "inductor",
    "TRITON_CACHE_DIR": "triton",
    "TORCH_EXTENSIONS_DIR": "torch-extensions",
    "CUDA_CACHE_PATH": "cuda",
}


@dataclass(frozen=True)
class Home:
    """The folders GTT writes to, and the one it may find shared texts in."""

    path: Path
    sources: Path | None = None
    received: Path | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Home:
        """Reads `GTT_HOME`, `GTT_SOURCES` and `GRADIO_TEMP_DIR`; an empty value counts as unset."""
        sources, received = environment.get("GTT_SOURCES"), environment.get("GRADIO_TEMP_DIR")
        path = environment.get("GTT_HOME") or default_place(environment)
        return cls(
            path=_named("GTT_HOME", path),
            sources=_named("GTT_SOURCES", sources) if sources else None,
            received=_named("GRADIO_TEMP_DIR", received) if received else None,
        )

    @property
    def cache(self) -> Path:
        """Where Gradio keeps the files that it receives and hands out."""
        return self.received or self.path / "gradio"

    def bytes(self) -> int:
        """What all of it takes on the disk, Gradio's cache included."""
        beside = not self.cache.is_relative_to(self.path)
        return folder_bytes(self.path) + (folder_bytes(self.cache) if beside else 0)

    @property
    def corpora(self) -> Path:
        """Tokenised texts, one folder per fingerprint."""
        return self.path / "corpora"

    @property
    def runs(self) -> Path:
        """Run folders."""
        return self.path / "runs"

    @property
    def workspaces(self) -> Path:
        """Visitors' desks: a draft and the texts they brought."""
        return self.path / "workspaces"

    @property
    def exports(self) -> Path:
        """Files on their way to somebody, for as long as they are made."""
        return self.path / "exports"

    @property
    def caches(self) -> Path:
        """Where libraries keep what they can make again."""
        return self.path / "caches"

    def keep_caches(self, environment: MutableMapping[str, str] = os.environ) -> None:
        """Has the libraries keep their caches here: call it before any of them is loaded.

        In a container the home of the account may be missing, read-only or `/`. What was downloaded
        from the Hub stays where other programs share it, as long as that can be written to; so
        does a login. A place that somebody named stays as well.
        """
        for variable, name in CACHES.items():
            environment.setdefault(variable, str(self.caches / name))
        if not environment.get("HF_HOME"):
            usual = hub_folder(environment)
            if usual is None or not can_be_written(usual):
                environment["HF_HOME"] = str(self.caches / "huggingface")

    def forgets(self, environment: Mapping[str, str] = os.environ) -> bool:
        """Whether this is a Space where the home lies on no volume: a restart empties it."""
        return is_on_space(environment) and not on_volume(self.path, mounted())

    def uploads_of(self, owner: str | None) -> Path | None:
        """Where the texts lie that the owner of a run brought; None for a run of the terminal."""
        return self.workspaces / owner / "uploads" if owner else None

    def new_run(self, name: str) -> Path:
        """A free place for a run. The last part is not to be guessed: it opens the run."""
        plain = "".join(c if c.isascii() and c.isalnum() else "-" for c in name)[:40].strip("-")
        stamp = time.strftime("%Y%m%d-%H%M%S")
        return self.runs / f"{plain or 'run'}-{stamp}-{secrets.token_hex(8)}"


def _named(variable: str, folder: str | Path) -> Path:
    """The folder that a variable names; raises `BadInput` for the home of somebody unknown."""
    try:
        return Path(folder).expanduser().absolute()
    except RuntimeError:
        raise BadInput(
            f"{variable}={folder} begins with a home that this system does not know: name the "
            "folder in full, from / on.",
            field=variable,
        ) from None


def default_place(
    environment: Mapping[str, str], persistent: Path = PERSISTENT, code: Path = CODE
) -> Path:
    """Where the home is unless it is named.

    A Space's persistent storage; else beside the app; `.gtt` in the account's home where GTT is
    an installed package. A Space that may write to none of them, and a user without a home, have
    the system's temporary folder.
    """
    on_space = is_on_space(environment)
    if on_space and persistent.is_dir() and os.access(persistent, os.W_OK):
        return persistent
    account = account_folder(environment)
    place = code / ".gtt" if (code / "app.py").is_file() else account and account / ".gtt"
    if place is None or (on_space and not can_be_written(place)):
        return Path(tempfile.gettempdir()) / "gtt"
    return place


def account_folder(environment: Mapping[str, str]) -> Path | None:
    """The home of the account; None for a user whom the system does not know, as in containers."""
    try:
        return Path(environment.get("HOME") or "~").expanduser()
    except RuntimeError:
        return None


def mounted() -> list[tuple[str, str]]:
    """Where file systems are mounted, and of which kind they are."""
    return [
        (partition.mountpoint, partition.fstype) for partition in psutil.disk_partitions(all=True)
    ]


def on_volume(path: Path, mounts: Iterable[tuple[str, str]]) -> bool:
    """Whether a folder lies on a file system of its own, one that outlives the container."""
    above = [(place, kind) for place, kind in mounts if path.is_relative_to(place)]
    place, kind = max(above, key=lambda mount: len(Path(mount[0]).parts), default=("/", ""))
    return place != "/" and kind not in FORGETFUL


def hub_folder(environment: Mapping[str, str]) -> Path | None:
    """Where the Hub's library keeps downloads and a login unless it is told otherwise."""
    if named := environment.get("XDG_CACHE_HOME"):
        return Path(named) / "huggingface"
    account = account_folder(environment)
    return account and account / ".cache" / "huggingface"


def can_be_written(folder: Path) -> bool:
    """Whether files can be made in a folder, or it can be made itself. Nothing is made."""
    for place in (folder, *folder.parents):
        if place.exists():
            return place.is_dir() and os.access(place, os.W_OK | os.X_OK)
    return False


def folder_bytes(folder: Path) -> int:
    """Bytes of all files below a folder, 0 where there is none; what vanishes is not counted."""
    total, waiting = 0, [folder]
    while waiting:
        try:
            for path in waiting.pop().iterdir():
                if path.is_symlink():
                    continue
                if path.is_dir():
                    waiting.append(path)
                else:
                    total += path.stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            continue
    return total
