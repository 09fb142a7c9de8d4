"""`gtt.json` of a checkpoint without what is private."""

from __future__ import annotations

import json
from pathlib import Path

from gtt.config import DataConfig
from gtt.data.public_settings import without_paths
from gtt.errors import UnusableRun
from gtt.plain_files import read_plain_text

ABOUT = "gtt.json"  # every setting of the run, and how far it had come


def about_without_paths(checkpoint: Path) -> str:
    """The text of `gtt.json` without paths of this computer; raises OSError where it is missing.

    Raises `UnusableRun` where it cannot be read.
    """
    try:
        about = dict(json.loads(read_plain_text(checkpoint / ABOUT)))
        config = about.pop("config", None)
        if isinstance(config, dict):
            data = DataConfig.model_validate(config["data"])
            about["config"] = {**config, "data": without_paths(data).model_dump(mode="json")}
    except (ValueError, TypeError, KeyError, RecursionError):
        raise UnusableRun(f"{ABOUT} of the checkpoint {checkpoint.name} cannot be read.") from None
    return json.dumps(about, indent=2, ensure_ascii=False) + "\n"
