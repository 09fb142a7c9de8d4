"""Fetches journal and checkpoints of a job from its repository into the run's folder."""

from __future__ import annotations

import dataclasses
import re
import shutil
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi

from gtt.atomic_files import write_folder, write_text
from gtt.config import RunConfig
from gtt.runs.folder import RunFolder
from gtt.runs.hub_job import JobFolder
from gtt.runs.journal import read_journal
from gtt.runs.records import Record, sound
from gtt.training.checkpoints import resume_part
from gtt.training.events import EVENTS, Event

# The repository is the person's own, and still no name in it leads out of the run's folder.
_PLAIN = r"[A-Za-z0-9_-][A-Za-z0-9._-]*"
_SNAPSHOT = re.compile(rf"run/(snapshots/{_PLAIN}\.safetensors)")
_CHECKPOINT = re.compile(rf"run/checkpoints/(step-\d{{8}})(\.resume)?/({_PLAIN})")
_JOURNAL, _MARKS = "run/journal.jsonl", ("latest", "best")


class Arrivals:
    """Fetches the files that the run's folder does not have yet."""

    def __init__(self, api: HfApi, repo: str, run: RunFolder) -> None:
        self.api, self.repo, self.run = api, repo, run
        self.place = JobFolder(run.path).arriving

    def fetch(self) -> list[Record]:
        """Brings everything up to date and returns the journal as it stands there.

        Raises what the Hub or the disk refuses. A checkpoint is here whole or not at all, and is
        marked as the newest or the best after that.
        """
        info = self.api.model_info(self.repo)
        names = [file.rfilename for file in info.siblings or []]
        if _JOURNAL not in names:
            return []
        try:
            for match in filter(None, map(_SNAPSHOT.fullmatch, names)):
                if not (self.run.path / match[1]).exists():
                    (self.run.path / match[1]).parent.mkdir(exist_ok=True)
                    self._get(match[0], info.sha).replace(self.run.path / match[1])
            self._fetch_checkpoints(names, info.sha)
            return list(read_journal(self._get(_JOURNAL, info.sha)))
        finally:
            shutil.rmtree(self.place, ignore_errors=True)

    def _fetch_checkpoints(self, names: list[str], sha: str | None) -> None:
        matches = [match for match in map(_CHECKPOINT.fullmatch, names) if match]
        folder = self.run.checkpoints.folder
        checkpoint_names = {match[1] for match in matches}
        for step in sorted(checkpoint_names):
            place = folder / step
            for part, is_resume in ((resume_part(place), True), (place, False)):
                files = {m[3]: m[0] for m in matches if m[1] == step and bool(m[2]) is is_resume}
                if files and not part.exists():
                    got = {name: self._get(path, sha) for name, path in files.items()}
                    write_folder(part, lambda into, got=got: _move(got, into))  # type: ignore[misc]
        for mark in _MARKS:
            if f"run/{mark}" in names:
                name = self._get(f"run/{mark}", sha).read_text(encoding="utf-8").strip()
                if name in checkpoint_names:
                    write_text(self.run.path / mark, name + "\n")
        for old in self.run.checkpoints.all():  # as the training itself thins them
            if checkpoint_names and old.name not in checkpoint_names:
                shutil.rmtree(old, ignore_errors=True)
                shutil.rmtree(resume_part(old), ignore_errors=True)

    def _get(self, name: str, sha: str | None) -> Path:
        return Path(
            self.api.hf_hub_download(self.repo, name, revision=sha, local_dir=str(self.place))
        )


def event_of(record: Record, config: RunConfig) -> Event | None:
    """The event of a record; the settings are those of here, whose paths mean something."""
    kind = EVENTS.get(str(record.get("type")))
    if kind is None or sound(record) is not record:
        return None
    values: dict[str, Any] = {
        field.name: record[field.name] for field in dataclasses.fields(kind) if field.name in record
    }
    if record["type"] == "RunStarted":
        data = config.data.model_dump(mode="json")
        values["config"] = {**values["config"], "data": data}
    try:
        return kind(**values)
    except TypeError:  # a field is missing
        return None


def _move(files: dict[str, Path], into: Path) -> None:
    for name, path in files.items():
        shutil.move(path, into / name)
