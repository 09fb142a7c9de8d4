"""What is known, before a run, of the machine that will train it and of its text."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from typing import Any

import psutil

from gtt.api.service import Caller
from gtt.config import DataConfig
from gtt.plain_files import read_plain_text
from gtt.recipes import Recipe
from gtt.runs import calibration
from gtt.runs.estimates import Machine, TrainedRun, estimate
from gtt.runs.limits import expected_vocabulary
from gtt.runs.managed import ManagedRun
from gtt.runs.processes import gpu_count

LOOKED_AT = 20  # runs, the newest, whose speed is looked at
CORPORA = 500  # likewise
FEWEST_POINTS = 2  # of the speed of a run; the first holds what every start waits for
FLAGS = ("avx512_bf16", "amx_bf16")  # of a processor that multiplies bf16 in hardware


@dataclass(frozen=True)
class Text:
    """What the text of a run will be in tokens; `assumed` where only the settings tell."""

    vocab_size: int
    assumed: bool
    train_tokens: int | None


def text_of(config: DataConfig, corpora: Path) -> Text:
    """The text of these settings: as it was prepared, or what can be said without reading it."""
    record = _prepared(config, corpora)
    if record is not None:
        return Text(record["vocab_size"], False, record["train_tokens"])
    return Text(*expected_vocabulary(config), None)


def machine_of(caller: Caller, threads: int) -> Machine:
    """This machine: its calibration, if there is one, and how fast the caller's runs went."""
    kept = calibration.load(caller.service.home.path, threads)
    runs = [run for run in map(_trained, caller.runs()[:LOOKED_AT]) if run is not None]
    if gpu_count():
        auto = next((run.precision for run in runs if run.device == "cuda"), "bf16")
        return Machine("cuda", auto, 0, None, runs)
    auto = kept.auto if kept is not None else _auto_precision()
    return Machine("cpu", auto, int(psutil.virtual_memory().total), kept, runs)


def seconds_of(recipe: Recipe, machine: Machine, corpora: Path) -> float | None:
    """How long a recipe takes on a machine, None where too little of that was measured.

    What it took elsewhere is scaled by how fast its steps would be here. A run alone, perhaps on a
    busy machine, is no measure for all recipes: the processor has to be measured.
    """
    if machine.device == "cpu" and machine.calibration is None:
        return None
    text = text_of(recipe.config.data, corpora)
    told = estimate(recipe.config, text.vocab_size, text.train_tokens, machine)
    if told.tokens_per_second is None or recipe.measured is None:
        return told.seconds
    done = recipe.measured
    return done.seconds * done.tokens_per_second / told.tokens_per_second


def _trained(run: ManagedRun) -> TrainedRun | None:
    """How fast a run of one process went where nothing held it up, None where that is not known."""
    view = run.view()
    speeds = [value for _, value in run.reader.curve("tokens_per_second", 50) if value > 0]
    if len(speeds) < FEWEST_POINTS or view.processes not in (None, 1):
        return None
    if view.vocab_size is None or view.precision is None or view.started_at is None:
        return None
    return TrainedRun(
        config=run.config,
        vocab_size=view.vocab_size,
        precision=view.precision,
        device=(view.device or "cpu").partition(":")[0],
        tokens_per_second=quantiles(speeds[1:], n=4)[2] if len(speeds) > 2 else speeds[-1],
        day=calibration.day_of(view.updated_at or view.started_at),
    )


def _prepared(config: DataConfig, corpora: Path) -> dict[str, Any] | None:
    """The record of a corpus that was made with the same settings, if there is one."""
    wanted = _decisive(config.model_dump(mode="json"))
    try:
        folders = sorted(corpora.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    except OSError:
        return None
    for folder in folders[:CORPORA]:
        try:
            record = json.loads(read_plain_text(folder / "corpus.json"))
            if _decisive(record["settings"]) == wanted:
                counts = {key: int(record[key]) for key in ("vocab_size", "train_tokens")}
                return counts if min(counts.values()) > 0 else None
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            continue
    return None


def _decisive(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings of a text without those that do not matter for its tokenizer."""
    kept = dict(settings)
    if kept.get("tokenizer") != "bpe":
        kept.pop("vocab_size", None)
    if kept.get("tokenizer") != "pretrained":
        kept.pop("pretrained_tokenizer", None)
    return kept


def _auto_precision() -> str:
    """What `auto` will stand for on this processor, before a process with torch has told."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:  # not Linux
        return "fp32"
    return "bf16" if any(flag in flags for flag in FLAGS) else "fp32"
