"""The facts of a model card, gathered from the run's folder; what was not measured is None."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gtt.config import RunConfig
from gtt.data.corpus import parts_of
from gtt.data.tokenizers import Tokenizer
from gtt.errors import UnusableRun
from gtt.hub.text_origin import Origin, origin_of
from gtt.interpret.copying import Copies, find_copies
from gtt.plain_files import open_plain, read_plain_text
from gtt.runs.folder import RunFolder
from gtt.runs.managed_run import ManagedRun
from gtt.runs.records import Record, read_record, sound
from gtt.runs.run_view import Sample

COPY_SECONDS = 20.0  # that the training text is looked through at most
COPY_PIECE = 1 << 16  # tokens at once
COMPARED = 2000  # words of the validation part that the samples are compared with
# Nobody measures the energy of a run here. What a computer at work draws, in watts: a laptop some
# 15 to 60, a desktop or a share of a server more; a GPU of a data centre up to 700.
WATTS_COMPUTER, WATTS_GPU = 50, 300


@dataclass(frozen=True)
class Story:
    """A run up to one of its checkpoints. Losses in nats per token, times in seconds."""

    name: str
    config: RunConfig
    origin: Origin
    step: int
    created: str
    versions: dict[str, str]
    own_code: bool
    vocab_size: int
    parameters: int | None
    train_tokens: int | None
    validation_tokens: int | None
    bytes_per_token: float | None
    total_steps: int | None
    baselines: dict[str, float | None]
    device: str | None
    precision: str | None
    processes: int
    seconds: float | None
    tokens_seen: int | None
    training_loss: float | None
    measured_at: int | None
    validation_loss: float | None
    perplexity: float | None
    bits_per_byte: float | None
    task_score: float | None
    validation_seen: float | None
    curve: tuple[tuple[int, float], ...]
    validation_curve: tuple[tuple[int, float], ...]
    samples: tuple[Sample, ...]
    copies: Copies | None
    copies_whole: bool

    @property
    def watts(self) -> int:
        """Electric power that the machine is assumed to draw, in watts."""
        is_gpu = (self.device or "cpu").startswith(("cuda", "hip", "xpu"))
        return WATTS_COMPUTER + (WATTS_GPU * self.processes if is_gpu else 0)

    @property
    def watt_hours(self) -> float | None:
        return None if self.seconds is None else self.watts * self.seconds / 3600


def gather(run_folder: Path, checkpoint: Path, corpora: Path) -> Story:
    """The story of a checkpoint; raises `UnusableRun` where it cannot be read."""
    run = ManagedRun.open(run_folder)
    about = _read_json(checkpoint / "gtt.json")
    shape = _read_json(checkpoint / "config.json")
    step = int(about["step"])
    facts = _FactsUpToStep(step)
    with open_plain(run.folder.journal) as file:
        for line in file:
            record = read_record(line)
            if record is not None:
                facts.take(sound(record))
    started = facts.started
    config = _config(about, run)
    tokenizer = Tokenizer.load(checkpoint)
    copies, whole = _copies(facts.samples[-1:], corpora, about, tokenizer)
    measured_at = about.get("measured_at_step")
    evaluated = facts.evaluated.get(measured_at if isinstance(measured_at, int) else -1, {})
    return Story(
        name=run.name,
        config=config,
        origin=origin_of(config.data.source, run.text),
        step=step,
        created=run.created,
        versions=_versions(run.folder),
        own_code="auto_map" in shape,
        vocab_size=int(about["vocab_size"]),
        parameters=started.get("parameters"),
        train_tokens=started.get("train_tokens"),
        validation_tokens=started.get("validation_tokens"),
        bytes_per_token=started.get("bytes_per_token"),
        total_steps=started.get("total_steps"),
        baselines=dict(started.get("baselines") or {}),
        device=started.get("device"),
        precision=started.get("precision"),
        processes=int(started.get("processes") or 1),
        seconds=facts.logged.get("seconds"),
        tokens_seen=facts.logged.get("tokens"),
        training_loss=facts.logged.get("loss"),
        measured_at=measured_at if isinstance(measured_at, int) else None,
        validation_loss=evaluated.get("validation_loss", about.get("validation_loss")),
        perplexity=evaluated.get("perplexity"),
        bits_per_byte=evaluated.get("bits_per_byte"),
        task_score=evaluated.get("task_score"),
        validation_seen=started.get("validation_seen"),
        curve=tuple(facts.losses.items()),
        validation_curve=tuple(
            (at, float(evaluation["validation_loss"]))
            for at, evaluation in facts.evaluated.items()
            if isinstance(evaluation.get("validation_loss"), (int, float))
        ),
        samples=tuple(facts.samples),
        copies=copies,
        copies_whole=whole,
    )


class _FactsUpToStep:
    """The facts of a journal up to a step; what a resumed run repeats replaces the first time."""

    def __init__(self, step: int) -> None:
        self.step = step
        self.started: Record = {}
        self.logged: Record = {}
        self.losses: dict[int, float] = {}
        self.evaluated: dict[int, Record] = {}
        self.samples: list[Sample] = []

    def take(self, record: Record) -> None:
        at, kind = record.get("step"), record.get("type")
        if not isinstance(at, int) or at > self.step:
            return
        if kind == "RunStarted":
            self.started = record
            self.losses = {step: loss for step, loss in self.losses.items() if step <= at}
            self.evaluated = {step: row for step, row in self.evaluated.items() if step <= at}
            self.samples = [sample for sample in self.samples if sample.step <= at]
        elif kind == "StepLogged" and isinstance(record.get("loss"), (int, float)):
            self.logged = record
            self.losses[at] = float(record["loss"])
        elif kind == "Evaluated":
            self.evaluated[at] = record
        elif kind == "Sampled":
            self.samples.append(
                Sample(at, str(record.get("prompt") or ""), str(record.get("text") or ""))
            )


def _copies(
    samples: list[Sample], corpora: Path, about: Record, tokenizer: Tokenizer
) -> tuple[Copies | None, bool]:
    """The passages of the last sample that stand in the training text, and whether all of that text
    was searched."""
    parts = parts_of(corpora, str(about.get("fingerprint")))
    if parts is None or not samples:
        return None, True
    train, validation = parts
    whole, deadline = True, time.monotonic() + COPY_SECONDS

    def in_time() -> Iterator[str]:
        nonlocal whole
        for piece in tokenizer.decode_in_pieces(train, COPY_PIECE):
            if time.monotonic() > deadline:
                whole = False
                return
            yield piece

    compared = ""
    for piece in tokenizer.decode_in_pieces(validation, COPY_PIECE):
        compared += piece
        if len(compared) > 8 * COMPARED:
            break
    text = " ".join(compared.split()[:COMPARED])
    looking = find_copies(samples[0].text, in_time(), text)
    while True:
        try:
            next(looking)
        except StopIteration as end:
            copies: Copies = end.value
            return copies, whole


def _config(about: Record, run: ManagedRun) -> RunConfig:
    """The settings as the checkpoint has them, else those of the run."""
    config = about.get("config")
    return RunConfig.parse(config) if isinstance(config, dict) else run.config


def _versions(folder: RunFolder) -> dict[str, str]:
    try:
        values = folder.about().get("versions")
    except UnusableRun:
        return {}
    return {str(k): str(v) for k, v in values.items()} if isinstance(values, dict) else {}


def _read_json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(read_plain_text(path))
        return dict(values)
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise UnusableRun(f"{path.name} of the checkpoint cannot be read ({error}).") from None
