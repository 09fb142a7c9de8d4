"""Does the diagnosis say what is wrong? Some hundred short runs whose truth is known, judged.

    python benchmarks/diagnosis.py FOLDER
    python benchmarks/diagnosis.py FOLDER --judge-only

Trains each run of the bank (`diagnosis_bank.py`) whose journal is not in FOLDER yet, one after the
other in this process, and judges them all from their journals. Prints what was done to a run
against what was found, then every run that was judged wrongly.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import here  # noqa: F401 - before gtt, which it makes known
import torch
from diagnosis_bank import Case, bank, write_texts

from gtt.config import RunConfig
from gtt.data.corpus import build_corpus
from gtt.interpret.diagnosis import diagnose
from gtt.interpret.findings import Finding
from gtt.interpret.measurements import Measurements
from gtt.interpret.trends import Series
from gtt.runs.journal import Journal
from gtt.runs.run_reader import RunReader
from gtt.training.events import StepFinished
from gtt.training.trainer import Trainer

HARM = 0.10  # of the loss of the sound run beside it: from here on a run counts as broken
NO_HARM = 0.03  # up to here as sound, whatever was done to it; in between as slightly harmed
RIGHT = {
    "rate too high": ("learning_rate_too_high", "diverged"),
    "rate too low": ("learning_rate_too_low",),
    "architecture": ("architecture",),
    "dropout too high": ("dropout_too_high",),
    "known by heart": ("overfitting", "memorising"),
    "text repeated": ("text_repeated",),
    "no order": ("no_order",),
    "parts unlike": ("parts_unlike",),
}
OF_TEXTS = ("known by heart", "text repeated", "no order", "parts unlike")


def main() -> None:
    """Trains what is missing, then judges."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path, help="where texts and journals are kept")
    parser.add_argument("--judge-only", action="store_true", help="train nothing")
    parser.add_argument("--minutes", type=float, default=25, help="start no run after so long")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    if not options.judge_only:
        torch.set_num_threads(options.threads)
        write_texts(options.folder / "texts")
        began = time.monotonic()
        for case in bank():
            if time.monotonic() - began > 60 * options.minutes:
                break
            train(case, options.folder)
        print(f"{(time.monotonic() - began) / 60:5.1f} minutes for all that was missing")
    judged = judge(options.folder)
    for held_out in (False, True):
        show([one for one in judged if one.case.held_out is held_out], held_out)


@dataclass(frozen=True)
class Judged:
    """A run with its truth and what was said of it."""

    case: Case
    truth: str
    findings: list[Finding]
    run: Measurements

    @property
    def named(self) -> str:
        return self.findings[0].kind

    @property
    def is_praised(self) -> bool:
        return any(one.weight == "good" for one in self.findings)

    @property
    def is_right(self) -> bool:
        if self.truth == "sound":
            return all(one.weight != "warning" for one in self.findings)
        if self.truth.startswith("slightly"):
            return True
        return self.named in RIGHT[self.truth]

    def wrong_praise(self) -> str:
        """Why a run that was praised must not be; empty where it may or was not."""
        if not self.is_praised:
            return ""
        whole, seen = Series.of(self.run.loss), Series.of(self.run.validation_loss)
        bigram = self.run.baseline("bigram")
        last = max(self.run.train_level, float(seen.values[-1]))
        if bigram is not None and last > bigram:
            return "above its bigram line"
        if last > float(whole.values[0]):
            return "above its start"
        tenth = max(1, len(whole) // 10)
        lowest = min(whole.values[i : i + tenth].mean() for i in range(len(whole) - tenth + 1))
        if whole.values[-tenth:].mean() > 1.03 * lowest or seen.values[-1] > 1.02 * min(
            seen.values
        ):
            return "rising"
        return ""


def judge(folder: Path) -> list[Judged]:
    """The runs whose journals are in the folder."""
    runs = {}
    for case in bank():
        place = place_of(case, folder)
        if (place / "config.json").exists():
            config = RunConfig.parse(json.loads((place / "config.json").read_text()))
            runs[case.name] = case, Measurements.of(config, RunReader(place), at_work=False)
    return [
        Judged(case, truth_of(case, run, runs.get(case.reference or "")), diagnose(run), run)
        for case, run in runs.values()
    ]


def truth_of(case: Case, run: Measurements, beside: tuple[Case, Measurements] | None) -> str:
    """What was done to a run, as far as it did harm."""
    if case.family in OF_TEXTS or beside is None or run.ended == "diverged":
        return case.family
    harm = end_of(run) / end_of(beside[1]) - 1
    if case.family == "sound" or harm <= NO_HARM:
        return "sound"
    return case.family if harm >= HARM else f"slightly {case.family}"


def end_of(run: Measurements) -> float:
    return float(Series.of(run.validation_loss).values[-1])


def show(judged: list[Judged], held_out: bool) -> None:
    """The table of truths and findings, what was missed, and what the requirements come to."""
    kinds = sorted({one.named for one in judged})
    print(f"\n### {'Held out' if held_out else 'Looked at while thresholds were set'}\n")
    print(f"| what was done | runs | {' | '.join(kinds)} | right |")
    print(f"| --- | --- | {' | '.join(['---'] * len(kinds))} | --- |")
    for truth in sorted({one.truth for one in judged}):
        those = [one for one in judged if one.truth == truth]
        counts = Counter(one.named for one in those)
        cells = [str(counts[kind] or "") for kind in kinds]
        right = sum(one.is_right for one in those)
        print(f"| {truth} | {len(those)} | {' | '.join(cells)} | {right} |")
    broken = [one for one in judged if one.truth in RIGHT]
    sound = [one for one in judged if one.truth == "sound"]
    print(f"\nbroken ones named with the right family: {share(broken)}")
    print(f"sound ones without a warning: {share(sound)}")
    print(f"sound ones praised: {sum(one.is_praised for one in sound)} of {len(sound)}")
    for one in judged:
        if why := one.wrong_praise():
            print(f"PRAISED although {why}: {one.case.name}")
    for one in judged:
        if not one.is_right:
            print(f"  {one.case.name}: {one.truth}, found {[each.kind for each in one.findings]}")


def share(judged: list[Judged]) -> str:
    right = sum(one.is_right for one in judged)
    return f"{right} of {len(judged)} ({right / max(1, len(judged)):.0%})"


def place_of(case: Case, folder: Path) -> Path:
    return folder / "runs" / case.name.replace(",", "").replace(":", "").replace(" ", "-")


def train(case: Case, folder: Path) -> None:
    """One run; what is kept of it is its journal and its settings."""
    place = place_of(case, folder)
    if (place / "config.json").exists():
        return
    began = time.monotonic()
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    config = case.config(folder / "texts")
    corpus = build_corpus(config.data, folder / "corpora")
    with Journal(place / "journal.jsonl") as journal:
        trainer = Trainer(config, corpus, place)
        for event in trainer.run():
            if not isinstance(event, StepFinished):
                journal.append(event)
        trainer.close()
    for rest in place.iterdir():
        if rest.name != "journal.jsonl":
            shutil.rmtree(rest) if rest.is_dir() else rest.unlink()
    (place / "config.json").write_text(json.dumps(config.model_dump(mode="json")))
    print(f"{time.monotonic() - began:6.1f} s  {case.name}", flush=True)


if __name__ == "__main__":
    main()
