"""Runs on disk, as a server that starts finds them: living, waiting, ended, or cut short."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from pathlib import Path

from gtt.errors import GTTError
from gtt.runs.hub_job import JobFolder
from gtt.runs.managed_run import NOTE, ManagedRun, Waiting, is_damaged_run


def find_runs(folder: Path, known_ids: Container[str]) -> Iterator[ManagedRun]:
    """The runs in a folder that are not known yet; whatever is no run is passed over."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name in known_ids or not path.is_dir():
            continue
        if path.is_symlink():
            continue
        try:
            yield ManagedRun.open(path)
        except (GTTError, OSError):  # not a run, or not yet
            continue


def recover(run: ManagedRun) -> None:
    """Sets the note of a run right whose server ended; on a full disk, in memory only.

    The note says that a run is started before its worker is on record and has its order, and is not
    changed after that. So a run that waits by its note and was started since is alive, or has
    written to its journal, or never got its order and waits again.
    """
    note = run.note
    if note.started_at is None:
        return
    if note.waiting is None and JobFolder(run.path).read() is not None:
        return  # what trains elsewhere never waits for this machine
    if note.waiting is None:
        if run.journal_size() == 0 and not run.is_alive():  # it died before its first word
            run.note_anyway(waiting=Waiting(note.started_at))
    elif note.started_at >= note.waiting.since:
        if run.is_alive():
            # Almost surely with its order; if not, it ends without a word and waits again.
            run.handed = note.waiting
            run.note_anyway(waiting=None)
        elif run.view().seq > note.ended_seq:
            run.note_anyway(waiting=None)


def in_turn(found_runs: Iterable[ManagedRun], known_runs: Iterable[ManagedRun]) -> list[ManagedRun]:
    """Those found that wait, in the order in which the queue of the server before had them.

    An owner's place in it dates from the last time one of theirs was started, or from the first
    that waits since then.
    """
    turns: dict[str, float] = {}
    waiting = []
    for run in found_runs:
        if run.note.waiting is not None and run.note.deleted_at is None:
            since, owner = run.note.waiting.since, run.owner or ""
            waiting.append((owner, since, run))
            turns[owner] = min(turns.get(owner, since), since)
    for run in known_runs:
        owner = run.owner or ""
        if owner in turns and run.note.waiting is None:
            turns[owner] = max(turns[owner], run.note.started_at or 0.0)
    waiting.sort(key=lambda item: (turns[item[0]], item[1]))
    return [run for _, _, run in waiting]


def half_made(folder: Path, known_ids: Container[str]) -> list[Path]:
    """Folders that a server began and never finished: a note, and no run beside it."""
    return [
        path
        for path in folder.iterdir()
        if path.name not in known_ids
        and not path.is_symlink()
        and (path / NOTE).is_file()
        and not is_damaged_run(path)
    ]
