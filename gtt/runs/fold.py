"""Folding a journal: record by record into the state from which a `RunView` is read."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, get_args

from gtt.runs.curves import Curve, Point, Recent
from gtt.runs.pace import Pace
from gtt.runs.records import Record, measured_in, number, sound, statistics_in, step_in
from gtt.runs.run_view import Checkpoint, Ended, Phase, Preparation, RunView, Sample, Snapshot
from gtt.training.events import MEASURED, METRICS, Reason

CURVES = tuple(name for name, metric in METRICS.items() if metric.curve)

_SETTLED = (
    "total_steps",
    "parameters",
    "vocab_size",
    "tokens_per_step",
    "train_tokens",
    "validation_tokens",
    "bytes_per_token",
    "validation_seen",
    "processes",
)
CHECKPOINTS = 50  # that the view lists; a run folder keeps two of them
SAMPLES = 200  # that are kept; at log-spaced steps no run has as many
SNAPSHOTS = 200  # likewise
SAMPLE = 4000  # characters of one that are kept
MOST_MISSING = 10_000  # records in a row that may be gone; a `seq` further on is none


class Fold:
    """What is known after some records. One record and one view cost the same at any length."""

    def __init__(self) -> None:
        self.seq = 0
        self.lines = 0
        self.damaged: tuple[int, int] | None = None  # how many lines, and the first of them
        self.phase: Phase = "waiting"
        self.preparation: Preparation | None = None
        self.started: dict[str, Any] | None = None
        self.resumes = 0
        self.step = 0
        self.ended: Ended | None = None
        self.started_at: float | None = None
        self.updated_at: float | None = None
        self.curves = {name: Curve() for name in CURVES}
        self.recent = {type_: Recent() for type_ in (*MEASURED, "Sampled")}
        self.recent["CheckpointSaved"] = Recent(CHECKPOINTS)
        self.best: Point | None = None
        self.pace = Pace()
        self.samples: list[Sample] = []
        self.snapshots: list[Snapshot] = []
        self._checkpoints: tuple[Checkpoint, ...] = ()

    def note_damage(self) -> None:
        """Takes in a line that tells nothing."""
        self.lines += 1
        self._mark_damaged()

    def _mark_damaged(self) -> None:
        count, first = self.damaged or (0, self.lines)
        self.damaged = (count + 1, first)

    def apply(self, record: Record) -> bool:
        """Takes in the next record; a type that is not known here is passed over.

        False, and nothing is taken in, where it does not go on from the last.
        """
        if not self.seq < record["seq"] <= self.seq + MOST_MISSING:
            return False
        self.lines += 1
        read, record = record, sound(record)
        if record is not read:
            self._mark_damaged()
        self.seq = record["seq"]
        time = number(record.get("time"))
        self.updated_at = time
        self.started_at = time if self.started_at is None else self.started_at
        fold = {
            "PreparationProgressed": self._prepared,
            "RunStarted": self._run_started,
            "StepLogged": self._step_logged,
            "Evaluated": self._evaluated,
            "Sampled": self._sampled,
            "Snapshotted": self._snapshotted,
            "CheckpointSaved": self._checkpoint_saved,
            "RunEnded": self._run_ended,
        }.get(str(record.get("type")))
        if fold is not None:
            fold(record, step_in(record))
            self.pace.note(record, time or 0.0, step_in(record))
        return True

    def view(self) -> RunView:
        """What the records say."""
        started = self.started or {}
        sampled = self.recent["Sampled"].last
        return RunView(
            seq=self.seq,
            phase=self.phase,
            preparation=self.preparation,
            step=self.step,
            **{name: started.get(name) for name in _SETTLED},
            config=started.get("config"),
            baselines=started.get("baselines"),
            precision=started.get("precision"),
            device=started.get("device"),
            notes=tuple(started.get("notes", ())),
            **self._newest(),
            best_validation_loss=self.best[1] if self.best else None,
            best_step=self.best[0] if self.best else None,
            sample=Sample(**sampled) if sampled else None,
            checkpoints=self._checkpoints,
            ended=self.ended,
            started_at=self.started_at,
            updated_at=self.updated_at,
            eta_seconds=self._eta_seconds(),
            resumes=self.resumes,
            damage=_damage_in_words(self.damaged),
        )

    def as_json(self) -> dict[str, Any]:
        """The state as plain values."""
        return {
            "seq": self.seq,
            "lines": self.lines,
            "damaged": self.damaged,
            "phase": self.phase,
            "preparation": dataclasses.asdict(self.preparation) if self.preparation else None,
            "started": self.started,
            "resumes": self.resumes,
            "step": self.step,
            "ended": dataclasses.asdict(self.ended) if self.ended else None,
            "started_at": self.started_at,
            "updated_at": self.updated_at,
            "curves": {name: curve.as_json() for name, curve in self.curves.items()},
            "recent": {name: recent.as_json() for name, recent in self.recent.items()},
            "best": self.best,
            "pace": self.pace.as_json(),
            "samples": [dataclasses.asdict(sample) for sample in self.samples],
            "snapshots": [dataclasses.asdict(snapshot) for snapshot in self.snapshots],
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Fold:
        """The state that `as_json` described; raises `KeyError`, `TypeError` or `ValueError`."""
        fold = cls()
        for name in (
            "seq",
            "lines",
            "phase",
            "started",
            "resumes",
            "step",
            "started_at",
            "updated_at",
        ):
            setattr(fold, name, values[name])
        fold.damaged = (values["damaged"][0], values["damaged"][1]) if values["damaged"] else None
        preparation, ended, best = values["preparation"], values["ended"], values["best"]
        fold.preparation = Preparation(**preparation) if preparation else None
        fold.ended = Ended(**ended) if ended else None
        fold.best = (int(best[0]), float(best[1])) if best else None
        fold.curves = {name: Curve.from_json(values["curves"][name]) for name in fold.curves}
        fold.recent = {name: Recent.from_json(values["recent"][name]) for name in fold.recent}
        fold.pace = Pace.from_json(values["pace"])
        fold.samples = [Sample(**sample) for sample in values["samples"]]
        fold.snapshots = [Snapshot(**snapshot) for snapshot in values["snapshots"]]
        fold._list_checkpoints()
        return fold

    # One method per type of record.

    def _prepared(self, record: Record, step: int) -> None:
        done, total = number(record.get("done")) or 0, number(record.get("total"))
        self.preparation = Preparation(
            stage=str(record.get("stage", "")),
            done=int(done),
            total=None if total is None else int(total),
            unit=str(record.get("unit", "")),
            fraction=min(1.0, done / total) if total else None,
        )
        self.phase = "preparing"
        self.ended = None  # an ended run that is prepared again goes on

    def _run_started(self, record: Record, step: int) -> None:
        self.resumes += self.started is not None
        baselines, notes = record.get("baselines"), record.get("notes")
        config = record.get("config")
        self.started = {
            **{name: number(record.get(name)) for name in _SETTLED},
            "precision": record.get("precision"),
            "device": record.get("device"),
            "config": config if isinstance(config, dict) else None,
            "baselines": baselines if isinstance(baselines, dict) else None,
            "notes": [str(note) for note in notes] if isinstance(notes, list) else [],
        }
        self.phase, self.preparation, self.ended, self.step = "training", None, None, step
        known = step or -1  # whoever begins again at step 0 looks there once more
        for kept in self._kept():
            kept.truncate(known)
        self.samples = [sample for sample in self.samples if sample.step <= known]
        self.snapshots = [snapshot for snapshot in self.snapshots if snapshot.step <= known]
        self.best = self.curves["validation_loss"].lowest()
        self._list_checkpoints()
        training = (self.started["config"] or {}).get("training")
        every = training.get("eval_every") if isinstance(training, dict) else None
        self.pace.begin(self.updated_at or 0.0, step, every)

    def _step_logged(self, record: Record, step: int) -> None:
        self._measured(record, step)
        self.step = max(self.step, step)

    def _evaluated(self, record: Record, step: int) -> None:
        loss = self._measured(record, step).get("validation_loss")
        if loss is not None and (self.best is None or loss < self.best[1]):
            self.best = (step, loss)
        self.step = max(self.step, step)

    def _sampled(self, record: Record, step: int) -> None:
        prompt, text = str(record.get("prompt", "")), str(record.get("text", ""))
        self.recent["Sampled"].add({"step": step, "prompt": prompt, "text": text})
        self.samples = [*self.samples, Sample(step, prompt[:SAMPLE], text[:SAMPLE])][-SAMPLES:]

    def _snapshotted(self, record: Record, step: int) -> None:
        snapshot = Snapshot(step, str(record.get("path", "")), statistics_in(record))
        self.snapshots = [*self.snapshots, snapshot][-SNAPSHOTS:]
        self._measured(record, step)

    def _checkpoint_saved(self, record: Record, step: int) -> None:
        path, best = str(record.get("path", "")), bool(record.get("best"))
        self.recent["CheckpointSaved"].add({"step": step, "path": path, "best": best})
        self._list_checkpoints()
        for kept in self._kept():
            kept.seal(step)
        self.step = max(self.step, step)

    def _run_ended(self, record: Record, step: int) -> None:
        reason: Reason = record["reason"] if record.get("reason") in get_args(Reason) else "failed"
        self.ended = Ended(
            reason=reason,
            message=str(record.get("message", "")),
            seconds=number(record.get("seconds")),
            step=step,
        )
        self.phase, self.preparation = "ended", None
        self.step = max(self.step, step)

    # What they share.

    def _kept(self) -> list[Curve | Recent]:
        return [*self.curves.values(), *self.recent.values()]

    def _measured(self, record: Record, step: int) -> dict[str, float | None]:
        """Takes in what a record measures; a number that was not finite leaves a gap."""
        measured = measured_in(record)
        for name, value in measured.items():
            if value is not None and name in self.curves:
                self.curves[name].add(step, value)
        self.recent[record["type"]].add({"step": step, **measured})
        return measured

    def _newest(self) -> dict[str, Any]:
        """The newest value of each metric."""
        newest: dict[str, Any] = {}
        for type_, metrics in MEASURED.items():
            last = self.recent[type_].last or {}
            for name, metric in metrics.items():
                newest[name] = self.curves[name].last if metric.sparse else last.get(name)
        return newest

    def _list_checkpoints(self) -> None:
        self._checkpoints = tuple(
            Checkpoint(**item) for item in self.recent["CheckpointSaved"].items
        )

    def _eta_seconds(self) -> float | None:
        started = self.started or {}
        total = started.get("total_steps")
        if self.phase != "training" or total is None:
            return None
        training = (started.get("config") or {}).get("training")
        return self.pace.seconds_left(total, training if isinstance(training, dict) else {})


def _damage_in_words(damaged: tuple[int, int] | None) -> str | None:
    if damaged is None:
        return None
    count, first = damaged
    if count == 1:
        return f"line {first:,} of its journal is damaged"
    return f"{count:,} lines of its journal are damaged, the first is line {first:,}"
